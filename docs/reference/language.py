# ruff: noqa: INP001 - beside a program, not in a package
"""What the pages of the common language say about events and their fields, read from the contracts."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from rule_texts import PROJECT, Rule, rules_of_function

from infra.topology.load import load
from infra.topology.model import Topology
from schemas import rules
from schemas.catalogue import FOLDERS, Contract, contracts, inline, shared_records
from schemas.derive import NamedTypes
from schemas.examples import example
from schemas.person_rules import PERSON_RULES
from schemas.privacy_classes import PERSON
from schemas.privacy_table import CHANNELS, privacy_table
from schemas.shapes import Array, Field, Record, Scalar, inner_record, record_shape, shape_of, walk

ENVELOPE = "Envelope"
AVRO = Path("schemas", "avro")
SHOWN_ELSEWHERE = frozenset({
    *("name", "type", "default", "doc", "codes", "allowed", "roles", "format", "minItems", "future", "unit"),
    *("htcds", "ctdc", "source", "privacy", "confluent:tags"),
})  # fmt: skip
"""Attributes of a field that have a place of their own on the page."""
TIMESTAMP = "timestamp"


def _pages_of_shared() -> Iterator[tuple[str, str]]:
    """Yield each shared record, and each record that only a shared one holds, with the shared one that shows it."""
    known = shared_records()
    own = {str(schema["name"]) for schema in known.values()}
    for name, schema in known.items():
        page = name.rsplit(".", 1)[-1]
        inside = {record.name for _, record, _ in walk(record_shape(inline(schema, known)))}
        yield from ((record, page) for record in sorted(inside - own))
        yield page, page


SHARED: Mapping[str, str] = dict(sorted(_pages_of_shared(), key=lambda pair: (pair[1] == PERSON, pair)))
"""The page that shows a record which several contracts use; what a person holds is shown with the person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One field of a record."""

    paths: tuple[str, ...]
    """Where it is in the event, once for each place in which the record is used."""
    field: Field
    kind: str
    record: str
    """The record that the field is or lists, empty when it holds a value."""
    listed: bool
    subjects: str
    forms: tuple[str, ...]
    """On each of `privacy_table.CHANNELS`; nothing for a record whose fields travel each in their own form."""

    @property
    def anchors(self) -> tuple[str, ...]:
        """Return the ids that lead to it on its page."""
        return tuple(path.replace("[]", "") for path in self.paths)

    @property
    def presence(self) -> str:
        """Say whether a sender gives the field, and what it is when not."""
        if self.field.mandatory:
            return "mandatory"
        return "optional" if self.field.default in (None, []) else f"default {self.field.default}"

    @property
    def other_attributes(self) -> dict[str, str]:
        """Return what else the schema says about the field."""
        return {name: str(said) for name, said in self.field.attributes.items() if name not in SHOWN_ELSEWHERE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One record of an event: its fields in order, and every place in which it is used."""

    name: str
    doc: str
    uses: tuple[tuple[str, tuple[str, ...]], ...]
    """Path, and the roles that a person there may have; nothing for the event itself."""
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event type."""

    contract: Contract
    doc: str
    file: Path
    sections: tuple[Section, ...]
    """The event itself, then its records, the envelope last."""
    rules: tuple[Rule, ...]
    """Over several fields; each value is checked as well."""
    example: Mapping[str, object]

    @property
    def name(self) -> str:
        """Return the name of the event type."""
        return self.contract.name

    @property
    def example_text(self) -> str:
        """Return the example as its file holds it."""
        return json.dumps(self.example, indent=2, ensure_ascii=False)

    @property
    def mandatory(self) -> tuple[str, ...]:
        """Return the fields that every event of the type holds, but for those of the envelope."""
        return tuple(path for path in _mandatory(shape_of(self.contract), "") if not path.startswith("envelope."))


@cache
def events() -> tuple[Event, ...]:
    """Return every event type, by family, in the order of the folders."""
    return tuple(sorted(map(_event, contracts()), key=lambda event: (_rank(event.contract.family), event.name)))


def families() -> Mapping[str, tuple[Event, ...]]:
    """Return the event types of each family."""
    names = dict.fromkeys(event.contract.family for event in events())
    return {name: tuple(event for event in events() if event.contract.family == name) for name in names}


def shared() -> Mapping[str, tuple[tuple[Section, ...], tuple[str, ...]]]:
    """Return for each shared record its section and those of the records inside it, and the event types that use it."""
    found: dict[str, tuple[Section, ...]] = {}
    users: dict[str, list[str]] = {}
    for event in events():
        for section in event.sections:
            if SHARED.get(section.name) == section.name:
                found.setdefault(section.name, tuple(_inside(event, section.name, f"{section.uses[0][0]}.")))
                users.setdefault(section.name, []).append(event.name)
    return {name: (found[name], tuple(users[name])) for name in sorted(found)}


def _inside(event: Event, name: str, above: str) -> Iterator[Section]:
    """Yield the sections of the shared record *name* with paths that begin in it, not in the event."""
    for section in event.sections:
        if SHARED.get(section.name) == name:
            uses = tuple((path.removeprefix(above), ()) for path, _ in section.uses if path.startswith(above))
            rows = tuple(
                replace(row, paths=tuple(path.removeprefix(above) for path in row.paths if path.startswith(above)))
                for row in section.rows
            )
            yield replace(section, uses=uses, rows=rows)


@cache
def topology() -> Topology:
    """Return who takes part in the hub."""
    return load()


def kinds_of(event: str) -> tuple[str, ...]:
    """Return the kinds of agencies that may publish *event*."""
    return tuple(kind for kind, allowed in topology().event_types.items() if event in allowed)


def fields_by_page() -> Mapping[str, tuple[tuple[str, Row], ...]]:
    """Return every field once, with its path, under the page that speaks of it: its event, or a shared record."""
    own = {
        event.name: [
            (row.paths[0], row) for section in event.sections if section.name not in SHARED for row in section.rows
        ]
        for event in events()
    }
    of_records = {
        name: [(row.paths[0], row) for section in sections for row in section.rows]
        for name, (sections, _) in shared().items()
    }
    return {page: tuple(found) for page, found in {**own, **of_records}.items()}


def users_of_lists() -> Mapping[str, tuple[tuple[str, str], ...]]:
    """Return for each code list the fields that name it: the page they are on, and their path there."""
    found: dict[str, list[tuple[str, str]]] = {}
    for page, fields in fields_by_page().items():
        for path, row in fields:
            if name := row.field.text("codes"):
                found.setdefault(name, []).append((page, path))
    return {name: tuple(places) for name, places in found.items()}


def _event(contract: Contract) -> Event:
    return Event(
        contract=contract,
        doc=str(contract.schema["doc"]),
        file=_file(contract.name),
        sections=tuple(sorted(_sections(contract), key=lambda section: section.name == ENVELOPE)),
        rules=tuple(dict.fromkeys(_rules(contract))),
        example=example(contract.name),
    )


def _rank(family: str) -> tuple[int, str]:
    """Return where *family* stands among the folders, one of which may have a longer name."""
    found = [rank for rank, folder in enumerate(FOLDERS) if folder.endswith(family)]
    return (found[0] if found else len(FOLDERS), family)


def _file(name: str) -> Path:
    return next(
        path.relative_to(PROJECT)
        for path in sorted((PROJECT / AVRO).rglob("*.avsc"))
        if json.loads(path.read_text("utf-8"))["name"] == name
    )


def _rules(contract: Contract) -> Iterator[Rule]:
    """Yield the rules of the event type, then those that every person and every event keeps."""
    own = rules.RULES.get(contract.name, ())
    for function in own:
        yield from rules_of_function(function)
    if any(record.name == PERSON for _, record, _ in walk(shape_of(contract))):
        for check in PERSON_RULES:
            yield from (rule._replace(path=f"{PERSON}.{rule.path}") for rule in rules_of_function(check))
    for function in rules.rules_for(contract.name, shape_of(contract)):
        if function not in own:
            yield from rules_of_function(function)


def _sections(contract: Contract) -> list[Section]:
    """Return the records of *contract* in the order in which they come, equal ones joined."""
    forms = {row.path: tuple(row.forms.get(channel, "") for channel in CHANNELS) for row in privacy_table(contract)}
    types = NamedTypes(contract.schema)
    found: list[Section] = []
    waiting: list[tuple[str, Record, tuple[str, ...]]] = [("", shape_of(contract), ())]
    while waiting:
        path, record, roles = waiting.pop(0)
        rows = tuple(_row(f"{path}{entry.name}", entry, forms) for entry in record.fields)
        schema = types.record(record.name) or contract.schema
        use = ((path.removesuffix("."), roles),) if path else ()
        _join(found, Section(name=record.name, doc=str(schema["doc"]), uses=use, rows=rows))
        for entry in record.fields:
            if inner := inner_record(entry.shape):
                mark = "[]" if isinstance(entry.shape, Array) else ""
                waiting.append((f"{path}{entry.name}{mark}.", inner, entry.texts("roles")))
    return found


def _join(found: list[Section], new: Section) -> None:
    """Add *new*, or where it is used when the same record with the same fields is there already."""
    for index, old in enumerate(found):
        same = [(a.field.name, a.forms, a.subjects) for a in old.rows] == [
            (b.field.name, b.forms, b.subjects) for b in new.rows
        ]
        if old.name == new.name and same:
            rows = tuple(replace(a, paths=(*a.paths, *b.paths)) for a, b in zip(old.rows, new.rows, strict=True))
            found[index] = replace(old, uses=(*old.uses, *new.uses), rows=rows)
            return
    found.append(new)


def _row(path: str, field: Field, forms: Mapping[str, tuple[str, ...]]) -> Row:
    inner = inner_record(field.shape)
    value = field.shape.items if isinstance(field.shape, Array) else field.shape
    kind = TIMESTAMP if value is Scalar.TIMESTAMP else value.value if isinstance(value, Scalar) else ""
    return Row(
        paths=(path,),
        field=field,
        kind=kind,
        record=inner.name if inner else "",
        listed=isinstance(field.shape, Array),
        subjects=_subjects(field),
        forms=next((form for known, form in forms.items() if f"{path}.".startswith((f"{known}.", f"{known}[]."))), ()),
    )


def _subjects(field: Field) -> str:
    """Return whom *field* is about, as the schema names them; nothing when it is about nobody."""
    subject = field.privacy.get("subject", "")
    return ", ".join(map(str, subject)) if isinstance(subject, list) else str(subject)


def _mandatory(record: Record, path: str) -> Iterator[str]:
    for entry in record.fields:
        if entry.mandatory:
            inner = inner_record(entry.shape)
            if inner is None or isinstance(entry.shape, Array):
                yield f"{path}{entry.name}"
            else:
                yield from _mandatory(inner, f"{path}{entry.name}.")
