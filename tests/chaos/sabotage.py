"""Ways to make a record fail in the real worker, and to make it good again: nothing of the code is changed."""

import asyncio
import datetime as dt
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import orjson

from infra.control import ControlState
from infra.home import Home
from infra.kafka import producer_for
from infra.topology.acls import acls
from infra.topology.broker import Broker
from infra.topology.credentials import Credentials
from infra.topology.model import load_topology
from infra.workplace import workplace
from schemas.catalogue import contract
from schemas.names import AgencyId, TopicName
from streams.intake.chaining import Chaining
from streams.intake.processor import Intake
from streams.intake.reading import Readable
from streams.pump.nonces import nonces
from streams.pump.records import Inputs, Output, SourceRecord
from tests.evidence import HUB, OneKey
from tests.publishing import invented, now
from tests.running import ADMIN, command, rows, wait_until


@contextmanager
def unpseudonymised(home: Home, subjects: Iterable[str]) -> Iterator[None]:
    """Take away what the pseudonyms of *subjects* are made from while the block runs: release fails on their events."""
    names = list(subjects)
    query = "SELECT subject_id::text, wrapped_secret FROM vault.subject WHERE subject_id = ANY(%s::uuid[])"
    kept = rows(home, query, names)
    assert len(kept) == len(names)
    rows(home, "UPDATE vault.subject SET wrapped_secret = NULL WHERE subject_id = ANY(%s::uuid[])", names)
    try:
        yield
    finally:
        for subject, wrapped in kept:
            rows(home, "UPDATE vault.subject SET wrapped_secret = %s WHERE subject_id = %s", wrapped, subject)


def parked(home: Home) -> list[tuple[str, str, int]]:
    """Return id, code and followers of the head of each sequence, as `hub parked list` tells them."""
    told = orjson.loads(command(home, "parked", "list", "--json").stdout)
    return [(each["id"], each["code"], each["behind"]) for each in told["parked"]]


def is_parked(home: Home, count: int) -> bool:
    """Whether so many records are parked."""
    return rows(home, "SELECT count(*) FROM streams.parked") == [(count,)]


def delete_topic(home: Home, topic: str) -> None:
    """Delete *topic*, as an administrator can by mistake."""
    broker = Broker(home)
    broker._admin.delete_topics([topic])[topic].result(timeout=30)  # noqa: SLF001 - the hub itself never deletes one
    wait_until(lambda: topic not in broker.topics(), "the topic is gone")


def apply_topology(home: Home) -> None:
    """Do what the advice says: `hub topology apply`."""
    done = command(home, "topology", "apply")
    assert done.returncode == 0, done.stderr


def take_rights(home: Home, principal: str, resource: str, name: str) -> None:
    """Take every right of *principal* on what is called *name* away."""
    broker = Broker(home)
    taken = [
        acl
        for acl in acls(load_topology())
        if (acl.principal, acl.resource) == (principal, resource) and acl.name.startswith(name)
    ]
    assert taken
    broker.remove_acls(taken)
    wait_until(lambda: not broker.acls() & set(taken), "the broker has forgotten the rights")


@contextmanager
def full_disk(home: Home) -> Iterator[None]:
    """Let PostgreSQL answer the processors as it does when its disk is full, while the block runs."""
    rows(
        home,
        "CREATE FUNCTION streams.full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$",
    )
    rows(
        home,
        "CREATE TRIGGER full_disk BEFORE UPDATE ON streams.checkpoint "
        "FOR EACH ROW EXECUTE FUNCTION streams.full_disk()",
    )
    try:
        yield
    finally:
        rows(home, "DROP FUNCTION streams.full_disk() CASCADE")


def write_large(home: Home, agency: str, size: int) -> None:
    """Write an investigation of *agency* of about *size* bytes to the ledger, past intake, which refuses it."""
    asyncio.run(_write_large(home, agency, size))


async def _write_large(home: Home, agency: str, size: int) -> None:
    empty, some = 0, 100_000
    sizes = {chars: len((await _ledger_output(home, agency, chars)).value) for chars in (empty, some)}
    chars = int((size - sizes[empty]) / ((sizes[some] - sizes[empty]) / some))
    output = await _ledger_output(home, agency, chars)
    producer = producer_for(Credentials.of(home, ADMIN))
    producer._max_request_size = 2 * size  # noqa: SLF001 - larger than the hub's own may send; the topic takes it
    await producer.start()
    try:
        await producer.send_and_wait(output.topic, output.value, key=output.key)
    finally:
        await producer.stop()


async def _ledger_output(home: Home, agency: str, chars: int) -> Output:
    """Return what intake would write of an investigation into somebody whose name has *chars* characters."""
    record = invented("InvestigationOpened", agency, suspects__0__full_name="x" * chars)
    source = SourceRecord(topic=TopicName(f"in.{agency}"), partition=0, offset=0, key=None, value=b"")
    event = Readable(
        source=source,
        contract=contract("InvestigationOpened"),
        event_id=record["envelope"]["event_id"],
        record=record,
    )
    inputs = Inputs(now=now().astimezone(dt.UTC), control=ControlState(agreements=(), offset=0), nonce=nonces())
    async with workplace(home) as place, place.pool("hub_vault", 2) as pool:
        chaining = Chaining(hub=HUB, codec=place.codec, signer=OneKey())
        intake = Intake(topology=place.topology, codec=place.codec, vault=place.vault(pool), chaining=chaining)
        found = await intake._resolved([event], AgencyId(agency))  # noqa: SLF001 - as intake itself writes
        outputs = intake._outputs([event], AgencyId(agency), found, inputs)  # noqa: SLF001 - as above
    return next(output for output in outputs if output.topic == "ledger")
