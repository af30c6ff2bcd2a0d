"""Agreements: which partner may see what of whom, for which purpose, on which legal basis, until when."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from schemas.names import AgencyId, PartnerId

View = Literal["personal", "pseudonymous"]
"""How persons appear to the partner; non-personal data travels on `anon.*` and needs no agreement."""
TRAFFIC_LIGHTS = ("CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED")
"""The codes of the list `tlp`, the widest first (FIRST TLP 2.0)."""


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
    categories: tuple[str, ...] | None = None
    """Codes of the list `data_category`: an event that tells anything else does not pass; None for all."""
    handling: tuple[str, ...] | None = None
    """Codes of the list `handling` that the partner may receive; None for all."""
    tlp_max: str | None = None
    """The narrowest traffic light that passes, a code of the list `tlp`; None for any."""

    def passes_tlp(self, tlp: str) -> bool:
        """Whether an event under *tlp* is no narrower than agreed; one that nobody knows is, unless any passes."""
        if self.tlp_max is None:
            return True
        return tlp in TRAFFIC_LIGHTS and TRAFFIC_LIGHTS.index(tlp) <= TRAFFIC_LIGHTS.index(self.tlp_max)

    def covers(self, agency: str, event_type: str, day: date) -> bool:
        """Tell whether an event of this type by *agency* falls under the agreement on *day*."""
        in_force = self.valid_from <= day <= self.valid_until
        return in_force and agency in self.agencies and event_type in self.event_types
