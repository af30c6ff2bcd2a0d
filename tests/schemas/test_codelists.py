"""Code lists are complete, say where they come from, and equal their source."""

import datetime as dt
import json
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from schemas.catalogue import contracts, hub_contracts
from schemas.codelists import (
    Deprecation,
    UnknownCodeListError,
    code_list,
    code_list_names,
    code_of,
    is_code,
    where_to_look,
)
from schemas.shapes import shape_of, walk

SOURCE = Path(__file__).parents[3] / "shared" / "data" / "codelists" / "codelists.json"


@pytest.mark.parametrize("name", code_list_names())
def test_every_code_has_a_label_and_every_list_a_source(name: str) -> None:
    found = code_list(name)
    assert found.title
    assert found.source
    assert found.codes
    assert all(code.label and key == code.code for key, code in found.codes.items())


@pytest.mark.parametrize("name", sorted(set(code_list_names()) - {"country", "currency", "language"}))
def test_no_code_stands_twice_in_its_list(name: str) -> None:
    content = tomllib.loads((files("schemas") / "codes" / f"{name}.toml").read_text(encoding="utf-8"))
    codes = [entry["code"] for entry in content["codes"]]
    assert len(codes) == len(set(codes))
    assert where_to_look(name) == f"schemas/codes/{name}.toml"


def test_every_list_in_a_contract_exists_and_only_a_list_that_lies_idle_says_what_it_is_there_for() -> None:
    used = {
        entry.text("codes") for known in (*contracts(), *hub_contracts()) for _, _, entry in walk(shape_of(known))
    } - {None}
    kept = {name for name in code_list_names() if code_list(name).kept_for}

    assert used <= set(code_list_names())
    assert set(code_list_names()) - used == kept, "a list is named by a field, or has `kept_for`"


@pytest.mark.parametrize(
    ("name", "code"), [("country", "SRB"), ("country", "BGR"), ("currency", "EUR"), ("language", "srp")]
)
def test_iso_lists_have_three_letters(name: str, code: str) -> None:
    assert is_code(name, code)
    assert not is_code(name, code[:2])


def test_a_proposal_of_the_hub_is_not_marked_as_verified() -> None:
    assert not any(code.verified for code in code_list("control_outcome").codes.values())
    assert not code_list("palermo_purpose").codes["SURROGACY"].verified
    assert code_list("palermo_purpose").codes["SERVITUDE"].verified


def test_every_sub_region_lies_in_a_region() -> None:
    codes = code_list("m49").codes
    regions = {code for code in codes if _is_region(code)}

    assert len(regions) == 5
    assert len(codes) == 5 + 17
    assert {codes[code].crosswalk["region"] for code in codes.keys() - regions} == regions


@pytest.mark.parametrize("name", code_list_names())
def test_what_replaces_a_deprecated_code_is_a_code_of_the_list_that_is_in_use(name: str) -> None:
    codes = code_list(name).codes
    for code in codes.values():
        for other in code.deprecated.instead if code.deprecated else ():
            assert codes[other].deprecated is None, (code.code, other)


def test_a_deprecated_code_is_read_from_the_file_with_what_replaces_it() -> None:
    entry = tomllib.loads(
        'code = "A"\nlabel = "a"\nverified = true\ndeprecated = { since = 2026-01-01, instead = ["B"] }'
    )

    assert code_of(entry).deprecated == Deprecation(since=dt.date(2026, 1, 1), instead=("B",))


def test_crosswalks_between_our_own_lists_name_codes_that_are_there() -> None:
    for name in code_list_names():
        for code in code_list(name).codes.values():
            for other in code.crosswalk.keys() & set(code_list_names()):
                assert all(is_code(other, each) for each in code.crosswalk[other].split(", ")), (name, code.code)


def test_an_unknown_list_is_refused() -> None:
    with pytest.raises(UnknownCodeListError):
        code_list("colours")


@pytest.mark.shared
@pytest.mark.skipif(not SOURCE.is_file(), reason="the real data is not beside this clone")
def test_codes_equal_their_source() -> None:
    source = json.loads(SOURCE.read_text(encoding="utf-8"))
    for name in source:
        of_source = [code for code in code_list(name).codes if name != "m49" or _is_region(code)]
        assert of_source == [str(item[0]) for item in source[name]["items"]], name


def _is_region(code: str) -> bool:
    """Tell a region of M49 from a sub-region, which the source has inside the text of its region."""
    return not code_list("m49").codes[code].crosswalk
