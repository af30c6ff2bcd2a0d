"""Code lists are complete, say where they come from, and equal their source."""

import json
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from schemas.catalogue import contracts
from schemas.codelists import UnknownCodeListError, code_list, code_list_names, is_code, where_to_look
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


def test_every_list_in_a_contract_exists_and_no_list_lies_idle() -> None:
    used = {entry.text("codes") for known in contracts() for _, _, entry in walk(shape_of(known))} - {None}
    assert used | {"currency"} == set(code_list_names())


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


def test_an_unknown_list_is_refused() -> None:
    with pytest.raises(UnknownCodeListError):
        code_list("colours")


@pytest.mark.shared
@pytest.mark.skipif(not SOURCE.is_file(), reason="the real data is not beside this clone")
def test_codes_equal_their_source() -> None:
    source = json.loads(SOURCE.read_text(encoding="utf-8"))
    for name in set(source) & set(code_list_names()):
        assert list(code_list(name).codes) == [str(item[0]) for item in source[name]["items"]], name
