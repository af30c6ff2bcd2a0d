"""The commands as people and scripts call them: one object, exit codes that tell whose fault it is."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from connectors.importing.headers import WrongColumnsError
from infra.cli import build
from schemas.errors import MisuseError
from tests.connectors.importing.making import MAPPING, row, write_csv


def hub(*arguments: object) -> Result:
    return CliRunner().invoke(build(), [str(each) for each in arguments])


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(MAPPING, encoding="utf-8")
    return path


def dry_run(file: Path, mapping: Path, *more: object) -> tuple[int, dict[str, Any]]:
    done = hub("import", file, "--mapping", mapping, "--dry-run", "--json", *more)
    return done.exit_code, json.loads(done.stdout) if done.stdout else {}


def test_a_dry_run_needs_no_hub_and_ends_with_one_object(tmp_path: Path, mine: Path) -> None:
    code, found = dry_run(write_csv(tmp_path / "a.csv", [row(), row(who="W-2", sex="Q")]), mine)

    assert code == 1
    assert found | {"refused_file": ""} == {
        "rows": 2,
        "accepted": 1,
        "refused": 1,
        "duplicates": 0,
        "events": 1,
        "events_by_type": {"PersonIdentified": 1},
        "repaired": {},
        "reported": {},
        "refused_by_rule": {"unknown-value": 1},
        "refused_by_column": {"sex: unknown-value": 1},
        "refused_file": "",
        "dry_run": True,
    }
    assert Path(found["refused_file"]).name == "a.csv.dry-run.refused.csv"


def test_a_file_without_faults_leaves_no_file_of_refused_rows(tmp_path: Path, mine: Path) -> None:
    file = write_csv(tmp_path / "a.csv", [row(sex="Q")])
    dry_run(file, mine)
    write_csv(file, [row()])

    code, found = dry_run(file, mine)

    assert (code, found["refused_file"]) == (0, None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "mine.toml"]


def test_the_summary_for_people_holds_counts_and_no_value(tmp_path: Path, mine: Path) -> None:
    file = write_csv(tmp_path / "a.csv", [row(sex=" f "), row(sex="Secret")])

    said = hub("import", file, "--mapping", mine, "--dry-run").output

    assert "2 rows: 1 would be accepted, 0 duplicates, 1 refused; 1 events" in said
    assert "row 3: sex: unknown-value" in said
    assert "repaired: 1 trimmed" in said
    assert "Secret" not in said


def test_errors_tell_whose_fault_it_is(tmp_path: Path, mine: Path) -> None:
    file = write_csv(tmp_path / "a.csv", [row()])

    assert isinstance(hub("import", file, "--mapping", "nonsense", "--dry-run").exception, MisuseError)
    assert isinstance(hub("import", file, "--mapping", mine, "--dry-run", "--set", "x").exception, MisuseError)
    assert isinstance(hub("import", file, "--mapping", mine).exception, MisuseError)  # as whom?
    assert isinstance(hub("import", file, "--mapping", "htcds", "--dry-run").exception, WrongColumnsError)


def test_mappings_are_listed_shown_and_checked(mine: Path) -> None:
    listed = json.loads(hub("mapping", "list", "--json").stdout)

    assert {"htcds", "unodc-glotip"} <= {each["name"] for each in listed}
    assert "[ignored]" in hub("mapping", "show", "unodc-glotip").stdout
    assert json.loads(hub("mapping", "check", mine, "--json").stdout)["ok"]
    mine.write_text(MAPPING.replace("POLICE", "POLIZ"), encoding="utf-8")
    done = hub("mapping", "check", mine, "--json")
    assert done.exit_code == 2
    assert len(json.loads(done.stdout)["problems"]) == 1


def test_a_mapping_is_proposed_into_a_file(tmp_path: Path) -> None:
    file = write_csv(tmp_path / "a.csv", [("RS", "1990-01-01")], ("citizenship", "birthdate"))

    done = hub("mapping", "new", file, "--event-type", "PersonIdentified", "--output", tmp_path / "new.toml")

    assert done.exit_code == 0
    assert 'convert = "alpha-2"' in (tmp_path / "new.toml").read_text(encoding="utf-8")
    assert isinstance(hub("mapping", "new", file, "--event-type", "Nonsense").exception, MisuseError)
