"""The events of `pump.py`: invented, of five types, some 400 bytes of Avro, written once for every contender.

`filled`: the contracts of the hub without the fields that these events leave empty; `whole`: the contracts as they are,
with some 75 optional fields, which alone cost twenty microseconds to read.
"""

import copy
import datetime as dt
import io
import itertools
import random
from collections.abc import Iterator, Mapping
from typing import Any

import fastavro

from benchmarks._transform import HEADER
from schemas.catalogue import contract
from schemas.codec import parse
from schemas.derive import NamedTypes, array_items, fields_of
from schemas.examples import example
from schemas.json_form import from_json

TYPES = ("PersonIdentified", "ReferralOffered", "InvestigationOpened", "ExtraditionRequested", "ControlFinding")
DIFFERENT = 2_000
"""Events that differ in more than their id."""
PERSONS = 1_000
DERIVED_ID = 9_000
CITIZENSHIPS = ("SRB", "BGR", "MDA", "UKR", "ALB", "ROU", "TUR", "NGA", "PHL", "COL")
GROUPS = ("WOMAN", "MAN", "GIRL", "BOY")
SEED = 2_005


def schemas(names: tuple[str, ...], *, whole: bool) -> dict[int, dict[str, Any]]:
    """Return the schema of each of the event types *names* by the id that stands before its events."""
    return {number: _schema(name, whole=whole) for number, name in enumerate(names, 1)}


def events(names: tuple[str, ...], count: int, *, whole: bool) -> Iterator[bytes]:
    """Yield *count* events of the types *names* in turn, on the wire; each with an id of its own."""
    parsed = [parse(schema) for schema in schemas(names, whole=whole).values()]
    headers = [HEADER.pack(0, number) for number in range(1, len(names) + 1)]
    different = [_event(names[number % len(names)], number) for number in range(DIFFERENT)]
    for number, record in zip(range(count), itertools.cycle(different), strict=False):
        kind = number % DIFFERENT % len(names)
        record["envelope"]["event_id"] = f"{number:08x}-0000-7000-8000-{number:012x}"
        out = io.BytesIO()
        out.write(headers[kind])
        fastavro.schemaless_writer(out, parsed[kind], record)
        yield out.getvalue()


def _event(name: str, number: int) -> dict[str, Any]:
    """Return an invented event; the same number gives the same."""
    dice = random.Random(SEED + number)  # noqa: S311 - nothing secret
    record = copy.deepcopy(dict(_example(name)))
    record["envelope"] |= {"case_ref": f"K-{number}", "occurred_at": _moment(dice), "recorded_at": _moment(dice)}
    establishment = record.get("establishment") or {}
    people = [record.get("person"), *(record.get("suspects") or ()), establishment.get("proprietor")]
    for person in filter(None, people):
        person["person_ref"] = f"P-{dice.randrange(PERSONS)}"
        person["group"] = dice.choice(GROUPS)
        person["citizenships"] = [dice.choice(CITIZENSHIPS)]
        if person.get("date_of_birth") is not None:
            person["date_of_birth"] = dt.date(1950 + dice.randrange(65), 1 + dice.randrange(12), 1)
    return record


def _moment(dice: random.Random) -> dt.datetime:
    return dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=dice.randrange(400_000))


def _example(name: str) -> Mapping[str, Any]:
    record, wrong = from_json(example(name), contract(name))
    assert not wrong, wrong
    return record


def _schema(name: str, *, whole: bool) -> dict[str, Any]:
    schema = dict(contract(name).schema)
    if whole:
        return schema
    types = NamedTypes(schema)
    filled: dict[str, set[str]] = {}
    _collect(schema, _example(name), types, filled)
    trimmed: dict[str, Any] = _without(schema, filled)
    return trimmed


def _collect(record: Any, value: Mapping[str, Any], types: NamedTypes, filled: dict[str, set[str]]) -> None:
    """Note in *filled*, by name of the record, every field that *value* fills."""
    own = filled.setdefault(str(record["name"]).rsplit(".", 1)[-1], set())
    for field in fields_of(record):
        held = value.get(str(field["name"]))
        if held in (None, []):
            continue
        own.add(str(field["name"]))
        items = array_items(field["type"])
        inner = types.record(items if items is not None else field["type"])
        for one in (held if items is not None else [held]) if inner is not None else ():
            _collect(inner, one, types, filled)


def _without(declared: Any, filled: Mapping[str, set[str]]) -> Any:
    """Return the type *declared* without the fields of records that nothing fills, and without attributes of ours."""
    if isinstance(declared, list):
        return [_without(branch, filled) for branch in declared]
    if not isinstance(declared, dict):
        return declared
    kept = {key: value for key, value in declared.items() if key not in ("privacy", "confluent:tags", "doc")}
    if declared.get("type") == "record":
        own = filled.get(str(declared["name"]).rsplit(".", 1)[-1], set())
        kept["fields"] = [_without_in_field(field, filled) for field in declared["fields"] if field["name"] in own]
    elif "items" in declared:
        kept["items"] = _without(declared["items"], filled)
    return kept


def _without_in_field(field: Mapping[str, Any], filled: Mapping[str, set[str]]) -> dict[str, Any]:
    return {"name": field["name"], "type": _without(field["type"], filled)}
