"""A proposal for an unknown file: what is sure is mapped, what is not is left to a person, and the result imports."""

import tomllib
from pathlib import Path

import pytest

from connectors.importing.mappings import BadMappingError, read
from connectors.importing.proposing import DECIDES, Proposal, propose
from connectors.importing.sampling import sample_of
from connectors.importing.writing import toml_of
from tests.connectors.importing.making import dry, write_csv

COLUMNS = ("case_reference", "citizenship", "date of birth", "meansOfControlThreats", "means_of_control", "shoe")
ROWS = [
    ("K-1", "Serbia", "1990-02-03", "1", "Debt bondage", "38"),
    ("K-2", "Bulgaria", "1985-12-31", "0", "Threats", "43"),
]
DECIDED = {
    "envelope.occurred_at": "2026-02-01T00:00:00Z",
    "envelope.purpose": '"IDENTIFY"',
    "envelope.legal_basis": '["LED:8"]',
    "person.role": '"PRESUMED_VICTIM"',
    "person.restricted": '"NO"',
    "person.group": '"UNKNOWN"',
    "status": '"PRESUMED"',
    "identified_by": '"NGO"',
    "setting": '"IN_LAND"',
}


def proposal(tmp_path: Path, columns: tuple[str, ...] = COLUMNS, rows: list[tuple[str, ...]] = ROWS) -> Proposal:
    return propose(sample_of(write_csv(tmp_path / "new.csv", rows, columns)), "PersonIdentified")[0]


def test_each_column_is_mapped_or_left_to_decide(tmp_path: Path) -> None:
    found = proposal(tmp_path)
    flagged = {column for table in found.flags.values() for column in table}

    assert {*found.matches, *found.unsure, *flagged} == set(COLUMNS)


def test_names_and_values_speak_for_a_field(tmp_path: Path) -> None:
    found = proposal(tmp_path)

    assert found.matches["citizenship"].path == "person.citizenships"
    assert found.matches["citizenship"].rule == {"convert": "country-name"}
    assert found.matches["date of birth"].path == "person.date_of_birth"
    assert found.matches["case_reference"].path == "envelope.case_ref"
    assert found.flags == {"means_of_control": {"meansOfControlThreats": "THREATS"}}
    assert "shoe" in found.unsure


@pytest.mark.parametrize(
    ("texts", "rule", "is_open"),
    [
        (["NA", "RS", "BG"], {"convert": "alpha-2"}, ()),
        (["SRB", "BGR", "NA"], {}, ("NA",)),
        (["Serbia", "Namibia", "NA"], {"convert": "country-name"}, ("NA",)),
    ],
)
def test_na_is_namibia_among_two_letters_and_unknown_elsewhere(
    tmp_path: Path, texts: list[str], rule: dict[str, object], is_open: tuple[str, ...]
) -> None:
    found = proposal(tmp_path, ("citizenship",), [(text,) for text in texts]).matches["citizenship"]

    assert (found.rule, found.open) == (rule, is_open)


def test_dates_that_can_be_read_in_two_ways_are_left_to_decide(tmp_path: Path) -> None:
    found = proposal(tmp_path, ("birthdate",), [("03/04/1990",), ("05/06/1991",)])

    guess = found.unsure["birthdate"]
    assert guess is not None
    assert guess.rule == {"date": ["%d/%m/%Y", "%m/%d/%Y"]}


def test_the_best_event_type_comes_first(tmp_path: Path) -> None:
    sample = sample_of(write_csv(tmp_path / "new.csv", ROWS, COLUMNS))

    assert propose(sample)[0].score >= propose(sample)[-1].score


def test_what_is_written_is_toml_and_asks_for_what_is_open(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "new.csv", ROWS, COLUMNS)
    sample = sample_of(path)
    [best] = propose(sample, "PersonIdentified")

    text = toml_of(best, sample, "new", [])

    assert tomllib.loads(text)["events"][0]["type"] == "PersonIdentified"
    assert '# ? shoe = "…"' in text.replace('"shoe"', "shoe")
    with pytest.raises(BadMappingError, match="mandatory"):
        read("new", text)


def test_a_proposal_that_was_decided_imports_its_file(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "new.csv", ROWS, COLUMNS)
    sample = sample_of(path)
    [best] = propose(sample, "PersonIdentified")
    text = toml_of(best, sample, "new", [])
    for name, value in DECIDED.items():
        old = next(line for line in text.splitlines() if line.startswith((f'# ? "{name}"', f"# ? {name} ")))
        text = text.replace(old, f'"{name}" = {{ value = {value} }}')
    for column in best.unsure:
        text += f'"{column}" = "not needed"\n'

    tally, _ = dry(path, read("new", text))

    assert tally.rows == {"accepted": 2}


def test_what_decides_about_a_person_is_never_taken_from_a_likeness(tmp_path: Path) -> None:
    rows = [(f"2025-03-{day:02}", "yes" if day % 2 else "no", "NGO") for day in range(1, 29)]

    found = proposal(tmp_path, ("Interview date", "forced labour", "referred by"), rows)

    assert not DECIDES & {match.path for match in found.matches.values()}
    assert "person.restricted" not in {match.path for match in found.unsure.values() if match is not None}


def test_a_text_that_is_no_known_code_is_not_written_into_the_mapping(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "a.csv", [*[["PRESUMED", "RS"]] * 27, *[["Made-up Name", "RS"]] * 3], ["status", "citizenships"]
    )
    sample = sample_of(path)
    best, *others = propose(sample, "PersonIdentified")

    assert "status" in best.matches
    assert "Made-up Name" not in toml_of(best, sample, "a", others)
