"""Workbooks: real dates stay dates, and what Excel did to the data is refused, never guessed."""

import datetime as dt
import re
import zipfile
from pathlib import Path
from typing import Any, cast

import pytest
from openpyxl import Workbook

from connectors.importing import xlsx_rows
from connectors.importing.headers import WrongColumnsError
from connectors.importing.rows import BadFileError
from tests.connectors.importing.making import COLUMNS, GOOD, GROUP, MAPPING, faults, job, mapped, mapping, row


def workbook(path: Path, rows: list[list[Any]], **changes: Any) -> Path:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for each in [*changes.get("above", []), list(COLUMNS), *rows]:
        sheet.append(each)
    for merged in changes.get("merged", []):
        sheet.merge_cells(merged)
    for name in changes.get("sheets", []):
        book.create_sheet(name)
    book.save(path)
    return path


def test_rows_of_a_sheet_are_read_like_those_of_a_csv_file(tmp_path: Path) -> None:
    [found] = mapped(workbook(tmp_path / "a.xlsx", [list(GOOD)]))

    assert found.faults == []


def test_real_dates_and_numbers_are_understood(tmp_path: Path) -> None:
    cells: list[Any] = row()
    cells[1], cells[5], cells[6] = dt.datetime(2025, 12, 1), 1, 0.0  # noqa: DTZ001 - as Excel has it
    [found] = mapped(workbook(tmp_path / "a.xlsx", [cells]))

    envelope = cast("dict[str, object]", found.events[0][1]["envelope"])
    assert envelope["occurred_at"] == dt.datetime(2025, 12, 1, tzinfo=dt.UTC)
    assert found.events[0][1]["means_of_control"] == ["THREATS"]


def test_a_code_that_excel_made_a_date_of_is_refused(tmp_path: Path) -> None:
    cells: list[Any] = row()
    cells[2] = dt.datetime(2025, 9, 17)  # noqa: DTZ001
    path = workbook(tmp_path / "a.xlsx", [cells])

    assert faults(path) == [[("sex", "excel-date")]]


def test_errors_of_excel_are_refused(tmp_path: Path) -> None:
    assert faults(workbook(tmp_path / "a.xlsx", [row(sex="#REF!"), row()])) == [[("", "excel-error")], []]


def test_merged_cells_are_refused_with_their_rows(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [row(), row()], merged=["A2:A3"])

    with pytest.raises(BadFileError, match="rows 2 to 3"):
        mapped(path)


def test_merged_cells_are_filled_where_the_mapping_says_so_and_counted(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [row(who="W-7"), row(who="")], merged=["A2:A3"])
    fills = mapping(MAPPING.replace("[file]", '[file]\nmerged_cells = "fill"'))

    assert faults(path, fills) == [[], []]
    rows = job(path, fills).rows()
    assert [each.cells[0] for each in rows] == ["W-7", "W-7"]
    assert rows.repairs["merged-cell"] == 1


def test_a_merged_title_above_the_header_does_no_harm(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [row()], above=[["A title"], []], merged=["A1:C1"])
    below = mapping(MAPPING.replace("[file]", "[file]\nheader_row = 3"))

    assert faults(path, below) == [[]]
    with pytest.raises(WrongColumnsError):
        mapped(path)


def test_empty_rows_are_passed_over_and_cells_beyond_the_header_are_not(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [row(), [None] * 8, [*row(), "stray"], row()])

    assert faults(path) == [[], [("", "half-a-row")], []]


def test_several_sheets_are_asked_for(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [row()], sheets=["Other"])

    with pytest.raises(BadFileError, match="--sheet"):
        mapped(path)
    assert faults(path, sheet="Sheet") == [[]]
    with pytest.raises(BadFileError, match="no sheet"):
        mapped(path, sheet="None")


def test_a_broken_workbook_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [row()])
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(BadFileError, match="no readable XLSX"):
        mapped(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "no workbook")
    with pytest.raises(BadFileError, match="no readable XLSX"):
        mapped(path)


def test_texts_that_do_not_fit_into_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_rows, "TEXTS_BYTES_MAX", 10)
    path = workbook(tmp_path / "a.xlsx", [row()])
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/sharedStrings.xml", "<sst>" + " " * 20 + "</sst>")

    with pytest.raises(BadFileError, match="CSV"):
        mapped(path)


def test_a_group_is_told_from_moments_of_a_sheet_as_well(tmp_path: Path) -> None:
    cells: list[Any] = row(country="")
    cells[1], cells[3] = dt.datetime(2025, 12, 1, 10, 30), dt.datetime(1990, 1, 1)  # noqa: DTZ001 - as Excel has it
    told = mapping(GROUP.replace('"day", date = ["%Y-%m-%d"] }\n', '"day", date = ["%Y-%m-%d"], zone = "UTC" }\n', 1))
    [found] = mapped(workbook(tmp_path / "a.xlsx", [cells]), told)

    assert found.faults == []
    assert cast("dict[str, object]", found.events[0][1]["person"])["group"] == "WOMAN"


def test_a_formula_without_a_value_is_no_empty_cell(tmp_path: Path) -> None:
    path = workbook(tmp_path / "formula.xlsx", [[*GOOD[:3], "=B2", *GOOD[4:]]])
    with pytest.raises(BadFileError, match="formulas without a value"):
        mapped(path)


def with_cell(path: Path, cell: str, prefix: str = "") -> Path:
    """Return a copy of the workbook at *path* whose one formula is written as *cell*."""
    copy = path.with_name("copy.xlsx")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(copy, "w") as to:
        for name in source.namelist():
            content = source.read(name).decode()
            if name == "xl/worksheets/sheet1.xml":
                content = re.sub(r'<c r="D2"[^>]*><f>.*?</c>', cell, content)
                if prefix:
                    content = re.sub(r"<(/?)(?=[a-zA-Z])", rf"<\1{prefix}:", content)
                    content = content.replace("xmlns=", f"xmlns:{prefix}=")
            to.writestr(name, content)
    return copy


WORKED_OUT = '<c r="D2" t="str"><f>IF(B2="","",B2)</f><v></v></c>'


@pytest.mark.parametrize(
    "cell",
    [
        '<c r="D2"><f>B2</f></c>',
        '<c r="D2"><f>B2</f><v/></c>',
        '<c r="D2"><f>B2</f>\n</c>',
        '<c r="D2"><f t="shared" si="0"/></c>',
        '<c r="D2" t="str"><f>B2</f></c>',
    ],
)
@pytest.mark.parametrize("prefix", ["", "x"])
def test_no_way_to_write_a_formula_without_a_value_makes_an_empty_cell(tmp_path: Path, cell: str, prefix: str) -> None:
    path = workbook(tmp_path / "a.xlsx", [[*GOOD[:3], "=B2", *GOOD[4:]]])
    with pytest.raises(BadFileError, match="formulas without a value"):
        mapped(with_cell(path, cell, prefix))


@pytest.mark.parametrize("prefix", ["", "x"])
def test_a_formula_that_gives_the_empty_text_is_an_empty_cell(tmp_path: Path, prefix: str) -> None:
    path = workbook(tmp_path / "a.xlsx", [[*GOOD[:3], "=B2", *GOOD[4:]]])

    assert [found.faults for found in mapped(with_cell(path, WORKED_OUT, prefix))] == [[]]


@pytest.mark.parametrize("chunk", [40, 64, 100, 1_000])
def test_a_formula_is_judged_the_same_wherever_a_chunk_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(xlsx_rows, "_CHUNK", chunk)
    path = workbook(tmp_path / "a.xlsx", [[*GOOD[:3], "=B2", *GOOD[4:]]])

    assert [found.faults for found in mapped(with_cell(path, WORKED_OUT))] == [[]]
    with pytest.raises(BadFileError, match="formulas without a value"):
        mapped(with_cell(path, '<c r="D2"><f>B2</f></c>'))
