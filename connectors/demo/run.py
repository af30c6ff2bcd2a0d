"""One run of the demonstration: agencies publish day by day, everybody else watches, then all is counted."""

import asyncio
import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from random import Random

from connectors.demo.careless import Mistake, act_id, encode, mistakes, reused_id
from connectors.demo.cohorts import classes_of
from connectors.demo.pace import DAYS, EVENTS_PER_S
from connectors.demo.tally import Tally
from connectors.demo.watching import LedgerCount, Sending, feed_end, watch_feed, watch_receipts
from connectors.publisher import Publisher
from connectors.receipts import Receipts
from connectors.scenario.stream import Act, Scenario
from infra.clock import advance_to, now_in
from infra.home import Home
from infra.registry import registry_for
from infra.topology.credentials import Credentials
from infra.topology.model import Topology
from schemas.catalogue import contract
from schemas.codec import Codec
from schemas.errors import MisuseError, code_of
from schemas.names import EventId

ASLEEP = 0.75
"""Share of the time between two events; sending takes the rest."""
SETTLE_S = 90.0
IDENTIFIED = "PersonIdentified"
"""Of this type is the event from which all mistakes are made."""

Tell = Callable[[str, Tally], None]
"""Told what is going on, with the counts so far."""
Lags = Callable[[], Mapping[str, object]]
"""Returns `processors` and `projections` as `hub status` does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one run will do."""

    run: int
    seed: int
    stories: int
    start: dt.date
    days: int = DAYS
    events_per_s: int = EVENTS_PER_S

    @classmethod
    def next(cls, home: Home, run: int, seed: int, stories: int, days: int, events_per_s: int) -> "Plan":
        """Return the plan of run *run*: it begins on the day after the hub's time."""
        start = now_in(home).date() + dt.timedelta(days=1)
        return cls(run=run, seed=seed, stories=stories, start=start, days=days, events_per_s=events_per_s)

    def acts(self) -> list[Act]:
        """Return what the agencies will publish, in order of time; somebody is identified in it.

        Raises MisuseError when there are too few stories for that.
        """
        scenario = Scenario(seed=self.seed, run=self.run, start=self.start, days=self.days)
        acts = list(scenario.stories(self.stories))
        if not any(act.event["event_type"] == IDENTIFIED for act in acts):
            raise MisuseError("nobody is identified in so few stories: ask for more of them, or give another seed")
        return acts


async def perform(home: Home, topology: Topology, plan: Plan, tell: Tell, lags: Lags) -> Tally:
    """Do *plan* against the running hub of *home* and return the counts."""
    began = time.monotonic()
    tally = Tally(run=plan.run)
    sending = Sending()
    acts = plan.acts()
    agencies = sorted({act.agency for act in acts})
    registry = registry_for(home)
    codec = Codec(registry)
    async with AsyncExitStack() as stack:
        tell("opening connections", tally)
        receipts = dict(zip(agencies, await _opened(stack, home, topology, agencies), strict=True))
        publishers = {
            agency: await stack.enter_async_context(Publisher(Credentials.of(home, agency, topology)))
            for agency in agencies
        }
        count = LedgerCount(Credentials.of(home, "hub-admin", topology), {"ledger": 6})
        await count.begin()
        followers = await _follow(home, topology, sending, tally)
        try:
            await _publish(home, acts, plan, publishers, codec, sending, tally, tell)
            tell("waiting for receipts", tally)
            await asyncio.gather(*(watch_receipts(receipts[a], a, sending, tally) for a in agencies))
            tell("waiting for feeds and projections", tally)
            await _settle(lags, tally)
        finally:
            for follower in followers:
                follower.cancel()
            ended = await asyncio.gather(*followers, return_exceptions=True)
            lost = [code_of(each) for each in ended if isinstance(each, Exception)]
            tally.unexpected += [f"a partner's feed could not be watched to the end: {code}" for code in lost]
        counts = await count.end()
    tally.ledger = counts.pop("ledger")
    admin = Credentials.of(home, "hub-admin", topology)
    tally.anonymous = {tier.id: await classes_of(admin, codec, topology, tier.id) for tier in topology.tiers}
    registry.close()
    tally.seconds = time.monotonic() - began
    return tally


async def _opened(stack: AsyncExitStack, home: Home, topology: Topology, agencies: Sequence[str]) -> list[Receipts]:
    opened = [Receipts(Credentials.of(home, agency, topology)) for agency in agencies]
    return list(await asyncio.gather(*(stack.enter_async_context(each) for each in opened)))


async def _follow(home: Home, topology: Topology, sending: Sending, tally: Tally) -> list["asyncio.Task[None]"]:
    """Let every partner with an agreement follow its feed from where it ends now."""
    partners = [Credentials.of(home, partner.id, topology) for partner in topology.partners]
    ends = await asyncio.gather(*(feed_end(credentials) for credentials in partners))
    followers = []
    for credentials, end in zip(partners, ends, strict=True):
        tally.feeds[str(credentials.principal)] = 0
        if end is not None:
            followers.append(asyncio.create_task(watch_feed(credentials, sending, tally, end)))
    return followers


async def _publish(
    home: Home,
    acts: Sequence[Act],
    plan: Plan,
    publishers: Mapping[str, Publisher],
    codec: Codec,
    sending: Sending,
    tally: Tally,
    tell: Tell,
) -> None:
    """Publish day by day, repeated events as well, and every kind of mistake once in the middle."""
    random = Random(f"{plan.seed}/{plan.run}/mistakes")  # noqa: S311 - reproducible, not a secret
    days = sorted({act.at.date() for act in acts})
    for number, day in enumerate(days):
        today = [act for act in acts if act.at.date() == day]
        await asyncio.to_thread(advance_to, home, dt.datetime.combine(day, dt.time(23, 59), dt.UTC))
        tell(f"{day:%d %B %Y}", tally)
        for act in today:
            await _send(publishers[act.agency], act, codec, sending, tally)
            await asyncio.sleep(ASLEEP / plan.events_per_s)
        if number == len(days) // 2:
            await _err(publishers, acts, codec, random, sending, tally)


async def _send(publisher: Publisher, act: Act, codec: Codec, sending: Sending, tally: Tally) -> None:
    event_id = act_id(act)
    tally.by_family[contract(str(act.event["event_type"])).family] += 1
    tally.repeats += act.repeated
    sending.left_at.setdefault(event_id, time.monotonic())
    await _put(publisher, event_id, encode(act, codec), sending, tally)


async def _err(
    publishers: Mapping[str, Publisher],
    acts: Sequence[Act],
    codec: Codec,
    random: Random,
    sending: Sending,
    tally: Tally,
) -> None:
    """Send every kind of mistake once from the first agency that identified somebody."""
    first = next(act for act in acts if act.event["event_type"] == IDENTIFIED)
    made: list[Mistake] = [*mistakes(first, codec, random), reused_id(first, codec)]
    for mistake in made:
        offset = await _put(publishers[mistake.agency], "", mistake.value, sending, tally)
        sending.rules[mistake.agency, offset] = mistake.rule
        tally.expected_rules[mistake.rule] += 1


async def _put(publisher: Publisher, event_id: str, value: bytes, sending: Sending, tally: Tally) -> int:
    sent = await publisher.send(EventId(event_id), value)
    sending.offsets.setdefault(publisher.agency, set()).add(sent.offset)
    tally.by_agency[publisher.agency] += 1
    return sent.offset


async def _settle(lags: Lags, tally: Tally) -> None:
    """Wait until nothing is left to do anywhere; say so when that takes too long."""
    deadline = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline:
        if _is_idle(await asyncio.to_thread(lags)):
            await asyncio.sleep(1.0)  # the followers read what has just been committed
            return
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0.3)
    tally.unexpected.append(f"something is still at work after {SETTLE_S:.0f} s; see `hub status`")


def _is_idle(status: Mapping[str, object]) -> bool:
    found = [status[name] for name in ("processors", "projections") if name in status]
    return all(
        isinstance(group, Mapping) and all(isinstance(one, Mapping) and one.get("lag") == 0 for one in group.values())
        for group in found
    )
