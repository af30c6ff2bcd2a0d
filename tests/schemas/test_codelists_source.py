"""Our code lists against the published ones that they were taken from."""

import csv
import json
from pathlib import Path

import pytest

from schemas.codelists import code_list, code_list_names
from schemas.generalising import EVERYTHING, ladder

TAKEN_WHOLE = {
    *("palermo_act", "palermo_means", "palermo_purpose", "exploitation_form", "means_of_control", "iccs"),
    *("support_service", "control_finding", "control_outcome", "surrender_instrument", "recruitment_method"),
}


@pytest.mark.shared
def test_code_lists_that_were_taken_whole_have_exactly_the_codes_of_their_source(shared_data: Path) -> None:
    source = json.loads((shared_data / "data" / "codelists" / "codelists.json").read_text(encoding="utf-8"))

    for name in TAKEN_WHOLE:
        listed = source[name]
        column = listed["columns"].index("code")
        assert set(code_list(name).codes) == {str(row[column]) for row in listed["items"]}, name


@pytest.mark.shared
def test_no_code_of_a_list_with_a_source_is_made_up(shared_data: Path) -> None:
    source = json.loads((shared_data / "data" / "codelists" / "codelists.json").read_text(encoding="utf-8"))
    for name in source:
        known = {word for row in source[name]["items"] for word in (str(row[0]), *str(row[-1]).split())}
        made_up = set(code_list(name).codes) - known
        assert not made_up, name


@pytest.mark.shared
def test_every_list_of_the_source_is_here(shared_data: Path) -> None:
    source = json.loads((shared_data / "data" / "codelists" / "codelists.json").read_text(encoding="utf-8"))

    assert set(source) <= set(code_list_names())


@pytest.mark.shared
def test_every_country_lies_in_the_sub_region_and_region_of_m49_that_the_source_gives(shared_data: Path) -> None:
    table = (shared_data / "data" / "codelists" / "country-codes.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(table.splitlines()):
        country = row["ISO3166-1-Alpha-3"]
        if country in code_list("country").codes:
            found = [ladder("country").generalise(country, level) for level in ("M49 sub-region", "region")]
            given = [row[column].zfill(3) for column in ("Sub-region Code", "Region Code")]
            assert found == ([EVERYTHING] * 2 if given == ["000", "000"] else given), country
