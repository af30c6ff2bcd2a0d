"""`hub feed`: prints a partner's feed, or appends it to a file, and remembers where it was."""

import sys
from pathlib import Path

import orjson
from rich.console import Console

from connectors.feed import Feed, FeedEvent
from connectors.position import EventFile, Position, PositionFile
from infra.topology.credentials import Credentials

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
) -> None:
    """Read the feed of *credentials* and write each event out; see the command's help."""
    stored = PositionFile(position)
    file = EventFile(output) if output is not None else None
    async with Feed(credentials) as feed:
        if file is None:
            offset = await _offset(feed, start, _next(stored))
        elif file.next_offset is None:
            offset = await _offset(feed, start, None)
            file.commit((await feed.bounds())[0] if offset is None else offset)  # before a crash leaves lines behind
        else:
            offset = file.next_offset  # where to begin was said when the file was made: no event is in it twice
        count = 0
        async for event in feed.events(from_offset=offset, follow=follow):
            count += 1
            if file is not None:
                file.append(_json(event))
                if count % COMMIT_EVERY == 0:
                    file.commit(event.offset + 1)
            else:
                sys.stdout.write(_json(event).decode() if as_json else _text(event))
                sys.stdout.flush()
                stored.save(Position(next_offset=event.offset + 1))
            offset = event.offset + 1
            if count == limit:
                break
        if file is not None:
            if offset is not None:
                file.commit(offset)
            file.close()
    if not as_json:
        Console(stderr=True).print(f"{count} events", highlight=False)


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
