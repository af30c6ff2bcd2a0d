"""What people read about parked records."""

import dataclasses
import datetime as dt

from streams.parked import screens
from streams.parked.asking import Outcome
from streams.parked.ids import ParkedId
from streams.parked.shelf import Details, Owner, ParkedRecord

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


def test_whose_case_is_delayed_is_told_since_its_first_record_was_parked() -> None:
    later = dataclasses.replace(record(18), parked_at=AT + dt.timedelta(hours=3))
    found = Details(record=later, head=record(17), behind=0, owner=RUNS)

    assert "  delays    a case of rs-police, since 2026-01-05 08:00:00Z" in screens.lines(found, "rs-police")
    assert "  delays    a case of an agency that is not known, since 2026-01-05 08:00:00Z" in screens.lines(found)
    told = screens.shown_all(found, "rs-police")
    assert (told["agency"], told["delayed_since"]) == ("rs-police", AT.isoformat())


def test_a_record_without_a_key_delays_an_event() -> None:
    alone = record(key=b"")

    assert "  delays    an event of rs-police, since 2026-01-05 08:00:00Z" in screens.lines(
        Details(record=alone, head=alone, behind=0, owner=RUNS), "rs-police"
    )


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
