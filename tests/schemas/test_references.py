"""Tripwires on references: what is not looked into, for want of digits, would not have been found either."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import references
from schemas.references import holds_day, is_national_number, tells_contact

REFERENCES = st.one_of(
    st.text(st.sampled_from("0123456789-./ _+@AKx²٣"), max_size=20),
    st.dates(dt.date(1900, 1, 1)).map(lambda day: f"K-{day:%d-%m-%Y}"),
    st.integers(0, 10**13).map(lambda number: f"{number:013d}"),
    st.integers(0, 10**8).map(lambda number: f"+{number}"),
)


@given(REFERENCES, st.dates(dt.date(1900, 1, 1), dt.date(2026, 1, 1)))
def test_a_reference_with_few_digits_needs_no_look(reference: str, day: dt.date) -> None:
    def found() -> tuple[bool, bool, bool]:
        return tells_contact(reference), is_national_number(reference), holds_day(reference, day)

    quick = found()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(references, "_may_hold", lambda _reference, _digits: True)
        assert quick == found()


@pytest.mark.parametrize("form", ["%y%m%d", "%d%m%y", "%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y"])
def test_a_birth_date_is_found_in_each_order(form: str) -> None:
    day = dt.date(1994, 3, 7)
    assert holds_day(f"P-{day.strftime(form)}", day)
    assert not holds_day(f"P-{dt.date(1994, 3, 8).strftime(form)}", day)
