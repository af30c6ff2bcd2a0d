"""A hub that is being broken: what is sent to it, its workers, and the equalities that must hold after each fault."""

import asyncio
import copy
import threading
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from connectors.event_ids import new_event_id
from connectors.signing import signer_for
from infra.home import Home
from infra.kafka import discard, producer_for
from infra.settings import Settings
from infra.stack import supervisor
from infra.topology.credentials import Credentials
from projections import reading
from schemas.catalogue import contract
from schemas.names import TopicName
from tests.chaos.channels import Channels, Deviations, Sent
from tests.publishing import invented
from tests.running import WORKER, Worker, rows, wait_until

AGENCIES = ("rs-police", "rs-border-police", "bg-police", "bg-border-police")
"""Europol gets what they identify, the Serbian prosecution the Serbian part; investigations go to three partners."""
CASES = 40
INVESTIGATIONS = 10
"""Every so many-th event is an investigation."""
SHORT_SESSION = {"HUB_SESSION_TIMEOUT_MS": "6000"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What a fault did, and how long it took until everything was where it belongs."""

    fault: str
    lost: int
    duplicated: int
    forbidden: int
    overtaken: int
    recovery_s: float

    def told(self) -> dict[str, object]:
        """Return it for the table and for programs."""
        return asdict(self)


class Trial:
    """Sends events of four agencies and knows where every one of them must come out."""

    def __init__(self, home: Home, patience_s: float = 120) -> None:
        self.home = home
        self._patience_s = patience_s
        self.faults: list[Fault] = []
        self.channels = Channels(home, AGENCIES)
        self._templates: dict[tuple[str, str], dict[str, Any]] = {}
        self._workers: list[Worker] = []

    def worker(self, *, command: Sequence[str] = WORKER, inherits: Collection[int] = (), **environment: str) -> Worker:
        """Start a worker that is missed after six seconds already."""
        log = self.home.logs_dir / f"worker-{len(self._workers) + 1}.log"
        started = Worker(self.home, log, command, inherits, **SHORT_SESSION, **environment)
        self._workers.append(started)
        return started

    def running_worker(self) -> Worker:
        """Return the worker that runs, a new one if there is none."""
        running = [each for each in self._workers if each.runs]
        return running[0] if running else self.worker()

    def stop_workers(self) -> None:
        """End every worker that still runs, frozen ones too: what it was about to do, the next one does."""
        for each in self._workers:
            if each.runs:
                each.kill()

    def working(self, **environment: str) -> Worker:
        """Start a worker and return it once it has said that it works."""
        started = self.worker(**environment)
        query = "SELECT count(*) FROM streams.worker WHERE pid = %s"
        wait_until(lambda: rows(self.home, query, started.process.pid) != [(0,)], "the worker says that it is there")
        return started

    def send(self, count: int, case: str | None = None, agencies: Sequence[str] = AGENCIES) -> list[str]:
        """Send *count* events of each agency, all of one *case* if it is named, and return their ids.

        It returns when the broker has them for good.
        """
        known = len(self.channels.sent)
        asyncio.run(self._send(count, case, agencies))
        return list(self.channels.sent)[known:]

    def send_cases(self, count: int, person: str, agency: str) -> None:
        """Send *count* events of one *person*, each of a case of its own."""

        async def send() -> None:
            await self.send_prepared(self.prepared(count, None, [agency], person))

        asyncio.run(send())

    @contextmanager
    def sending(self, count: int) -> Iterator[None]:
        """Send *count* events of each agency while the block runs, and wait for the broker at its end."""
        failed: list[BaseException] = []
        prepared = self.prepared(count)

        def send() -> None:
            try:
                asyncio.run(self.send_prepared(prepared))
            except BaseException as error:  # noqa: BLE001 - raised in the thread that waits
                failed.append(error)

        thread = threading.Thread(target=send)
        thread.start()
        try:
            yield
        finally:
            thread.join()
        if failed:
            raise failed[0]

    async def _send(self, count: int, case: str | None, agencies: Sequence[str]) -> None:
        await self.send_prepared(self.prepared(count, case, agencies))

    def prepared(
        self, count: int, case: str | None = None, agencies: Sequence[str] = AGENCIES, person: str | None = None
    ) -> dict[str, list[bytes]]:
        """Return *count* events of each agency, encoded: sending them needs the broker and nothing else.

        Of one *person* each is a case of its own.
        """
        values: dict[str, list[bytes]] = defaultdict(list)
        for agency in agencies:
            for number in range(count):
                own = case or (str(number % CASES) if person is None else f"{person}-{number}")
                is_other = case is None and person is None and number % INVESTIGATIONS == 1
                name = "InvestigationOpened" if is_other else "PersonIdentified"
                values[agency].append(self.encoded(name, self._event(agency, name, own, person or own)))
        return values

    def _event(self, agency: str, name: str, case: str, person: str) -> dict[str, Any]:
        """Return a new event of *case* and *person*, made from a template: sixty thousand are needed."""
        known = self._templates.get((agency, name))
        if known is None:
            known = self._templates[agency, name] = invented(name, agency)
        record = copy.copy(known)
        record["envelope"] = {**known["envelope"], "event_id": new_event_id(), "case_ref": f"K-{case}"}
        if "person" in record:
            record["person"] = {**known["person"], "person_ref": f"P-1-{person}"}
        sent = Sent(agency=agency, case=f"{agency} {case}", number=len(self.channels.sent))
        self.channels.expect(record["envelope"]["event_id"], sent, name, record)
        return record

    async def send_prepared(self, prepared: Mapping[str, Sequence[bytes]]) -> None:
        """Send what `prepared` returned, all agencies at once."""
        await asyncio.gather(*(self._send_of(name, values) for name, values in prepared.items()))

    async def _send_of(self, name: str, values: Sequence[bytes]) -> None:
        credentials = Credentials.of(self.home, name)
        signer = signer_for(credentials, self.channels.codec, TopicName(f"in.{name}"))
        assert signer is not None
        signer.prepare()
        producer = await _started(credentials)
        try:
            for acknowledged in [await producer.send(f"in.{name}", signer.sign(value)) for value in values]:
                self.channels.acknowledged(name, (await acknowledged).offset)
        finally:
            await producer.stop()

    def encoded(self, name: str, record: dict[str, Any]) -> bytes:
        """Return *record* of the event type *name* in the wire format."""
        found = contract(name)
        return self.channels.codec.writer(f"in.{AGENCIES[0]}-{found.fullname}", found.schema).encode(record)

    @property
    def sent(self) -> int:
        """How many events have been sent."""
        return len(self.channels.sent)

    def progress(self, processor: str = "intake") -> int:
        """Return how many records *processor* has processed."""
        query = "SELECT coalesce(sum(next_offset), 0) FROM streams.checkpoint WHERE processor = %s"
        ((found,),) = rows(self.home, query, processor)
        return int(found)

    def says(self, state: str, code: str, processor: str = "%") -> bool:
        """Whether a partition of *processor* says that it is in *state* for the reason *code*."""
        query = "SELECT count(*) FROM streams.partition_state WHERE state = %s AND code LIKE %s AND processor LIKE %s"
        return rows(self.home, query, state, code, processor) != [(0,)]

    def up(self) -> None:
        """Do what an operator does: `hub up`."""
        supervisor.start(self.home, Settings(), lambda _part, _doing: None, supervisor.make_ready)

    def part(self, name: str) -> int:
        """Return the process id of the part *name* of the stack."""
        (pid,) = [part.pid for part in supervisor.status(self.home, Settings()) if part.name == name]
        assert pid is not None
        return pid

    def settle(self, fault: str, seconds: float | None = None, since: float | None = None) -> None:
        """Wait until everybody has every event, note how long that took from *since* on, and check every equality."""
        began = time.monotonic() if since is None else since
        try:
            wait_until(self._is_delivered, f"all is delivered after: {fault}", seconds or self._patience_s)
            recovery_s = time.monotonic() - began
            self.channels.read()  # what was written twice comes after what was written once
        finally:
            found = self.channels.deviations()
            self._note(fault, found, time.monotonic() - began)
        assert found == Deviations(), found
        self.faults[-1] = Fault(**{**self.faults[-1].told(), "recovery_s": recovery_s})
        assert rows(self.home, "SELECT count(*) FROM streams.parked") == [(0,)]
        self._check_projections()

    def _note(self, fault: str, found: Deviations, recovery_s: float) -> None:
        wrong = asdict(found)
        del wrong["where"]
        self.faults.append(Fault(fault=fault, **wrong, recovery_s=recovery_s))

    def _is_delivered(self) -> bool:
        self.channels.read()
        return not self.channels.missing()

    def flows(self, but: Collection[str], seconds: float = 60) -> None:
        """Wait until every event is where it belongs, those that are held up aside."""

        def delivered() -> bool:
            self.channels.read()
            return self.channels.missing() <= set(but)

        try:
            wait_until(delivered, "everything else flows", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.channels.deviations().where}") from None
        assert self.channels.missing() == set(but), "what is held up is held up"

    def _check_projections(self) -> None:
        """Fail unless the read models say what was sent: accepted = ledger, each event once."""
        reading.wait_for(self.home, timeout_s=60)
        by_agency = reading.counts(self.home).by_agency
        for agency in AGENCIES:
            count = sum(sent.agency == agency for sent in self.channels.sent.values())
            wanted = {"published": count, "accepted": count, "refused": 0, "duplicates": 0, "ledger": count}
            assert by_agency.get(agency, dict.fromkeys(wanted, 0)) == wanted, agency


async def _started(credentials: Credentials) -> AIOKafkaProducer:
    """Return a producer that is connected, however long no broker lets it in."""
    while True:
        producer = producer_for(credentials, linger_ms=5)
        try:
            await producer.start()
        except KafkaError:
            await discard(producer)
            await asyncio.sleep(0.5)
        else:
            return producer
