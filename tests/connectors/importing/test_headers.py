"""The header: a file with other columns is refused before its first row, with advice and no text of its own."""

from collections import Counter

import pytest

from connectors.importing.headers import WrongColumnsError, checked_header

KNOWN = ("gender", "yearOfRegistration", "citizenship")


def check(*names: str) -> tuple[str, ...]:
    return checked_header(names, KNOWN, ("citizenship",), Counter())


def test_columns_may_stand_in_any_order() -> None:
    assert check("citizenship", "gender", "yearOfRegistration") == ("citizenship", "gender", "yearOfRegistration")


def test_an_optional_column_may_be_missing() -> None:
    assert check("gender", "yearOfRegistration") == ("gender", "yearOfRegistration")


def test_blanks_around_a_name_are_taken_away_and_counted() -> None:
    repairs: Counter[str] = Counter()

    assert checked_header([" gender", "yearOfRegistration "], KNOWN, ("citizenship",), repairs)
    assert repairs["trimmed-header"] == 2


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("gender",), "`yearOfRegistration` is missing"),
        (("gender", "yearOfRegistraton"), "did you mean `yearOfRegistration`?"),
        (("Gender", "yearOfRegistration"), "did you mean `gender`?"),
        (("gender", "gender", "yearOfRegistration"), "columns 1, 2 have the same name"),
        (("gender", "yearOfRegistration", "zzz"), "column 3 is not in the mapping"),
        (("Jane Doe", "1999"), "does the file begin with its header?"),
    ],
)
def test_wrong_columns_are_named_with_advice(names: tuple[str, ...], said: str) -> None:
    with pytest.raises(WrongColumnsError) as error:
        check(*names)

    assert said in str(error.value)


def test_a_name_of_the_file_is_never_said_for_it_may_be_a_value() -> None:
    with pytest.raises(WrongColumnsError) as error:
        check("Jane Doe", "gender", "yearOfRegistration")

    assert "Jane" not in str(error.value)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(WrongColumnsError) as error:
        check("a", "b")

    assert str(error.value).count(";") >= 3


def test_the_columns_of_a_file_of_refused_rows_are_taken_beside_their_own() -> None:
    names = ("gender", "yearOfRegistration", "hub_row", "hub_file", "hub_column", "hub_rule", "hub_advice", "hub_text")

    assert check(*names) == names
