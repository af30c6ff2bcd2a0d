"""Every format holds the same table and the same metadata, with types, and the same input gives the same bytes."""

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import openpyxl
import pytest
from pyarrow import parquet

from projections.exporting import forms
from projections.exporting.cells import Cell
from projections.exporting.choosing import Choice
from projections.exporting.columns import Column, Table
from projections.exporting.figure_files import FORMS, SDMX, figure_files
from tests.projections.exporting.invented import OUT, files, usual

ALL = (*FORMS, SDMX)
EVIL = '=HYPERLINK("http://example.invalid","x")'
TABLE = Table(
    columns=(
        Column(name="text", kind="text", meaning="a text"),
        Column(name="value", kind="number", meaning="a number"),
        Column(name="k", kind="count", meaning="a whole number"),
    ),
    rows=((EVIL, 1.5, 11), ("čćž ", None, None), ("-3", 0.0, 0)),
)
METADATA = {"title": "A table", "k": 11, "nested": {"a": "=1", "b": [1, 2]}, "verified": True, "net": None}


def sheet(content: bytes, name: str) -> list[tuple[object, ...]]:
    return list(openpyxl.load_workbook(io.BytesIO(content), read_only=True)[name].iter_rows(values_only=True))


def figures_in(form: str) -> Sequence[tuple[Cell, ...]]:
    """Return value, numerator and state of every row that the format holds."""
    content = files(form)["figures.any"]
    if form == "parquet":
        rows = parquet.read_table(io.BytesIO(content)).to_pylist()
    elif form == "json":
        rows = json.loads(content)["rows"]
    else:
        header, *lines = sheet(content, "data")
        rows = [dict(zip(map(str, header), line, strict=True)) for line in lines]
    return [(row["value"], row["numerator"], row["state"]) for row in rows]


def test_json_holds_what_parquet_holds() -> None:
    assert figures_in("json") == figures_in("parquet")


def test_a_sheet_holds_what_parquet_holds_to_the_digits_of_spreadsheets() -> None:
    def rounded(rows: Sequence[tuple[Cell, ...]]) -> list[tuple[Cell, ...]]:
        return [tuple(float(f"{each:.14g}") if isinstance(each, int | float) else each for each in row) for row in rows]

    assert rounded(figures_in("xlsx")) == rounded(figures_in("parquet"))


def test_a_number_that_there_is_not_is_null_in_parquet() -> None:
    content = parquet.read_table(io.BytesIO(files("parquet")["figures.any"]))
    waiting = [row for row in content.to_pylist() if row["state"] == "waiting"]
    assert waiting
    assert {(row["value"], row["numerator"]) for row in waiting} == {(None, None)}
    assert [str(content.schema.field(name).type) for name in ("value", "k", "state")] == ["double", "int64", "string"]


def test_the_schema_of_parquet_carries_the_metadata() -> None:
    schema = parquet.read_schema(io.BytesIO(files("parquet")["figures.any"]))
    said = json.loads(schema.metadata[b"hub"])
    assert said == json.loads(files("tidy-csv")["figures.any.metadata.json"])
    assert schema.field("completeness").metadata[b"meaning"] == said["columns"]["completeness"].encode()


def test_the_second_sheet_carries_the_metadata() -> None:
    said = dict(sheet(files("xlsx")["figures.any"], "metadata")[1:])
    assert said["k"] == 11
    assert said["net"] == 5
    assert said["log_position/anon.partner"] == len(usual().persons)
    assert said["indicators/C.3.1-1/unit"] == "COUNT"
    assert "never to be read as zero" in str(said["states/waiting"])


def test_nothing_in_a_sheet_is_a_formula_or_a_link() -> None:
    (content,) = forms.as_xlsx(TABLE, METADATA, OUT).values()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert "<f>" not in archive.read("xl/worksheets/sheet1.xml").decode()
        assert not [name for name in archive.namelist() if "rels" in name and "sheet1" in name]
    assert sheet(content, "data")[1:] == [(EVIL, 1.5, 11), ("čćž ", None, None), ("-3", 0, 0)]


def test_the_same_input_gives_the_same_bytes_in_another_process() -> None:
    program = (
        "import hashlib, json; from tests.projections.exporting.invented import files;"
        f"print(json.dumps([[form, name, hashlib.sha256(data).hexdigest()] for form in {ALL!r} "
        "for name, data in sorted(files(form).items())]))"
    )
    found = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", program],
                cwd=Path(__file__).parents[3],
                env={"PYTHONHASHSEED": seed, "TZ": zone, "PATH": ""},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    ]
    assert found[0] == found[1]
    assert {form for form, _, _ in found[0]} == set(ALL)


def test_a_sheet_that_would_be_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "SHEET_ROWS_MAX", 3)
    with pytest.raises(forms.TooLargeError):
        forms.as_xlsx(TABLE, METADATA, OUT)


@pytest.mark.parametrize("form", ALL)
def test_no_format_has_another_number_of_rows(form: str) -> None:
    choice = Choice(frameworks=("SDG",))
    written = figure_files(usual(), "partner", choice, form, OUT)
    said = json.loads(files("tidy-csv", choice=choice)["figures.any.metadata.json"])["rows"]
    content = written[OUT]
    counted = {
        "parquet": lambda: parquet.read_table(io.BytesIO(content)).num_rows,
        "xlsx": lambda: len(sheet(content, "data")) - 1,
        "json": lambda: len(json.loads(content)["rows"]),
    }.get(form, lambda: content.count(b"\r\n") - 1)()
    assert counted == said > 0
