"""What is in clear does not depend on what is personal: two logs that differ in personal values alone leave the same.

Of what is sealed, the ciphertext alone differs, and its length in whole steps of the padding (decision 3).
"""

import asyncio
import copy
import datetime as dt
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from schemas.catalogue import contract, contracts
from schemas.codelists import code_list
from schemas.derive import SEALED, Channel
from schemas.errors import RejectedError
from schemas.field_steps import Plan, Step, persons, plan_of
from schemas.names import KeyId
from schemas.opening import SEALED_FIELDS
from schemas.sealing import PAD_BYTES, DataKey, Sealing
from schemas.shapes import Array, shape_of, walk
from streams.intake.consenting import CONSENTS
from streams.intake.processor import NO_CASE
from tests.attacks import access_bodies
from tests.attacks.hub import (
    NOW,
    ORGANISATION,
    Hub,
    Sent,
    Sinks,
    agency_for,
    agreements_for,
    codec,
    logged,
    published,
    topology,
)
from tests.attacks.score_table import score
from tests.attacks.twins import twin
from tests.evidence import export_of, findings_in
from tests.schemas.sealed import counted
from tests.schemas.strategies import NAMES, valid_events

EXAMPLES = int(os.environ.get("HUB_ATTACK_EXAMPLES", "100"))
UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)
"""To shrink takes minutes, and the difference names its place."""
SEALED_FAMILIES = ("ledger", "to.<partner>", "stage.<population>", "quarantine.<agency>")
EVIDENCE_FAMILIES = ("receipts.<agency>", "roots.<agency>")
"""Hashes on them are over ciphertext, as `assert_evidence_is_over_ciphertext` shows; all else must be the same."""
HASH = re.compile(rb"[0-9a-f]{64}")
Event = tuple[str, Mapping[str, Any]]
Pair = tuple[str, Mapping[str, Any], Mapping[str, Any]]


def pairs() -> st.SearchStrategy[Pair]:
    """Return event types with an event of each, and the same one about somebody else."""

    def of(name: str) -> st.SearchStrategy[Pair]:
        agency = str(agency_for(name))
        two = st.tuples(valid_events(name, agency=agency), valid_events(name, agency=agency))
        return two.map(lambda both: (name, known(name, both[0]), twin(name, known(name, both[0]), both[1], NOW)))

    return st.sampled_from(NAMES).flatmap(of)


def known(name: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """Return *event* addressed to organisations of the topology, about persons and cases that meet again in others."""
    made = copy.deepcopy(dict(event))
    envelope = made["envelope"]
    envelope["on_behalf_of"] = None
    agreed = agreements_for(name, agency_for(name))
    if agreed and len(envelope["officer_ref"]) % 4:  # most of what somebody may see somebody shall see
        one = agreed[len(envelope["officer_ref"]) % len(agreed)]
        envelope |= {"purpose": one.purposes[0], "handling": "H0", "tlp": "AMBER", "valid_until": None}
        if made.get("consent_to_referral") != "NO":
            envelope["legal_basis"] = [one.legal_bases[-1]]
    if "to_agency" in made:
        made["to_agency"] = ORGANISATION
    for person in persons(contract(name), made).values():
        person["person_ref"] = f"P-{len(person['person_ref']) % 4}"
    if made["envelope"]["case_ref"] is not None:
        made["envelope"]["case_ref"] = f"K-{len(made['envelope']['case_ref']) % 3}"
    return made


def sent(events: Sequence[Event], name: str) -> list[Sent]:
    """Return *events* as agencies send them, keys and all, and what the hub refuses of the same."""
    out = []
    for event_type, event in events:
        value = published(event_type, event)
        agency = agency_for(event_type)
        broken = copy.deepcopy(dict(event))
        broken["envelope"] |= {"purpose": name, "occurred_at": NOW + dt.timedelta(days=len(name)), "on_behalf_of": name}
        for person in persons(contract(event_type), broken).values():
            person |= {"person_ref": f"{name} {name}", "group": name, "date_of_birth": dt.date(2300, 1, len(name))}
        out += [Sent(agency=agency, value=value, key=name.encode())]
        out += [Sent(agency=agency, value=value)]
        out += [Sent(agency=agency, value=published(event_type, broken)), Sent(agency=agency, value=value[:-1])]
        out += [Sent(agency=agency, value=value + name.encode()), Sent(agency=agency, value=name.encode())]
    return out


def run(events: Sequence[Event], name: str) -> tuple[Sinks, Mapping[str, bytes]]:
    """Return what a new hub leaves behind of *events*, and what its access server answers to *name*."""

    async def whole() -> tuple[Sinks, Mapping[str, bytes]]:
        hub = Hub()
        for event_type, event in events:
            agency = agency_for(event_type)
            people = persons(contract(event_type), event).values()
            hub.vault.meet("subject", [(agency, str(person["person_ref"])) for person in people])
            hub.vault.meet("case", [(agency, event["envelope"]["case_ref"] or NO_CASE)])
        sinks = await hub.run(sent(events, name))
        with logged() as logs:
            answers = await access_bodies.bodies(hub, name)
        sinks.logs += logs.getvalue()
        return sinks, answers

    return asyncio.run(whole())


def differences(one: Sinks, other: Sinks) -> list[str]:
    """Return every place where two runs differ and may not."""
    found = []
    if [place(each) for each in one.stored] != [place(each) for each in other.stored]:
        found.append("topics, partitions, offsets, keys or order")
    for mine, theirs in zip(one.stored, other.stored, strict=False):
        family = next(topic.family for topic in topology().topics if topic.name == mine.topic)
        masked = family in (*SEALED_FAMILIES, *EVIDENCE_FAMILIES, CONSENTS)
        same = in_clear(mine.value) == in_clear(theirs.value) if masked else mine.value == theirs.value
        if not same:
            found.append(f"{mine.topic} {mine.offset}: {where(in_clear(mine.value), in_clear(theirs.value), '$')}")
    if one.rows != other.rows:
        found.append("tables of projections")
    if remembered(one) != remembered(other):
        found.append("memory of intake")
    if one.parked != other.parked:
        found.append("parking")
    if lines(one.logs) != lines(other.logs):
        found.append("logs")
    return found


def refusals(sinks: Sinks) -> set[str]:
    """Return which rules refused events."""
    receipts = [codec().decode(each.value).record for each in sinks.stored if each.topic.startswith("receipts.")]
    return {f"{wrong['path']} {wrong['rule']}" for each in receipts for wrong in each["problems"]}  # type: ignore[attr-defined]


def where(mine: object, theirs: object, path: str) -> list[str]:
    """Return the paths at which two records differ."""
    if isinstance(mine, dict) and isinstance(theirs, dict) and mine.keys() == theirs.keys():
        return [found for key in mine for found in where(mine[key], theirs[key], f"{path}.{key}")]
    if isinstance(mine, list) and isinstance(theirs, list) and len(mine) == len(theirs):
        return [
            found for i, both in enumerate(zip(mine, theirs, strict=True)) for found in where(*both, f"{path}[{i}]")
        ]
    return [] if mine == theirs else [f"{path}: {mine!r:.60} and {theirs!r:.60}"]


def place(stored: Any) -> tuple[object, ...]:
    return stored.topic, stored.partition, stored.offset, stored.key


def in_clear(value: bytes) -> object:
    """Return the record with every ciphertext replaced by what its length may not tell."""
    try:
        decoded = codec().decode(value)
    except RejectedError:
        return value
    record = decoded.record
    if decoded.fullname in ("hub.v1.Receipt", "hub.v1.BatchRooted"):
        return _without_hashes(record)
    if "recorded_at" in record and record.get("valid_until"):
        record = {**record, "valid_until": "some time"}  # of a consent: release has to know its end (design 12.3)
    return _masked(record)


def _without_hashes(record: Mapping[str, Any]) -> object:
    return {
        **record,
        "record_digest": len(record.get("record_digest") or b""),
        "proof": [len(each) for each in record.get("proof", ())],
        "signature": len(record["signature"] or b""),
        "statement": HASH.sub(b"#", record["statement"] or b""),
    }


def assert_evidence_is_over_ciphertext(sinks: Sinks) -> None:
    """Fail unless every hash of receipts and statements follows from what they say and from what the ledger holds."""
    ledger = [each.value for each in sinks.on("ledger")]
    for agency in topology().agencies:
        receipts = [codec().decode(each.value).record for each in sinks.on(f"receipts.{agency.id}")]
        roots = [codec().decode(each.value).record for each in sinks.on(f"roots.{agency.id}")]
        assert findings_in(export_of(receipts, roots, ledger)) == []


def _masked(value: object) -> object:
    if isinstance(value, dict):
        if value.keys() == set(SEALED_FIELDS):
            return {"kid": value["kid"], "ct": len(value["ct"]) % PAD_BYTES}
        return {key: _masked(inner) for key, inner in value.items()}
    return [_masked(inner) for inner in value] if isinstance(value, list) else value


def remembered(sinks: Sinks) -> object:
    """Return what intake remembers, but for the keyed hashes of content."""
    return {
        agency: {
            event_id: (len(seen.content_mac), seen.source_offset, seen.received_at, seen.chain_position)
            for event_id, seen in held.items()
        }
        for agency, held in sinks.seen.items()
    }


def lines(logs: str) -> list[str]:
    """Return what was logged but for the time."""
    return [
        json.dumps({key: value for key, value in json.loads(line).items() if key != "timestamp"})
        if line.startswith("{")
        else line
        for line in logs.splitlines()
    ]


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None, phases=UNSHRUNK)
@given(events=st.lists(pairs(), min_size=1, max_size=3, unique_by=lambda pair: pair[1]["envelope"]["event_id"]))
def test_nothing_in_clear_depends_on_a_personal_value(events: Sequence[Pair]) -> None:
    mine, its = run([(name, one) for name, one, _ in events], "Jelena")
    theirs, to_them = run([(name, two) for name, _, two in events], "Bogdana Ivanova Dimitrova")

    assert len(mine.on("ledger")) == len(events), f"every event is accepted: {refusals(mine)}"
    assert differences(mine, theirs) == []
    assert_evidence_is_over_ciphertext(mine)
    assert its == to_them


def test_no_code_shows_by_its_length_which_of_its_list_it_is(record_property: Callable[[str, object], None]) -> None:
    """Each code of the list of each sealed field, sealed: all are equally long."""
    sealing = Sealing(event_id="e", schema="s", keys={}, nonce=counted())
    key, told = DataKey(KeyId("k"), "s", bytes(32)), {}
    for known in contracts():
        steps = list(all_steps(plan_of(known, Channel.LEDGER)))
        for path, _, entry in walk(shape_of(known)):
            codes = entry.text("codes")
            if codes is not None and entry.privacy["class"] in SEALED and not isinstance(entry.shape, Array):
                several = [step for step in steps if step.name == entry.name and step.kind == "seal"]
                sizes = {
                    len(sealing.seal(path, code, [key], step.longest)["ct"])  # type: ignore[arg-type]
                    for step in several
                    for code in code_list(codes).codes
                }
                if several:
                    told[f"{known.name}.{path}"] = sizes
    assert {path: sizes for path, sizes in told.items() if len(sizes) > 1} == {}
    assert len(told) > 300
    record_property(*score("coded fields whose ciphertexts are all equally long", len(told), len(told)))


def all_steps(plan: Plan) -> Iterator[Step]:
    for step in plan.steps:
        yield step
        if step.plan is not None:
            yield from all_steps(step.plan)
