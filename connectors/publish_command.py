"""`hub publish`: reads events, publishes them, tells what became of each."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, aclosing
from typing import TypeVar

from rich.console import Console

from connectors.answers import Answers
from connectors.events_file import Line, Place
from connectors.placing import Sent
from connectors.publish_report import Bar, Report
from connectors.publisher import Publisher
from connectors.receipts import Receipts, ReceiptsUnavailableError
from connectors.source import Source
from connectors.spool_errors import InSpoolError
from connectors.spool_place import SpoolPlace
from infra.topology.credentials import Credentials
from schemas.errors import MisuseError, UnavailableError

RETRY_S = 1.0
T = TypeVar("T")


async def run(
    credentials: Credentials,
    source: Source,
    *,
    spool: SpoolPlace | None,
    wait: bool,
    timeout_s: float,
    as_json: bool,
) -> int:
    """Publish the events of *source*; return the exit code."""
    report = Report(Console(stderr=True, highlight=False), as_json)
    stopped: UnavailableError | None = None
    answers: Answers | None = None
    async with AsyncExitStack() as stack:
        patience_s = timeout_s if spool is None else 0.0  # with a spool nobody has to wait
        if wait:
            answers = await _patiently(
                lambda: _answers(stack, credentials, report, timeout_s, may_be_away=spool is not None),
                report,
                patience_s,
            )
        publisher = await _patiently(
            lambda: stack.enter_async_context(_publisher(credentials, spool)), report, patience_s
        )
        bar = stack.enter_context(Bar(report, source.bytes_total))
        try:
            await _publish(publisher, source, report, answers, bar)
            if answers is not None:
                await answers.all()
        except UnavailableError as error:  # told after what was done
            stopped = error
    report.tell(waited=wait)
    return _verdict(report, answers, stopped)


async def _patiently(opened: Callable[[], Awaitable[T]], report: Report, patience_s: float) -> T:
    """Return what *opened* gives; while the hub is away, say so once and try again, so long at most."""
    clock = asyncio.get_running_loop().time
    deadline, said = clock() + patience_s, False
    while True:
        try:
            return await opened()
        except UnavailableError as error:
            if clock() >= deadline:
                raise
            if not said:
                report.console.print(
                    f"the hub is away ({error.code}); waiting for it up to {patience_s:.0f} s",
                    markup=False,
                    soft_wrap=True,
                )
                said = True
        await asyncio.sleep(RETRY_S)


def _publisher(credentials: Credentials, spool: SpoolPlace | None) -> Publisher:
    if spool is None:
        return Publisher(credentials)
    return Publisher(credentials, spool=spool.folder, spool_key=spool.key_file)


async def _answers(
    stack: AsyncExitStack, credentials: Credentials, report: Report, timeout_s: float, *, may_be_away: bool
) -> Answers | None:
    """Open the receipts; None when the broker is away and *may_be_away*."""
    try:
        receipts = await stack.enter_async_context(Receipts(credentials))
    except ReceiptsUnavailableError:
        if not may_be_away:
            raise
        return None
    return await stack.enter_async_context(Answers(receipts, report.answer, timeout_s=timeout_s))


async def _publish(publisher: Publisher, source: Source, report: Report, answers: Answers | None, bar: Bar) -> None:
    """Publish what is in *source* and note for each event what became of it."""
    valid: deque[Place] = deque()
    events = _events(source.lines(), report, valid)
    async with aclosing(publisher.publish_all(events)) as results:
        async for result in results:
            place = valid.popleft()
            report.place(place, result)
            if answers is not None and isinstance(result, Sent):
                await answers.expect(result.offset, place)
            bar.show(source.bytes_read)
    bar.show(source.bytes_read, now=True)


async def _events(lines: Iterable[Line], report: Report, valid: deque[Place]) -> AsyncIterator[Mapping[str, object]]:
    for line in lines:
        report.read += 1
        if line.event is None:
            report.refuse(line.place, (line.problem,) if line.problem else ())
        else:
            valid.append(line.place)
            yield line.event


def _verdict(report: Report, answers: Answers | None, stopped: UnavailableError | None) -> int:
    """Return the exit code, or raise what says whose fault it is."""
    if stopped is not None:
        raise stopped
    if answers is not None and answers.has_given_up:
        unanswered = report.counts["sent"] - report.counts["answered"]
        raise ReceiptsUnavailableError(
            f"{unanswered} events wait for their receipt: they are safe on the topic; does a worker run? (`hub status`)"
        )
    if report.counts["spooled"]:
        raise InSpoolError(
            f"the broker is away; {report.counts['spooled']} events are safe in the spool: "
            "`hub spool drain`, or the next `hub publish --spool`, sends them"
        )
    if report.read == 0:
        raise MisuseError("there was no event to publish: is it the right file?")
    return 1 if report.counts["refused"] else 0
