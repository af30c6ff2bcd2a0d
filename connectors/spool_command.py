"""`hub spool`: what waits on disk for the broker, and sending it by hand."""

import asyncio
import datetime as dt
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import Progress

from connectors.access import Access
from connectors.answers import Answers
from connectors.arrival import Sealer
from connectors.events_file import Place
from connectors.link import Link
from connectors.publisher import PATIENCE_S
from connectors.receipts import Receipt, Receipts, ReceiptsUnavailableError
from connectors.send_queue import drain as send_oldest
from connectors.signing import signer_for
from connectors.spool import Spool
from connectors.spool_errors import SpoolDamagedError
from connectors.spool_place import SpoolPlace, state_of
from infra.settings import settings
from infra.topology.credentials import Credentials
from schemas.codec import Codec
from schemas.errors import UnavailableError
from schemas.names import TopicName


def status(agency: str, place: SpoolPlace, *, as_json: bool) -> None:
    """Say what waits in the spool at *place*."""
    found = state_of(place.folder)
    oldest = None if found.oldest_at is None else dt.datetime.fromtimestamp(found.oldest_at, dt.UTC).isoformat()
    if as_json:
        told = {
            "agency": agency,
            "folder": str(place.folder),
            "waiting": found.waiting,
            "bytes": found.bytes,
            "bytes_max": settings().spool_bytes,
            "oldest": oldest,
            "in_use": found.in_use,
            "set_aside": list(found.set_aside),
        }
        sys.stdout.write(json.dumps(told) + "\n")
        return
    console = Console(highlight=False)
    console.print(f"{place.folder}", markup=False, soft_wrap=True)
    console.print(f"{found.waiting} events wait, {found.bytes:,} of {settings().spool_bytes:,} bytes")
    if oldest:
        console.print(f"since about {oldest}")
    if found.in_use:
        console.print("a publisher has it open")
    for name in found.set_aside:
        console.print(f"set aside: {name}, with what could not be read", markup=False)


@dataclass(slots=True)
class Drained:
    """What became of the events of a spool."""

    sent: int = 0
    left: int = 0
    set_aside: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[dict[str, object]] = field(default_factory=list)

    def answer(self, place: Place, receipt: Receipt) -> None:
        """Note the *receipt* of an event."""
        self.counts[receipt.outcome.lower()] += 1
        for problem in receipt.problems:
            row = {"event_id": receipt.event_id, "path": problem.path, "rule": problem.rule, "advice": problem.advice}
            self.problems.append({place.unit: place.number, **row})


async def drain(
    credentials: Credentials, place: SpoolPlace, *, past_damage: bool, wait: bool, timeout_s: float, as_json: bool
) -> int:
    """Send what waits in the spool at *place*; return the exit code."""
    spool = Spool(place.folder, key_file=place.key_file, owner=str(credentials.principal))
    spool.open(damaged=past_damage)
    drained = Drained()
    stopped: UnavailableError | SpoolDamagedError | None = None
    answers: Answers | None = None
    try:
        async with AsyncExitStack() as stack:
            if wait and spool.count:
                receipts = await stack.enter_async_context(Receipts(credentials))
                answers = await stack.enter_async_context(Answers(receipts, drained.answer, timeout_s=timeout_s))
            link = _link(credentials, stack)
            try:
                async for offsets in _batches(link, spool, drained, past_damage=past_damage):
                    for offset in offsets:
                        drained.sent += 1
                        if answers is not None:
                            await answers.expect(offset, Place("event", drained.sent))
                if answers is not None:
                    await answers.all()
            except (UnavailableError, SpoolDamagedError) as error:  # told after what was done
                stopped = error
    finally:
        drained.left = spool.count
        spool.close()
    _tell(drained, waited=wait, as_json=as_json)
    if stopped is not None:
        raise stopped
    if answers is not None and answers.has_given_up:
        raise ReceiptsUnavailableError("events wait for their receipt: they are safe on the topic; does a worker run?")
    return 1 if drained.counts["refused"] or drained.set_aside else 0


def _link(credentials: Credentials, stack: AsyncExitStack) -> Link:
    """Return the way to the topic of the agency, on which all is signed and sealed as a publisher does it."""
    topic, access = TopicName(f"in.{credentials.principal}"), Access(credentials)
    stack.callback(access.close)
    codec = Codec(access.registry())
    signer, sealer = signer_for(credentials, codec, topic), Sealer(access, codec, topic)
    link = Link(credentials, topic, patience_s=PATIENCE_S, signer=signer, sealer=sealer)
    stack.push_async_callback(link.close)
    return link


async def _batches(link: Link, spool: Spool, drained: Drained, *, past_damage: bool) -> AsyncIterator[range]:
    """Send everything, batch by batch, with a progress bar."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("draining", total=spool.count)
        while spool.count:
            try:
                offsets = await send_oldest(link, spool)
            except SpoolDamagedError:
                if not past_damage:
                    raise
                drained.set_aside.append(await asyncio.to_thread(spool.pass_over_damage))
                continue
            progress.update(task, advance=len(offsets))
            yield offsets


def _tell(drained: Drained, *, waited: bool, as_json: bool) -> None:
    counts = drained.counts
    if as_json:
        told = {
            "sent": drained.sent,
            "left": drained.left,
            "accepted": counts["accepted"] if waited else None,
            "duplicates": counts["duplicate"] if waited else None,
            "refused": counts["refused"] if waited else None,
            "problems": drained.problems,
            "set_aside": drained.set_aside,
        }
        sys.stdout.write(json.dumps(told) + "\n")
        return
    console = Console(stderr=True, highlight=False)
    for row in drained.problems:
        text = f"event {row['event']} ({row['event_id']}): {row['path']}: {row['rule']}: {row['advice']}"
        console.print(text, style="red", markup=False, soft_wrap=True)
    for name in drained.set_aside:
        console.print(f"set aside: {name}", style="red", markup=False)
    answers = f": {counts['accepted']} accepted, {counts['duplicate']} duplicates, {counts['refused']} refused"
    console.print(f"{drained.sent} sent from the spool, {drained.left} left{answers if waited else ''}", markup=False)
