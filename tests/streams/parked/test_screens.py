"""What people read about parked records."""

import datetime as dt

import psycopg
import pytest

from infra.home import Home
from infra.stack.postgres import OWNER
from streams.parked import screens
from streams.parked.asking import Outcome
from streams.parked.ids import ParkedId
from streams.parked.shelf import Details, Owner, ParkedCode, ParkedRecord, codes

AT = dt.datetime(2026, 1, 5, 8, tzinfo=dt.UTC)
RUNS = Owner(works=True, state="running", code="", advice="")


def record(offset: int = 17, key: bytes = b"case", requested: str | None = None) -> ParkedRecord:
    return ParkedRecord(
        id=ParkedId("release", "ledger", 3, offset),
        sequence_key=key,
        code="unreadable-seal",
        advice="find out who wrote it",
        parked_at=AT,
        attempts=2,
        requested=requested,
        requested_by="root" if requested else None,
        reason=None,
    )


def lines(shown: ParkedRecord, head: ParkedRecord, behind: int = 0, owner: Owner = RUNS) -> list[str]:
    return list(screens.lines(Details(record=shown, head=head, behind=behind, owner=owner)))


def test_the_first_of_a_sequence_says_how_many_wait_behind_it() -> None:
    found = lines(record(), record(), 4)

    assert "  first     of its sequence; 4 wait behind it" in found
    assert "  error     unreadable-seal: find out who wrote it" in found
    assert "  owner     running" in found


def test_a_record_that_waits_names_the_one_that_goes_first() -> None:
    found = lines(record(18), record(17))

    assert "  waits     behind release:ledger-3@17 (unreadable-seal), which has to go first" in found


def test_who_asked_and_that_nobody_works_is_said() -> None:
    found = lines(record(requested="retry"), record(), owner=Owner(works=False, state="", code="", advice=""))

    assert "  asked     retry by root" in found
    assert "  owner     no worker runs" in found


def test_a_key_that_is_no_text_is_shown_as_hexadecimal_and_none_as_none() -> None:
    assert record(key=b"\xff\x00").sequence == "ff00"
    assert record(key=b"").sequence is None


def test_an_outcome_tells_what_followed_and_what_is_left() -> None:
    outcome = Outcome(
        id=ParkedId("release", "ledger", 3, 17),
        action="retried",
        followed=("release:ledger-3@18 retried", "release:ledger-3@19 failed again: KeyError"),
        left=(record(19),),
    )

    assert list(screens.told(outcome)) == [
        "release:ledger-3@17: retried",
        "  then release:ledger-3@18 retried",
        "  then release:ledger-3@19 failed again: KeyError",
        "  1 of its sequence wait, the first is release:ledger-3@19 (unreadable-seal)",
    ]
    assert not outcome.is_good


@pytest.mark.parametrize(
    ("waited", "said"),
    [
        (dt.timedelta(seconds=-5), "0 min"),
        (dt.timedelta(minutes=59, seconds=59), "59 min"),
        (dt.timedelta(hours=23, minutes=59), "23 h 59 min"),
        (dt.timedelta(days=3, hours=2, minutes=1), "3 d 2 h"),
    ],
)
def test_the_sum_by_error_says_how_long_the_oldest_waits(waited: dt.timedelta, said: str) -> None:
    found = [ParkedCode(code="unreadable-seal", count=17, oldest=AT)]
    assert list(screens.summary(found, AT + waited)) == [f"  17 unreadable-seal, the oldest for {said}"]


@pytest.mark.stack
def test_the_sum_by_error_counts_every_record_and_names_the_oldest(home: Home) -> None:
    with psycopg.connect(home.dsn(OWNER)) as owner, owner.transaction(force_rollback=True):
        for offset, (processor, code) in enumerate([("x", "b"), ("x", "a"), ("x", "b"), ("y", "b")]):
            owner.execute(
                'INSERT INTO streams.parked (processor, topic, partition, "offset", sequence_key, code, advice, '
                "parked_at) VALUES (%s, 'ledger', 0, %s, '', %s, '', %s)",
                (processor, offset, code, AT + dt.timedelta(hours=offset)),
            )
        assert [(each.code, each.count, each.oldest) for each in codes(owner, "x")] == [
            ("b", 2, AT),
            ("a", 1, AT + dt.timedelta(hours=1)),
        ]
        assert [each.count for each in codes(owner) if each.code == "b"] == [3]
