"""The compatibility checker says yes when every record can be read, and no when one cannot: fastavro is the judge."""

import io
from collections.abc import Iterator
from typing import Any

import fastavro
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.catalogue import contracts
from schemas.compatibility import REASONS, fields_in, type_name, unreadable
from schemas.derive import Channel, derive
from schemas.shapes import shape_of, walk

SCALARS: dict[str, Any] = {"string": "a", "int": 1, "long": 2, "double": 1.5, "boolean": True, "bytes": b"b"}
NAMES = ("a", "b", "c")
PLAIN = st.sampled_from(list(SCALARS))


def types(depth: int) -> st.SearchStrategy[Any]:
    if depth == 0:
        return PLAIN
    inner = types(depth - 1)
    lists = inner.filter(lambda declared: not isinstance(declared, list)).map(
        lambda declared: {"type": "array", "items": declared}
    )
    return st.one_of(
        PLAIN, lists, records(depth - 1), st.one_of(PLAIN, lists, records(depth - 1)).map(lambda d: ["null", d])
    )


@st.composite
def records(draw: Any, depth: int) -> dict[str, Any]:
    fields = []
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=3)):
        declared = draw(types(depth))
        entry = {"name": name, "type": declared}
        if draw(st.booleans()):
            entry["default"] = default_of(declared)
        fields.append(entry)
    # One name for each depth: a schema holds no two records of one name, and those of two schemas are comparable.
    return {"type": "record", "name": f"R{depth}{draw(st.sampled_from('xy'))}", "fields": fields}


def default_of(declared: Any) -> Any:
    if isinstance(declared, list):
        return None
    if isinstance(declared, dict):
        if declared["type"] == "array":
            return []
        return {entry["name"]: entry.get("default", default_of(entry["type"])) for entry in declared["fields"]}
    return "b" if declared == "bytes" else SCALARS[declared]


def values(declared: Any) -> Iterator[Any]:
    """Yield values that go through every branch of every union."""
    if isinstance(declared, list):
        for branch in declared:
            yield from values(branch)
    elif declared == "null":
        yield None
    elif isinstance(declared, str):
        yield SCALARS[declared]
    elif declared["type"] == "array":
        for item in values(declared["items"]):
            yield [item]
    else:
        columns = {entry["name"]: list(values(entry["type"])) for entry in declared["fields"]}
        for index in range(max((len(column) for column in columns.values()), default=1)):
            yield {name: column[index % len(column)] for name, column in columns.items()}


def renumbered(schema: Any, seen: dict[str, int]) -> Any:
    """Give records names of their own within *schema*, the same in both schemas of a pair where they stand alike."""
    if isinstance(schema, list):
        return [renumbered(branch, seen) for branch in schema]
    if isinstance(schema, dict) and schema["type"] == "array":
        return {**schema, "items": renumbered(schema["items"], seen)}
    if isinstance(schema, dict):
        seen[schema["name"]] = number = seen.get(schema["name"], 0) + 1
        fields = [{**entry, "type": renumbered(entry["type"], seen)} for entry in schema["fields"]]
        return {**schema, "name": f"{schema['name']}{number}", "fields": fields}
    return schema


def is_read(writer: Any, reader: Any, value: Any) -> bool:
    out = io.BytesIO()
    parsed = fastavro.parse_schema(writer, named_schemas={})
    fastavro.schemaless_writer(out, parsed, value)
    try:
        out.seek(0)
        fastavro.schemaless_reader(out, parsed, fastavro.parse_schema(reader, named_schemas={}))
    except Exception:  # noqa: BLE001 - whatever it is, the reader does not read it
        return False
    return True


pairs = st.tuples(records(2), records(2)).map(lambda pair: tuple(renumbered(schema, {}) for schema in pair))


@given(pairs)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_called_readable_is_read_and_what_is_not_is_not(pair: Any) -> None:
    writer, reader = pair
    problems = unreadable(writer, reader)
    assert all(is_read(writer, reader, value) for value in values(writer)) is not bool(problems), problems
    assert {problem.rule for problem in problems} <= REASONS.keys()


@given(records(2).map(lambda schema: renumbered(schema, {})))
@settings(max_examples=30)
def test_every_schema_reads_itself(schema: Any) -> None:
    assert unreadable(schema, schema) == ()


@pytest.mark.parametrize("channel", Channel)
def test_every_contract_reads_itself_on_every_channel(channel: Channel) -> None:
    for known in contracts():
        schema = derive(known, channel).schema
        assert unreadable(schema, schema) == ()


def record(declared: Any, name: str = "R", **extra: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": "f", "type": declared, **extra}]}


def enum(*symbols: str, **extra: Any) -> dict[str, Any]:
    return {"type": "enum", "name": "E", "symbols": list(symbols), **extra}


@pytest.mark.parametrize(
    ("writer", "reader", "rules"),
    [
        (record("int"), record("string"), {"f": "type-changed"}),
        (record("int"), record("double"), {}),
        (record("double"), record("int"), {"f": "type-changed"}),
        (record("string"), record("bytes"), {}),
        (record(["null", "string"]), record("string"), {"f": "null-not-read"}),
        (record("string"), record(["null", "string"]), {}),
        (record(enum("A", "B")), record(enum("A")), {"f": "symbol-missing"}),
        (record(enum("A", "B")), record(enum("A", default="A")), {}),
        (record(enum("A")), record(enum("A", "B")), {}),
        (
            record({"type": "fixed", "name": "F", "size": 2}),
            record({"type": "fixed", "name": "F", "size": 3}),
            {"f": "size-changed"},
        ),
        (
            record({"type": "map", "values": "int"}),
            record({"type": "map", "values": "string"}),
            {"f{}": "type-changed"},
        ),
        (record(record("int", "X")), record(record("int", "Y")), {"f": "name-changed"}),
        (record({"type": "array", "items": record("int", "X")}), record("string"), {"f": "type-changed"}),
        (
            record(["null", record("int", "X")]),
            record(["null", record("string", "X")]),
            {"f.f": "type-changed"},
        ),
        (record("int", "A"), record("int", "B"), {"$": "name-changed"}),
        (record({"type": "int", "logicalType": "date"}), record("int"), {}),
    ],
)
def test_each_reason_names_the_field(writer: Any, reader: Any, rules: Any) -> None:
    assert {problem.path: problem.rule for problem in unreadable(writer, reader)} == rules


def test_a_record_inside_itself_comes_to_an_end() -> None:
    schema = {
        "type": "record",
        "name": "Tree",
        "namespace": "n",
        "fields": [{"name": "left", "type": ["null", "Tree"]}, {"name": "right", "type": ["null", "n.Tree"]}],
    }
    assert unreadable(schema, schema) == ()


def test_fields_have_the_paths_that_validation_gives_them() -> None:
    for known in contracts():
        walked = {path.removesuffix("[]") for path, _, _ in walk(shape_of(known))}
        assert set(fields_in(known.schema)) == walked


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (["null", {"type": "array", "items": "string"}], "list of string or null"),
        ({"type": "int", "logicalType": "date"}, "date"),
        ({"type": "string"}, "string"),
        ("hub.v1.Person", "Person"),
    ],
)
def test_a_type_in_words(declared: Any, words: str) -> None:
    assert type_name(declared) == words
