"""Consents as release sees them: what `control.consents` says, reduced to who may get whose data for what. Pure.

Rule 1: a consent covers the events of the agency to which it was given, and those alone.
Rule 2: a withdrawal ends it from the moment at which the hub took it; what it does not name is all.
Rule 3: a consent that was withdrawn by its id stays so, even when it is told again.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from schemas.codec import Record
from schemas.names import AgencyId, PartnerId, SubjectId


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One person allowed one recipient one purpose until a moment."""

    event_id: str
    """The event that gave it."""
    consent_id: str
    agency: AgencyId
    subject: SubjectId
    recipient: PartnerId
    purpose: str
    categories: frozenset[str]
    until: dt.datetime | None
    """None until it is withdrawn."""

    def holds_at(self, moment: dt.datetime) -> bool:
        """Whether it still counts at *moment*."""
        return self.until is None or moment < self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentFact:
    """One record of the topic: a consent that was given or, in whole or in part, withdrawn."""

    event_id: str
    agency: AgencyId
    consent_id: str | None
    withdrawn: bool
    subjects: frozenset[SubjectId]
    recipients: tuple[PartnerId, ...]
    purposes: tuple[str, ...]
    categories: frozenset[str]
    valid_until: dt.datetime | None

    def consents(self) -> Iterator[Consent]:
        """Yield each consent that it gives."""
        for subject in sorted(self.subjects):
            for recipient in dict.fromkeys(self.recipients):
                for purpose in dict.fromkeys(self.purposes):
                    yield Consent(
                        event_id=self.event_id,
                        consent_id=self.consent_id or "",
                        agency=self.agency,
                        subject=subject,
                        recipient=recipient,
                        purpose=purpose,
                        categories=self.categories,
                        until=self.valid_until,
                    )

    def left_of(self, consent: Consent) -> Consent | None:
        """Return what is left of *consent* after this withdrawal, None for nothing."""
        if self.agency != consent.agency or self.consent_id not in (None, consent.consent_id):
            return consent
        if self.consent_id is None and consent.subject not in self.subjects:
            return consent
        if self.recipients and consent.recipient not in self.recipients:
            return consent
        if self.purposes and consent.purpose not in self.purposes:
            return consent
        left = consent.categories - self.categories if self.categories else frozenset()
        return replace(consent, categories=left) if left else None


def consent_fact_from(record: Record) -> ConsentFact:
    """Return the fact in a ConsentRecorded; raise ValueError for a consent without an id."""
    if not record["withdrawn"] and record["consent_id"] is None:
        raise ValueError("a consent that is given has an id")
    return ConsentFact(
        event_id=str(record["event_id"]),
        agency=AgencyId(str(record["agency"])),
        consent_id=cast("str | None", record["consent_id"]),
        withdrawn=bool(record["withdrawn"]),
        subjects=frozenset(map(SubjectId, cast("list[str]", record["subject_ids"]))),
        recipients=tuple(map(PartnerId, cast("list[str]", record["recipients"]))),
        purposes=tuple(cast("list[str]", record["purposes"])),
        categories=frozenset(cast("list[str]", record["categories"])),
        valid_until=cast("dt.datetime | None", record["valid_until"]),
    )


@dataclass(slots=True)
class ConsentBook:
    """All consents that were told and are left, by person; it takes one fact after another."""

    held: dict[SubjectId, tuple[Consent, ...]] = field(default_factory=dict)
    _subjects: dict[tuple[AgencyId, str], set[SubjectId]] = field(default_factory=dict)
    _withdrawals: dict[tuple[AgencyId, str], list[ConsentFact]] = field(default_factory=dict)

    def take(self, fact: ConsentFact) -> None:
        """Add what *fact* gives, or take away what it withdraws."""
        if fact.withdrawn:
            self._withdraw(fact)
            return
        place = (fact.agency, fact.consent_id or "")
        self._subjects.setdefault(place, set()).update(fact.subjects)
        for given in fact.consents():
            left: Consent | None = given
            for withdrawal in self._withdrawals.get(place, ()):
                left = None if left is None else withdrawal.left_of(left)
            if left is not None and left not in (known := self.held.get(left.subject, ())):
                self.held[left.subject] = (*known, left)

    def _withdraw(self, fact: ConsentFact) -> None:
        subjects = set(fact.subjects)
        if fact.consent_id is not None:
            place = (fact.agency, fact.consent_id)
            self._withdrawals.setdefault(place, []).append(fact)
            subjects |= self._subjects.get(place, set())
        for subject in subjects & self.held.keys():
            left = tuple(each for each in map(fact.left_of, self.held[subject]) if each is not None)
            if left:
                self.held[subject] = left
            else:
                del self.held[subject]

    def now(self) -> Mapping[SubjectId, tuple[Consent, ...]]:
        """Return all of it as it is now, a copy that does not change."""
        return dict(self.held)
