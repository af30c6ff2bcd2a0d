"""What `ours_sealed` does, by the hub's own code: decode, seal each personal field for one recipient, encode.

Keys are in memory, as the vault's cache has them: one for each person and one for each agency.
"""

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any, cast

from schemas.catalogue import contract
from schemas.codec import HEADER, MAGIC, Codec, Writer, parse
from schemas.derive import Channel, derive
from schemas.field_steps import AGENCY, persons
from schemas.names import KeyId, SchemaId
from schemas.registry import AvroSchema, Registry
from schemas.sealing import DataKey, Sealing, seal
from streams.pump.nonces import nonces

CONTRACT = contract("PersonIdentified")
CHANNEL = Channel.PERSONAL
STAMP = {
    "partner": "europol",
    "agreement": "bench",
    "agreement_version": 1,
    "view": "personal",
    "retention_days": 30,
    "onward_sharing": False,
}


class KnownSchemas:
    """Stands in for the registry: schemas that are known already, as they are to a worker that runs."""

    def __init__(self, schemas: Mapping[int, AvroSchema]) -> None:
        self._schemas = schemas

    def known(self, schema_id: SchemaId) -> AvroSchema | None:
        """Return the schema, None when there is none."""
        return self._schemas.get(schema_id)


class SealingWork:
    """The work, for events written with *schemas* (by id)."""

    def __init__(self, schemas: Mapping[int, Mapping[str, Any]], derived_id: int) -> None:
        self._codec = Codec(cast("Registry", KnownSchemas({n: dict(schema) for n, schema in schemas.items()})))
        derived = derive(CONTRACT, CHANNEL)
        header = HEADER.pack(MAGIC, derived_id)
        self._writer = Writer(
            schema_id=SchemaId(derived_id), fullname=derived.fullname, parsed=parse(derived.schema), header=header
        )
        self._keys: dict[str, DataKey] = {}
        self._nonce = nonces()

    def __call__(self, value: bytes) -> tuple[bytes, bytes]:
        """Return key and bytes of the sealed event in *value*."""
        record = self._codec.decode(value).record
        envelope = cast("dict[str, str]", record["envelope"])
        people = persons(CONTRACT, record)
        keys = {path: self._key(str(person["person_ref"])) for path, person in people.items()}
        keys[AGENCY] = self._key(envelope["agency"])
        sealing = Sealing(
            event_id=envelope["event_id"], schema=self._writer.fullname, keys=keys, nonce=self._nonce, wire=True
        )
        sealed = seal(CONTRACT, CHANNEL, {**record, "received_at": _received(record), "release": STAMP}, sealing)
        return keys["person"].subject.encode(), self._writer.encode(sealed)

    def _key(self, holder: str) -> DataKey:
        found = self._keys.get(holder)
        if found is None:
            secret = hashlib.sha256(holder.encode()).digest()
            kid = KeyId(str(uuid.UUID(bytes=secret[:16])))
            found = self._keys[holder] = DataKey(kid, str(uuid.UUID(bytes=secret[16:])), secret)
        return found


def _received(record: Mapping[str, object]) -> object:
    return cast("dict[str, object]", record["envelope"])["recorded_at"]
