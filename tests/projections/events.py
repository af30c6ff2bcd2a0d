"""What projections read, as tests draw it: sealed ledger events, decisions and receipts on their partitions."""

import copy
import datetime as dt
import hashlib
import uuid
from collections.abc import Sequence
from functools import cache
from typing import Any

from hypothesis import strategies as st

from projections.projection import Event
from schemas.catalogue import Contract, contract
from schemas.derive import Channel
from schemas.errors import Problem
from schemas.field_steps import AGENCY, persons
from schemas.names import KeyId, TopicName
from schemas.sealing import DataKey
from tests.publishing import invented
from tests.schemas.sealed import NOW, events, sealed
from tests.schemas.strategies import NAMES

AGENCIES = ("rs-police", "bg-police", "rs-counselling")
COUNTRIES = {"rs-police": "SRB", "bg-police": "BGR", "rs-counselling": "SRB", "europol": None}
CASES = [str(uuid.UUID(int=number)) for number in range(1, 5)]
SUBJECTS = [str(uuid.UUID(int=number)) for number in range(100, 104)]
LEDGER = TopicName("ledger")
RULES = ("unknown-code", "in-the-future")
REASONS = ("no-consent", "agency-not-agreed")
PARTITIONS = 3

Placed = tuple[TopicName, int, Event]
"""Topic, partition, event."""


def _key(name: str, subject: str) -> DataKey:
    return DataKey(KeyId(name), subject, hashlib.sha256(name.encode()).digest())


@cache
def _sealed_example(name: str, agency: str) -> dict[str, Any]:
    """Return the example of *name* as the ledger holds it."""
    return _sealed(contract(name), invented(name, agency), "")


def _sealed(found: Contract, event: dict[str, Any], salt: str) -> dict[str, Any]:
    keys = {path: _key(f"{salt}{path}", SUBJECTS[0]) for path in persons(found, event)}
    keys[AGENCY] = _key(f"{salt}agency", event["envelope"]["agency"])
    record: dict[str, Any] = sealed(found, Channel.LEDGER, event, keys)
    return record


@st.composite
def ledger(draw: st.DrawFn) -> Placed:
    """Draw a ledger event of one of a few cases, persons and referrals."""
    name, case = draw(st.sampled_from(NAMES)), draw(st.integers(0, len(CASES) - 1))
    record = copy.deepcopy(_sealed_example(name, AGENCIES[case % len(AGENCIES)]))
    for person in persons(contract(name), record).values():
        person["subject"] = draw(st.sampled_from(SUBJECTS))
    record["envelope"] |= {
        "event_id": str(draw(st.uuids())),
        "handling": draw(st.sampled_from(["H0", "H1", "H2", "H3"])),
        "corrects": draw(st.sampled_from([None, SUBJECTS[0]])),
    }
    record["received_at"] = NOW + dt.timedelta(milliseconds=draw(st.integers(-5000, 5000)))
    if name == "ReferralOffered":
        record |= {"referral_id": draw(st.sampled_from(CASES)), "to_agency": draw(st.sampled_from(AGENCIES))}
    return LEDGER, case % PARTITIONS, Event(topic=LEDGER, offset=0, key=CASES[case].encode(), name=name, record=record)


def twins() -> st.SearchStrategy[list[Event]]:
    """Return the same valid event sealed under two sets of keys."""

    def both(drawn: tuple[Contract, dict[str, Any]]) -> list[Event]:
        found, event = drawn
        return [
            Event(topic=LEDGER, offset=0, key=CASES[0].encode(), name=found.name, record=_sealed(found, event, salt))
            for salt in ("a", "b")
        ]

    return events().map(both)


@st.composite
def decisions(draw: st.DrawFn) -> Placed:
    """Draw a decision."""
    released = draw(st.booleans())
    record = {
        "event_type": draw(st.sampled_from(["PersonIdentified", "ReferralOffered"])),
        "agency": draw(st.sampled_from(AGENCIES)),
        "audience": draw(st.sampled_from(["europol", "bg-police"])),
        "outcome": "RELEASED" if released else "WITHHELD",
        "view": "personal" if released else None,
        "agreement": "agreement" if released else None,
        "reasons": draw(st.lists(st.sampled_from(REASONS), min_size=1)),
        "decided_at": NOW,
        "because": draw(st.sampled_from([None, "FIRST", "CONTROL_CHANGED", "TIME"] if released else [None, "FIRST"])),
    }
    topic = TopicName("decisions")
    return topic, 0, Event(topic=topic, offset=0, key=None, name="Decision", record=record)


@st.composite
def receipts(draw: st.DrawFn) -> Placed:
    """Draw a receipt."""
    agency = draw(st.sampled_from(AGENCIES))
    outcome = draw(st.sampled_from(["ACCEPTED", "REFUSED", "DUPLICATE"]))
    problems = draw(st.lists(st.sampled_from(RULES), min_size=1)) if outcome == "REFUSED" else []
    record = {
        "agency": agency,
        "event_type": draw(st.sampled_from([None, "PersonIdentified", "NeverHeardOf"])),
        "outcome": outcome,
        "problems": [{"path": p.path, "rule": p.rule, "advice": p.advice} for p in map(_problem, problems)],
    }
    topic = TopicName(f"receipts.{agency}")
    return topic, 0, Event(topic=topic, offset=0, key=None, name="Receipt", record=record)


def logs() -> st.SearchStrategy[list[Placed]]:
    """Return what was written, over all partitions, in the order of time."""
    return st.lists(st.one_of(ledger(), decisions(), receipts()), max_size=12)


def by_partition(log: Sequence[Placed]) -> dict[tuple[str, int], list[Event]]:
    """Return *log* as its partitions hold it."""
    out: dict[tuple[str, int], list[Event]] = {}
    for topic, number, event in log:
        out.setdefault((topic, number), []).append(event)
    return out


def _problem(rule: str) -> Problem:
    return Problem("$", rule, "mend it")
