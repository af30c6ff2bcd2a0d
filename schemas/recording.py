"""Adds to the golden corpus what is not in it yet: a message of each current schema, made from the examples."""

import io
import itertools
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import fastavro

from schemas import golden
from schemas.catalogue import Contract, contracts, hub_contracts
from schemas.codec import Fingerprinted, Record, parse
from schemas.derive import Channel, derive
from schemas.examples import example, hub_example
from schemas.field_steps import AGENCY, persons
from schemas.golden import Entry
from schemas.json_form import EVENT_TYPE, from_json, to_json
from schemas.names import KeyId
from schemas.originals import seal_original
from schemas.registry import AvroSchema
from schemas.review import UnfitSchemaError, findings
from schemas.sealing import DataKey, Sealing, seal
from schemas.stamps import SIGNED_ORIGINAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """One schema of today, and what makes a record of it."""

    contract: Contract
    fullname: str
    schema: AvroSchema
    fingerprint: str
    make: Callable[[], Record]


def everything() -> tuple[Current, ...]:
    """Return every schema that has a golden corpus: of agencies, of the ledger, of the hub itself."""
    found = []
    for contract in contracts():
        ledger = derive(contract, Channel.LEDGER)
        found.append(_current(contract, contract.fullname, contract, partial(_example_of, contract)))
        found.append(_current(contract, ledger.fullname, ledger, partial(_sealed_example_of, contract)))
    found += [_current(each, each.fullname, each, partial(_example_of, each)) for each in hub_contracts()]
    return tuple(found)


def unrecorded(root: Path = golden.ROOT) -> tuple[Current, ...]:
    """Return every schema of today that has no entry in the corpus."""
    return tuple(
        each
        for each in everything()
        if each.fingerprint not in {entry.fingerprint for entry in golden.entries(each.fullname, root)}
    )


def record(root: Path = golden.ROOT) -> tuple[str, ...]:
    """Write what is missing below *root* and return the names of the files; those that are there stay as they are.

    Raises UnfitSchemaError, and writes nothing, when a schema may not follow the versions before it.
    """
    if wrong := findings(root):
        raise UnfitSchemaError("\n".join(map(str, wrong)))
    missing = unrecorded(root)
    written = []
    for entry in [_entry(each, root) for each in missing]:
        path = root / entry.fullname / entry.file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(entry.text(), encoding="utf-8")
        written.append(path.relative_to(root).as_posix())
    return tuple(written)


def _current(contract: Contract, fullname: str, versioned: Fingerprinted, make: Callable[[], Record]) -> Current:
    return Current(
        contract=contract, fullname=fullname, schema=versioned.schema, fingerprint=versioned.fingerprint, make=make
    )


def _entry(current: Current, root: Path) -> Entry:
    earlier = golden.entries(current.fullname, root)
    record, out = current.make(), io.BytesIO()
    fastavro.schemaless_writer(out, parse(current.schema), record)
    read = fastavro.schemaless_reader(io.BytesIO(out.getvalue()), parse(current.schema), None)
    said = cast("Record", read)
    content = {name: value for name, value in to_json(said, current.schema).items() if name in said}
    return Entry(
        fullname=current.fullname,
        version=len(earlier) + 1,
        fingerprint=current.fingerprint,
        previous=earlier[-1].fingerprint if earlier else None,
        schema=current.schema,
        value=out.getvalue(),
        record=content,
    )


def _example_of(contract: Contract) -> Record:
    if contract.family != "hub":
        return from_json(example(contract.name), contract)[0]
    written = hub_example(contract.name)  # where `event_type` is a field, and not the name of the contract
    own = {EVENT_TYPE: written[EVENT_TYPE]} if EVENT_TYPE in written else {}
    return {**from_json(written, contract)[0], **own}


def _sealed_example_of(contract: Contract) -> Record:
    """Return the example as the ledger carries it, under keys that follow from their ids."""
    record = _example_of(contract)
    envelope = cast("Record", record["envelope"])
    subjects = {path: f"subject-of-{path}" for path in persons(contract, record)}
    keys = {path: _key(subject) for path, subject in {**subjects, AGENCY: str(envelope["agency"])}.items()}
    numbers = itertools.count()
    sealing = Sealing(
        event_id=str(envelope["event_id"]),
        schema=derive(contract, Channel.LEDGER).fullname,
        keys=keys,
        nonce=lambda: next(numbers).to_bytes(12),
    )
    original = seal_original(SIGNED.encode(), sealing)
    stamps = {
        "received_at": envelope["recorded_at"],
        "signed_by": hub_example("SignedEvent")["key_id"],
        SIGNED_ORIGINAL: original,
    }
    return seal(contract, Channel.LEDGER, {**record, **stamps}, sealing)


SIGNED = "Invented, and signed by nobody."
"""Stands for the signed original in a recorded ledger event."""


def _key(subject: str) -> DataKey:
    kid = KeyId(str(uuid.uuid5(uuid.NAMESPACE_OID, subject)))
    return DataKey(kid, subject, golden.secret_of(kid))
