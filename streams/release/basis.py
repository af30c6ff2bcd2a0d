"""What a decision rests on, as one value: whoever replays the same control topics finds the same hash. Pure.

The encoding is JSON: keys sorted, no white space, no escapes (`ensure_ascii` off), UTF-8; sets as sorted lists, times
as ISO 8601 UTC in milliseconds. Its parts are
  rules       the version of the rules
  audience    the partner
  facts       what the rules asked of the event; its persons by random ids and roles, nothing that names anybody
  agreements  [id, version] of every agreement with the audience, sorted
  consents    ids of the events that gave what is known of the event's persons, sorted
  approvals   ids of the genuine approvals of the event for the audience, sorted
"""

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from infra.approvals import Approval
from infra.consents import Consent
from infra.control import ControlState
from infra.topology.agreements import Agreement
from schemas.names import PartnerId
from streams.release.decide import RULES_VERSION, Decision, Facts, decide


class Because(StrEnum):
    """Why it was decided when it was."""

    FIRST = "FIRST"
    CONTROL_CHANGED = "CONTROL_CHANGED"
    TIME = "TIME"


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """What of the control topics concerns one event and one audience."""

    agreements: tuple[Agreement, ...]
    consents: tuple[Consent, ...]
    approvals: tuple[Approval, ...]


def considered(facts: Facts, audience: PartnerId, control: ControlState) -> Considered:
    """Return what of *control* the rules are asked with."""
    subjects = sorted({person.subject for person in facts.persons})
    return Considered(
        agreements=tuple(each for each in control.agreements if each.partner == audience),
        consents=tuple(each for subject in subjects for each in control.consents.get(subject, ())),
        approvals=tuple(each for each in control.approvals.get(facts.event_id, ()) if each.audience == audience),
    )


def decided(facts: Facts, audience: PartnerId, asked: Considered, now: dt.datetime) -> Decision:
    """Return what the rules say with what was *asked* of the control topics."""
    return decide(facts, audience, asked.agreements, asked.consents, now, asked.approvals)


def basis_bytes(facts: Facts, audience: PartnerId, asked: Considered) -> bytes:
    """Return the canonical encoding of what a decision rests on."""
    content = {
        "rules": RULES_VERSION,
        "audience": audience,
        "facts": {each.name: _plain(getattr(facts, each.name)) for each in dataclasses.fields(facts)},
        "agreements": sorted([each.id, each.version] for each in asked.agreements),
        "consents": _ids(each.event_id for each in asked.consents),
        "approvals": _ids(each.approval_id for each in asked.approvals),
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def basis_of(facts: Facts, audience: PartnerId, asked: Considered) -> str:
    """Return the SHA-256 of what a decision rests on, hexadecimal."""
    return hashlib.sha256(basis_bytes(facts, audience, asked)).hexdigest()


def _ids(found: Iterable[str]) -> Sequence[str]:
    return sorted(set(found))


def _plain(value: object) -> object:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(timespec="milliseconds")
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        people = [{each.name: getattr(one, each.name) for each in dataclasses.fields(one)} for one in value]
        return sorted(people, key=lambda one: str(one["path"]))
    return value
