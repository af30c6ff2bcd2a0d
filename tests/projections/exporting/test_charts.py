"""Charts show the numbers that were told and no other, and say them to who cannot see or tell colours apart."""

import json
import re
import struct
import zlib
from functools import cache
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.exporting.charts import style
from projections.exporting.charts.drawing import chart_files
from projections.exporting.charts.levels import NoLevelsError
from projections.exporting.charts.lines import UNTOLD, Line, NothingToDrawError, Point, runs_of
from projections.exporting.charts.pictures import PNG_HEADER, UnknownPictureError
from projections.exporting.charts.series import labels_apart
from projections.exporting.choosing import Choice
from projections.exporting.flows import NoFlowsError, flows_of
from projections.exporting.labels import place_label
from projections.indicators.catalogue import catalogue
from tests.projections.exporting.invented import PERIODS, invented, told, usual

KINDS = [("C.3.1-1", "series"), ("C.3.1-1", "flows"), ("C.2.3.b-1", "levels")]
SVG = "{http://www.w3.org/2000/svg}"


@cache
def drawn(wanted: str, kind: str, suffix: str = ".svg", tier: str = "partner", since: str = "") -> tuple[bytes, bytes]:
    """Return the picture and what stands beside it."""
    out = Path(f"chart{suffix}")
    files = chart_files(usual(), tier, Choice(indicators=(wanted,), since=since), kind, out)
    return files[out], files[Path(f"chart{suffix}.metadata.json")]


def texts(svg: bytes) -> list[str]:
    return ["".join(each.itertext()) for each in ET.fromstring(svg).iter(f"{SVG}text")]  # noqa: S314 - our own picture


def says(svg: bytes) -> list[str]:
    return re.findall(r'aria-label="([^"]*)"', svg.decode())


def test_every_number_of_a_series_is_in_the_picture() -> None:
    svg, _ = drawn("C.3.1-1", "series")
    names = {"WOMAN": "women", "MAN": "men", "GIRL": "girls", "BOY": "boys"}
    expected = {
        f"{names[cell.code]}, {figure.period}: at least {cell.numerator:.0f}"
        for figure in told("partner")
        if figure.indicator == "C.3.1-1"
        for cell in figure.cells
        if cell.code in names
    }
    assert expected == {each for each in says(svg) if ", 202" in each and not each.startswith(UNTOLD)}


def test_the_lines_are_labelled_at_their_end_with_the_last_number() -> None:
    svg, beside = drawn("C.3.1-1", "series")
    last = {row["group"]: row["value"] for row in json.loads(beside)["table"]}
    assert last.keys() == {"women", "men", "girls", "boys", UNTOLD}
    assert {f"{name} {style.number(value)}" for name, value in last.items()} <= set(texts(svg))


def test_every_flow_is_in_the_picture() -> None:
    svg, _ = drawn("C.3.1-1", "flows")
    years = flows_of(catalogue().get("C.3.1-1"), usual().rows("partner"), PERIODS, 11)
    sums: dict[tuple[str, str], int] = {}
    for year in years:
        for flow in year.flows:
            sums[flow.region, flow.place] = sums.get((flow.region, flow.place), 0) + flow.persons
    expected = {f"{place_label(a)} to {place_label(b)}: {number:,}" for (a, b), number in sums.items()}
    assert len(expected) > 5
    assert expected <= set(says(svg))


def test_every_level_is_in_the_picture_with_its_numbers() -> None:
    svg, beside = drawn("C.2.3.b-1", "levels")
    rows = json.loads(beside)["table"]
    assert {(row["year"], row["level_of_control"]) for row in rows} == {
        (year, level) for year in ("2024", "2025") for level in ("IN_LAND", "BORDER", "PRE_BORDER")
    }
    shown = texts(svg)
    for row in rows:
        percent = style.number(100 * row["numerator"] / row["denominator"])
        assert f"{row['year']}: {percent} ({row['numerator']:,.0f} of {row['denominator']:,.0f})" in shown


@pytest.mark.parametrize(("wanted", "kind"), KINDS)
def test_a_screen_reader_hears_a_title_and_a_description_with_numbers(wanted: str, kind: str) -> None:
    svg, beside = drawn(wanted, kind)
    root = ET.fromstring(svg)  # noqa: S314 - our own picture
    assert root.get("role") == "img"
    title, description = root[0], root[1]
    assert (title.tag, description.tag) == (f"{SVG}title", f"{SVG}desc")
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert catalogue().get(wanted).wording.rstrip(".") in str(title.text)
    assert re.search(r"\d", str(description.text))
    assert json.loads(beside)["description"] == description.text


@pytest.mark.parametrize(("wanted", "kind"), KINDS)
def test_what_is_drawn_says_for_whom_and_from_where(wanted: str, kind: str) -> None:
    shown = " ".join(texts(drawn(wanted, kind)[0]))
    assert "Tier: partner." in shown
    assert f"indicator {wanted}" in shown
    assert f"anon.partner:{len(usual().persons)}" in shown


@pytest.mark.parametrize(("wanted", "kind"), KINDS)
def test_colours_are_told_apart_with_every_kind_of_colour_blindness(wanted: str, kind: str) -> None:
    svg = drawn(wanted, kind)[0].decode()
    used = {colour.upper() for colour in re.findall(r'(?:fill|stroke)="(#[0-9a-fA-F]{6})"', svg)}
    assert used - {style.INK, style.FAINT, style.GRID, style.REST} <= set(style.OKABE_ITO)


def test_lines_differ_in_more_than_colour() -> None:
    svg = drawn("C.3.1-1", "series")[0].decode()
    dashes = set(re.findall(r'stroke-dasharray="([^"]*)"', svg))
    assert len(dashes) == 5


@pytest.mark.parametrize(("wanted", "kind"), KINDS)
def test_a_png_is_whole_and_carries_the_description(wanted: str, kind: str) -> None:
    png, beside = drawn(wanted, kind, ".png")
    assert png.startswith(PNG_HEADER)
    chunks, at = {}, len(PNG_HEADER)
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        name, content = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length])[0] == zlib.crc32(name + content)
        chunks.setdefault(name, []).append(content)
        at += 12 + length
    width, height = struct.unpack(">II", chunks[b"IHDR"][0][:8])
    assert width > 1_000
    assert height > 400
    assert json.loads(beside)["description"].encode() in chunks[b"iTXt"][1]
    assert list(chunks)[-1] == b"IEND"


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_the_same_input_gives_the_same_picture(suffix: str) -> None:
    first = drawn("C.3.1-1", "flows", suffix)
    drawn.cache_clear()
    assert drawn("C.3.1-1", "flows", suffix) == first


def test_a_line_leads_over_no_period_without_a_number() -> None:
    points = [Point(at=at, value=12.0, whole=True) for at in (0, 1, 3, 6, 7)]
    assert [[point.at for point in run] for run in runs_of(points)] == [[0, 1], [3], [6, 7]]


@given(st.lists(st.floats(0, 100), min_size=1, max_size=5))
def test_labels_never_cover_each_other_and_stay_on_the_chart(values: list[float]) -> None:
    lines = [Line(name="", look=0, points=(Point(at=0, value=each, whole=True),)) for each in values]
    places = sorted(float(str(each["label_y"])) for each in labels_apart(lines, 100.0))
    assert all(after - before >= 5.99 for before, after in pairwise(places))
    assert places[-1] <= 106.01
    assert places[0] >= 0


def test_a_picture_of_part_of_the_time_shows_only_that() -> None:
    svg, beside = drawn("C.3.1-1", "series", since="2025-07")
    assert {row["period"] for row in json.loads(beside)["table"]} <= {f"2025-{month:02}" for month in range(7, 13)}
    assert not [each for each in says(svg) if ", 2024-" in each]


def test_the_picture_of_the_public_holds_what_the_public_was_told() -> None:
    _, beside = drawn("C.3.1-1", "series", tier="open")
    said = json.loads(beside)
    assert said["tier"] == "open"
    assert {(row["period"], row["value"]) for row in said["table"] if row["group"] == "women"} == {
        (figure.period, cell.numerator)
        for figure in told("open")
        if figure.indicator == "C.3.1-1"
        for cell in figure.cells
        if cell.code == "WOMAN"
    }


def test_an_indicator_without_groups_is_one_line() -> None:
    svg, beside = drawn("C.2.3.b-1", "series")
    assert {row["group"] for row in json.loads(beside)["table"]} == {"all"}
    assert [each for each in says(svg) if each.startswith("all, 2024")]


@pytest.mark.parametrize(
    ("wanted", "kind", "error"),
    [
        ("C.3.1-2", "series", NothingToDrawError),
        ("C.1.2.a-1", "levels", NoLevelsError),
        ("C.2.3.b-1", "flows", NoFlowsError),
    ],
)
def test_what_cannot_be_drawn_is_refused(wanted: str, kind: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        drawn(wanted, kind)


def test_flows_of_too_few_are_refused_and_not_drawn_empty() -> None:
    few = invented(a_month=1)
    with pytest.raises(NothingToDrawError):
        chart_files(few, "partner", Choice(indicators=("C.3.1-1",)), "flows", Path("chart.svg"))


def test_another_kind_of_picture_is_refused() -> None:
    with pytest.raises(UnknownPictureError):
        drawn("C.2.3.b-1", "series", ".gif")
