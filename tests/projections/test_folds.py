"""Projections as pure functions: neither where a batch ends nor which partition is quicker changes a row."""

from typing import cast

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.database import DatabaseUnavailableError
from infra.topology.model import load_topology
from projections import store
from projections.building import Builder
from projections.catalogue import PROJECTIONS, UnknownProjectionError, projection
from projections.crew import folded as folded_by
from projections.national_cases import CASE, NATIONAL_CASES, SUBJECT
from projections.partition import AWAY
from projections.pipeline import COUNT, PIPELINE
from projections.projection import Event, Projection, countries_of
from projections.rows import Rows, combine
from projections.store import LostLogError
from schemas.catalogue import contract
from schemas.errors import MalformedRecordError
from schemas.field_steps import persons
from schemas.names import TopicName
from tests.projections.events import COUNTRIES, Placed, by_partition, logs, twins

unhurried = settings(deadline=None)
"""Sealing an example the first time takes long, and later not."""
every_projection = pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda each: each.name)


def read_by(projection: Projection, log: list[Placed]) -> list[Placed]:
    """Return those of *log* that *projection* reads."""
    topics = projection.topics(load_topology())
    return [placed for placed in log if placed[0] in topics]


def case_of(event: Event) -> str:
    """Return the case that a ledger event belongs to."""
    return (event.key or b"").decode()


def folded(projection: Projection, batches: list[list[Event]]) -> Rows:
    """Return what the tables hold after *batches*."""
    rows: Rows = {}
    for batch in batches:
        rows = combine(rows, projection.apply(batch, COUNTRIES))
    return rows


@every_projection
@unhurried
@given(log=logs(), data=st.data())
def test_a_batch_may_end_anywhere(projection: Projection, log: list[Placed], data: st.DataObject) -> None:
    events = [event for _, _, event in read_by(projection, log)]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(events)))))
    batches = [events[a:b] for a, b in zip([0, *cuts], [*cuts, len(events)], strict=True)]
    assert folded(projection, batches) == folded(projection, [events])


@every_projection
@unhurried
@given(log=logs(), data=st.data())
def test_partitions_may_be_read_in_any_order(projection: Projection, log: list[Placed], data: st.DataObject) -> None:
    own = read_by(projection, log)
    in_time = folded(projection, [[event for _, _, event in own]])
    shuffled = data.draw(st.permutations(list(by_partition(own).values())))
    assert folded(projection, shuffled) == in_time


@settings(max_examples=25, deadline=None)
@given(pair=twins())
def test_rows_do_not_depend_on_what_is_sealed(pair: list[Event]) -> None:
    first, second = pair
    assert first.record != second.record
    for each in PROJECTIONS:
        assert each.apply([first], COUNTRIES) == each.apply([second], COUNTRIES)


@unhurried
@given(log=logs())
def test_every_ledger_event_counts_once_and_every_person_once_per_case(log: list[Placed]) -> None:
    events = [event for topic, _, event in log if topic == "ledger"]
    rows = NATIONAL_CASES.apply(events, COUNTRIES)
    cases = rows.get(CASE, {})
    assert sum(int(str(values[-1])) for values in cases.values()) == len(events)
    assert set(cases) == {(case_of(event),) for event in events}
    assert set(rows.get(SUBJECT, {})) == {
        (case_of(event), person["subject"])
        for event in events
        for person in persons(contract(event.name), event.record).values()
    }


@unhurried
@given(log=logs())
def test_published_is_accepted_and_refused_and_duplicates(log: list[Placed]) -> None:
    events = [event for _, _, event in log]
    counts = PIPELINE.apply(events, COUNTRIES).get(COUNT, {})
    total = {"ACCEPTED": 0, "REFUSED": 0, "DUPLICATE": 0} | {str(key[0]): 0 for key in counts}
    for key, values in counts.items():
        total[str(key[0])] += int(str(values[1]))
    receipts = sum(event.name == "Receipt" for event in events)
    assert total["ACCEPTED"] + total["REFUSED"] + total["DUPLICATE"] == receipts
    assert total.get("LEDGER", 0) == sum(event.topic == "ledger" for event in events)


def test_a_pair_that_was_withheld_and_is_released_later_counts_as_released_alone() -> None:
    def decided(outcome: str, because: str) -> Event:
        record = {
            "agency": "rs-police",
            "event_type": "PersonIdentified",
            "audience": "europol",
            "reasons": ["no-consent"],
        }
        record |= {"outcome": outcome, "because": because}
        return Event(topic=TopicName("decisions"), offset=0, key=None, name="Decision", record=record)

    log = [decided("WITHHELD", "FIRST"), decided("WITHHELD", "FIRST"), decided("RELEASED", "CONTROL_CHANGED")]
    rows = combine(PIPELINE.apply(log[:2], COUNTRIES), PIPELINE.apply(log[2:], COUNTRIES))

    count = {str(key[0]): values[1] for key, values in rows[COUNT].items()}
    assert count == {"WITHHELD": 1, "RELEASED": 1, "WITHHELD_REASON": 2}


def test_a_name_that_is_no_event_type_is_not_repeated() -> None:
    record = {"agency": "rs-police", "event_type": "Ana Petrović", "outcome": "REFUSED", "problems": []}
    event = Event(topic=TopicName("receipts.rs-police"), offset=0, key=None, name="Receipt", record=record)
    assert "Petrović" not in str(PIPELINE.apply([event], COUNTRIES))


@pytest.mark.parametrize("key", [None, b"", b"rs-police", b"\xff"])
def test_a_ledger_event_without_a_case_is_rejected(key: bytes | None) -> None:
    event = Event(topic=TopicName("ledger"), offset=0, key=key, name="ControlFinding", record={})
    with pytest.raises(MalformedRecordError):
        NATIONAL_CASES.apply([event], COUNTRIES)


@every_projection
def test_a_projection_reads_topics_that_exist_and_may_be_read(projection: Projection) -> None:
    topology = load_topology()
    assert set(projection.topics(topology)) <= set(topology.reads("hub-projections"))
    assert {topic.family for topic in topology.topics} >= set(projection.families)
    assert projection.tables
    assert projection.sheets


def test_countries_come_from_the_topology() -> None:
    countries = countries_of(load_topology())
    assert (countries["rs-police"], countries["bg-police"], countries["europol"]) == ("SRB", "BGR", None)


def test_an_unknown_projection_is_answered_with_those_that_exist() -> None:
    with pytest.raises(UnknownProjectionError, match="national_cases"):
        projection("cases")


class FullDisk:
    def fold(self, *_arguments: object) -> list[object]:
        raise psycopg.errors.DiskFull("could not extend file: No space left on device, row (Ana Petrović)")


def test_a_full_disk_is_waited_for_by_the_worker_and_ends_a_rebuild_with_advice() -> None:
    assert issubclass(psycopg.errors.DiskFull, AWAY)
    with pytest.raises(DatabaseUnavailableError, match="space on its disk, then give the same command") as raised:
        folded_by(cast("Builder", FullDisk()), ("ledger", 0), [], lambda _records, _offsets: None)
    assert "Petrović" not in str(raised.value)


@given(beginning=st.integers(0, 9), length=st.integers(0, 9), stored=st.none() | st.integers(0, 30))
def test_a_fold_goes_on_where_it_was_or_says_that_the_log_is_another(
    beginning: int, length: int, stored: int | None
) -> None:
    end = beginning + length
    if stored is None or beginning <= stored <= end:
        assert store.resume_at(stored=stored, beginning=beginning, end=end) == (beginning if stored is None else stored)
    else:
        with pytest.raises(LostLogError, match="hub projection rebuild"):
            store.resume_at(stored=stored, beginning=beginning, end=end)
