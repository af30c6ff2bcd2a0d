"""PostgreSQL in memory, as much of it as the books of the pump need: locks, transactions, savepoints, lost answers."""

import asyncio
import copy
import dataclasses
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg

from infra.evidence.chain import Head
from streams.intake.admission import Seen
from streams.pump.ports import Checkpoint, Committed, Place, Request, Routed
from streams.pump.positions import LostOwnershipError
from streams.pump.records import Parked
from tests.simulation.world import Worker

STANDSTILL_S = 20.0
"""A transaction that stands still for so long is ended by the server."""


@dataclass(slots=True)
class Page:
    """All rows of one place."""

    checkpoint: Checkpoint | None = None
    outbox: dict[tuple[int, int], Routed] = field(default_factory=dict)
    """By next offset and number of the retry."""
    parked: dict[int, tuple[Parked, str | None]] = field(default_factory=dict)
    """By offset, with what is asked."""
    tried: dict[int, int] = field(default_factory=dict)
    """How often what is asked of a parked record has been begun, by offset."""
    audit: list[tuple[int, str]] = field(default_factory=list)
    state: tuple[str, str] = ("", "")
    seen: dict[str, Seen] = field(default_factory=dict)
    """What intake remembers of the agency whose partition it is."""
    head: Head | None = None
    """Of the chain of that partition."""


@dataclass(slots=True, eq=False)
class Session:
    """One SQL transaction of *worker*."""

    worker: Worker
    pages: dict[Place, Page] = field(default_factory=dict)
    touched_at: float = 0.0
    is_dead: bool = False


class Database:
    """Pages by place, each locked by at most one transaction."""

    def __init__(self) -> None:
        self.pages: dict[Place, Page] = defaultdict(Page)
        self.owners: dict[Place, Session] = {}

    async def page(self, session: Session, place: Place) -> Page:
        """Return the page of *place* for *session* to change, as soon as nobody else has it."""
        while place not in session.pages:
            owner = self.owners.get(place)
            if owner is None:
                self.owners[place] = session
                session.pages[place] = copy.deepcopy(self.pages[place])
            else:
                self._end_if_still(owner)
                await asyncio.sleep(0.05)
            self._check(session)
        self._check(session)
        session.touched_at = session.worker.world.now
        return session.pages[place]

    def end(self, session: Session, *, commit: bool) -> None:
        """Commit or roll back."""
        if commit:
            self._check(session)
            self.pages.update(session.pages)
        session.is_dead = True
        for place in session.pages:
            if self.owners.get(place) is session:
                del self.owners[place]

    def _end_if_still(self, owner: Session) -> None:
        if owner.worker.is_dead or owner.worker.world.now - owner.touched_at > STANDSTILL_S:
            self.end(owner, commit=False)

    def _check(self, session: Session) -> None:
        if session.worker.is_dead:
            raise AssertionError("a dead worker used the database")
        if session.is_dead:
            raise psycopg.errors.IdleInTransactionSessionTimeout("ended by the server")


class MemoryBooks:
    """The books of *place* for *worker*."""

    def __init__(self, database: Database, place: Place, worker: Worker) -> None:
        self._database = database
        self._place = place
        self._worker = worker

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """Open a transaction; its commit may get lost before or after it was done."""
        await self._worker.step("sql begin")
        session = Session(self._worker, touched_at=self._worker.world.now)
        try:
            yield session
            await self._worker.step("sql commit")
            self._database.end(session, commit=True)
        except BaseException:
            if not session.is_dead:
                self._database.end(session, commit=False)
            raise
        await self._worker.step("sql answer")

    @asynccontextmanager
    async def savepoint(self, transaction: Any) -> AsyncIterator[None]:
        """Take back what the block did when it ends by an error."""
        before = copy.deepcopy(transaction.pages)
        try:
            yield
        except Exception:
            transaction.pages.update(before)
            raise

    async def checkpoint(self, transaction: Any) -> Checkpoint | None:
        return (await self._page(transaction)).checkpoint

    async def begin(self, transaction: Any, offset: int) -> None:
        page = await self._page(transaction)
        if page.checkpoint is not None:
            raise LostOwnershipError("begun")
        page.checkpoint = Checkpoint(first_offset=offset, next_offset=offset)

    async def own(self, transaction: Any, *, is_first: bool) -> int:
        page, checkpoint = await self._at(transaction)
        starts = checkpoint.starts + int(is_first)
        page.checkpoint = dataclasses.replace(checkpoint, owner=checkpoint.owner + 1, starts=starts)
        return checkpoint.owner + 1

    async def forgive(self, transaction: Any) -> None:
        page, checkpoint = await self._at(transaction)
        page.checkpoint = dataclasses.replace(checkpoint, starts=0, trying_offset=None, tried=0)
        page.tried.clear()

    async def trying(self, transaction: Any, offset: int) -> None:
        page, checkpoint = await self._at(transaction)
        tried = checkpoint.tried + 1 if checkpoint.trying_offset == offset else 1
        page.checkpoint = dataclasses.replace(checkpoint, trying_offset=offset, tried=tried)

    async def advance(self, transaction: Any, seen: int, reached: int) -> None:
        page, checkpoint = await self._at(transaction)
        if checkpoint.next_offset != seen:
            raise LostOwnershipError("moved")
        page.checkpoint = dataclasses.replace(checkpoint, next_offset=reached, starts=0, trying_offset=None, tried=0)

    async def advance_retries(self, transaction: Any, reached: int) -> None:
        page, checkpoint = await self._at(transaction)
        if checkpoint.retries != reached - 1:
            raise LostOwnershipError("moved")
        page.checkpoint = dataclasses.replace(checkpoint, retries=reached)

    async def keep_outputs(self, transaction: Any, outputs: Routed, reached: int, retry: int = 0) -> None:
        if outputs:
            page = await self._page(transaction)
            assert (reached, retry) not in page.outbox, "the primary key of the outbox"
            page.outbox[reached, retry] = tuple(outputs)

    async def pending_outputs(self, transaction: Any, committed: Committed) -> Routed:
        page = await self._page(transaction)
        pending = sorted(number for number in page.outbox if not _kafka_has(number, committed))
        return [output for number in pending for output in page.outbox[number]]

    async def forget_outputs(self, transaction: Any, committed: Committed) -> None:
        page = await self._page(transaction)
        page.outbox = {number: kept for number, kept in page.outbox.items() if not _kafka_has(number, committed)}

    async def parked(self, transaction: Any) -> Sequence[tuple[bytes | None, int]]:
        page = await self._page(transaction)
        return [(parked.key, offset) for offset, (parked, _) in sorted(page.parked.items())]

    async def park(self, transaction: Any, parked: Sequence[Parked]) -> None:
        page = await self._page(transaction)
        for each in parked:
            if each.offset not in page.parked:
                page.parked[each.offset] = (each, None)
                page.audit.append((each.offset, f"parked {each.code}"))

    async def request(self, transaction: Any) -> Request | None:
        page = await self._page(transaction)
        for offset, (parked, asked) in sorted(page.parked.items()):
            if asked is not None:
                return Request(offset=offset, key=parked.key, action=asked, tried=page.tried.get(offset, 0))
        return None

    async def begun(self, transaction: Any, asked: Request) -> None:
        page = await self._page(transaction)
        page.tried[asked.offset] = page.tried.get(asked.offset, 0) + 1

    async def release(self, transaction: Any, done: Request) -> None:
        page = await self._page(transaction)
        del page.parked[done.offset]
        page.audit.append((done.offset, done.action))
        following = [o for o, (parked, _) in sorted(page.parked.items()) if done.key and parked.key == done.key]
        if following and page.parked[following[0]][1] is None:
            page.parked[following[0]] = (page.parked[following[0]][0], "retry")

    async def fail_again(self, transaction: Any, parked: Parked) -> None:
        page = await self._page(transaction)
        page.parked[parked.offset] = (parked, None)
        page.tried.pop(parked.offset, None)
        page.audit.append((parked.offset, f"failed again {parked.code}"))

    async def say(self, transaction: Any, state: str, code: str = "", advice: str = "") -> None:  # noqa: ARG002
        (await self._page(transaction)).state = (state, code)

    async def seen(self, transaction: Any, position: int) -> None:  # noqa: ARG002 - for `hub status` alone
        page, checkpoint = await self._at(transaction)
        page.checkpoint = dataclasses.replace(checkpoint, starts=0)
        page.state = ("running", "")

    async def _page(self, transaction: Any) -> Page:
        if self._worker.world.random.random() < 0.2:
            await self._worker.step("sql statement")
        return await self._database.page(transaction, self._place)

    async def _at(self, transaction: Any) -> tuple[Page, Checkpoint]:
        page = await self._page(transaction)
        assert page.checkpoint is not None
        return page, page.checkpoint


def _kafka_has(number: tuple[int, int], committed: Committed) -> bool:
    next_offset, retry = number
    return retry <= committed.retries if retry else next_offset <= committed.offset
