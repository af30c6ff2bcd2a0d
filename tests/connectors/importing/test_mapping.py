"""Mappings are checked before they are used: against themselves and against the contracts, all problems at once."""

from pathlib import Path

import pytest

from connectors.importing.mappings import BadMappingError, load, parameters_for, read, shipped
from schemas.errors import MisuseError
from tests.connectors.importing.making import MAPPING


def problems(*changes: tuple[str, str]) -> str:
    text = MAPPING
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    with pytest.raises(BadMappingError) as error:
        read("m", text)
    return "\n".join(error.value.problems)


@pytest.mark.parametrize("name", shipped())
def test_a_mapping_that_comes_with_the_hub_fits_the_contracts(name: str) -> None:
    found = load(name)

    assert found.spec.title
    assert found.spec.notes or name == "htcds"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"person.role"', '"person.rule"', "is it `person.role`?"),
        ('"person.role"', '"persons.role"', "is no field"),
        ("PRESUMED_VICTIM", "SUSPECT", "no code of the list person_role"),
        ('value = "POLICE"', 'value = "POLIZ"', "is it `POLICE`?"),
        ('type = "PersonIdentified"', 'type = "PersonIdentifed"', "is it `PersonIdentified`?"),
        ('"setting" = { value = "IN_LAND" }', "", "`setting` is mandatory"),
        ('value = "FACT"', 'value = ["FACT"]', "one value, not a list"),
        ('date = ["%Y-%m-%d"]', 'map = { a = "b" }', "does not fit a field of the type timestamp-millis"),
        ('{ column = "day", date = ["%Y-%m-%d"] }', '{ column = "day" }', "say how the date is written"),
        ('{ column = "day", date', '{ column = "day", number = {}, date', "one way to convert"),
        ('missing = ["-99"]', 'missing = ["-99", "NA"]', "Namibia"),
        ('split = ";", ', 'splt = ";", ', "Extra inputs"),
        ('column = "who" }\n"envelope.occ', 'colum = "who" }\n"envelope.occ', "a rule has exactly one of"),
        ('minors = "not needed"', 'minors = " "', "say why `minors`"),
        ('minors = "not needed"', 'minors = "x"\nday = "y"', "`day` is mapped as well"),
        ('optional = ["minors"]', 'optional = ["mynors"]', "`mynors` is no column"),
        ('convert = "alpha-2"', 'convert = "language-name"', "does not give what this field holds"),
        ('"status" = { value = "PRESUMED" }', '"status" = { parameter = "status" }', "`status` is not declared"),
        ("{ flags = { threats", '{ flags = "thretas", x = { threats', "Extra inputs"),
        ('threats = "THREATS", debt', 'threats = "THREAT", debt', "is it `THREATS`?"),
        ('delimiters = [",", ";", "\\t"]', 'delimiters = [",,"]', "one character"),
        (
            '"status" = { value = "PRESUMED" }',
            '"status" = { cases = [{ when = { zz = "1" }, value = "PRESUMED" }] }',
            "texts that `zz` may hold",
        ),
    ],
)
def test_a_wrong_mapping_is_refused_with_the_place(old: str, new: str, said: str) -> None:
    assert said in problems((old, new))


def test_all_problems_of_a_mapping_are_told_at_once() -> None:
    found = problems(
        ('"person.role"', '"person.rule"'), ('value = "POLICE"', 'value = "POLIZ"'), ('minors = "not', 'minors = "" #')
    )

    assert found.count("\n") >= 3


def test_what_is_not_toml_is_refused() -> None:
    with pytest.raises(BadMappingError, match="not TOML"):
        read("m", "title = ")


def test_an_unknown_name_gets_the_nearest_and_the_list() -> None:
    with pytest.raises(MisuseError, match="is it `unodc-glotip`"):
        load("unodc-glotp")


def test_a_mapping_of_ones_own_is_read_from_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(MAPPING, encoding="utf-8")

    assert load(str(path)).name == "mine"
    with pytest.raises(MisuseError, match="cannot be read"):
        load(str(tmp_path / "none.toml"))


def test_parameters_without_a_default_are_asked_for() -> None:
    spec = load("us-whd").spec

    with pytest.raises(MisuseError, match="--set period_begin="):
        parameters_for(spec, {})
    with pytest.raises(MisuseError, match="no parameter `x`"):
        parameters_for(spec, {"x": "1"})
    assert parameters_for(load("unodc-caselaw").spec, {}) == {"verdict": "NOT_REPORTED"}
