"""New, duplicate, or an id used twice: the same answers wherever a batch is split."""

import datetime as dt
import itertools
import uuid
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.catalogue import contract
from schemas.errors import Problem
from schemas.names import TopicName
from streams.intake.admission import ID_REUSED, Duplicate, Seen, admit
from streams.intake.reading import Readable, Refused
from streams.pump.records import SourceRecord

NOW = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(hours=1)
WRONG = (Problem("$", "malformed-record", "send a record"),)


def source(offset: int) -> SourceRecord:
    return SourceRecord(topic=TopicName("in.rs-police"), partition=0, offset=offset, key=None, value=b"x")


def readable(offset: int, number: int) -> Readable:
    event_id = str(uuid.UUID(int=number))
    return Readable(source=source(offset), contract=contract("PersonIdentified"), event_id=event_id, record={})


def refused(offset: int) -> Refused:
    return Refused(source=source(offset), problems=WRONG)


def answer(admitted: Any) -> tuple[str, int, int | None]:
    """Return what is said of one record: the outcome, its offset, and that of the original."""
    if isinstance(admitted, Duplicate):
        return "duplicate", admitted.event.source.offset, admitted.original.source_offset
    if isinstance(admitted, Refused):
        return admitted.problems[0].rule, admitted.source.offset, None
    return "accepted", admitted.source.offset, None


def test_a_new_event_is_admitted_and_remembered() -> None:
    admitted, fresh = admit([(readable(5, 1), b"mac")], {}, NOW)
    assert [answer(each) for each in admitted] == [("accepted", 5, None)]
    assert fresh == {str(uuid.UUID(int=1)): Seen(content_mac=b"mac", source_offset=5, received_at=NOW)}


def test_the_same_again_is_a_duplicate_with_the_answer_of_the_first_time() -> None:
    seen = {str(uuid.UUID(int=1)): Seen(content_mac=b"mac", source_offset=5, received_at=NOW)}
    admitted, fresh = admit([(readable(9, 1), b"mac")], seen, LATER)
    assert [answer(each) for each in admitted] == [("duplicate", 9, 5)]
    assert isinstance(admitted[0], Duplicate)
    assert admitted[0].original.received_at == NOW
    assert fresh == {}


def test_an_id_with_other_content_is_refused_and_the_first_content_stays() -> None:
    batch = [(readable(1, 1), b"one"), (readable(2, 1), b"two"), (readable(3, 1), b"one")]
    admitted, fresh = admit(batch, {}, NOW)
    assert [answer(each) for each in admitted] == [
        ("accepted", 1, None),
        ("event-id-reused", 2, None),
        ("duplicate", 3, 1),
    ]
    assert fresh[str(uuid.UUID(int=1))].content_mac == b"one"
    assert isinstance(admitted[1], Refused)
    assert admitted[1].problems == (ID_REUSED,)


def test_what_was_refused_may_be_sent_again_under_its_id() -> None:
    admitted, _ = admit([refused(1), (readable(2, 1), b"mac")], {}, NOW)
    assert [answer(each)[0] for each in admitted] == ["malformed-record", "accepted"]


records = st.lists(st.tuples(st.integers(0, 4), st.sampled_from([b"one", b"two"])) | st.none(), max_size=25)


def items(drawn: Any) -> list[Any]:
    return [
        refused(offset) if each is None else (readable(offset, each[0]), each[1]) for offset, each in enumerate(drawn)
    ]


@given(records, st.lists(st.integers(0, 25), max_size=4))
def test_answers_are_the_same_wherever_the_batch_is_split(drawn: Any, cuts: list[int]) -> None:
    several = items(drawn)
    whole, remembered = admit(several, {}, NOW)
    bounds = [0, *sorted(min(cut, len(several)) for cut in cuts), len(several)]
    answers: list[Any] = []
    seen: dict[str, Seen] = {}
    for start, end in itertools.pairwise(bounds):
        admitted, fresh = admit(several[start:end], seen, NOW)
        assert not fresh.keys() & seen.keys()
        answers += admitted
        seen |= fresh
    assert [answer(each) for each in answers] == [answer(each) for each in whole]
    assert seen == remembered


@given(records)
def test_every_record_has_one_answer_in_order_and_every_id_is_accepted_at_most_once(drawn: Any) -> None:
    admitted, fresh = admit(items(drawn), {}, NOW)
    answers = [answer(each) for each in admitted]
    assert [offset for _, offset, _ in answers] == list(range(len(drawn)))
    accepted = [each.event_id for each in admitted if isinstance(each, Readable)]
    assert len(set(accepted)) == len(accepted)
    assert fresh.keys() == set(accepted)
