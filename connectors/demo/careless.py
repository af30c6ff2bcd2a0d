"""Clients that make mistakes: foreign producers without our publisher, which would have refused before sending."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, cast

from connectors.scenario.stream import Act
from schemas.catalogue import contract
from schemas.codec import HEADER, MAGIC, Codec, Record
from schemas.json_form import from_json

UNKNOWN_SCHEMA_ID = 999_999


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """Bytes that an agency sends by mistake, and the rule that must refuse them."""

    agency: str
    rule: str
    value: bytes


def mistakes(act: Act, codec: Codec, random: Random) -> list[Mistake]:
    """Return every kind of mistake once, each made from the good event *act*, under an id of its own."""
    good = encode(act, codec)
    broken = good[: HEADER.size] + bytes(random.randrange(256) for _ in range(40))
    found = [
        Mistake(agency=act.agency, rule="malformed-record", value=broken),
        Mistake(agency=act.agency, rule="malformed-record", value=b"\x07" + good[1:]),
        Mistake(agency=act.agency, rule="unknown-schema", value=HEADER.pack(MAGIC, UNKNOWN_SCHEMA_ID) + good[5:]),
    ]
    for rule, change in CHANGES.items():
        record = _record(act)
        record["envelope"]["event_id"] = f"{act_id(act)[:24]}{random.getrandbits(48):012x}"
        change(record)
        found.append(Mistake(agency=act.agency, rule=rule, value=encode(act, codec, record)))
    return found


def reused_id(act: Act, codec: Codec) -> Mistake:
    """Return the event *act* with other content under the same id."""
    record = _record(act)
    record["envelope"]["officer_ref"] = "O-999"
    return Mistake(agency=act.agency, rule="event-id-reused", value=encode(act, codec, record))


def encode(act: Act, codec: Codec, record: Record | None = None) -> bytes:
    """Return *act* (or *record* in its place) as its agency sends it."""
    found = contract(str(act.event["event_type"]))
    return codec.writer(f"in.{act.agency}-{found.fullname}", found.schema).encode(record or _record(act))


def act_id(act: Act) -> str:
    """Return the event id of *act*."""
    return str(cast("dict[str, object]", act.event["envelope"])["event_id"])


def _record(act: Act) -> dict[str, Any]:
    record, wrong = from_json(copy.deepcopy(act.event), contract(str(act.event["event_type"])))
    assert not wrong, "a story is well formed"
    return cast("dict[str, Any]", record)


def _other_agency(record: dict[str, Any]) -> None:
    record["envelope"]["agency"] = "bg-police" if record["envelope"]["agency"] == "rs-police" else "rs-police"


def _unknown_code(record: dict[str, Any]) -> None:
    record["envelope"]["purpose"] = "MADE_UP"


def _future(record: dict[str, Any]) -> None:
    for name in ("occurred_at", "recorded_at"):
        record["envelope"][name] = record["envelope"][name].replace(year=2199)


def _empty(record: dict[str, Any]) -> None:
    record["envelope"]["officer_ref"] = ""


def _name_as_reference(record: dict[str, Any]) -> None:
    record["person"]["person_ref"] = str(record["person"]["full_name"]).split()[-1]


CHANGES: dict[str, Callable[[dict[str, Any]], None]] = {
    "agency-not-owner": _other_agency,
    "unknown-code": _unknown_code,
    "in-the-future": _future,
    "empty": _empty,
    "reference-is-a-name": _name_as_reference,
}
