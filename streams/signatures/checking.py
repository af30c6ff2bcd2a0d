"""Checks a signature again: finds the event in the ledger, opens its original, verifies it by the keys of today."""

from collections.abc import Mapping
from typing import cast

from psycopg_pool import AsyncConnectionPool

from infra.erasure.replaying import replay
from infra.operator import operator_name
from infra.signing.key_log import KeyLog
from infra.signing.signer import signed_event
from infra.vault.connection import Connections
from infra.workplace import Workplace
from schemas.catalogue import contract
from schemas.codec import Codec, Record
from schemas.derive import Channel, derive
from schemas.names import KeyId
from schemas.opening import Erased, kids_in, open_record
from schemas.originals import open_original
from schemas.sealing import ADDED
from schemas.upcasting import lineage, opened, published, version_of
from streams.ledger_search import event_id_in, found_in_ledger
from streams.signatures.verdict import Standing, Verdict, says_the_same, standing_of


async def check(place: Workplace, pool: AsyncConnectionPool, event_id: str, reason: str) -> Verdict:
    """Return how the signature of the event *event_id* stands; that it was checked, by whom and why, is kept.

    Raises UnknownEventError, and UnavailableError when a part of the hub is away. *pool* is that of the vault.
    """
    event_id = event_id_in(event_id)
    vault, reader = place.vault(pool), place.credentials("hub-admin")
    await replay(reader, place.codec, vault)  # a database that was restored may hold keys that were destroyed
    log = KeyLog(reader, place.codec)
    try:
        ring = await log.keyring()
    finally:
        await log.stop()
    value = (await found_in_ledger(place, event_id)).value
    decoded = place.codec.decode(value)
    async with Connections(pool)() as connection:
        await connection.execute(
            "INSERT INTO vault.signature_checked (event_id, checked_by, reason) VALUES (%s, %s, %s)",
            (event_id, operator_name(), reason),
        )
    name = decoded.fullname.rpartition(".")[2]
    version = version_of(decoded, name)
    record = place.codec.in_form(value, decoded, derive(version, Channel.LEDGER))
    envelope, received_at = cast("Record", record["envelope"]), record["received_at"]
    agency, key_id = str(envelope["agency"]), cast("str | None", record["signed_by"])
    keys: Mapping[KeyId, bytes | None] = await vault.open(kids_in(record))
    original = open_original(record, decoded.fullname, keys.get)
    if original is None or key_id is None:
        standing, detail = Standing.UNSIGNED, ""
    elif isinstance(original, Erased):
        standing, detail = Standing.ERASED, ""
    else:
        await place.codec.learn_aside([original])
        signed = place.codec.decode(original, signed_event()).record
        standing, detail = standing_of(ring, agency, signed, key_id, received_at)  # type: ignore[arg-type]
        event = cast("bytes", signed["event"])
        await place.codec.learn_aside([event])
        at_rest = open_record(version, Channel.LEDGER, record, keys.get)
        at_rest = lineage(name).upcast(at_rest, version, opened(Channel.LEDGER))
        if not says_the_same(at_rest, _as_today(place.codec, event, name), tuple(ADDED[Channel.LEDGER])):
            standing, detail = Standing.OTHER_CONTENT, ""
    return Verdict(
        event_id=event_id,
        agency=agency,
        received_at=received_at,  # type: ignore[arg-type]
        key_id=key_id,
        standing=standing,
        detail=detail,
    )


def _as_today(codec: Codec, event: bytes, name: str) -> Record:
    """Return the signed *event* in the current version of its contract; empty when it is another event type."""
    decoded = codec.decode(event)
    version = lineage(name).find(decoded.fingerprint)
    if decoded.fullname != contract(name).fullname or version is None:
        return {}
    return lineage(name).upcast(decoded.record, version, published)
