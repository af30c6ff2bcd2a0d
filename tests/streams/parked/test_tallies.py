"""How much is parked and since when, on the real database and as people read it."""

import ast
import datetime as dt
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

import streams
from infra.home import Home
from streams.parked import summary
from streams.parked.commands import PROCESSORS
from streams.parked.delayed import agency_of
from streams.parked.ids import ParkedId
from streams.parked.shelf import Connection, ParkedRecord, sequences
from streams.parked.tallies import Halt, Tally, age_text, oldest_by_processor, tallies
from streams.pump.parking import BEHIND
from tests.running import rows

AT = dt.datetime(2026, 1, 5, 8, tzinfo=dt.UTC)
INVENTED = "invented-for-a-test"
"""A processor that no worker runs."""


def tally(processor: str = "release", code: str = "unreadable-seal", offset: int = 1, age_s: int = 60) -> Tally:
    oldest = ParkedId(processor, "ledger", 3, offset)
    at = AT - dt.timedelta(seconds=age_s)
    return Tally(processor=processor, code=code, records=2, oldest=oldest, oldest_at=at, oldest_age_s=age_s)


def parked_record(topic: str, key: bytes) -> ParkedRecord:
    return ParkedRecord(
        id=ParkedId("release", topic, 0, 7),
        sequence_key=key,
        code="unreadable-seal",
        advice="find out who wrote it",
        parked_at=AT,
        attempts=1,
        requested=None,
        requested_by=None,
        reason=None,
    )


@pytest.fixture
def connection(home: Home) -> Iterator[Connection]:
    """Return a connection as the streams have it, whose rows nobody else ever sees."""
    with psycopg.connect(home.dsn("hub_streams")) as connection:
        yield connection
        connection.rollback()


def park(connection: Connection, offset: int, key: bytes, code: str, age_s: int) -> None:
    connection.execute(
        'INSERT INTO streams.parked (processor, topic, partition, "offset", sequence_key, code, advice, parked_at) '
        "VALUES (%s, 'ledger', 3, %s, %s, %s, 'none', now() - %s)",
        (INVENTED, offset, key, code, dt.timedelta(seconds=age_s)),
    )


@pytest.mark.stack
def test_each_error_is_counted_with_its_oldest_record_and_causes_come_first(connection: Connection) -> None:
    park(connection, 10, b"one", "unreadable-seal", 7_200)
    park(connection, 11, b"one", BEHIND, 86_400)
    park(connection, 12, b"two", "unreadable-seal", 60)
    park(connection, 13, b"", "output-too-large", 600)

    found = [each for each in tallies(connection) if each.processor == INVENTED]

    assert [(each.code, each.records, each.oldest.offset, each.oldest_age_s) for each in found] == [
        ("unreadable-seal", 2, 10, 7_200),
        ("output-too-large", 1, 13, 600),
        (BEHIND, 1, 11, 86_400),
    ]


@pytest.mark.stack
def test_the_list_may_be_of_one_error_alone_and_goes_by_what_stops_a_sequence(connection: Connection) -> None:
    park(connection, 10, b"one", "unreadable-seal", 60)
    park(connection, 11, b"one", BEHIND, 60)
    park(connection, 12, b"two", "output-too-large", 60)

    def listed(code: str | None) -> list[tuple[int, int]]:
        return [(each.head.id.offset, each.behind) for each in sequences(connection, INVENTED, code)]

    assert listed(None) == [(10, 1), (12, 0)]
    assert listed("unreadable-seal") == [(10, 1)]
    assert listed(BEHIND) == []


@pytest.mark.stack
def test_whose_case_is_delayed_is_told_from_the_topic_or_the_vault_and_from_nothing_else(home: Home) -> None:
    case_id, mac = uuid.uuid4(), uuid.uuid4().bytes
    rows(home, "INSERT INTO vault.case_reference VALUES ('rs-police', %s, %s)", mac, case_id)
    try:
        assert agency_of(home, parked_record("ledger", str(case_id).encode())) == "rs-police"
    finally:
        rows(home, "DELETE FROM vault.case_reference WHERE reference_mac = %s", mac)
    assert agency_of(home, parked_record("ledger", str(case_id).encode())) is None
    assert agency_of(home, parked_record("in.rs-social-service", b"")) == "rs-social-service"
    assert agency_of(home, parked_record("control.erasures", str(case_id).encode())) is None
    assert agency_of(home, parked_record("ledger", b"\xff\x00")) is None


def test_every_processor_of_the_worker_can_be_named() -> None:
    found = set()
    for path in Path(streams.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                said = {
                    target.id: each.value.value
                    for each in node.body
                    if isinstance(each, ast.Assign) and isinstance(each.value, ast.Constant)
                    for target in each.targets
                    if isinstance(target, ast.Name)
                }
                if {"name", "stateful", "keyed"} <= said.keys():
                    found.add(said["name"])

    assert set(PROCESSORS) == found


@given(st.lists(st.tuples(st.sampled_from(["intake", "release"]), st.integers(0, 10**7)), max_size=8))
def test_the_status_tells_the_oldest_of_each_processor(ages: list[tuple[str, int]]) -> None:
    found = [tally(processor, offset=number, age_s=age_s) for number, (processor, age_s) in enumerate(ages)]

    told = {name: each.oldest_age_s for name, each in oldest_by_processor(found).items()}

    assert told == {name: max(age for other, age in ages if other == name) for name, _ in ages}
    assert {name: each["age_s"] for name, each in summary.shown_oldest(found).items()} == told


@pytest.mark.parametrize(
    ("age_s", "text"),
    [
        *[(0, "less than a minute"), (59, "less than a minute"), (60, "1 minute"), (3_599, "59 minutes")],
        *[(3_600, "1 hour"), (86_399, "23 hours"), (86_400, "1 day"), (864_000, "10 days")],
    ],
)
def test_an_age_is_told_in_the_largest_whole_unit(age_s: int, text: str) -> None:
    assert age_text(age_s) == text


def test_the_summary_says_what_stands_still_and_where_to_begin() -> None:
    still = Halt(processor="release", code="too-many-parked", advice="undo the last deployment", partitions=2)
    waits = tally(code=BEHIND, offset=4, age_s=9_000)

    assert list(summary.lines([tally(offset=2, age_s=60), tally("intake", offset=3, age_s=600), waits], [still])) == [
        "release stands still on 2 partitions (too-many-parked): undo the last deployment",
        "Begin with the oldest: `hub parked show intake:ledger-3@3`",
    ]
    assert list(summary.lines([], [])) == ["Nothing is parked."]


def test_the_summary_fits_a_screen_and_says_what_it_leaves_out() -> None:
    found = [tally(code=f"error-{number}", offset=number) for number in range(summary.LINES_MAX + 3)]

    assert summary.table(found).row_count == summary.LINES_MAX
    assert next(iter(summary.lines(found, []))).startswith("and 3 errors more")
