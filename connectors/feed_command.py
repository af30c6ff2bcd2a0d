"""`hub feed`: prints a partner's feed, or appends it to a file, and remembers where it was."""

import sys
from collections.abc import Sequence
from pathlib import Path

import orjson
from rich.console import Console

from connectors.acknowledging import Step
from connectors.feed import Feed, FeedEvent
from connectors.position import EventFile, Position, PositionFile
from infra.topology.credentials import Credentials
from schemas.errors import MisuseError

COMMIT_EVERY = 200


async def run(
    credentials: Credentials,
    start: str,
    *,
    position: Path,
    follow: bool,
    output: Path | None,
    limit: int | None,
    as_json: bool,
    acknowledge: bool = False,
) -> None:
    """Read the feed of *credentials* and write each event out; see the command's help."""
    stored = PositionFile(position)
    file = EventFile(output) if output is not None else None
    async with Feed(credentials) as feed:
        offset = await _begin(feed, start, stored, file)
        said = Said(feed, output or position, is_wanted=acknowledge)
        await said.catch_up(offset)
        every = 1 if acknowledge and follow else COMMIT_EVERY  # what is waited for is acknowledged at once
        count = 0
        async for event in feed.events(from_offset=offset, follow=follow):
            count += 1
            _write(event, stored, file, as_json=as_json)
            said.add(event)
            offset = event.offset + 1
            if count % every == 0:
                _commit(file, offset)
                await said.say()
            if count == limit:
                break
        _commit(file, offset)
        await said.say()
    if file is not None:
        file.close()
    if not as_json:
        Console(stderr=True).print(f"{count} events", highlight=False)


async def _begin(feed: Feed, start: str, stored: PositionFile, file: EventFile | None) -> int | None:
    """Return where to read on, None for the beginning; a new file has its position before it has a line."""
    if file is None:
        return await _offset(feed, start, _next(stored))
    if file.next_offset is not None:
        return file.next_offset  # where to begin was said when the file was made: no event is in it twice
    offset = await _offset(feed, start, None)
    _commit(file, (await feed.bounds())[0] if offset is None else offset)  # before a crash leaves lines behind
    return offset


def _write(event: FeedEvent, stored: PositionFile, file: EventFile | None, *, as_json: bool) -> None:
    if file is not None:
        file.append(_json(event))
        return
    sys.stdout.write(_json(event).decode() if as_json else _text(event))
    sys.stdout.flush()
    stored.save(Position(next_offset=event.offset + 1))


def _commit(file: EventFile | None, offset: int | None) -> None:
    if file is not None and offset is not None:
        file.commit(offset)


class Said:
    """Acknowledges what was written out to *written*, and keeps beside it how far: a crash in between loses nothing."""

    def __init__(self, feed: Feed, written: Path, *, is_wanted: bool) -> None:
        self._feed = feed
        self._is_wanted = is_wanted
        self._file = PositionFile(written.with_name(f"{written.name}.acknowledged"))
        self._waiting: list[FeedEvent] = []

    async def catch_up(self, offset: int | None) -> None:
        """Acknowledge what was written out before *offset* and, because of a crash, not acknowledged."""
        if not self._is_wanted:
            return
        first, _ = await self._feed.bounds()
        begin = first if offset is None else offset
        at = _next(self._file)
        if at is None:
            self._file.save(Position(next_offset=begin))
            return
        if at >= begin:
            return
        async for event in self._feed.events(from_offset=max(at, first), follow=False):
            if event.offset >= begin:
                break
            self.add(event)
        await self.say()

    def add(self, event: FeedEvent) -> None:
        """Note that *event* is to be acknowledged once it is written out."""
        if self._is_wanted:
            self._waiting.append(event)

    async def say(self) -> None:
        """Acknowledge what was added; it has been written out."""
        if self._waiting:
            await self._feed.acknowledge(self._waiting)
            self._file.save(Position(next_offset=self._waiting[-1].offset + 1))
            self._waiting.clear()


async def acknowledge_some(credentials: Credentials, ids: Sequence[str], step: Step) -> int:
    """Say that the events and recalls of *ids* have reached *step*, and return of how many.

    Raises MisuseError, and says nothing, when the feed does not hold one of them.
    """
    async with Feed(credentials) as feed:
        found = await feed.find(frozenset(ids))
        missing = sorted(set(ids) - {event.id for event in found})
        if missing:
            raise MisuseError(f"{len(missing)} of these ids are not on the feed of {feed.partner}; nothing was said")
        await feed.acknowledge(found, step)
        return len(found)


async def _offset(feed: Feed, start: str, stored: int | None) -> int | None:
    if start == "beginning":
        return None
    return (await feed.bounds())[1] if start == "end" else stored


def _next(stored: PositionFile) -> int | None:
    found = stored.load()
    return None if found is None else found.next_offset


def _json(event: FeedEvent) -> bytes:
    kind = {"event_type": event.event_type} if event.view is None else {"view": event.view}
    return orjson.dumps({"offset": event.offset, **kind, **event.content}) + b"\n"


def _text(event: FeedEvent) -> str:
    """Return one line for people: what, from whom, for which purpose; persons only as JSON shows them."""
    if event.view is None:
        names = event.content["subjects"]
        assert isinstance(names, list)
        return (
            f"{event.offset:>8}  {event.content['recalled_at']}  Recalled: delete what you hold of {', '.join(names)}\n"
        )
    envelope = event.content["envelope"]
    assert isinstance(envelope, dict)
    stamp = event.content.get("received_at", "")
    kind = f"{event.event_type:<22} {envelope['agency']:<24} {envelope['purpose']:<14} {event.view}"
    return f"{event.offset:>8}  {stamp}  {kind}\n"
