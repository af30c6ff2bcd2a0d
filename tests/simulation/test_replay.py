"""A replay of the ledger gives the same decisions, byte for byte, however it is cut into batches (design section 6)."""

from collections import Counter
from collections.abc import Sequence

import pytest

from streams.pump.records import SourceRecord
from tests.simulation.database import Database
from tests.simulation.kafka import Cluster
from tests.simulation.running import simulate
from tests.simulation.whole_hub import DECISIONS, LEDGER, WholeHub
from tests.simulation.world import VirtualLoop, Worker, World


class Kept(WholeHub):
    """Keeps the logs of the world that it ended with."""

    cluster: Cluster

    def check(self, cluster: Cluster, database: Database) -> None:
        super().check(cluster, database)
        self.cluster = cluster

    async def decided_again(self, cut: int) -> list[bytes]:
        """Return the decisions about the whole ledger, taken in batches of *cut* records."""
        worker = Worker(World(0, dies_at=0), "replay")
        release = self.processors_of(worker)[1]
        decided: list[bytes] = []
        for batch in self._batches(cut):
            inputs = await self.supply(worker).inputs()
            outputs = await release.process(batch, inputs, None)
            decided += [output.value for output in outputs if output.topic == DECISIONS]
        return decided

    def _batches(self, cut: int) -> list[Sequence[SourceRecord]]:
        found: list[Sequence[SourceRecord]] = []
        for number in range(2):
            log = [
                SourceRecord(topic=LEDGER, partition=number, offset=offset, key=entry.key, value=entry.value)
                for offset, entry in enumerate(self.cluster.logs[LEDGER, number])
                if entry.state == "committed"
            ]
            found += [log[start : start + cut] for start in range(0, len(log), cut)]
        return found


@pytest.mark.parametrize("seed", range(6))
def test_a_replay_decides_the_same_byte_for_byte_in_any_cut(seed: int) -> None:
    kept: list[Kept] = []
    simulate(lambda world: kept.append(Kept(world)) or kept[0], seed)  # type: ignore[func-returns-value]
    told = Counter(entry.value for entry in kept[0].cluster.records(DECISIONS))
    assert told
    loop = VirtualLoop()
    try:
        for cut in (1, 3, 1000):
            assert Counter(loop.run_until_complete(kept[0].decided_again(cut))) == told
    finally:
        loop.close()
