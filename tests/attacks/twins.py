"""Two events that differ in personal values alone: what the ledger may show of one it shows of the other.

What the two share is what the ledger shows or a rule asks by design: fields in clear, which optional fields are there
and not left at their default, how many persons, and what decides who gets the event (`DECIDE`).
"""

import copy
import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from schemas.catalogue import contract
from schemas.derive import IN_CLEAR, SEALED
from schemas.field_steps import persons
from schemas.shapes import Array, Field, Record, inner_record, shape_of
from schemas.validation import problems

DECIDE = frozenset({"role", "restricted", "consent_to_referral"})
"""Sealed fields that the rules of release ask for: their effect, the decision, is in clear."""
JOINED = frozenset({"person_ref", "case_ref"})
"""References by which the hub knows a person or a case again: renamed, the same everywhere."""


def twin(name: str, event: Mapping[str, Any], other: Mapping[str, Any], now: dt.datetime) -> dict[str, Any]:
    """Return *event* with as many values of *other*, an event of the same type *name*, as keep it valid."""
    made = copy.deepcopy(dict(event))
    for person in persons(contract(name), made).values():
        person["person_ref"] = renamed(person["person_ref"])
    if made["envelope"]["case_ref"] is not None:
        made["envelope"]["case_ref"] = renamed(made["envelope"]["case_ref"])
    for put in list(_changes(shape_of(contract(name)), made, other)):
        take_back = put()
        if take_back is not None and problems(made, contract(name), now):
            take_back()
    return made


def _changes(
    shape: Record, record: dict[str, Any], other: Mapping[str, Any], *, in_clear: bool = False
) -> Iterator[Callable[[], Callable[[], None] | None]]:
    """Yield for each value that may differ what changes it, which returns what takes that back."""
    for entry in shape.fields:
        value, its = record.get(entry.name), other.get(entry.name)
        kind = str(entry.privacy.get("class"))
        if value is None or its is None:
            continue
        if kind == "CONTAINER":
            inner = inner_record(entry.shape)
            assert inner is not None
            pairs = zip(value, its, strict=False) if isinstance(value, list) else [(value, its)]
            hides = entry.name == "establishment" and value.get("legal_form") == "LEGAL_PERSON"
            for mine, theirs in pairs:
                yield from _changes(inner, mine, theirs, in_clear=hides)
        elif kind in IN_CLEAR or entry.name in DECIDE | JOINED or (kind == "ENTITY" and in_clear):
            continue
        elif kind in SEALED or kind == "ENTITY":
            yield from _change(entry, record, its)


def _change(entry: Field, record: dict[str, Any], its: Any) -> Iterator[Callable[[], Callable[[], None] | None]]:
    if isinstance(entry.shape, Array) and bool(its) is not bool(record[entry.name]):
        return  # an empty list is not the same as one that says something: the ledger may show which it is

    def put() -> Callable[[], None] | None:
        before = record[entry.name]
        if before == its or (before == entry.default) is not (its == entry.default):
            return None
        record[entry.name] = copy.deepcopy(its)
        return lambda: record.__setitem__(entry.name, before)

    yield put


def renamed(reference: str) -> str:
    """Return another reference, one letter longer; two that are equal stay equal, two that differ go on to differ."""
    return "".join(chr((ord(letter) - 48 + 5) % 10 + 48) if letter.isdigit() else letter for letter in reference) + "7"
