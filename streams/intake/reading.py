"""The rules of intake for one record by itself: bytes -> an event that may enter, or the reasons why not. Pure."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import cast

from schemas.catalogue import Contract, contracts
from schemas.codec import Codec, Decoded, Record
from schemas.errors import MalformedRecordError, Problem, UnknownSchemaError
from schemas.names import AgencyId
from schemas.originals import HOLDER_BYTES, ORIGINAL_BYTES
from schemas.upcasting import Lineages, lineage, published
from schemas.validation import problems as problems_of
from streams.pump.records import SourceRecord

SEAL_BYTES = 160
"""What a seal adds to a value at most: key id, nonce, tag, padding, and the lengths around them."""
SEALED_BYTES_MAX = 3_500_000
"""A sealed event has to fit into a message of the ledger and of every feed, with room for what is added there."""
PROBLEMS_MAX = 100
"""So many problems a receipt lists: thousands, one for each entry of each list, would not fit into a message."""

RECORD_BYTES_MAX = 1_048_588
"""What a topic of an agency takes. Of a compressed batch the broker counts the compressed bytes alone."""

TOO_LARGE = Problem(
    "$", "too-large", "send at most one million bytes in an event; this one is not in quarantine, only its position"
)
TOO_LARGE_SEALED = Problem(
    "$", "too-many-values", "the event has too many values to be sealed one by one; spread it over several events"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """The owner of a topic and what it may publish there."""

    agency: AgencyId
    event_types: Collection[str]
    organisations: Collection[str] = ()
    """Every agency and partner of the topology: whom an event may be addressed to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """With which key an event was signed, and the signed event in its wire format: what the ledger keeps of it."""

    key_id: str
    original: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readable:
    """An event that keeps all rules of its contract and of its topic."""

    source: SourceRecord
    contract: Contract
    event_id: str
    record: Record = field(repr=False)
    signed: Signed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A record that may not enter, with every reason at once."""

    source: SourceRecord
    problems: tuple[Problem, ...]
    event_id: str | None = None
    event_type: str | None = None


def read(
    source: SourceRecord,
    sender: Sender,
    codec: Codec,
    now: dt.datetime,
    lineages: Lineages = lineage,
    *,
    signed: Signed | None = None,
) -> Readable | Refused:
    """Return what *source* says, in the current version of its contract and checked, with how it was *signed*.

    Its schema must have been learnt by *codec* before. Every version of the contract that landed is taken.
    """
    if len(source.value or b"") > RECORD_BYTES_MAX:
        return Refused(source=source, problems=(TOO_LARGE,))
    try:
        decoded = codec.decode(source.value)
    except UnknownSchemaError:
        advice = "use a schema that `hub topology show` lists for this topic; the registry has no such id"
        return Refused(source=source, problems=(Problem("$", "unknown-schema", advice),))
    except MalformedRecordError as error:
        return Refused(source=source, problems=(Problem("$", "malformed-record", str(error)),))
    found = _contract_of(decoded.fullname)
    record = None if found is None else _as_current(decoded, found, lineages)
    if found is None or record is None:
        advice = "publish with the schema that is registered for this topic, unchanged"
        return Refused(source=source, problems=(Problem("$", "schema-not-allowed", advice),))
    problems = [*_of_sender(record, found, sender), *problems_of(record, found, now)]
    if _may_be_too_large(len(source.value or b""), record, signed):
        problems.append(TOO_LARGE_SEALED)
    event_id = _event_id(record, problems)
    if problems:
        return Refused(source=source, problems=_listed(problems), event_id=event_id, event_type=found.name)
    return Readable(source=source, contract=found, event_id=event_id or "", record=record, signed=signed)


def _as_current(decoded: Decoded, found: Contract, lineages: Lineages) -> Record | None:
    """Return the record as the contract *found* says it today; None for a version that never landed."""
    if decoded.fingerprint == found.fingerprint:
        return decoded.record
    versions = lineages(found.name)
    version = versions.find(decoded.fingerprint)
    return None if version is None else versions.upcast(decoded.record, version, published)


def _of_sender(record: Mapping[str, object], found: Contract, sender: Sender) -> list[Problem]:
    """Rules about who publishes what where: design section 4.1 (agency) and the topology (event types)."""
    problems = []
    envelope = cast("Record", record["envelope"])
    if envelope.get("agency") != sender.agency:
        advice = "must be the agency that owns the topic; an event for another organisation says so in on_behalf_of"
        problems.append(Problem("envelope.agency", "agency-not-owner", advice))
    named = {"envelope.on_behalf_of": envelope.get("on_behalf_of"), "to_agency": record.get("to_agency")}
    for path, organisation in named.items():
        if organisation is not None and organisation not in sender.organisations:
            advice = "must be an agency or a partner of the topology (`hub topology show`): this field stays in clear"
            problems.append(Problem(path, "unknown-organisation", advice))
    if found.name not in sender.event_types:
        advice = "the topology does not let an agency of this kind publish this event type; ask the operator"
        problems.append(Problem("$", "event-type-not-permitted", advice))
    return problems


def _may_be_too_large(size_bytes: int, record: Record, signed: Signed | None) -> bool:
    """Whether the event may not fit into a message once its values are sealed; one has a byte at least."""
    original_bytes = 0 if signed is None else len(signed.original) + ORIGINAL_BYTES
    if size_bytes * (2 + SEAL_BYTES + HOLDER_BYTES) + original_bytes <= SEALED_BYTES_MAX:
        return False
    if signed is not None:
        original_bytes += (_persons_in(record) + 1) * HOLDER_BYTES
    return size_bytes * 2 + original_bytes + _values_in(record) * SEAL_BYTES > SEALED_BYTES_MAX


def _persons_in(value: object) -> int:
    """Count the persons who hold a key of the signed original."""
    if isinstance(value, dict):
        return ("person_ref" in value) + sum(map(_persons_in, value.values()))
    return sum(map(_persons_in, value)) if isinstance(value, list) else 0


def _values_in(value: object) -> int:
    """Count the values that may be sealed, each field of each record."""
    if isinstance(value, dict):
        return sum(map(_values_in, value.values()))
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return sum(map(_values_in, value))
    return 1


def _listed(problems: list[Problem]) -> tuple[Problem, ...]:
    """Return the first of *problems*, and how many there are besides."""
    if len(problems) <= PROBLEMS_MAX:
        return tuple(problems)
    advice = f"{len(problems) - PROBLEMS_MAX} more problems are not listed; put these right first"
    return (*problems[:PROBLEMS_MAX], Problem("$", "more-problems", advice))


def _event_id(record: Mapping[str, object], problems: Collection[Problem]) -> str | None:
    """Return the event id when it is a well-formed one: anything else might be personal data."""
    if any(problem.path == "envelope.event_id" for problem in problems):
        return None
    return str(cast("Record", record["envelope"])["event_id"]).lower()


def _contract_of(fullname: str) -> Contract | None:
    return _by_fullname().get(fullname)


@cache
def _by_fullname() -> Mapping[str, Contract]:
    return {known.fullname: known for known in contracts()}
