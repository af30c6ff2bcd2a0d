"""The topic `control.keys`: signing keys and revocations, read to the end by whoever is to trust a signature."""

import asyncio
import dataclasses
from collections.abc import Sequence

from aiokafka.errors import KafkaError

from infra.control_log import ControlLog, ControlUnavailableError
from infra.kafka import append
from infra.signing.keys import Keyring, Revocation, SigningKey
from infra.signing.records import (
    key_from,
    record_of_key,
    record_of_revocation,
    registered,
    revocation_from,
    revoked,
)
from infra.topology.credentials import Credentials
from schemas.catalogue import hub_contract
from schemas.codec import Codec

KEYS = "control.keys"
REGISTERED = "SigningKeyRegistered"
REVOKED = "SigningKeyRevoked"


class KeyLog:
    """What `control.keys` says, read to its end whenever asked, as the principal of *credentials*."""

    def __init__(self, credentials: Credentials, codec: Codec) -> None:
        self._codec = codec
        self._log = ControlLog(credentials, codec, {KEYS: self._take})
        self._ring = Keyring(keys={}, revocations={})

    async def keyring(self) -> Keyring:
        """Return every key and revocation that the topic holds now.

        Raises ControlUnreadableError, or UnavailableError when broker or registry are away: nothing is trusted then.
        """
        offsets = await self._log.read_to_end()
        if self._ring.offset != offsets[KEYS]:
            self._ring = dataclasses.replace(self._ring, offset=offsets[KEYS])
        return self._ring

    async def stop(self) -> None:
        """Close the connection."""
        await self._log.stop()

    def _take(self, value: bytes | None) -> None:
        self._ring = ring_with(self._ring, value, self._codec)


def ring_with(ring: Keyring, value: bytes | None, codec: Codec) -> Keyring:
    """Return *ring* with what the record *value* of the topic says; raise ValueError, RejectedError for another."""
    decoded = codec.decode(value)
    if decoded.fullname == (key := hub_contract(REGISTERED)).fullname:
        return registered(ring, key_from(codec.in_form(value, decoded, key)))
    if decoded.fullname == (revocation := hub_contract(REVOKED)).fullname:
        return revoked(ring, revocation_from(codec.in_form(value, decoded, revocation)))
    raise ValueError("no record of signing keys")


async def tell(credentials: Credentials, codec: Codec, told: Sequence[SigningKey | Revocation]) -> None:
    """Append *told* to the topic; raise ControlUnavailableError unless all are acknowledged."""
    values = await asyncio.to_thread(lambda: [_encoded(codec, each) for each in told])
    try:
        await append(credentials, KEYS, values)
    except (KafkaError, OSError) as error:
        raise ControlUnavailableError(f"the keys were not published ({type(error).__name__}): give it again") from None


def _encoded(codec: Codec, told: SigningKey | Revocation) -> bytes:
    contract = hub_contract(REGISTERED if isinstance(told, SigningKey) else REVOKED)
    record = record_of_key(told) if isinstance(told, SigningKey) else record_of_revocation(told)
    return codec.writer(f"{KEYS}-{contract.fullname}", contract.schema).encode(record)
