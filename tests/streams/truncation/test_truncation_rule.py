"""What may be deleted from a topic of an agency, whatever intake, parking and recovery do meanwhile."""

from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from schemas.names import TopicName
from streams.pump.ports import Checkpoint, Committed
from streams.pump.positions import resume_at
from streams.truncation.marker import is_marker, marker
from streams.truncation.rule import Arrived, deletable, wants_marker

SEGMENT_S = 10.0
TOPIC = TopicName("in.rs-police")
offsets = st.integers(0, 50)
maybe = st.none() | offsets
arrivals = st.builds(
    Arrived,
    checkpoint=maybe,
    committed=maybe,
    first_parked=maybe,
    end=offsets,
    marked_end=offsets,
    quiet_s=st.floats(0, 100),
)


@given(arrivals)
def test_nothing_goes_that_intake_has_not_committed_on_both_sides_or_that_is_parked(arrived: Arrived) -> None:
    until = deletable(arrived)
    if arrived.checkpoint is None or arrived.committed is None:
        assert until is None
    else:
        assert until is not None
        assert until <= arrived.checkpoint
        assert until <= arrived.committed
        assert arrived.first_parked is None or until <= arrived.first_parked


@given(arrivals)
def test_a_marker_is_due_only_on_a_quiet_topic_of_which_all_may_go_and_not_twice(arrived: Arrived) -> None:
    if wants_marker(arrived, SEGMENT_S):
        assert deletable(arrived) == arrived.end
        assert arrived.quiet_s > SEGMENT_S
        written = replace(
            arrived,
            checkpoint=arrived.end + 1,
            committed=arrived.end + 1,
            end=arrived.end + 1,
            marked_end=arrived.end + 1,
        )
        assert not wants_marker(written, SEGMENT_S)


def test_a_topic_with_records_that_all_may_go_gets_its_marker() -> None:
    all_done = Arrived(checkpoint=7, committed=7, first_parked=None, end=7, marked_end=0, quiet_s=11)
    assert wants_marker(all_done, SEGMENT_S)
    assert not wants_marker(replace(all_done, first_parked=6), SEGMENT_S)
    assert not wants_marker(replace(all_done, committed=6), SEGMENT_S)


@dataclass
class Topic:
    """Intake's books on one topic, and the log, as far as truncation touches it."""

    start: int = 0
    end: int = 0
    checkpoint: int = 0
    committed: int = 0
    parked: set[int] = field(default_factory=set)
    seen: Arrived | None = None
    """What a truncator has seen, that may act much later: a zombie."""


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["send", "think", "think and park", "land", "retry", "look", "delete"]), st.integers(1, 5)
    ),
    max_size=60,
)


@given(STEPS)
def test_whenever_a_truncator_looks_acts_or_dies_recovery_and_retries_find_what_they_need(
    steps: list[tuple[str, int]],
) -> None:
    topic = Topic()
    for step, count in steps:
        if step == "send":
            topic.end += count
        elif step.startswith("think"):
            before = topic.checkpoint
            topic.checkpoint = min(topic.end, before + count)
            if step == "think and park" and topic.checkpoint > before:
                topic.parked.add(before)
        elif step == "land":
            topic.committed = topic.checkpoint
        elif step == "retry" and topic.parked:
            topic.parked.discard(min(topic.parked))
        elif step == "look":
            topic.seen = Arrived(
                checkpoint=topic.checkpoint,
                committed=topic.committed,
                first_parked=min(topic.parked, default=None),
                end=topic.end,
                marked_end=0,
                quiet_s=0,
            )
        elif step == "delete" and topic.seen is not None:
            topic.start = max(topic.start, deletable(topic.seen) or 0)
        resumed = resume_at(
            stored=Checkpoint(first_offset=0, next_offset=topic.checkpoint),
            committed=Committed(offset=topic.committed),
            beginning=topic.start,
            end=topic.end,
        )
        assert resumed == topic.checkpoint
        assert all(offset >= topic.start for offset in topic.parked)


@given(st.binary(max_size=64))
def test_nobody_without_the_key_writes_a_marker(key: bytes) -> None:
    real = marker(b"the hub's key", TOPIC)
    assert is_marker(real, b"the hub's key", TOPIC)
    assert not is_marker(real, b"the hub's key", TopicName("in.bg-police"))
    assert not is_marker(marker(key, TOPIC), b"the hub's key", TOPIC)
    assert not is_marker(real[:-1], b"the hub's key", TOPIC)
    assert not is_marker(None, b"the hub's key", TOPIC)
