"""What was sent to a hub that is being broken, and the equalities that must hold whatever happened to it."""

import asyncio
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from infra.home import Home
from infra.registry import registry_for
from infra.settings import Settings
from infra.stack import supervisor
from schemas.codec import Codec
from tests.publishing import Agency, invented
from tests.running import Stored, Worker, records, rows, wait_until

AGENCIES = ("rs-police", "rs-border-police", "bg-police", "bg-border-police")
"""Europol gets what they identify, so that its feed must hold every event once."""
CASES = 25
SHORT_SESSION = {"HUB_SESSION_TIMEOUT_MS": "6000"}


class Trial:
    """Sends events of four agencies and knows every one of them."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.recovered: list[tuple[str, float]] = []
        self._sent: dict[str, list[str]] = defaultdict(list)
        self._case: dict[str, tuple[str, int]] = {}
        self._workers = 0

    def worker(self, **environment: str) -> Worker:
        """Start a worker that is missed after six seconds already."""
        self._workers += 1
        log = self.home.logs_dir / f"worker-{self._workers}.log"
        return Worker(self.home, log, **SHORT_SESSION, **environment)

    def send(self, count: int) -> None:
        """Send *count* events of each agency and return when the broker has them for good."""
        asyncio.run(self._send(count))

    @contextmanager
    def sending(self, count: int) -> Iterator[None]:
        """Send *count* events of each agency while the block runs, and wait for the broker at its end."""
        failed: list[BaseException] = []
        prepared = asyncio.run(self.prepared(count))

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

    async def _send(self, count: int) -> None:
        await self.send_prepared(await self.prepared(count))

    async def prepared(self, count: int) -> dict[str, list[bytes]]:
        """Return *count* events of each agency, encoded: sending them needs the broker and nothing else."""
        values: dict[str, list[bytes]] = defaultdict(list)
        for name in AGENCIES:
            async with Agency(self.home, name) as agency:
                for number in range(count):
                    case = number % CASES
                    references = {"envelope__case_ref": f"K-{case}", "person__person_ref": f"P-{case}"}
                    event = invented("PersonIdentified", name, **references)
                    event_id = event["envelope"]["event_id"]
                    self._case[event_id] = (name, case)
                    self._sent[name].append(event_id)
                    values[name].append(agency.encode(event))
        return values

    async def send_prepared(self, prepared: Mapping[str, Sequence[bytes]]) -> None:
        """Send what `prepared` returned, all agencies at once."""
        await asyncio.gather(*(self._send_of(name, values) for name, values in prepared.items()))

    async def _send_of(self, name: str, values: Sequence[bytes]) -> None:
        async with Agency(self.home, name) as agency:
            await agency.send_all(values)

    @property
    def sent(self) -> int:
        """How many events have been sent."""
        return len(self._case)

    def progress(self) -> int:
        """Return how many records intake has processed."""
        ((found,),) = rows(
            self.home, "SELECT coalesce(sum(next_offset), 0) FROM streams.checkpoint WHERE processor = 'intake'"
        )
        return int(found)

    def state(self, code: str) -> bool:
        """Whether a partition says that it waits for the reason *code*."""
        query = "SELECT count(*) FROM streams.partition_state WHERE state = 'waiting' AND code LIKE %s"
        return rows(self.home, query, code) != [(0,)]

    def up(self) -> None:
        """Do what an operator does: `hub up`."""
        supervisor.start(self.home, Settings(), lambda _part, _doing: None, supervisor.make_ready)

    def part(self, name: str) -> int:
        """Return the process id of the part *name* of the stack."""
        (pid,) = [part.pid for part in supervisor.status(self.home, Settings()) if part.name == name]
        assert pid is not None
        return pid

    def settle(self, fault: str, seconds: float = 90) -> None:
        """Wait until the partner has every event, note how long that took, and check every equality."""
        began = time.monotonic()
        wait_until(self._is_delivered, f"europol has every event after: {fault}", seconds)
        self.recovered.append((fault, time.monotonic() - began))
        self.check()

    def table(self) -> str:
        """Return a line for each fault."""
        return "\n".join(f"{fault:52} {seconds:6.1f}" for fault, seconds in self.recovered)

    def _is_delivered(self) -> bool:
        return len(records(self.home, "to.europol")) >= self.sent

    def check(self) -> None:
        """Fail unless accepted = ledger = sent, nothing is twice anywhere, and every case is in order."""
        codec = Codec(registry_for(self.home))
        ledger = [(stored, _id(found)) for stored, found in self._ours(codec, "ledger")]
        everything = Counter(list(self._case))
        assert Counter(event_id for _, event_id in ledger) == everything, "ledger"
        for topic in ("to.europol", "stage.persons"):
            assert Counter(_id(found) for _, found in self._ours(codec, topic)) == everything, topic
        decisions = [
            each
            for each in (_decoded(codec, stored) for stored in records(self.home, "decisions"))
            if each["agency"] in AGENCIES
        ]
        decided = Counter((each["event_id"], each["audience"]) for each in decisions)
        assert set(decided.values()) <= {1}, "a decision was written twice"
        assert len({each["event_id"] for each in decisions}) == self.sent
        for agency in AGENCIES:
            self._check_receipts(codec, agency)
        self._check_order(ledger)
        assert rows(self.home, "SELECT count(*) FROM streams.parked") == [(0,)]

    def _ours(self, codec: Codec, topic: str) -> list[tuple[Stored, dict[str, Any]]]:
        """Return the records of *topic* that are about events of the agencies whose events are counted."""
        found = [(stored, _decoded(codec, stored)) for stored in records(self.home, topic)]
        return [(stored, record) for stored, record in found if record["envelope"]["agency"] in AGENCIES]

    def _check_receipts(self, codec: Codec, agency: str) -> None:
        receipts = [_decoded(codec, stored) for stored in records(self.home, f"receipts.{agency}")]
        assert Counter(receipt["outcome"] for receipt in receipts) == {"ACCEPTED": len(self._sent[agency])}
        assert [receipt["event_id"] for receipt in receipts] == self._sent[agency]
        offsets = [stored.offset for stored in records(self.home, f"in.{agency}")]
        assert [receipt["source_offset"] for receipt in receipts] == offsets

    def _check_order(self, ledger: Sequence[tuple[Stored, str]]) -> None:
        wanted: dict[tuple[str, int], list[str]] = defaultdict(list)
        for several in self._sent.values():
            for event_id in several:
                wanted[self._case[event_id]].append(event_id)
        kept: dict[tuple[str, int], list[str]] = defaultdict(list)
        places: dict[tuple[str, int], set[tuple[int, bytes | None]]] = defaultdict(set)
        for stored, event_id in sorted(ledger, key=lambda pair: (pair[0].partition, pair[0].offset)):
            kept[self._case[event_id]].append(event_id)
            places[self._case[event_id]].add((stored.partition, stored.key))
        assert kept == wanted, "the order of a case was not kept"
        assert {len(found) for found in places.values()} == {1}, "a case is in two partitions"


def _decoded(codec: Codec, stored: Stored) -> dict[str, Any]:
    codec.learn([stored.value])
    return codec.decode(stored.value).record


def _id(record: dict[str, Any]) -> str:
    return str(record["envelope"]["event_id"])
