"""The desk of break-glass: what the acts need from the hub around their rules."""

import datetime as dt
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from psycopg_pool import AsyncConnectionPool

from infra.erasure.replaying import replay
from infra.operator import operator_name
from infra.settings import settings
from infra.signing.desk import KeyDesk
from infra.signing.forms import line, signed_form
from infra.signing.keys import Holder, HolderKind, Keyring, SignatureRefusedError
from infra.signing.signer import Signer
from infra.vault.connection import Connections
from infra.workplace import Workplace
from schemas.derive import Channel
from schemas.errors import RejectedError
from schemas.field_steps import persons
from schemas.json_form import to_json
from schemas.names import SubjectId
from streams.breakglass import rules
from streams.breakglass.audit import Audit, Noted, faults
from streams.breakglass.rules import Access, BreakGlassRefusedError, Entry, UnknownAccessError, accesses
from streams.ledger_search import event_id_in, found_in_ledger
from streams.opening import EventOpener

OPERATOR = "hub-operator"


class SignatureNeededError(RejectedError):
    """Officers of the operator have keys: who agrees signs with their own."""

    code = "signature-needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """The key of an officer of the operator."""

    officer: str
    """Such as `hub-operator/ana`."""
    file: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An event that was opened; its representation hides the content."""

    entry: Entry
    content: dict[str, object] = field(repr=False)


class Desk:
    """Acts for whoever is logged in, in the hub of *place*; *pool* is of the role hub_vault."""

    def __init__(self, place: Workplace, pool: AsyncConnectionPool, *, operator: str | None = None) -> None:
        self._place = place
        self._vault = place.vault(pool)
        self._audit = Audit(place, Connections(pool))
        self._operator = operator or operator_name()

    async def request(self, event_id: str, *, reason: str, ground: str) -> Entry:
        """Ask to see the event *event_id*; raise UnknownEventError, BreakGlassRefusedError, MisuseError."""
        event_id, now = event_id_in(event_id), await self._place.clock.now()
        await found_in_ledger(self._place, event_id)
        access_id, by = str(uuid.uuid4()), self._operator
        return await self._audit.note(
            lambda known: rules.request(
                access_id, event_id, by=by, reason=reason, ground=ground, now=now, known=known.values()
            )
        )

    async def approve(self, access_id: str, *, knows_restricted: bool = False, key: Key | None = None) -> Entry:
        """Agree to an access, with *key* when officers of the operator have keys; raise as the rules."""
        asked = (await self._of(access_id)).requested
        signed = await self._signed(asked, key)
        restricted, now = await self._is_restricted(asked.event_id), await self._place.clock.now()
        return await self._audit.note(
            lambda known: rules.approve(
                known[asked.access_id],
                by=self._operator,
                now=now,
                hours=settings().breakglass_hours,
                review_days=settings().breakglass_review_days,
                is_restricted=restricted,
                knows_restricted=knows_restricted,
                key_id=signed[0],
                signature=signed[1],
            )
        )

    async def open(self, access_id: str) -> Seen:
        """Return the event of an access that is open; the look is on record before it is opened."""
        asked = (await self._of(access_id)).requested
        await replay(self._place.credentials("hub-admin"), self._place.codec, self._vault)
        source, now = await found_in_ledger(self._place, asked.event_id), await self._place.clock.now()
        ring = await self._keyring()

        def looked(known: Mapping[str, Access]) -> Entry:
            access = known[asked.access_id]
            if access.approved is not None and (fault := _fault_of(ring, asked, access.approved)) is not None:
                raise BreakGlassRefusedError(f"{fault}: ask again, and let another person agree")
            return rules.open_access(access, by=self._operator, now=now)

        entry = await self._audit.note(looked)
        (event,) = await EventOpener(self._place.codec, self._vault, Channel.LEDGER).opened([source])
        return Seen(entry=entry, content=to_json(event.record, event.contract.schema))

    async def review(self, access_id: str, *, finding: str, note: str) -> Entry:
        """Review an access of somebody else, which ends it; raise as the rules."""
        asked, now = (await self._of(access_id)).requested, await self._place.clock.now()
        return await self._audit.note(
            lambda known: rules.review(known[asked.access_id], by=self._operator, finding=finding, note=note, now=now)
        )

    async def accesses(self) -> tuple[tuple[Access, str], ...]:
        """Return every access and how it is now, the newest first."""
        now = await self._place.clock.now()
        found = accesses(each.entry for each in await self._audit.noted())
        return tuple((each, each.state(now)) for each in reversed(list(found.values())))

    async def verify(self) -> tuple[tuple[Noted, ...], list[str]]:
        """Return the audit and what is wrong with it: rows altered or gone, and signatures that do not hold."""
        noted = await self._audit.noted()
        found = faults(noted, await self._audit.told())
        ring = await self._keyring()
        asked = {each.entry.access_id: each.entry for each in noted if each.entry.act == "REQUESTED"}
        for each in noted:
            if each.entry.act != "APPROVED":
                continue
            if (fault := _fault_of(ring, asked[each.entry.access_id], each.entry)) is not None:
                found.append(f"entry {each.number}: {fault}")
        return noted, found

    async def _of(self, access_id: str) -> Access:
        found = accesses(each.entry for each in await self._audit.noted()).get(access_id)
        if found is None:
            raise UnknownAccessError("there is no such access: `hub breakglass list` has them")
        return found

    async def _is_restricted(self, event_id: str) -> bool:
        """Whether a restricted note protects a person of the event, as far as the hub ever heard."""
        source = await found_in_ledger(self._place, event_id)
        (event,) = await EventOpener(self._place.codec, self._vault, Channel.LEDGER).opened([source])
        people = persons(event.contract, event.record).values()
        subjects: Collection[SubjectId] = {SubjectId(str(person["subject"])) for person in people}
        return bool(await self._vault.restricted(set(subjects))) or any(one.get("restricted") != "NO" for one in people)

    async def _keyring(self) -> Keyring:
        async with KeyDesk(self._place) as desk:
            return await desk.keyring()

    async def _signed(self, asked: Entry, key: Key | None) -> tuple[str, bytes]:
        ring, now = await self._keyring(), await self._place.clock.now()
        if key is None:
            if _officers_had_keys(ring, now):
                raise SignatureNeededError("officers of the operator have keys: agree with --officer and --key")
            return "", b""
        if key.officer != f"{OPERATOR}/{self._operator}":
            raise SignatureNeededError(f"sign with a key of your own: {OPERATOR}/<the name that you logged in with>")
        signer = Signer.of(key.file)
        message = approval_form(asked)
        signature = signer.sign(message)
        fault = ring.arriving(signer.key_id, Holder(HolderKind.OFFICER, key.officer), message, signature, now)
        if fault is not None:
            raise SignatureRefusedError(fault)
        return signer.key_id, signature


def approval_form(asked: Entry) -> bytes:
    """Return what an officer signs who agrees to the access that was *asked* for."""
    parts = (asked.access_id, asked.event_id, asked.by_whom, asked.ground, asked.reason)
    return signed_form("hub.v1.BreakGlassApproved", *map(line, parts))


def _is_of_the_operator(holder: Holder) -> bool:
    return holder.kind is HolderKind.OFFICER and holder.id.startswith(f"{OPERATOR}/")


def _officers_had_keys(ring: Keyring, moment: dt.datetime) -> bool:
    """Whether an officer of the operator ever had a key until *moment*: that all have expired takes nothing back."""
    return any(_is_of_the_operator(each.holder) and each.valid_from <= moment for each in ring.keys.values())


def _fault_of(ring: Keyring, asked: Entry, approved: Entry) -> str | None:
    """Return why an agreement counts no more, or never did; None when it does."""
    if not approved.key_id:
        return "who agreed has not signed, and officers have keys" if _officers_had_keys(ring, approved.at) else None
    key = ring.keys.get(approved.key_id)
    if key is None or key.holder != Holder(HolderKind.OFFICER, f"{OPERATOR}/{approved.by_whom}"):
        return "the key is not that of who agreed"
    fault = ring.arriving(approved.key_id, key.holder, approval_form(asked), approved.signature, approved.at)
    return None if fault is None else f"the signature of who agreed does not hold ({fault.value})"
