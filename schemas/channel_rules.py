"""The rules of the non-personal channels: which field of which event leaves where, on which step of its ladder.

They are data (`schemas/channels`) and a whitelist: what no rule names stays. Each check is one function in `CHECKS`;
all problems of all rules come at once. A column is made of `Publishable` fields alone, and of a field whose class may
not leave (IDENTITY, CONTACT, LINK, NARRATIVE) none can be made.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, partial
from hashlib import sha256
from importlib.resources import files
from typing import Any

from schemas.banding import banded, level_of, problems_of_bands
from schemas.catalogue import contract, contracts
from schemas.errors import MisuseError, Problem
from schemas.privacy_classes import PERSON
from schemas.privacy_rules import IN_CLEAR, problems_of_rule
from schemas.shapes import Array, Field, Record, inner_record, shape_of

REASON_MIN_CHARS = 20
NOBODY = "Its class says that it is about nobody."
TIERS = ("partner", "open")
"""Audiences of non-personal channels, the narrower one first: what `open` gets `partner` gets as well."""


class NonPersonal(StrEnum):
    """A channel that carries nothing personal."""

    ANON_PARTNER = "anon.partner"
    """Rows about persons for vetted agencies and liaison points; they leave in cohorts."""
    ANON_OPEN = "anon.open"
    """The same cohorts for the public, with fewer columns."""
    FACTS_PARTNER = "facts.partner"
    """Events about no person, for vetted agencies and liaison points."""
    FACTS_OPEN = "facts.open"
    """Events about no person, for the public."""

    @property
    def kind(self) -> str:
        """`anon` or `facts`."""
        return self.value.partition(".")[0]

    @property
    def tier(self) -> str:
        """`partner` or `open`."""
        return self.value.partition(".")[2]


class UnfitRuleError(MisuseError):
    """A rule of a non-personal channel may not stand; holds all problems at once."""

    code = "unfit-rule"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Publishable:
    """A field that may leave on a step of its ladder; `publishable` alone makes one."""

    path: str
    field: Field
    level: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a non-personal channel."""

    name: str
    sources: tuple[Publishable, ...]
    """The first that says something counts."""
    single: bool
    """Whether several values become the finest step on which all are one."""
    tiers: tuple[str, ...]
    plain: str = ""
    """Why the column may say the same of everybody in a class; empty: then it is withheld."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What leaves of one event type."""

    event_type: str
    persons: str | None
    """Path of the persons about whom a row is, such as `suspects[]`; None for facts."""
    columns: tuple[Column, ...]
    only: Mapping[str, str]
    """Paths and the codes that they must hold for anything to leave."""
    person_counts: tuple[str, ...]
    """Figures that count persons, unless `published_in` says where they are published already."""
    published_in: str | None
    counted_in: Mapping[str, str]
    """Paths and the codes under which the figures count persons; empty: always."""
    split: str | None = None
    """Column each value of which is a kind of fact of its own, beside a row that says only that there was any.

    Who got two services has a row without a service, which counts the person, and one for each.
    """


def publishable(path: str, field: Field, level: str | None) -> Publishable:
    """Return *field* as one that may leave on *level*; raise UnfitRuleError with every reason why it may not."""
    if problems := problems_of_rule(path, field, level):
        raise UnfitRuleError(problems)
    return Publishable(path=path, field=field, level=level)


def field_at(root: Record, path: str) -> Field | None:
    """Return the field at *path* (`suspects[].group`) below *root*, None when there is none."""
    record: Record | None = root
    entry: Field | None = None
    for name in path.split("."):
        entry = next((each for each in record.fields if each.name == name.removesuffix("[]")), None) if record else None
        record = inner_record(entry.shape) if entry else None
    return entry


@cache
def kinds(kind: str) -> Mapping[str, Kind]:
    """Return the rules of the channels of *kind* (`anon` or `facts`) by event type; raise UnfitRuleError."""
    source = rules_file(kind)
    if problems := problems_of(kind, source):
        raise UnfitRuleError(problems)
    return {name: _kind(name, said) for name, said in sorted(source["kinds"].items())}


def rules_file(kind: str) -> dict[str, Any]:
    """Return the rules of *kind* as their file holds them."""
    return tomllib.loads((files("schemas") / "channels" / f"{kind}.toml").read_text(encoding="utf-8"))


@cache
def rules_hash(kind: str) -> str:
    """Return the SHA-256 of the rules of *kind*, hexadecimal."""
    return sha256((files("schemas") / "channels" / f"{kind}.toml").read_bytes()).hexdigest()


def problems_of(kind: str, source: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Return all that is wrong with the rules *source* of the channels of *kind*."""
    found: list[Problem] = []
    known = {each.name for each in contracts()}
    for event_type, said in source["kinds"].items():
        if event_type not in known:
            found.append(Problem(event_type, "unknown-event-type", "name an event type of the language"))
            continue
        place = _Place(kind=kind, event_type=event_type, said=said, root=shape_of(contract(event_type)))
        for check in CHECKS:
            found += [
                Problem(f"{event_type}: {problem.path}", problem.rule, problem.advice) for problem in check(place)
            ]
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    kind: str
    event_type: str
    said: Mapping[str, Any]
    root: Record

    @property
    def columns(self) -> Mapping[str, Mapping[str, Any]]:
        found: Mapping[str, Mapping[str, Any]] = self.said.get("columns", {})
        return found


def _unfit_fields(place: _Place) -> Iterator[Problem]:
    for said in place.columns.values():
        for number, path in enumerate(said["from"]):
            field = field_at(place.root, path)
            if field is None:
                yield Problem(path, "unknown-field", "name a field of the event, a list of records with []")
            else:
                yield from problems_of_rule(path, banded(field, said), level_of(field, said, number))


def _unfit_levels(place: _Place) -> Iterator[Problem]:
    for name, said in place.columns.items():
        ladders = {
            banded(field, said).privacy.get("ladder")
            for path in said["from"]
            if (field := field_at(place.root, path)) is not None
        }
        if len(ladders) > 1:
            yield Problem(name, "several-ladders", "the fields of a column stand on one ladder")
        if "level" in said and ladders == {None}:
            yield Problem(name, "needless-level", "remove the level: no field of the column has a ladder")


def _bands(place: _Place) -> Iterator[Problem]:
    yield from problems_of_bands(place.columns, partial(field_at, place.root))


def _tiers(place: _Place) -> Iterator[Problem]:
    for name, said in place.columns.items():
        if not set(said["tiers"]) <= set(TIERS) or "partner" not in said["tiers"]:
            yield Problem(
                name, "wrong-tiers", "name partner, or partner and open: the public gets no more than partners"
            )


def _persons(place: _Place) -> Iterator[Problem]:
    path = place.said.get("persons")
    if place.kind == "facts":
        if path is not None:
            yield Problem(path, "person-in-facts", "remove it: facts are about nobody")
        return
    field = None if path is None else field_at(place.root, path)
    record = None if field is None else inner_record(field.shape)
    if record is None or record.name != PERSON:
        yield Problem("persons", "no-persons", "name the person, or the list of persons, about whom a row is")


def _others(place: _Place) -> Iterator[Problem]:
    """Find a field of another person than the row's, and on facts any that is not about nobody."""
    own = str(place.said.get("persons", ""))
    for said in place.columns.values():
        for path in said["from"]:
            field = field_at(place.root, path)
            if "[]." in path and not path.startswith(f"{own}."):
                yield Problem(path, "another-person", "a row tells of one person: remove what tells of others")
            if place.kind == "facts" and field is not None and field.privacy.get("class") not in IN_CLEAR:
                yield Problem(path, "personal-fact", "remove the rule: it may tell of a person")


def _conditions(place: _Place) -> Iterator[Problem]:
    paths = [*place.said.get("only", {}), *place.said.get("person_counts", ()), *place.said.get("counted_in", {})]
    paths += [place.said["published_in"]] if "published_in" in place.said else []
    for path in paths:
        if (field := field_at(place.root, path)) is None:
            yield Problem(path, "unknown-field", "name a field of the event")
        elif field.privacy.get("class") not in IN_CLEAR:
            yield Problem(path, "personal-condition", "a condition rests on what is about nobody")


def _splits(place: _Place) -> Iterator[Problem]:
    name = place.said.get("split")
    if name is None:
        return
    said = place.columns.get(name)
    fields = [] if said is None else [field_at(place.root, path) for path in said["from"]]
    if len(fields) != 1 or fields[0] is None or fields[0].text("codes") is None or isinstance(fields[0].shape, Array):
        yield Problem("split", "unfit-split", "name a column that has one code of one list")


def _plain(place: _Place) -> Iterator[Problem]:
    for name, said in place.columns.items():
        if "plain" in said and len(str(said["plain"])) < REASON_MIN_CHARS:
            yield Problem(name, "unreasoned-plain", "say in a sentence why it may say the same of everybody in a class")


CHECKS: tuple[Callable[[_Place], Iterator[Problem]], ...] = (
    _unfit_fields,
    _unfit_levels,
    _bands,
    _tiers,
    _persons,
    _others,
    _conditions,
    _splits,
    _plain,
)
"""Every rule about the rules of an event type."""


def _kind(event_type: str, said: Mapping[str, Any]) -> Kind:
    root = shape_of(contract(event_type))
    return Kind(
        event_type=event_type,
        persons=said.get("persons"),
        columns=tuple(_column(root, name, column) for name, column in said["columns"].items()),
        only=said.get("only", {}),
        person_counts=tuple(said.get("person_counts", ())),
        published_in=said.get("published_in"),
        counted_in=said.get("counted_in", {}),
        split=said.get("split"),
    )


def _column(root: Record, name: str, said: Mapping[str, Any]) -> Column:
    sources = []
    for number, path in enumerate(said["from"]):
        field = field_at(root, path)
        assert field is not None, "the checks have seen that it is there"
        sources.append(publishable(path, banded(field, said), level_of(field, said, number)))
    about_nobody = sources[0].field.privacy.get("class") in IN_CLEAR
    return Column(
        name=name,
        sources=tuple(sources),
        single=said.get("single", False),
        tiers=tuple(said["tiers"]),
        plain=str(said.get("plain", NOBODY if about_nobody else "")),
    )
