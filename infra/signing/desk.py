"""The desk of signing keys: what an operator may register and revoke, checked against what `control.keys` says."""

import dataclasses
import datetime as dt
import re
from types import TracebackType
from typing import Self

from infra.signing.forms import successor_form
from infra.signing.key_log import KeyLog, tell
from infra.signing.keys import (
    Holder,
    HolderKind,
    Keyring,
    Revocation,
    SigningKey,
    is_strong,
    key_id_of,
)
from infra.topology.credentials import Credentials
from infra.workplace import Workplace
from schemas.errors import MisuseError, RejectedError

VALID_DAYS = 365
OFFICER = re.compile(r"(?P<organisation>[a-z][a-z0-9]*(?:-[a-z0-9]+)*)/[a-z0-9][a-z0-9._-]{0,63}")


class KeyRefusedError(RejectedError):
    """A key cannot be registered so."""

    code = "key-refused"


class UnknownKeyError(MisuseError):
    """No key has this id."""

    code = "unknown-key"


class KeyDesk:
    """Registers, replaces and revokes keys in the hub of *place*; use it as a context manager."""

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self._log = KeyLog(place.credentials("hub-admin"), place.codec)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._log.stop()

    async def keyring(self) -> Keyring:
        """Return all keys and revocations as they are now."""
        return await self._log.keyring()

    async def now(self) -> dt.datetime:
        """Return the hub's time."""
        return await self._place.clock.now()

    async def register(
        self,
        holder: Holder,
        public_key: bytes,
        operator: str,
        *,
        valid_from: dt.datetime | None = None,
        valid_until: dt.datetime | None = None,
        succeeds: str | None = None,
        vouched: bytes | None = None,
    ) -> SigningKey:
        """Register *public_key* for *holder*, from now and for a year when nothing else is said; return the key.

        With *succeeds* and *vouched* an earlier key of the holder speaks for it, else the operator alone. Raises
        KeyRefusedError.
        """
        ring, now = await self._log.keyring(), await self._place.clock.now()
        begins = valid_from or now
        key = SigningKey(
            key_id=key_id_of(public_key),
            holder=holder,
            organisation=organisation_of(holder),
            public_key=public_key,
            valid_from=begins,
            valid_until=valid_until or begins + dt.timedelta(days=VALID_DAYS),
            registered_at=now,
            registered_by=operator,
            succeeds=succeeds,
            vouched=vouched,
        )
        self._expect_holder(holder)
        expect_registrable(ring, key, now)
        await self._tell(key)
        return key

    async def end(self, key_id: str, valid_until: dt.datetime) -> SigningKey:
        """Let a key end at *valid_until*, which lies ahead, if it would live longer; return it."""
        ring, now = await self._log.keyring(), await self._place.clock.now()
        key = _key(ring, key_id)
        if valid_until >= key.valid_until:
            return key
        if valid_until < now:
            raise KeyRefusedError("a key cannot end in the past: what it signed was taken; revoke it instead")
        key = dataclasses.replace(key, valid_until=valid_until)
        await self._tell(key)
        return key

    async def revoke(self, key_id: str, since: dt.datetime | None, reason: str, operator: str) -> Revocation:
        """Revoke a key now and for good; what it signed since *since* is in doubt, none of it when None."""
        ring, now = await self._log.keyring(), await self._place.clock.now()
        _key(ring, key_id)
        if since is not None and since > now:
            raise KeyRefusedError("the time from which a key is in doubt lies ahead: give one that has been")
        told = Revocation(key_id=key_id, revoked_at=now, doubtful_since=since, reason=reason, revoked_by=operator)
        await self._tell(told)
        return told

    async def _tell(self, told: SigningKey | Revocation) -> None:
        writer: Credentials = self._place.credentials("hub-control")
        await tell(writer, self._place.codec, [told])

    def _expect_holder(self, holder: Holder) -> None:
        topology = self._place.topology
        agencies = {str(agency.id) for agency in topology.agencies}
        known = agencies | {str(partner.id) for partner in topology.partners} | {topology.operator.id}
        if holder.kind is HolderKind.AGENCY and holder.id not in agencies:
            raise KeyRefusedError("no such agency in the topology; `hub topology show` lists them")
        if holder.kind is HolderKind.OFFICER and organisation_of(holder) not in known:
            raise KeyRefusedError("no such organisation in the topology: an officer is <organisation>/<officer>")


def organisation_of(holder: Holder) -> str:
    """Return the organisation that answers for *holder*; raise KeyRefusedError for an officer without one."""
    if holder.kind is not HolderKind.OFFICER:
        return holder.id
    found = OFFICER.fullmatch(holder.id)
    if found is None:
        raise KeyRefusedError("an officer is <organisation>/<officer>, in small letters, digits, dots and hyphens")
    return found["organisation"]


def expect_registrable(ring: Keyring, key: SigningKey, now: dt.datetime) -> None:
    """Raise KeyRefusedError unless *key* may be added to *ring* at *now*."""
    if not is_strong(key.public_key):
        raise KeyRefusedError("under this key signatures of others would be taken: make one with `hub key make`")
    known = ring.keys.get(key.key_id)
    if known is not None and known.holder != key.holder:
        raise KeyRefusedError("this key is registered for somebody else: a key has one holder")
    if key.key_id in ring.revocations:
        raise KeyRefusedError("this key was revoked, for good: make another")
    if key.valid_from >= key.valid_until or key.valid_until <= now:
        raise KeyRefusedError("the key would never be valid: give a --valid-until that lies ahead, after --valid-from")
    if key.succeeds is not None:
        message = successor_form(key.holder.id, key.public_key)
        fault = ring.arriving(key.succeeds, key.holder, message, key.vouched or b"", now)
        if fault is not None:
            raise KeyRefusedError(f"the earlier key does not speak for this one: {fault}")


def _key(ring: Keyring, key_id: str) -> SigningKey:
    found = ring.keys.get(key_id)
    if found is None:
        raise UnknownKeyError("no key has this id: `hub key list` has them")
    return found
