"""SDMX-CSV as the field guides have it, so that a statistical office can load it."""

import csv
import io
import json
import re
from typing import Literal

import pytest

from projections.exporting.sdmx import OBS_STATUS, dimensions, identified
from projections.indicators.catalogue import catalogue
from projections.indicators.entries import Source
from tests.projections.exporting.invented import files

ID = re.compile(r"[A-Za-z0-9_@$-]+")
TIME = {"M": re.compile(r"\d{4}-(0[1-9]|1[0-2])"), "A": re.compile(r"\d{4}")}
VALUED = {"A", "U"}
Version = Literal["3.0", "2.1"]


def read(version: Version = "3.0", tier: str = "partner") -> list[dict[str, str]]:
    content = files("sdmx-csv", tier, version)["figures.any"].decode()
    return list(csv.DictReader(io.StringIO(content, newline="")))


def said(version: Version = "3.0") -> dict[str, object]:
    found: dict[str, object] = json.loads(files("sdmx-csv", "partner", version)["figures.any.metadata.json"])
    return found


def test_the_first_columns_name_the_dataflow_as_each_version_has_it() -> None:
    new, old = read()[0], read("2.1")[0]
    assert list(new)[:3] == ["STRUCTURE", "STRUCTURE_ID", "ACTION"]
    assert [new[name] for name in list(new)[:3]] == ["dataflow", "HUB:THB_INDICATORS(1.0.0)", "R"]
    assert next(iter(old)) == "DATAFLOW"
    assert old["DATAFLOW"] == "HUB:THB_INDICATORS(1.0)"
    assert list(new)[3:] == list(old)[1:]


def test_dimensions_come_first_then_time_the_value_and_the_attributes() -> None:
    names = list(read("2.1")[0])[1:]
    own = dimensions(catalogue())
    assert names[: len(own) + 2] == [*own, "TIME_PERIOD", "OBS_VALUE"]
    assert "GROUP" in own
    assert {"OBS_STATUS", "UNIT_MEASURE", "UNIT_MULT", "CONF_STATUS"} <= set(names[len(own) + 2 :])


@pytest.mark.parametrize("tier", ["partner", "open"])
def test_no_observation_is_there_twice(tier: str) -> None:
    keys = [tuple(row[name] for name in (*dimensions(catalogue()), "TIME_PERIOD")) for row in read(tier=tier)]
    assert len(set(keys)) == len(keys)


def test_all_codes_are_ids_and_in_their_lists() -> None:
    lists = said()["code_lists"]
    assert isinstance(lists, dict)
    for row in read():
        for name in dimensions(catalogue()):
            assert ID.fullmatch(row[name]), row
            assert row[name] in lists[name], (name, row[name])
        assert TIME[row["FREQ"]].fullmatch(row["TIME_PERIOD"]), row


def test_an_empty_value_has_a_status_that_says_so_and_a_number_one_that_does_not() -> None:
    statuses = set()
    for row in read():
        assert (row["OBS_VALUE"] != "") == (row["OBS_STATUS"] in VALUED), row
        assert row["OBS_STATUS"] in OBS_STATUS
        statuses.add(row["OBS_STATUS"])
    assert statuses == {"A", "U", "Q", "L", "O"}


def test_what_waits_is_suppressed_and_what_no_channel_carries_exists_but_is_not_collected() -> None:
    rows = read()
    assert {row["OBS_STATUS"] for row in rows if row["STATE"] == "waiting"} == {"Q"}
    neither = {entry.id for entry in catalogue().indicators if catalogue().source_of(entry) is Source.NEITHER}
    assert {row["OBS_STATUS"] for row in rows if row["HUB_INDICATOR"] in neither and row["OBS_VALUE"] == ""} == {"L"}


def test_a_part_stands_in_the_column_of_its_dimension_and_the_others_are_totals() -> None:
    row = next(row for row in read() if (row["HUB_INDICATOR"], row["GROUP"]) == ("C.3.1-1", "WOMAN"))
    others = [name for name in dimensions(catalogue()) if name not in {"FREQ", "INDICATOR", "GROUP"}]
    assert {row[name] for name in others} == {"_T"}
    assert row["INDICATOR"] == "C_3_1-1"
    assert row["UNIT_MEASURE"] == "COUNT"


def test_partners_may_not_publish_and_the_open_tier_is_free() -> None:
    assert {row["CONF_STATUS"] for row in read()} == {"N"}
    assert {row["CONF_STATUS"] for row in read(tier="open")} == {"F"}


def test_no_two_indicators_have_one_id() -> None:
    ids = [identified(entry.id) for entry in catalogue().indicators]
    assert len(set(ids)) == len(ids)


def test_no_two_codes_of_a_dimension_become_one() -> None:
    seen: dict[tuple[str, str], str] = {}
    tidy = csv.DictReader(io.StringIO(files("tidy-csv")["figures.any"].decode(), newline=""))
    for row in tidy:
        key = (row["dimension"], identified(row["code"]))
        assert seen.setdefault(key, row["code"]) == row["code"]


def test_what_is_not_reported_and_what_is_left_have_the_codes_of_sdmx() -> None:
    tidy = csv.DictReader(io.StringIO(files("tidy-csv")["figures.any"].decode(), newline=""))
    meant = {"NOT_REPORTED": "_U", "NOT_BROKEN_DOWN": "_X", "TOTAL": "_T"}
    seen = set()
    for plain, row in zip(tidy, read(), strict=True):
        if plain["code"] in meant:
            seen.add(plain["code"])
            assert plain["dimension"] == "TOTAL" or row[plain["dimension"].upper()] == meant[plain["code"]]
    assert seen == meant.keys()
