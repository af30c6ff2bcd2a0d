"""Agreements version after version: which holds on which day, and what is published so that it is so."""

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.agreement_book import AgreementBook
from infra.agreement_publishing import UnversionedAgreementError, changes_to
from infra.control import agreement_from, record_of
from infra.topology.agreements import Agreement
from tests.infra.test_control import AGREEMENT

DAY = dt.timedelta(days=1)
FIRST, LAST = AGREEMENT.valid_from, AGREEMENT.valid_until
LATER = dt.date(2025, 1, 1)


def version(number: int, begins: dt.date = FIRST, ends: dt.date = LAST) -> Agreement:
    return replace(AGREEMENT, version=number, valid_from=begins, valid_until=ends)


def book(*told: Agreement | tuple[Agreement, bool]) -> AgreementBook:
    found = AgreementBook()
    for each in told:
        agreement, withdrawn = each if isinstance(each, tuple) else (each, False)
        found.take(agreement, withdrawn=withdrawn)
    return found


def days(found: AgreementBook) -> list[tuple[int, dt.date, dt.date]]:
    return [(each.version, each.valid_from, each.valid_until) for each in found.now()]


def test_a_version_replaces_the_one_before_it_from_its_first_day_on() -> None:
    assert days(book(version(1), version(2, LATER))) == [(1, FIRST, LATER - DAY), (2, LATER, LAST)]


def test_a_version_from_the_same_day_on_leaves_nothing_of_the_one_before_it() -> None:
    assert days(book(version(1), version(2))) == [(2, FIRST, LAST)]


def test_a_withdrawal_ends_its_version_and_those_before_it_and_no_later_one() -> None:
    told = (version(1), version(2, LATER))
    assert days(book(*told, (version(1), True))) == [(2, LATER, LAST)]
    assert book(*told, (version(2), True)).now() == ()


def test_what_was_withdrawn_does_not_come_back_by_being_told_again() -> None:
    assert book(version(1), (version(1), True), version(1)).now() == ()
    assert days(book(version(1), (version(1), True), version(2))) == [(2, FIRST, LAST)]


def test_a_version_that_comes_too_late_counts_for_nothing() -> None:
    assert days(book(version(2, LATER), version(1))) == [(2, LATER, LAST)]


numbers = st.integers(1, 4)
begins = st.integers(0, 20).map(lambda several: FIRST + several * DAY)
told = st.builds(
    lambda number, first, lasts: version(number, first, first + lasts * DAY), numbers, begins, st.integers(0, 30)
)


@given(st.lists(st.tuples(told, st.booleans()), max_size=12))
def test_of_one_agreement_no_two_versions_hold_on_a_day(several: list[tuple[Agreement, bool]]) -> None:
    held = book(*several).now()
    for day in (FIRST + each * DAY for each in range(60)):
        assert len([each for each in held if each.valid_from <= day <= each.valid_until]) <= 1


def after(found: AgreementBook, *wanted: Agreement) -> tuple[list[str], AgreementBook]:
    """Return what was done, and a book that learns of it from the records alone."""
    told = [(each, False) for each in found.versions.values()]
    changes = changes_to(found, wanted)
    return [line for line, _ in changes], book(*told, *(agreement_from(record) for _, record in changes))


def test_files_of_two_versions_are_published_and_hold_one_after_the_other() -> None:
    wanted = (version(2, LATER), version(1, ends=LATER - DAY))
    done, found = after(book(), *wanted)
    assert done == ["publish a version 1", "publish a version 2"]
    assert days(found) == [(1, FIRST, LATER - DAY), (2, LATER, LAST)]
    assert after(found, *wanted)[0] == []


def test_a_version_whose_file_is_gone_is_withdrawn_though_a_later_one_is_to_come() -> None:
    done, found = after(book(version(1)), version(2, LATER))
    assert done == ["withdraw a version 1", "publish a version 2"]
    assert days(found) == [(2, LATER, LAST)]


def test_an_edited_file_with_a_higher_version_needs_no_withdrawal_and_leaves_no_gap() -> None:
    done, found = after(book(version(1)), version(2))
    assert done == ["publish a version 2"]
    assert days(found) == [(2, FIRST, LAST)]


def test_an_agreement_whose_file_is_gone_is_withdrawn() -> None:
    done, found = after(book(version(1), version(2, LATER)))
    assert done == ["withdraw a version 1", "withdraw a version 2"]
    assert found.now() == ()


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        (book(version(1)), [replace(version(1), title="another")]),
        (book(version(2)), [version(1)]),
        (book(version(1), (version(1), True)), [version(1)]),
        (book(version(1, ends=LATER), version(2, LATER + DAY)), [version(1, ends=LATER)]),
    ],
    ids=["changed", "an older one", "withdrawn before", "the later one is gone"],
)
def test_a_change_without_a_higher_version_is_refused(held: AgreementBook, wanted: list[Agreement]) -> None:
    with pytest.raises(UnversionedAgreementError, match="a version above"):
        changes_to(held, wanted)


@given(st.lists(told, max_size=4, unique_by=lambda each: each.version), st.lists(told, max_size=4))
def test_what_is_published_is_what_the_files_say(held: list[Agreement], wanted: list[Agreement]) -> None:
    files = {each.version: replace(each, version=each.version + 4) for each in wanted}
    found = after(book(*sorted(held, key=lambda each: each.version)), *files.values())[1]
    assert days(found) == days(book(*sorted(files.values(), key=lambda each: each.version)))


def test_limits_are_kept_over_the_topic_and_an_unknown_traffic_light_is_not_read() -> None:
    limited = replace(AGREEMENT, categories=("IDENTITY",), handling=("H0",), tlp_max="AMBER")
    assert agreement_from(record_of(limited)) == (limited, False)
    with pytest.raises(ValueError, match="traffic light"):
        agreement_from(record_of(replace(limited, tlp_max="BLUE")))
