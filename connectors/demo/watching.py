"""Those who watch the demonstration's run: agencies their receipts, partners their feeds, as real clients would."""

import time
from collections.abc import Mapping
from typing import cast

from aiokafka import TopicPartition

from connectors.demo.tally import Tally
from connectors.feed import Feed, NoAgreementError
from connectors.receipts import Receipts
from infra.kafka import consumer_for, to_the_end
from infra.topology.credentials import Credentials
from schemas.codec import schema_id_of

RECEIPTS_S = 60.0


class Sending:
    """What was sent so far: when each event left, and which rule must refuse which record."""

    def __init__(self) -> None:
        self.left_at: dict[str, float] = {}
        self.offsets: dict[str, set[int]] = {}
        self.rules: dict[tuple[str, int], str] = {}


async def watch_receipts(receipts: Receipts, agency: str, sending: Sending, tally: Tally) -> None:
    """Count the answers to everything that *agency* has sent; returns when each has one."""
    async for receipt in receipts.until(sending.offsets.get(agency, set()), RECEIPTS_S):
        tally.outcomes[receipt.outcome] += 1
        expected = sending.rules.get((agency, receipt.source_offset))
        if receipt.outcome == "REFUSED":
            rules = [problem.rule for problem in receipt.problems]
            tally.refused_by_rule[expected if expected in rules else rules[0]] += 1
            if expected is None:
                tally.unexpected.append(f"{agency} was refused an event that should have been accepted: {rules[0]}")
        elif expected is not None:
            tally.unexpected.append(f"{agency} was not refused a record that breaks {expected}")


async def watch_feed(credentials: Credentials, sending: Sending, tally: Tally, from_offset: int) -> None:
    """Follow a partner's feed from *from_offset* until cancelled, and note how long each event took to arrive."""
    seen: set[str] = set()
    async with Feed(credentials) as feed:
        async for event in feed.events(from_offset=from_offset):
            if event.view is None:
                continue  # a recall, of a person of an earlier run
            event_id = str(cast("Mapping[str, object]", event.content["envelope"])["event_id"])
            tally.feeds[str(credentials.principal)] += 1
            tally.feed_repeats += event_id in seen
            seen.add(event_id)
            if event_id in sending.left_at:
                tally.latencies_ms.append((time.monotonic() - sending.left_at[event_id]) * 1000)


async def feed_end(credentials: Credentials) -> int | None:
    """Return where the feed of a partner ends now; None for a partner without an agreement."""
    try:
        async with Feed(credentials) as feed:
            return (await feed.bounds())[1]
    except NoAgreementError:
        return None


class LedgerCount:
    """Counts what is added to topics, with the eyes of the operator: an independent witness of the worker."""

    def __init__(self, credentials: Credentials, partitions: Mapping[str, int]) -> None:
        self._sources = [TopicPartition(topic, each) for topic, count in partitions.items() for each in range(count)]
        self._consumer = consumer_for(credentials)

    async def begin(self) -> None:
        """Count from here on."""
        await self._consumer.start()
        self._consumer.assign(self._sources)
        for source, end in (await self._consumer.end_offsets(self._sources)).items():
            self._consumer.seek(source, end)

    async def end(self) -> dict[str, int]:
        """Return how many records each topic was given since."""
        counts = {source.topic: 0 for source in self._sources}
        async for source, records in to_the_end(self._consumer, self._sources):
            counts[source.topic] += sum(schema_id_of(record.value) is not None for record in records)
        await self._consumer.stop()
        return counts
