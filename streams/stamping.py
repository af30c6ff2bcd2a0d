"""The service of the worker that has the newest statements stamped by the authority, one stamp for all sources.

Rule 1: of several workers one asks at a time. A stamp that was had and not noted is asked for again: two are no harm.
Rule 2: a statement counts as stamped once the stamp is on the topic of its source, for good.
Rule 3: the time of what came while the authority was asked counts from before it was asked: sooner, never later.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import psycopg
import structlog
from aiokafka.errors import KafkaError
from mode import Service
from psycopg_pool import AsyncConnectionPool

from infra.advisory_locks import AdvisoryLock
from infra.evidence.merkle import Tree, leaf_of
from infra.evidence.stamps import Authority, authority_of, stamp
from infra.kafka import append
from infra.settings import settings
from infra.topology.credentials import Credentials
from infra.workplace import Workplace
from schemas.codec import Codec
from schemas.errors import UnavailableError, code_of
from schemas.names import TopicName
from streams.hub_records import hub_output

log = structlog.get_logger()
LOCK = AdvisoryLock.STAMPING.value
STAMPER = "hub-stamper"
_NEW = (
    "SELECT topic, partition, statements, statement, now() FROM streams.chain WHERE statements > stamped "
    "ORDER BY topic, partition"
)
_STAMPED = (
    "UPDATE streams.chain SET stamped = %s, unstamped_since = CASE WHEN statements > %s THEN %s END "
    "WHERE topic = %s AND partition = %s AND stamped < %s"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unstamped:
    """The newest statement of a source that has none; *statements* counts those up to it."""

    topic: TopicName
    partition: int
    statements: int
    digest: bytes
    seen_at: object
    """By the clock of the database."""


class Stamper(Service):
    """Asks *authority*, and writes what it says as the principal of *credentials*."""

    def __init__(
        self, *, pool: AsyncConnectionPool, credentials: Credentials, codec: Codec, authority: Authority
    ) -> None:
        super().__init__()
        self._pool = pool
        self._credentials = credentials
        self._codec = codec
        self._authority = authority

    async def on_start(self) -> None:
        """Open the connections."""
        await self._pool.open()

    async def on_shutdown(self) -> None:
        """Close the connections."""
        await self._pool.close()

    @Service.task
    async def _run(self) -> None:
        while not self.should_stop:
            try:
                await self.round()
            except (UnavailableError, KafkaError, psycopg.Error, OSError, TimeoutError) as error:
                log.warning("stamping_waits", code=code_of(error))
            await self.sleep(settings().timestamp_interval_s)

    async def round(self) -> int:
        """Have what is new stamped, and return of how many sources; raise when a part of the world is away."""
        async with self._pool.connection() as transaction:
            locked = await (await transaction.execute("SELECT pg_try_advisory_xact_lock(%s)", (LOCK,))).fetchone()
            if locked is None or not locked[0]:
                return 0
            rows = await (await transaction.execute(_NEW)).fetchall()
            new = [_unstamped(row) for row in rows]
            if not new:
                return 0
            await self._stamp(new)
            for each in new:
                told = (each.statements, each.statements, each.seen_at, each.topic, each.partition, each.statements)
                await transaction.execute(_STAMPED, told)
        log.info("statements_stamped", count=len(new))
        return len(new)

    async def _stamp(self, new: Sequence[Unstamped]) -> None:
        tree = Tree([leaf_of(each.digest) for each in new])
        token, at = await stamp(self._authority, tree.root)
        for index, each in enumerate(new):
            content = {
                "number": each.statements - 1,
                "statement_digest": each.digest,
                "leaf_index": index,
                "tree_size": tree.size,
                "proof": list(tree.proof(index)),
                "stamped_at": at,
                "token": token,
            }
            topic = TopicName(f"roots.{each.topic.removeprefix('in.')}")
            output = hub_output(topic, "RootStamped", content, self._codec)
            await append(self._credentials, topic, [output.value])


def services(place: Workplace) -> list[Service]:
    """Return what a worker runs so that statements are stamped: nothing without an authority."""
    authority = authority_of(settings())
    if authority is None:
        return []
    return [
        Stamper(
            pool=place.pool("hub_streams", 2),
            credentials=place.credentials(STAMPER),
            codec=place.codec,
            authority=authority,
        )
    ]


def _unstamped(row: Sequence[object]) -> Unstamped:
    topic, partition, statements, digest, seen_at = row
    return Unstamped(
        topic=TopicName(str(topic)),
        partition=cast("int", partition),
        statements=cast("int", statements),
        digest=bytes(cast("bytes", digest)),
        seen_at=seen_at,
    )
