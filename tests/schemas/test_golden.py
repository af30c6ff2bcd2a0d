"""The golden corpus: every version that ever landed is read for ever, and reads what is written today."""

import dataclasses
import io
import json
from pathlib import Path
from typing import Any, cast

import fastavro
import pytest

from schemas import golden, landed_codes, recording
from schemas.catalogue import contract, contracts, hub_contracts
from schemas.codec import parse
from schemas.derive import NAMESPACE, Channel, derive
from schemas.errors import HubError
from schemas.golden import BrokenCorpusError, Entry
from schemas.json_form import to_json
from schemas.opening import open_record
from schemas.originals import open_original
from schemas.recording import Current, everything, unrecorded
from schemas.review import findings
from schemas.sealing import ADDED
from schemas.upcasting import lineage, opened, published, sealed
from schemas.validation import problems
from tests.schemas.oracle import parsed_by_avro, plain, read_by_avro
from tests.schemas.strategies import NOW

ENTRIES = [entry for fullname in golden.fullnames() for entry in golden.entries(fullname)]
TODAY: dict[str, Current] = {current.fullname: current for current in everything()}
SOURCE, LEDGER = NAMESPACE[Channel.SOURCE], NAMESPACE[Channel.LEDGER]
every_entry = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.fullname}-{entry.version}")
EVENTS = {known.name for known in contracts()}


def written(schema: Any, record: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, parse(schema), record)
    return out.getvalue()


def read(value: bytes, writer: Any, reader: Any = None) -> dict[str, Any]:
    source = io.BytesIO(value)
    found = fastavro.schemaless_reader(source, parse(writer), None if reader is None else parse(reader))
    assert source.tell() == len(value)
    return cast("dict[str, Any]", found)


def said(record: dict[str, Any], schema: Any) -> dict[str, Any]:
    return {name: value for name, value in to_json(record, schema).items() if name in record}


def test_every_schema_of_today_is_recorded() -> None:
    missing = sorted({current.contract.name for current in unrecorded()})
    assert not missing, f"type `hub schema record` and commit schemas/golden; not recorded: {', '.join(missing)}"


def test_every_schema_of_today_may_follow_those_that_landed() -> None:
    assert not findings(), "\n".join(map(str, findings()))


def test_nothing_that_landed_is_taken_away() -> None:
    assert {entry.fullname for entry in ENTRIES} <= set(TODAY), "an event type goes out of use, never out of the hub"


@every_entry
def test_the_bytes_say_what_was_recorded(entry: Entry) -> None:
    record = read(entry.value, entry.schema)
    oracle = parsed_by_avro(entry.schema)
    assert said(record, entry.schema) == entry.record
    assert read_by_avro(entry.value, oracle, oracle) == plain(record)


@every_entry
def test_todays_reader_reads_it(entry: Entry) -> None:
    reader = TODAY[entry.fullname].schema
    record = read(entry.value, entry.schema, reader)
    assert read_by_avro(entry.value, parsed_by_avro(entry.schema), parsed_by_avro(reader)) == plain(record)


@every_entry
def test_its_reader_reads_what_is_written_today(entry: Entry) -> None:
    current = TODAY[entry.fullname]
    value = written(current.schema, current.make())
    record = read(value, current.schema, entry.schema)
    assert read_by_avro(value, parsed_by_avro(current.schema), parsed_by_avro(entry.schema)) == plain(record)


def of(namespace: str) -> Any:
    found = [entry for entry in ENTRIES if entry.fullname.rpartition(".")[::2] in {(namespace, n) for n in EVENTS}]
    return pytest.mark.parametrize("entry", found, ids=lambda entry: f"{entry.fullname}-{entry.version}")


@of(SOURCE)
def test_an_event_of_every_version_is_valid_today(entry: Entry) -> None:
    versions = lineage(entry.contract.name)
    record = versions.upcast(read(entry.value, entry.schema), entry.contract, published)
    assert problems(record, versions.current, NOW) == ()


@of(LEDGER)
def test_the_ledger_of_every_version_opens_and_is_valid_today(entry: Entry) -> None:
    versions = lineage(str(entry.schema["name"]))
    version = versions.find(str(entry.schema["derived_from"]))
    assert version is not None
    at_rest = read(entry.value, entry.schema)
    if at_rest.get("signed_by") is not None:
        assert open_original(at_rest, entry.fullname, golden.secret_of) == recording.SIGNED.encode()
    record = open_record(version, Channel.LEDGER, at_rest, golden.secret_of)
    record = versions.upcast(record, version, opened(Channel.LEDGER))
    for added in ADDED[Channel.LEDGER]:
        record.pop(added, None)
    assert problems(without_subjects(record), versions.current, NOW) == ()


@of(LEDGER)
def test_the_ledger_of_every_version_has_the_form_of_today_before_it_is_opened(entry: Entry) -> None:
    current = TODAY[entry.fullname]
    versions = lineage(current.contract.name)
    version = versions.find(str(entry.schema["derived_from"]))
    assert version is not None
    in_its_form = read(entry.value, entry.schema, derive(version, Channel.LEDGER).schema)
    record = versions.upcast(in_its_form, version, sealed(Channel.LEDGER))
    assert record.keys() == current.make().keys()
    assert written(current.schema, record)


def without_subjects(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_subjects(inner) for key, inner in value.items() if key != "subject"}
    return [without_subjects(inner) for inner in value] if isinstance(value, list) else value


def test_recording_writes_what_is_missing_and_nothing_twice(tmp_path: Path) -> None:
    names = recording.record(tmp_path)
    assert len(names) == len(TODAY)
    assert recording.record(tmp_path) == ()
    assert unrecorded(tmp_path) == ()
    assert {golden.entries(name, tmp_path)[0].version for name in TODAY} == {1}
    assert golden.fullnames(tmp_path) == tuple(sorted(TODAY))


def test_recording_is_the_same_wherever_it_is_done(tmp_path: Path) -> None:
    for folder in ("one", "other"):
        recording.record(tmp_path / folder)
    names = {path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.json")}
    assert all((tmp_path / "one" / n).read_bytes() == (tmp_path / "other" / n).read_bytes() for n in names)


def edit(path: Path, change: Any) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["record"].update(agency="other"),
        lambda content: content.update(bytes="AAAA"),
        lambda content: content["schema"].update(doc="other"),
        lambda content: content.update(version=2),
        lambda content: content.pop("digest"),
        lambda content: content.update(extra=1),
    ],
)
def test_an_edited_entry_is_noticed(tmp_path: Path, change: Any) -> None:
    recording.record(tmp_path)
    (path,) = (tmp_path / "hub.v1.Receipt").iterdir()
    edit(path, change)
    with pytest.raises(BrokenCorpusError, match="Receipt"):
        golden.entries("hub.v1.Receipt", tmp_path)


def test_a_lost_and_a_renamed_entry_are_noticed(tmp_path: Path) -> None:
    recording.record(tmp_path)
    (path,) = (tmp_path / "hub.v1.Receipt").iterdir()
    later = Entry(
        fullname="hub.v1.Receipt",
        version=2,
        fingerprint=TODAY["hub.v1.Decision"].fingerprint,
        previous=TODAY["hub.v1.Receipt"].fingerprint,
        schema=TODAY["hub.v1.Decision"].schema,
        value=b"",
        record={},
    )
    (path.parent / later.file_name).write_text(later.text())
    assert [entry.version for entry in golden.entries("hub.v1.Receipt", tmp_path)] == [1, 2]
    twice = dataclasses.replace(later, fingerprint=TODAY["hub.v1.Agreement"].fingerprint)
    twice = dataclasses.replace(twice, schema=TODAY["hub.v1.Agreement"].schema)
    (path.parent / twice.file_name).write_text(twice.text())
    with pytest.raises(BrokenCorpusError, match="version 2 is there twice"):
        golden.entries("hub.v1.Receipt", tmp_path)
    (path.parent / twice.file_name).unlink()
    away = path.rename(tmp_path / "away.json")
    with pytest.raises(BrokenCorpusError, match="version 1 is lost"):
        golden.entries("hub.v1.Receipt", tmp_path)
    away.rename(path.with_name("1-000000000000.json"))
    with pytest.raises(BrokenCorpusError):
        golden.entries("hub.v1.Receipt", tmp_path)


def test_a_code_that_landed_and_is_gone_is_told_and_nothing_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "codes.tsv").write_text("flag\tPERHAPS\n")
    monkeypatch.setattr(landed_codes, "RECORD", tmp_path / "codes.tsv")
    assert [(found.schema, found.problem.rule) for found in findings(tmp_path)] == [("flag", "code-removed")]
    with pytest.raises(HubError, match="code-removed"):
        recording.record(tmp_path)
    assert golden.fullnames(tmp_path) == ()


def test_hub_records_have_an_example_each() -> None:
    assert {each.name for each in hub_contracts()} <= {current.contract.name for current in TODAY.values()}
    assert contract("PersonIdentified") in lineage("PersonIdentified").versions
