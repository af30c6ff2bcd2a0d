"""The names of parked records: what is written is what is read, and anything else is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.parked.asking import REASON_CHARS_MAX, ReasonError, checked_reason
from streams.parked.ids import ParkedId, ParkedIdError

TOPICS = st.from_regex(r"[A-Za-z0-9._-]{1,40}", fullmatch=True)


@given(st.sampled_from(["intake", "release"]), TOPICS, st.integers(0, 999_999), st.integers(0, 10**15))
def test_an_id_that_is_written_is_read_again(processor: str, topic: str, partition: int, offset: int) -> None:
    wanted = ParkedId(processor, topic, partition, offset)

    assert ParkedId.read(str(wanted)) == wanted


@pytest.mark.parametrize(
    "text", ["", "ledger-3@17", "release:ledger@17", "release:ledger-3", "release:ledger-3@-1", "a b:c-1@2"]
)
def test_another_text_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ParkedIdError, match="release:ledger-3@17"):
        ParkedId.read(text)


def test_a_partition_is_told_from_a_topic_that_ends_in_a_number() -> None:
    assert ParkedId.read("intake:in.rs-police-7-0@3") == ParkedId("intake", "in.rs-police-7", 0, 3)


@pytest.mark.parametrize("text", ["", " \n\t ", "x" * (REASON_CHARS_MAX + 1)])
def test_a_discard_without_a_reason_or_with_a_long_one_is_refused(text: str) -> None:
    with pytest.raises(ReasonError):
        checked_reason(text)


def test_a_reason_is_one_line() -> None:
    assert checked_reason("  sent\nby mistake ") == "sent by mistake"
