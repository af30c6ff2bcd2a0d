"""Avro container files: every record checked like JSON, a wrong schema refused, a damaged file read to its damage."""

import copy
import datetime as dt
import io
import json
from collections.abc import Iterable
from typing import cast

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import avro_file
from connectors.avro_file import AvroFileError, read_avro, write_avro
from connectors.events_file import Line
from connectors.source import Source
from schemas.catalogue import Contract, contract, contracts
from schemas.codec import parse
from schemas.errors import InvalidEventError
from schemas.examples import example
from schemas.json_form import read_event
from schemas.registry import AvroSchema
from schemas.upcasters import recoded
from schemas.upcasting import Lineage, Lineages, lineage

NOW = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
NAME = "PersonIdentified"
NAMES = [known.name for known in contracts()]
PLAIN = cast("AvroSchema", avro_file._without_logical_types(contract(NAME).schema))  # noqa: SLF001 - numbers as they lie


def record(name: str = NAME) -> dict[str, object]:
    return read_event(example(name), NOW)[1]


def plain_record() -> dict[str, object]:
    """Return a record with numbers where dates and moments are."""
    (found,) = fastavro.reader(io.BytesIO(written([record()])), return_record_name=False)
    out = io.BytesIO()
    fastavro.schemaless_writer(out, parse(contract(NAME).schema), cast("dict[str, object]", found))
    out.seek(0)
    return cast("dict[str, object]", fastavro.schemaless_reader(out, parse(PLAIN), None))


def written(records: Iterable[dict[str, object]], name: str = NAME) -> bytes:
    out = io.BytesIO()
    write_avro(out, name, records)
    return out.getvalue()


def written_with(schema: AvroSchema, records: list[dict[str, object]], **options: object) -> bytes:
    out = io.BytesIO()
    fastavro.writer(out, parse(schema), records, **options)
    return out.getvalue()


def read(content: bytes, lineages: Lineages = lineage) -> list[Line]:
    return list(read_avro(io.BytesIO(content), lineages))


def rules(line: Line) -> set[tuple[str, str]]:
    with pytest.raises(InvalidEventError) as refused:
        read_event(line.event, NOW)
    return {(problem.path, problem.rule) for problem in refused.value.problems}


@pytest.mark.parametrize("name", NAMES)
def test_what_was_written_is_read_and_is_the_same_event_as_in_json(name: str) -> None:
    lines = read(written([record(name)] * 3, name))
    assert [(line.unit, line.number) for line in lines] == [("record", 1), ("record", 2), ("record", 3)]
    for line in lines:
        assert read_event(line.event, NOW) == (contract(name), record(name))


@pytest.mark.parametrize("codec", avro_file.CODECS)
def test_every_codec_that_is_named_can_be_read(codec: str) -> None:
    assert len(read(written_with(contract(NAME).schema, [record()] * 5, codec=codec))) == 5


def test_a_codec_that_is_not_there_is_named() -> None:
    content = written([record()]).replace(b"\x0edeflate", b"\x0edeflatf")
    with pytest.raises(AvroFileError, match="deflate"):
        read(content)


def test_a_file_with_attributes_lost_or_another_order_of_keys_is_the_same_schema() -> None:
    def bare(declared: object) -> object:
        if isinstance(declared, list):
            return [bare(each) for each in declared]
        if isinstance(declared, dict):
            kept = ("type", "name", "namespace", "fields", "items", "logicalType")
            return {key: bare(declared[key]) for key in reversed(kept) if key in declared}
        return declared

    (line,) = read(written_with(cast("AvroSchema", bare(contract(NAME).schema)), [record()]))
    assert read_event(line.event, NOW)[1] == record()


def older() -> Contract:
    """Return a version without the last field, which has a default."""
    schema = copy.deepcopy(contract(NAME).schema)
    fields = cast("list[AvroSchema]", schema["fields"])
    assert "default" in fields[-1]
    del fields[-1]
    return Contract(name=NAME, family="identification", schema=schema, fingerprint="older")


def test_an_older_version_that_landed_is_read_in_the_words_of_the_present_one() -> None:
    upcasters = {"older": recoded("status", {"OF_OLD": "PRESUMED"})}
    line = Lineage(versions=(older(), contract(NAME)), upcasters=upcasters)
    event = {**record(), "status": "OF_OLD"}
    content = written_with(older().schema, [event])
    (found,) = read(content, lambda _name: line)
    assert read_event(found.event, NOW)[1]["status"] == "PRESUMED"
    with pytest.raises(AvroFileError, match="no version of PersonIdentified"):
        read(content)


@pytest.mark.parametrize("schema", [{"type": "record", "name": "Other", "fields": []}, "string", ["null", "string"]])
def test_a_schema_of_no_event_type_is_refused_with_the_types(schema: AvroSchema) -> None:
    with pytest.raises(AvroFileError, match=NAME):
        read(written_with(schema, []))


def test_a_wrong_value_is_the_fault_of_its_record_alone() -> None:
    wrong = plain_record()
    cast("dict[str, object]", wrong["envelope"])["occurred_at"] = 2**62
    cast("dict[str, object]", wrong["person"])["date_of_birth"] = 2**31 - 1
    wrong["status"] = "NO_CODE"
    first, second, third = read(written_with(PLAIN, [plain_record(), wrong, plain_record()]))
    assert read_event(first.event, NOW)[1] == read_event(third.event, NOW)[1] == record()
    assert rules(second) == {
        ("envelope.occurred_at", "not-a-timestamp"),
        ("person.date_of_birth", "not-a-date"),
        ("status", "unknown-code"),
    }


def test_text_that_is_not_utf8_is_the_fault_of_its_field() -> None:
    event = record()
    cast("dict[str, object]", event["person"])["full_name"] = "Invented Xy"
    content = written_with(contract(NAME).schema, [event, record()]).replace(b"Xy", b"\xff\xfe")
    first, second = read(content)
    assert rules(first) == {("person.full_name", "invalid-unicode")}
    assert read_event(second.event, NOW)[1] == record()


MANY = written_with(contract(NAME).schema, [record()] * 40, sync_interval=2000, codec="null")


@settings(deadline=None)
@given(st.integers(1, len(MANY) - 1))
def test_a_file_that_was_cut_off_gives_what_is_before_the_cut_and_says_so(cut: int) -> None:
    try:
        lines = read(MANY[:cut])
    except AvroFileError:
        assert cut < 40 + len(json.dumps(contract(NAME).schema)) * 2
        return
    events = [line.event for line in lines if line.event is not None]
    assert all(event == read(MANY)[0].event for event in events)
    blocks = [block.offset + block.size for block in fastavro.block_reader(io.BytesIO(MANY))]
    at_a_block = cut in (*blocks, blocks[0] - next(fastavro.block_reader(io.BytesIO(MANY))).size)
    assert [line.problem for line in lines if line.problem] == ([] if at_a_block else [avro_file.DAMAGED])
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))


@settings(deadline=None)
@given(st.integers(0, len(MANY) - 1), st.integers(0, 7))
def test_a_changed_bit_never_ends_in_anything_but_an_answer(place: int, bit: int) -> None:
    changed = bytearray(MANY)
    changed[place] ^= 1 << bit
    try:
        lines = read(bytes(changed))
    except AvroFileError as error:
        assert "Invented" not in str(error)  # noqa: PT017 - not every change is one
        return
    for line in lines:
        assert (line.event is None) == (line.problem is not None)


def test_a_block_of_an_absurd_size_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(avro_file, "BLOCK_BYTES_MAX", 50_000)
    small = written_with(contract(NAME).schema, [record()] * 2, codec="null")
    large = written_with(contract(NAME).schema, [record()] * 200, codec="null", sync_interval=10**6)
    assert [line.problem for line in read(small)] == [None, None]
    assert [line.problem for line in read(large)] == [avro_file.DAMAGED]


def test_the_form_of_a_file_is_known_from_its_first_bytes() -> None:
    for content, unit in ((written([record()]), "record"), (json.dumps(example(NAME)).encode(), "line")):
        (line,) = Source.of(io.BytesIO(content)).lines()
        assert line.unit == unit
    assert list(Source.of(io.BytesIO(b"")).lines()) == []


def test_records_are_read_as_they_come() -> None:
    source = io.BytesIO(MANY)
    lines = read_avro(source)
    next(lines)
    assert source.tell() < len(MANY) - 10_000
