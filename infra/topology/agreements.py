"""Agreements: which partner may see what of whom, for which purpose, on which legal basis, until when."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from schemas.names import AgencyId, PartnerId

View = Literal["personal", "pseudonymous"]
"""How persons appear to the partner; non-personal data travels on `anon.*` and needs no agreement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """One agreement in one version, its parties expanded to agencies."""

    id: str
    version: int
    title: str
    basis: str
    """The section of the guidelines that asks for this exchange, and what it asks."""
    agencies: tuple[AgencyId, ...]
    """Whose events it covers."""
    partner: PartnerId
    """Who receives them."""
    event_types: tuple[str, ...]
    purposes: tuple[str, ...]
    """Codes of the list `purpose`: the envelope's purpose must be one of them."""
    roles: tuple[str, ...]
    """Codes of the list `person_role`: persons in any other role do not pass."""
    view: View
    legal_bases: tuple[str, ...]
    """Codes of the list `legal_basis`: the envelope must name one of them."""
    valid_from: date
    """First day, UTC."""
    valid_until: date
    """Last day, UTC; from the next day on the route is closed."""
    retention_days: int
    """How long the partner may keep what it received."""
    onward_sharing: bool
    """Whether the partner may pass it on without asking the owner."""
    only_addressee: bool = False
    """Whether an event passes only to the partner that it is addressed to."""

    def covers(self, agency: str, event_type: str, day: date) -> bool:
        """Tell whether an event of this type by *agency* falls under the agreement on *day*."""
        in_force = self.valid_from <= day <= self.valid_until
        return in_force and agency in self.agencies and event_type in self.event_types
