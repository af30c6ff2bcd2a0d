"""What a draft of an agreement would change: past events decided with and without it. Pure."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from infra.control import ControlState
from infra.topology.agreements import Agreement
from schemas.names import PartnerId
from streams.release.basis import considered, decided
from streams.release.decide import Decision, Facts, Release


@dataclass(slots=True, kw_only=True)
class Difference:
    """What the partner of a draft would see that it does not, and would see no more."""

    partner: str
    events: int = 0
    newly_visible: Counter[str] = field(default_factory=Counter)
    """Events by type."""
    newly_hidden: Counter[str] = field(default_factory=Counter)
    seen_otherwise: Counter[str] = field(default_factory=Counter)
    """In another view, or with other persons left out."""
    still_hidden: Counter[str] = field(default_factory=Counter)
    """By reason, of those that the draft speaks of."""
    persons_newly_visible: set[str] = field(default_factory=set)
    persons_newly_hidden: set[str] = field(default_factory=set)

    def plain(self) -> dict[str, object]:
        """Return it in numbers."""
        return {
            "partner": self.partner,
            "events": self.events,
            "newly_visible": dict(self.newly_visible),
            "newly_hidden": dict(self.newly_hidden),
            "seen_otherwise": dict(self.seen_otherwise),
            "still_hidden": dict(self.still_hidden),
            "persons_newly_visible": len(self.persons_newly_visible),
            "persons_newly_hidden": len(self.persons_newly_hidden),
        }


def moment_of(draft: Agreement, now: dt.datetime) -> dt.datetime:
    """Return the moment to decide by: *now*, or the beginning of *draft*, which would change nothing until then."""
    return max(now, dt.datetime.combine(draft.valid_from, dt.time(), dt.UTC))


def with_draft(agreements: Sequence[Agreement], draft: Agreement) -> tuple[Agreement, ...]:
    """Return *agreements* with *draft* in the place of the one of its id, or beside them."""
    return (*(each for each in agreements if each.id != draft.id), draft)


def compare(
    found: Difference, events: Iterable[Facts], control: ControlState, draft: Agreement, now: dt.datetime
) -> None:
    """Add to *found* what *draft* would change about *events*, were all as control has it, at the moment *now*."""
    for facts in events:
        if str(facts.agency) == found.partner:
            continue
        asked = considered(facts, PartnerId(found.partner), control)
        before, after = (
            decided(facts, PartnerId(found.partner), each, now)
            for each in (asked, replace(asked, agreements=with_draft(asked.agreements, draft)))
        )
        found.events += 1
        _count(found, facts, before, after, draft)


def _count(found: Difference, facts: Facts, before: Decision, after: Decision, draft: Agreement) -> None:
    people = {str(person.subject) for person in facts.persons}
    match before, after:
        case Release(), Release():
            if (before.view, before.left_out) != (after.view, after.left_out):
                found.seen_otherwise[facts.event_type] += 1
        case _, Release():
            found.newly_visible[facts.event_type] += 1
            found.persons_newly_visible |= people
        case Release(), _:
            found.newly_hidden[facts.event_type] += 1
            found.persons_newly_hidden |= people
        case _:
            if facts.event_type in draft.event_types and facts.agency in draft.agencies:
                found.still_hidden[", ".join(after.reasons)] += 1
