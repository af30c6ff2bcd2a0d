"""The worker: a Faust application that runs one pump per processor, and what other rooms add.

Faust gives lifecycle, supervision, signals, timers and agents for flows where a lost message does no harm; the data
plane is the pumps (design section 6). This module is the composition root of the streams: everything is built here.
Other rooms add services through the entry-point group `hub.services`: functions (Workplace) -> mode services.
"""

import asyncio
import contextlib
import os
import signal
import ssl
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import entry_points

import faust
import structlog
from mode import Service, Worker
from psycopg_pool import AsyncConnectionPool

from infra.arrival.keys import ArrivalKeys
from infra.control import ControlReader
from infra.erasure.replaying import replay_patiently
from infra.evidence.keys import EvidenceKeys
from infra.evidence.stamps import unstamped_max
from infra.home import Home
from infra.logging import configure_logging
from infra.membership import membership
from infra.settings import settings
from infra.signing.key_log import KeyLog
from infra.topology.clocks import load_clocks
from infra.topology.model import TRUNCATOR
from infra.topology.subjects import subjects
from infra.workplace import Workplace, workplace
from schemas.errors import UnavailableError
from schemas.names import TopicName
from streams.cohort.processor import CohortProcessor
from streams.delivery.processor import DeliveryProcessor
from streams.intake.chaining import Chaining
from streams.intake.chains import SqlChains
from streams.intake.processor import Intake
from streams.presence import HEARTBEAT_S, Presence
from streams.pump.records import Processor
from streams.pump.service import Pump, group_of
from streams.pump.supply import WorldSupply
from streams.recall.processor import Recall
from streams.release.ledger import LedgerReader
from streams.release.processor import ReleaseProcessor
from streams.release.reconsider import Reconsider
from streams.ticker import LOOK_S, Ticker
from streams.truncation.arrivals import Connection
from streams.truncation.marker import SECRET
from streams.truncation.service import Truncator

log = structlog.get_logger()
STOP_S_MAX = 5.0
TRANSACTION_MS = 30_000
"""Far more than a batch takes, and not longer than another worker should wait for one that stands still."""

DELIVERY_CONNECTIONS = 4
"""Of its own: one batch at a time is at its books, and those that wait for their turn must keep nobody else waiting."""


class Streams(Service):
    """Opens the connections of the processors and runs their pumps."""

    def __init__(self, place: Workplace, presence: Presence) -> None:
        super().__init__()
        self._place = place
        self._presence = presence
        self._pools = [
            place.pool("hub_streams", 24, transaction_ms=TRANSACTION_MS),
            place.pool("hub_vault", 10, by_statement=True),
            place.pool("hub_streams", DELIVERY_CONNECTIONS, transaction_ms=TRANSACTION_MS),
        ]
        self.control = ControlReader(place.credentials("hub-release"), place.codec, decides=True)
        self.signing_keys = KeyLog(place.credentials("hub-intake"), place.codec)

    async def on_start(self) -> None:
        """Start intake and release."""
        await self._presence.begin()
        await asyncio.to_thread(self._learn_schemas)
        for pool in self._pools:
            await pool.open()
        place = self._place  # a database that was restored may hold keys again that were destroyed: first of all
        await replay_patiently(place.credentials("hub-release"), place.codec, place.vault(self._pools[1]))
        for pump in self._pumps(*self._pools):
            await self.add_runtime_dependency(pump)
        await self.add_runtime_dependency(self._truncator(*self._pools[:2]))

    @Service.task
    async def _live(self) -> None:
        # Not a timer of Faust: after the death of another worker its group takes a minute to come up.
        while not self.should_stop:
            await self._presence.beat()
            await self.sleep(HEARTBEAT_S)

    async def on_shutdown(self) -> None:
        """Close the connections after the pumps have ended."""
        await self.control.stop()
        await self.signing_keys.stop()
        await self._presence.leave()
        for pool in self._pools:
            await pool.close()

    def _learn_schemas(self) -> None:
        """Look up every schema that we write with, so that no event waits for the registry later."""
        for each in subjects(self._place.topology):
            try:
                self._place.codec.writer(each.name, each.schema)
            except UnavailableError as error:
                log.warning("schemas_not_learnt", code=error.code)  # looked up again when the first event needs it
                return

    def _pumps(
        self, pool: AsyncConnectionPool, vault_pool: AsyncConnectionPool, delivery_pool: AsyncConnectionPool
    ) -> Sequence[Pump]:
        place = self._place
        partitions = {topic.name: topic.partitions for topic in place.topology.topics}
        vault = place.vault(vault_pool)
        arrival = ArrivalKeys(vault_pool, vault)
        chaining = Chaining(
            hub=place.home.id,
            codec=place.codec,
            signer=EvidenceKeys(vault_pool, vault),
            chains=SqlChains(unstamped_max(settings())),
        )
        intake = Intake(
            topology=place.topology,
            codec=place.codec,
            vault=vault,
            arrival=arrival,
            keyrings=self.signing_keys,
            chaining=chaining,
        )
        alone = asyncio.Lock()
        release = ReleaseProcessor(topology=place.topology, codec=place.codec, vault=vault, pseudonyms=vault)
        ledger = LedgerReader(place.credentials("hub-reconsider"))
        reconsider = Reconsider(release=release, ledger=ledger, codec=place.codec)
        recall = Recall(
            codec=place.codec,
            vault=vault,
            partners=[partner.id for partner in place.topology.partners],
            populations=[population.id for population in place.topology.populations],
        )
        cohort = CohortProcessor(topology=place.topology, codec=place.codec, vault=vault)
        delivery = DeliveryProcessor(topology=place.topology, codec=place.codec, clocks=load_clocks())

        def pump(
            processor: Processor,
            supply: WorldSupply,
            principal: str,
            *,
            read_committed: bool = True,
            pool: AsyncConnectionPool = pool,
        ) -> Pump:
            return Pump(
                processor,
                credentials=place.credentials(principal),
                pool=pool,
                supply=supply,
                partitions=partitions,
                read_committed=read_committed,
                member=place.member,
                alone=alone,
            )

        return [
            # Agencies may not use transactions: an open one would stall the reader (design section 12.4).
            pump(intake, WorldSupply(place.clock), "hub-intake", read_committed=False),
            pump(release, WorldSupply(place.clock, self.control), "hub-release"),
            pump(reconsider, WorldSupply(place.clock, self.control), "hub-reconsider"),
            pump(recall, WorldSupply(place.clock), "hub-recall"),
            pump(cohort, WorldSupply(place.clock), "hub-cohort"),
            pump(delivery, WorldSupply(place.clock), "hub-delivery", pool=delivery_pool),
        ]

    def _truncator(self, pool: AsyncConnectionPool, vault_pool: AsyncConnectionPool) -> Truncator:
        place = self._place
        intake = place.credentials("hub-intake")
        vault = place.vault(vault_pool)
        return Truncator(
            pool=pool,
            connection=Connection(place.credentials(TRUNCATOR), intake, group_of(intake)),
            segments_s={
                topic.name: int(topic.config["segment.ms"]) / 1000
                for topic in place.topology.topics
                if TRUNCATOR in topic.deleters
            },
            secret=lambda: vault.secret(SECRET),
        )


class Process(Worker):
    """The process of the worker, which ends on SIGINT and SIGTERM and takes no other orders.

    Mode's own handlers write to a terminal that may be gone, and open a debugger on SIGUSR2.
    """

    def install_signal_handlers(self) -> None:
        """Let both signals stop the services in order."""
        for each in (signal.SIGINT, signal.SIGTERM):
            self.loop.add_signal_handler(each, self._schedule_shutdown, each)


class Application(faust.App):
    """The Faust application, which ends in time.

    After a rebalance the thread of Faust's consumer can wait for itself when it is stopped. It holds nothing that
    could be lost, and the pumps, which stop after it, would wait too.
    """

    ticker: Ticker

    async def stop(self) -> None:
        """Stop, or give up after a few seconds."""
        await self.ticker.stop()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(super().stop(), STOP_S_MAX)


def application(place: Workplace) -> Application:
    """Return the Faust application: its agent tells of new agreements, its timer writes the days."""
    credentials = place.credentials("hub-worker")
    app = Application(
        "hub-worker.app",
        broker=f"kafka://{credentials.bootstrap}",
        broker_credentials=faust.SASLCredentials(
            username=credentials.principal,
            password=credentials.password,
            mechanism="SCRAM-SHA-512",
            ssl_context=ssl.create_default_context(cafile=str(credentials.ca_file)),
        ),
        datadir=place.home.run_dir / "faust",
        store="memory://",
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        consumer_auto_offset_reset="latest",
        consumer_group_instance_id=place.member or "",
        web_enabled=False,
        producer_request_timeout=60,
        value_serializer="raw",
        key_serializer="raw",
    )

    ticker = Ticker(
        credentials=place.credentials("hub-ticker"),
        dsn=place.home.dsn("hub_streams"),
        clock=place.clock,
        codec=place.codec,
        stages=tuple(TopicName(f"stage.{population.id}") for population in place.topology.populations),
    )
    app.ticker = ticker

    @app.timer(LOOK_S)  # type: ignore[untyped-decorator]  # Faust is untyped here
    async def tick() -> None:
        await ticker.look()

    @app.agent(app.topic("control.agreements", value_type=bytes, value_serializer="raw"))
    async def tell_of_agreements(records: "faust.StreamT[bytes]") -> None:
        async for _ in records:
            log.info("agreements_changed", topic="control.agreements")

    return app


@asynccontextmanager
async def services(home: Home) -> AsyncIterator[list[Service]]:
    """Build everything that a worker of *home* runs."""
    with membership(home) as member:
        async with workplace(home, member) as place:
            found: list[Service] = [Streams(place, Presence(home))]
            for entry in sorted(entry_points(group="hub.services"), key=lambda entry: entry.name):
                found += entry.load()(place)
            # Last: after the death of another worker Faust's group takes a minute; the data plane does not wait for it.
            yield [*found, application(place)]


def run(home: Home) -> None:
    """Run the worker of *home* until SIGTERM or SIGINT; exit 1 when it crashed."""
    configure_logging()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    context = services(home)
    built = loop.run_until_complete(context.__aenter__())
    worker = Process(*built, loop=loop, loglevel="WARN", override_logging=False, redirect_stdouts=False)
    log.info("worker_started", pid=os.getpid())
    try:
        worker.execute_from_commandline()
    except SystemExit as leaving:
        if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
            os._exit(leaving.code if isinstance(leaving.code, int) else 1)  # Faust's would keep the process for ever
        sys.exit(leaving.code)
