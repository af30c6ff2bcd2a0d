"""What is on its way: in order, bounded, by way of the spool while the broker is away, and never forgotten."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from connectors import publisher as publisher_module
from connectors import send_queue
from connectors.link import TOO_LARGE, Link
from connectors.placing import Placed, PublishForbiddenError, PublishUnavailableError, Sent, Spooled
from connectors.publisher import Publisher
from connectors.send_queue import SendQueue
from connectors.spool import Spool
from connectors.spool_errors import SpoolFullError
from schemas.errors import HubError, InvalidEventError, Problem
from schemas.names import EventId, TopicName

WRONG = InvalidEventError([Problem("$", "type", "is wrong")])


class FakeLink:
    """A broker in memory that is away, or refuses, when told so."""

    topic = TopicName("in.rs-police")

    def __init__(self) -> None:
        self.log: list[bytes] = []
        self.batches: list[int] = []
        self.is_up = False
        self.error: HubError | None = None
        self.lost: HubError | None = None
        """Raised once, after the batch was stored all the same: an acknowledgement that never came."""
        self.takes = 7

    async def connect(self) -> None:
        await asyncio.sleep(0)
        if isinstance(self.error, PublishUnavailableError):
            raise self.error
        self.is_up = True

    async def deliver(self, values: Sequence[bytes]) -> range:
        if not self.is_up:
            await self.connect()
        await asyncio.sleep(0)
        if self.error is not None:
            self.is_up = False
            raise self.error
        taken = values[: self.takes]
        start = len(self.log)
        self.log += taken
        self.batches.append(len(taken))
        if self.lost is not None:
            error, self.lost, self.is_up = self.lost, None, False
            raise error
        return range(start, len(self.log))

    async def close(self) -> None:
        self.is_up = False


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send_queue, "PAUSE_FIRST_S", 0.001)
    monkeypatch.setattr(send_queue, "PAUSE_LONGEST_S", 0.001)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool(tmp_path / "spool", key_file=tmp_path / "key", owner="rs-police", bytes_max=10_000)
    made.open()
    yield made
    made.close()


@asynccontextmanager
async def queue_over(link: FakeLink, spool: Spool | None = None) -> AsyncIterator[SendQueue]:
    queue = SendQueue(cast("Link", link), spool)
    await queue.start()
    try:
        yield queue
    finally:
        await queue.close()


async def put_all(queue: SendQueue, values: Sequence[bytes]) -> "list[asyncio.Future[Placed]]":
    return [await queue.put(EventId(value.decode()), value) for value in values]


def values(start: int, stop: int) -> list[bytes]:
    return [b"%d" % number for number in range(start, stop)]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - of a disk, which sets no event
            await asyncio.sleep(0.001)


async def test_events_arrive_in_batches_in_order_and_each_is_told_its_own_offset() -> None:
    link = FakeLink()
    async with queue_over(link) as queue:
        placed = await asyncio.gather(*await put_all(queue, values(0, 40)))
    assert link.log == values(0, 40)
    assert [(each.event_id, each.offset) for each in placed if isinstance(each, Sent)] == [
        (str(number), number) for number in range(40)
    ]
    assert max(link.batches) == link.takes


@pytest.mark.parametrize(("limit", "many"), [("EVENTS_MAX", 10), ("BYTES_MAX", 20)])
async def test_who_has_more_than_may_be_on_its_way_waits(
    limit: str, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send_queue, limit, many)
    link = FakeLink()
    async with queue_over(link) as queue:
        for value in (b"%02d" % number for number in range(99)):
            await queue.put(EventId("x"), value)
            assert len(queue._waiting) <= many  # noqa: SLF001 - what the promise is about
    assert len(link.log) == 99


async def test_without_a_spool_an_absent_broker_is_an_error_for_each_and_the_next_one_tries_again() -> None:
    link = FakeLink()
    async with queue_over(link) as queue:
        link.error = PublishUnavailableError("away")
        results = await asyncio.gather(*await put_all(queue, values(0, 10)), return_exceptions=True)
        assert {type(result) for result in results} == {PublishUnavailableError}
        link.error = None
        assert isinstance(await (await queue.put(EventId("x"), b"x")), Sent)
    link.error = PublishUnavailableError("away")
    with pytest.raises(PublishUnavailableError):
        await SendQueue(cast("Link", link), None).start()


async def test_an_event_that_is_too_large_for_the_broker_does_not_hold_up_the_others() -> None:
    link = FakeLink()
    async with queue_over(link) as queue:
        link.error = InvalidEventError([TOO_LARGE])
        first, second = await put_all(queue, values(0, 2))
        with pytest.raises(InvalidEventError):
            await first
        link.error = None
        await second
    assert link.log == values(1, 2)


async def test_who_may_not_write_is_told_so_also_with_a_spool(spool: Spool) -> None:
    link = FakeLink()
    async with queue_over(link, spool) as queue:
        link.error = PublishForbiddenError("no")
        with pytest.raises(PublishForbiddenError):
            await (await queue.put(EventId("x"), b"x"))
    assert spool.count == 0


async def test_what_is_spooled_is_sent_before_anything_newer(spool: Spool) -> None:
    link = FakeLink()
    link.error = PublishUnavailableError("away")
    async with queue_over(link, spool) as queue:
        placed = await asyncio.gather(*await put_all(queue, values(0, 20)))
        assert [each.number for each in placed if isinstance(each, Spooled)] == list(range(20))
        with pytest.raises(PublishUnavailableError):
            await (await queue.put(EventId("x"), b"x", may_be_kept=False))
        link.error = None
        later = await asyncio.gather(*await put_all(queue, values(20, 30)))
        await until(lambda: not spool.count)
        newest = await (await queue.put(EventId("30"), b"30"))
    assert link.log == values(0, 31)
    assert isinstance(newest, Sent)
    assert len(later) == 10


async def test_an_acknowledgement_that_never_came_repeats_the_batch_with_the_same_bytes(spool: Spool) -> None:
    link = FakeLink()
    async with queue_over(link, spool) as queue:
        link.lost = PublishUnavailableError("silent")
        await asyncio.gather(*await put_all(queue, values(0, 20)))
        await until(lambda: not spool.count)
        link.lost = PublishUnavailableError("silent")
        await asyncio.gather(*await put_all(queue, values(20, 40)))
        await until(lambda: not spool.count)
    assert list(dict.fromkeys(link.log)) == values(0, 40)
    assert len(link.log) > 40


async def test_a_spool_from_an_earlier_time_is_emptied_without_anybody_publishing(spool: Spool) -> None:
    spool.append(values(0, 20))
    link = FakeLink()
    async with queue_over(link, spool):
        await until(lambda: not spool.count)
    assert link.log == values(0, 20)


async def test_a_full_spool_is_an_error_for_whoever_publishes(spool: Spool) -> None:
    link = FakeLink()
    link.error = PublishUnavailableError("away")
    async with queue_over(link, spool) as queue:
        with pytest.raises(SpoolFullError):
            await (await queue.put(EventId("x"), b"x" * 20_000))
        assert isinstance(await (await queue.put(EventId("x"), b"x")), Spooled)


async def test_closing_places_everything_first(spool: Spool) -> None:
    link = FakeLink()
    async with queue_over(link, spool) as queue:
        placed = await put_all(queue, values(0, 20))
    assert all(isinstance(each.result(), Sent) for each in placed)
    with pytest.raises(PublishUnavailableError):
        await queue.put(EventId("x"), b"x")


class Fake(Publisher):
    """A publisher over a link in memory; an event is `{"number": …}`, and every fifth is wrong."""

    def __init__(self, link: FakeLink) -> None:
        self._queue = SendQueue(cast("Link", link), None)

    def encode(self, event: Mapping[str, object]) -> tuple[EventId, bytes]:
        number = cast("int", event["number"])
        if number % 5 == 0:
            raise WRONG
        return EventId(str(number)), b"%d" % number


async def numbers(stop: int) -> AsyncIterator[dict[str, object]]:
    for number in range(stop):
        yield {"number": number}


async def test_publish_all_answers_each_event_in_order() -> None:
    link = FakeLink()
    made = Fake(link)
    await made._queue.start()  # noqa: SLF001 - without a broker
    results = [result async for result in made.publish_all(numbers(100))]
    assert await made.publish_many([{"number": number} for number in range(6)])
    await made._queue.close()  # noqa: SLF001 - as above
    assert [isinstance(result, InvalidEventError) for result in results] == [number % 5 == 0 for number in range(100)]
    assert link.log[:80] == [b"%d" % number for number in range(100) if number % 5]


async def test_publish_all_reads_no_further_than_results_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher_module, "EVENTS_MAX", 10)
    read = 0

    async def counted() -> AsyncIterator[dict[str, object]]:
        nonlocal read
        async for event in numbers(10_000):
            read += 1
            yield event

    made = Fake(FakeLink())
    await made._queue.start()  # noqa: SLF001 - without a broker
    results = made.publish_all(counted())
    for taken in range(1, 300):
        await anext(results)
        await asyncio.sleep(0)
        assert read <= taken + 12
    await results.aclose()
    await made._queue.close()  # noqa: SLF001 - as above
    assert read < 400


async def test_a_result_comes_before_the_next_event_is_there() -> None:
    asked = asyncio.Event()

    async def slow() -> AsyncIterator[dict[str, object]]:
        yield {"number": 1}
        await asked.wait()
        yield {"number": 2}

    made = Fake(FakeLink())
    await made._queue.start()  # noqa: SLF001 - without a broker
    results = made.publish_all(slow())
    assert isinstance(await asyncio.wait_for(anext(results), 20), Sent)
    asked.set()
    assert [result async for result in results]
    await made._queue.close()  # noqa: SLF001 - as above


async def test_an_error_of_the_source_comes_after_what_was_published() -> None:
    async def broken() -> AsyncIterator[dict[str, object]]:
        yield {"number": 1}
        raise OSError

    made = Fake(FakeLink())
    await made._queue.start()  # noqa: SLF001 - without a broker
    results = made.publish_all(broken())
    assert isinstance(await anext(results), Sent)
    with pytest.raises(OSError):  # noqa: PT011 - it has no text
        await anext(results)
    await made._queue.close()  # noqa: SLF001 - as above
