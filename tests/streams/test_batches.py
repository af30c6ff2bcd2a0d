"""How many records a batch holds: as many as fit, in order, and none is lost at the cut."""

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.names import TopicName
from streams.pump import partition
from streams.pump.partition import Partition
from streams.pump.ports import Place
from streams.pump.records import SourceRecord

PLACE = Place(processor="intake", topic=TopicName("in.rs-police"), partition=0)


def loop_with(sought: list[int]) -> Partition:
    log: Any = SimpleNamespace(seek=sought.append)
    anything: Any = SimpleNamespace(name="intake")
    return Partition(
        processor=anything,
        place=PLACE,
        log=log,
        books=anything,
        producer=anything,
        supply=anything,
        partitions={},
        step_back_s=1,
    )


@given(st.lists(st.integers(0, 3 * partition.BATCH_BYTES_MAX // 2), max_size=6))
def test_batches_hold_what_fits_and_the_rest_is_read_again(sizes: list[int]) -> None:
    log = [
        SourceRecord(topic=TopicName("in.rs-police"), partition=0, offset=number, key=None, value=bytes(size))
        for number, size in enumerate(sizes)
    ]
    seen: list[int] = []
    while len(seen) < len(log):
        sought: list[int] = []
        batch = loop_with(sought)._cut(log[len(seen) :])  # noqa: SLF001 - the cut by itself
        assert batch
        size = sum(len(record.value or b"") for record in batch)
        assert size <= partition.BATCH_BYTES_MAX or len(batch) == 1
        seen += [record.offset for record in batch]
        assert sought == ([len(seen)] if len(seen) < len(log) else [])
    assert seen == list(range(len(log)))
