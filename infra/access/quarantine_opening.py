"""A record in quarantine, opened in memory for the agency that sent it, and for nobody else.

Rule 1: what was sealed to the hub and never opened is unsealed here: the agency has no key to it.
Rule 2: what names a person whose data were erased since is not given: erased is erased for the sender as well.
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Literal, cast

from infra.access.quarantine_log import NAME, Held
from infra.arrival.keys import PrivateKeys
from infra.arrival.sealed import open_event, open_session, sealed_event
from infra.signing.signer import signed_event
from infra.vault.vault import Vault
from schemas.codec import Codec
from schemas.errors import MalformedRecordError, UnknownSchemaError
from schemas.names import AgencyId, KeyId, TopicName
from schemas.opening import ERASED, Place, open_value

Gone = Literal["not-kept", "key-destroyed", "person-erased"]
"""Why there is nothing to give: too large or empty, the key of the agency destroyed, a person in it erased."""
ERASED_RULE = "person-erased"


class QuarantineOpener:
    """Opens with the keys of *vault*, and with those of *arrival* what never was unsealed."""

    def __init__(self, vault: Vault, arrival: PrivateKeys, codec: Codec) -> None:
        self._vault = vault
        self._arrival = arrival
        self._codec = codec

    async def opened(self, held: Held, agency: AgencyId) -> bytes | Gone:
        """Return the bytes of *held* as *agency* sent them, or why there are none; raise UnreadableSealError."""
        if held.sealed is None:
            return "person-erased" if any(each.rule == ERASED_RULE for each in held.problems) else "not-kept"
        keys = await self._vault.open([KeyId(str(held.sealed["kid"]))])
        found = open_value(held.sealed, Place(held.place, f"hub.v1.{NAME}", "record"), [agency], keys.get)
        if found is ERASED:
            return "key-destroyed"
        try:
            value = base64.b64decode(str(found), validate=True)
        except binascii.Error:
            return "not-kept"
        value = await self._unsealed(value, TopicName(held.source_topic))
        references = {(agency, name) for name in await self._persons(value)}
        return "person-erased" if await self._vault.any_erased(references) else value

    async def _unsealed(self, value: bytes, topic: TopicName) -> bytes:
        """Return *value* without its seal to the hub; as it is when it has none, or one that does not open."""
        await self._codec.learn_aside([value])
        if self._codec.fullname_in(value) != sealed_event().fullname:
            return value
        try:
            record = self._codec.decode(value, sealed_event()).record
        except MalformedRecordError:
            return value
        key_id = str(record["key_id"])
        private = (await self._arrival.private([key_id])).get(key_id)
        cipher = None if private is None else open_session(private, topic, key_id, cast("bytes", record["sealed_key"]))
        inner = None if cipher is None else open_event(cipher, topic, key_id, cast("bytes", record["ct"]))
        return value if inner is None else inner

    async def _persons(self, value: bytes) -> set[str]:
        """Return the reference of every person whom the event in *value* names, as far as it can be read."""
        for _ in range(3):  # a signed event, signed again by mistake, and the event in it
            await self._codec.learn_aside([value])
            try:
                decoded = self._codec.decode(value)
            except (MalformedRecordError, UnknownSchemaError):
                return set()
            if decoded.fullname != signed_event().fullname:
                return set(_references(decoded.record))
            value = cast("bytes", decoded.record["event"])
        return set()


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("person_ref"), str):
            yield value["person_ref"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)
