"""Nothing that stands in a cell is a formula to a spreadsheet, and numbers come back as they were."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.exporting.cells import cell, csv_bytes, number, safe

BEGINS = re.compile(r"\s*[=+\-@|%\uff0b\uff0d\uff1d\uff20]")
PARTS = re.compile(r"[;\t\r\n]")
texts = st.text(alphabet=st.sampled_from("=+-@|%;,\"' \t\r\nab1\uff1d"), max_size=12)


@given(texts)
def test_no_text_and_no_part_that_a_spreadsheet_splits_off_begins_like_a_formula(text: str) -> None:
    assert not [part for part in PARTS.split(safe(text)) if BEGINS.match(part)]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "a;=1", "a\n=1", "=cmd|' /C calc'!A0", "\uff1d1"]
)
def test_what_begins_like_a_formula_gets_an_apostrophe(text: str) -> None:
    assert safe(text) != text
    assert safe(text).replace("'", "") == text.replace("'", "")


@pytest.mark.parametrize("text", ["", "women", "C.3.1-2", "SEXUAL;LABOUR", "0-17", "a = b", "it's"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert safe(text) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_comes_back_from_its_text(value: float) -> None:
    assert float(number(value)) == value


def test_no_number_is_an_empty_cell_and_a_negative_one_is_no_formula() -> None:
    assert cell(None) == ""
    assert cell(-3.5) == "-3.5"
    assert cell(0.0) == "0"
    assert cell(12.0) == "12"


@given(st.lists(st.tuples(texts, texts), max_size=5))
def test_csv_holds_what_was_put_in_whatever_it_is(rows: list[tuple[str, str]]) -> None:
    read = list(csv.reader(io.StringIO(csv_bytes(("a", "b"), rows).decode(), newline="")))
    assert read == [["a", "b"], *([safe(one), safe(other)] for one, other in rows)]
