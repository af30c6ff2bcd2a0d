"""The commands `hub schema`: what they show, what they refuse and why; registering on the real registry."""

import copy
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from rich.console import Console
from typer.testing import CliRunner

from infra import privacy_screen, schema_commands
from infra.cli import build
from infra.home import Home
from infra.topology import apply
from infra.topology.apply import register, registry_of
from infra.topology.model import load_topology
from infra.topology.plan import COMPATIBILITY, RegisterSchema, Servers, SetCompatibility, schema_changes
from infra.topology.subjects import Subject, subjects
from schemas import golden
from schemas.catalogue import Contract, contract, contracts, hub_contract, hub_contracts
from schemas.compatibility import unreadable
from schemas.errors import MisuseError
from schemas.privacy_table import privacy_table
from schemas.registry import IncompatibleSchemaError
from schemas.review import UnfitSchemaError
from tests.schemas.evolutions import DATE, MISSING, OF_THE_PERSON, Edit, add, alter, changed, remove, rename

BASE = contract("PersonIdentified")
SOURCE = Path(__file__).resolve().parents[2] / "schemas" / "avro" / "identification" / "person_identified.avsc"


def run(*words: str) -> Any:
    return CliRunner().invoke(build(), ["schema", *words])


def as_json(*words: str, exit_code: int = 0) -> Any:
    done = run(*words, "--json")
    assert done.exit_code == exit_code, done.output
    return json.loads(done.stdout)


def avsc(path: Path, *edits: Edit) -> str:
    """Write the contract's own file after *edits* and return its name."""
    source = json.loads(SOURCE.read_text("utf-8"))
    for edit in edits:
        edit(source)
    path.write_text(json.dumps(source))
    return str(path)


def test_the_list_has_every_schema_with_versions_fields_and_persons() -> None:
    found = {each["name"]: each for each in as_json("list")["schemas"]}
    assert set(found) == {each.name for each in (*contracts(), *hub_contracts())}
    assert found["PersonIdentified"]["persons"] == ["person"]
    assert found["InvestigationOpened"]["persons"] == ["suspects[]", "victims[]"]
    assert all(each["versions"] >= 1 and each["recorded"] and each["fields"] >= 1 for each in found.values())
    assert "PersonIdentified" in run("list").stdout


def test_show_gives_type_class_codes_and_meaning_of_every_field() -> None:
    shown = as_json("show", "PersonIdentified")
    fields = {each["path"]: each for each in shown["fields"]}
    status = fields["status"]
    assert (status["type"], status["class"], status["codes"]) == ("string", "SENSITIVE", "victim_status")
    assert fields["person.date_of_birth"]["ladder"] == "age"
    assert all(each["class"] and each["doc"] for each in fields.values())
    text = run("show", "PersonIdentified").stdout
    assert all(path in text for path in fields)


def test_privacy_shows_of_every_field_whose_it_is_and_where_it_travels() -> None:
    found = as_json("privacy")["fields"]
    assert {each["event_type"] for each in found} == {each.name for each in contracts()}
    assert all(each["class"] and each["meaning"] and each["forms"] for each in found)
    own = as_json("privacy", "PersonIdentified")["fields"]
    assert own == [each for each in found if each["event_type"] == "PersonIdentified"]
    text = run("privacy", "PersonIdentified").stdout
    assert all(each["path"] in text for each in own)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_privacy_shows_the_same_however_wide_the_terminal_is(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privacy_screen, "console", lambda: Console(width=width))
    words = " ".join(run("privacy", "SuspectArrested").stdout.split())
    for row in privacy_table(contract("SuspectArrested")):
        assert row.path in words
        assert row.privacy_class in words
    assert "pseudonymous" in words
    assert "5 years" in words


@pytest.mark.parametrize(
    "words", [("show", "Nonsense"), ("privacy", "Receipt"), ("diff", "Nonsense"), ("check", "Nonsense")]
)
def test_a_name_that_is_none_is_answered_with_those_there_are(words: tuple[str, ...]) -> None:
    done = run(*words)
    assert isinstance(done.exception, MisuseError)
    assert "PersonIdentified" in str(done.exception)


def test_a_diff_with_the_current_version_has_nothing_to_show() -> None:
    newest = len(golden.entries(BASE.fullname))
    found = as_json("diff", "PersonIdentified", "--from", str(newest))
    assert (found["differences"], found["compatible"]) == ([], True)
    assert isinstance(run("diff", "PersonIdentified", "--from", "999").exception, MisuseError)


def test_a_diff_says_for_each_field_what_changed_and_why_it_may_not_land(monkeypatch: pytest.MonkeyPatch) -> None:
    new = changed(BASE, add("hair", "string", **OF_THE_PERSON), remove("place"))
    monkeypatch.setattr(schema_commands, "_known", lambda _name: new)
    newest = str(len(golden.entries(BASE.fullname)))
    found = as_json("diff", "PersonIdentified", "--from", newest)
    assert {(each["path"], each["change"], each["verdict"]) for each in found["differences"]} == {
        ("hair", "added", "no-default"),
        ("place", "removed", "compatible"),
    }
    text = run("diff", "PersonIdentified", "--from", newest).stdout
    assert "no-default" in text
    assert "give it a default" in text


def test_check_passes_what_is_here() -> None:
    found = as_json("check")
    assert found["problems"] == []
    assert len(found["checked"]) == len(contracts()) + len(hub_contracts())
    assert run("check", "PersonIdentified").exit_code == 0


def test_check_passes_a_file_with_a_compatible_change(tmp_path: Path) -> None:
    name = avsc(tmp_path / "x.avsc", add("hair", ["null", "string"], None, **OF_THE_PERSON))
    done = run("check", name)
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("edit", "rule", "advice"),
    [
        (add("hair", "string", **OF_THE_PERSON), "no-default", "give it a default"),
        (add("hair", ["null", "string"], None, note="x"), "unclassified", "give the field a privacy class"),
    ],
)
def test_check_refuses_a_file_with_the_reason(tmp_path: Path, edit: Edit, rule: str, advice: str) -> None:
    name = avsc(tmp_path / "x.avsc", edit)
    problems = as_json("check", name, exit_code=1)["problems"]
    assert {each["path"] for each in problems} == {"hair"}
    assert rule in {each["rule"] for each in problems}
    done = run("check", name)
    assert done.exit_code == 1
    assert f"hair: {rule}" in done.stdout
    assert advice in done.stdout


def test_check_says_when_a_file_cannot_be_read(tmp_path: Path) -> None:
    assert isinstance(run("check", str(tmp_path / "none.avsc")).exception, MisuseError)
    (tmp_path / "x.avsc").write_bytes(b"\xff\xfe")
    assert isinstance(run("check", str(tmp_path / "x.avsc")).exception, MisuseError)


def test_record_has_nothing_to_do_when_all_is_recorded() -> None:
    assert as_json("record") == {"written": [], "codes": 0}


def test_register_refuses_what_is_not_recorded_or_may_not_land(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_commands, "_known", lambda _name: changed(BASE, add("hair", "string", **OF_THE_PERSON)))
    done = run("register", "PersonIdentified")
    assert isinstance(done.exception, UnfitSchemaError)
    assert "no-default" in str(done.exception)
    monkeypatch.undo()
    monkeypatch.setattr("schemas.recording.unrecorded", lambda: (_Unrecorded(),))
    done = run("register", "PersonIdentified")
    assert isinstance(done.exception, UnfitSchemaError)
    assert "hub schema record" in str(done.exception)


class _Unrecorded:
    contract = BASE


def test_schemas_are_registered_after_the_rule_that_guards_them() -> None:
    wanted = [each for each in subjects(load_topology()) if each.schema["name"] == "PersonIdentified"]
    changes = schema_changes(wanted, Servers())
    assert changes == [SetCompatibility(level=COMPATIBILITY), *(RegisterSchema(subject=each) for each in wanted)]
    held = frozenset((each.name, each.fingerprint) for each in wanted)
    assert schema_changes(wanted, Servers(compatibility=COMPATIBILITY, schemas=held)) == []


def subject_of(found: Contract, topic: str) -> Subject:
    name = f"{topic}-{found.fullname}"
    return Subject(name=name, topic=topic, schema=found.schema, fingerprint=found.fingerprint)


@pytest.mark.stack
def test_registering_twice_changes_something_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    own = subject_of(hub_contract("Receipt"), f"test.{uuid4()}")
    monkeypatch.setattr(apply, "subjects", lambda _topology: (own,))
    assert register(home, load_topology(), {"Decision"}) == ((), ())
    held, changes = register(home, load_topology(), {"Receipt"})
    assert held == (own,)
    assert changes == (RegisterSchema(subject=own),)
    assert register(home, load_topology(), {"Receipt"}) == ((own,), ())


@pytest.mark.stack
def test_the_command_registers_on_every_topic_and_says_so(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Home, "current", lambda: home)
    wanted = [each for each in subjects(load_topology()) if each.schema["name"] == "PersonIdentified"]
    as_json("register", "PersonIdentified")
    assert as_json("register", "PersonIdentified") == {"subjects": len(wanted), "changes": []}
    assert f"{len(wanted)} subjects" in run("register", "PersonIdentified").stdout


CASES: dict[str, list[Edit]] = {
    "an optional field": [add("hair", ["null", "string"], None)],
    "a field without a default": [add("hair", "string")],
    "an optional field less": [remove("place")],
    "a mandatory field less": [remove("status")],
    "a mandatory field renamed": [rename("status", "state")],
    "a list becomes a text": [alter("acts", type="string", default="")],
    "a text becomes bytes": [alter("place", type=["null", "bytes"])],
    "a date becomes a number": [alter("entry_date", type=["null", "int"])],
    "a number becomes longer": [
        alter("entry_date", type=["null", {"type": "long", "logicalType": "timestamp-millis"}])
    ],
    "an optional field becomes mandatory": [alter("place", type="string", default=MISSING)],
    "a mandatory field becomes optional": [alter("status", type=["null", "string"], default=None)],
    "a field of a person without a default": [add("found_on", DATE, record="Person")],
}


@pytest.mark.stack
@pytest.mark.parametrize("edits", CASES.values(), ids=CASES)
def test_the_registry_says_the_same_about_compatibility_as_we_do(home: Home, edits: list[Edit]) -> None:
    new = changed(BASE, *copy.deepcopy(edits))
    ours = not unreadable(BASE.schema, new.schema) and not unreadable(new.schema, BASE.schema)
    topic = f"test.{uuid4()}"
    with registry_of(home) as registry:
        registry.register(subject_of(BASE, topic).name, BASE.schema)
        try:
            registry.register(subject_of(BASE, topic).name, new.schema)
        except IncompatibleSchemaError:
            theirs = False
        else:
            theirs = True
    assert ours is theirs
