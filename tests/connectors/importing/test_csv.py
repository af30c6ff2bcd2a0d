"""CSV as agencies have it: what is wrong with a line stays with that line, and nothing is read as something else."""

import codecs
import tracemalloc
from pathlib import Path
from typing import cast

import pytest

from connectors.importing import lines
from connectors.importing.headers import WrongColumnsError
from connectors.importing.rows import BadFileError
from schemas.errors import MisuseError
from tests.connectors.importing.making import COLUMNS, GOOD, faults, job, mapped, row, write_csv

HEADER = ",".join(COLUMNS)
LINE = ",".join(f'"{cell}"' for cell in GOOD)


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_a_good_row_gives_its_event(tmp_path: Path) -> None:
    [found] = mapped(write_csv(tmp_path / "a.csv", [GOOD]))

    assert found.faults == []
    event = cast("dict[str, dict[str, object]]", found.events[0][1])
    assert event["person"]["citizenships"] == ["NAM"]  # alpha-2 NA is Namibia, never "missing"
    assert event["means"] == ["FRAUD", "DECEPTION"]
    assert event["means_of_control"] == ["THREATS"]
    assert event["means_of_control_ruled_out"] == ["DEBT_BONDAGE"]


@pytest.mark.parametrize(("delimiter", "name"), [(",", "comma"), (";", "semicolon"), ("\t", "tab")])
def test_an_allowed_delimiter_is_found_and_told(tmp_path: Path, delimiter: str, name: str) -> None:
    path = write_csv(tmp_path / "a.csv", [GOOD], delimiter=delimiter)

    assert faults(path) == [[]]
    assert job(path).rows().remarks == [f"delimiter: {name}"]


def test_a_delimiter_that_the_mapping_does_not_allow_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongColumnsError):
        mapped(write_csv(tmp_path / "a.csv", [GOOD], delimiter="|"))


def test_a_byte_order_mark_is_passed_over_and_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", codecs.BOM_UTF8 + f"{HEADER}\n{LINE}\n".encode())

    assert faults(path) == [[]]
    assert job(path).rows().repairs["byte-order-mark"] == 1


@pytest.mark.parametrize("content", [codecs.BOM_UTF16_LE + HEADER.encode("utf-16-le"), HEADER.encode("utf-16-le")])
def test_utf_16_is_refused_with_advice(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadFileError, match="UTF-8"):
        mapped(write(tmp_path / "a.csv", content))


def test_a_row_in_another_encoding_is_refused_and_the_others_are_not(tmp_path: Path) -> None:
    bad = LINE.replace("W-1", "ž").encode("windows-1250")
    path = write(tmp_path / "a.csv", b"\n".join([HEADER.encode(), LINE.encode(), bad, LINE.encode()]))

    assert faults(path) == [[], [("", "undecodable")], []]


def test_the_declared_encoding_is_used(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", f"{HEADER}\n{LINE.replace('W-1', 'ž')}\n".encode("windows-1250"))

    [found] = mapped(path, encoding="windows-1250")

    assert cast("dict[str, dict[str, object]]", found.events[0][1])["person"]["person_ref"] == "ž"
    with pytest.raises(MisuseError, match="encoding"):
        mapped(path, encoding="utf-16")
    with pytest.raises(MisuseError, match="encoding"):
        mapped(path, encoding="klingon")


def test_a_character_that_was_lost_before_is_refused(tmp_path: Path) -> None:
    [found] = faults(write_csv(tmp_path / "a.csv", [row(who="W\ufffd1")]))

    assert found == [("who", "undecodable")]


@pytest.mark.parametrize("line", ["W-2,2025-12-01", LINE + ",one-more", "W-2"])
def test_half_a_row_is_refused(tmp_path: Path, line: str) -> None:
    assert faults(write(tmp_path / "a.csv", f"{HEADER}\n{line}\n{LINE}")) == [[("", "half-a-row")], []]


@pytest.mark.parametrize("line", ['"W-2,2025-12-01,F,NA,,,,', 'W"-2,"2025"-12,F,NA,,,,', '"W-2" ,2025-12-01,F,NA,,,,'])
def test_an_open_quotation_mark_costs_one_line(tmp_path: Path, line: str) -> None:
    path = write(tmp_path / "a.csv", f"{HEADER}\n{line}\n{LINE}\n{LINE}\n")
    found = mapped(path)

    assert [bool(each.faults) for each in found] == [True, False, False]


def test_what_could_not_be_split_is_kept_as_text(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", f'{HEADER}\n"W-2,2025\n{LINE}\n')

    rows = list(job(path).rows())

    assert [(each.number, each.text) for each in rows] == [(2, '"W-2,2025'), (3, "")]


def test_a_cell_over_several_lines_is_one_cell(tmp_path: Path) -> None:
    [found] = mapped(write_csv(tmp_path / "a.csv", [row(means="Fraud;\nDeception\n")]))

    assert found.events[0][1]["means"] == ["FRAUD", "DECEPTION"]
    assert "trimmed" in found.repairs


def test_blank_lines_are_passed_over_and_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", f"{HEADER}\n\n{LINE}\n\n")
    rows = job(path).rows()

    assert [each.number for each in rows] == [3]
    assert rows.repairs["blank-line"] == 2


@pytest.mark.parametrize("content", ["", "\n", "  \n \n"])
def test_an_empty_file_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(BadFileError, match="empty"):
        mapped(write(tmp_path / "a.csv", content))


def test_a_million_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match="columns"):
        mapped(write(tmp_path / "a.csv", "c," * 1_000_000 + "\n"))


def test_a_file_without_line_ends_does_not_fill_the_memory(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "x" * (lines.LINE_BYTES_MAX * 3))

    with pytest.raises(BadFileError, match="line"):
        mapped(path)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def peak(number: int) -> int:
        path = write_csv(tmp_path / f"{number}.csv", (row(who=f"W-{place}") for place in range(number)))
        rows = job(path).rows()
        tracemalloc.start()
        for _ in rows:
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(20_000) < 2 * peak(200) + 100_000


def test_old_and_encrypted_workbooks_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match="old or encrypted"):
        mapped(write(tmp_path / "a.xls", b"\xd0\xcf\x11\xe0" + bytes(600)))


def test_a_file_that_cannot_be_read_is_the_callers_fault(tmp_path: Path) -> None:
    with pytest.raises(MisuseError, match="cannot read"):
        mapped(tmp_path / "no.csv")
