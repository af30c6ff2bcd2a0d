"""The work that every contender of `pump.py` does with an event, and nothing else: the same code for all of them.

A Confluent-framed Avro event is decoded, loses whoever it names, is generalised by fixed ladders, gets a pseudonym, is
encoded into a derived schema, and says which topic it goes to under which key. Needs fastavro and nothing of the hub,
so that it also runs in an environment where the hub is not installed.
"""

import base64
import datetime as dt
import hmac
import io
import struct
from collections.abc import Mapping
from typing import Any

import fastavro

HEADER = struct.Struct(">bI")
AGE_STEP = 5
AGE_LAST = 85
PSEUDONYM_CHARS = 26

REGIONS: Mapping[str, tuple[str, ...]] = {
    "Southern Europe": ("ALB", "BIH", "GRC", "HRV", "ITA", "MKD", "MNE", "SRB", "SVN", "XKX"),
    "Eastern Europe": ("BGR", "BLR", "HUN", "MDA", "POL", "ROU", "RUS", "SVK", "UKR"),
    "Western Europe": ("AUT", "BEL", "CHE", "DEU", "FRA", "NLD"),
    "Western Asia": ("AZE", "GEO", "SYR", "TUR"),
}
"""Sub-regions of M49 with the countries that the invented persons come from."""
REGION_OF = {country: region for region, countries in REGIONS.items() for country in countries}

ROUTE_OF = {
    "IDENTIFY": "persons",
    "REFER": "persons",
    "INVESTIGATE": "cases",
    "EXTRADITE_MLA": "requests",
    "INSPECT": "controls",
}
ROUTES = tuple(sorted(set(ROUTE_OF.values())))

_TEXTS = {"type": "array", "items": "string"}
DERIVED: dict[str, Any] = {
    "type": "record",
    "name": "Anonymised",
    "namespace": "hub.bench.v1",
    "fields": [
        *({"name": name, "type": "string"} for name in ("event_id", "event_type", "purpose", "handling")),
        *({"name": name, "type": "string"} for name in ("month", "subject", "group", "age", "role")),
        {"name": "regions", "type": _TEXTS},
        {"name": "forms", "type": _TEXTS},
        {"name": "setting", "type": ["null", "string"], "default": None},
        {"name": "minor", "type": ["null", "boolean"], "default": None},
    ],
}
NOBODY: Mapping[str, Any] = {}
Outcome = tuple[str, bytes, bytes]
"""Route, key and bytes of what comes out."""


class Transform:
    """The work, for events written with *schemas* (by id): pure, the same bytes in give the same bytes out."""

    def __init__(self, schemas: Mapping[int, Mapping[str, Any]], derived_id: int, secret: bytes) -> None:
        self._readers = {number: fastavro.parse_schema(dict(s), named_schemas={}) for number, s in schemas.items()}
        self._names = {number: str(schema["name"]) for number, schema in schemas.items()}
        self._derived = fastavro.parse_schema(DERIVED, named_schemas={})
        self._header = HEADER.pack(0, derived_id)
        self._secret = secret

    def __call__(self, value: bytes) -> Outcome:
        """Return where what is left of *value* goes, under which key, and its bytes."""
        schema_id = HEADER.unpack_from(value)[1]
        source = io.BytesIO(value)
        source.seek(HEADER.size)
        record: Any = fastavro.schemaless_reader(source, self._readers[schema_id], None)
        derived = self._anonymised(self._names[schema_id], record)
        out = io.BytesIO()
        out.write(self._header)
        fastavro.schemaless_writer(out, self._derived, derived)
        return ROUTE_OF[derived["purpose"]], derived["subject"].encode(), out.getvalue()

    def _anonymised(self, name: str, record: Mapping[str, Any]) -> dict[str, Any]:
        envelope, person = record["envelope"], _person_of(record)
        age = _age(person.get("date_of_birth"), envelope["occurred_at"])
        countries = [*person.get("citizenships", ()), person.get("residence_country")]
        return {
            "event_id": envelope["event_id"],
            "event_type": name,
            "purpose": envelope["purpose"],
            "handling": envelope["handling"],
            "month": envelope["occurred_at"].strftime("%Y-%m"),
            "subject": self._pseudonym(envelope["agency"], person.get("person_ref", "")),
            "group": person.get("group", "NOT_REPORTED"),
            "age": _band(age),
            "role": person.get("role", "NOT_REPORTED"),
            "regions": sorted({REGION_OF.get(country, "Elsewhere") for country in countries if country}),
            "forms": record.get("exploitation_forms", []),
            "setting": record.get("setting"),
            "minor": None if age is None else age < 18,
        }

    def _pseudonym(self, agency: str, reference: str) -> str:
        digest = hmac.digest(self._secret, f"{agency}|{reference}".encode(), "sha256")
        return base64.b32encode(digest).decode()[:PSEUDONYM_CHARS]


def _person_of(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the person whom *record* is about: its one person, its first suspect, or a proprietor."""
    if (person := record.get("person")) is not None:
        found: Mapping[str, Any] = person
        return found
    if suspects := record.get("suspects"):
        return suspects[0]  # type: ignore[no-any-return]  # as fastavro gives it
    return (record.get("establishment") or NOBODY).get("proprietor") or NOBODY


def _age(born: dt.date | None, then: dt.datetime) -> int | None:
    if born is None:
        return None
    return then.year - born.year - ((then.month, then.day) < (born.month, born.day))


def _band(age: int | None) -> str:
    if age is None:
        return "NOT_REPORTED"
    low = min(age, AGE_LAST) // AGE_STEP * AGE_STEP
    return f"{low}+" if low == AGE_LAST else f"{low}-{low + AGE_STEP - 1}"
