"""The compiler for non-personal channels: (event type, channel) -> the schema of a row, and what makes rows of events.

Rule 1: a whitelist. A column is in a row only because a rule of `schemas/channels` names it.
Rule 2: what is not needed is never decoded: events are read with `projection`, by Avro's schema resolution.
Rule 3: compiled once. For each event only the functions of the columns run; nobody walks over schemas.
Rule 4: a value that its ladder or code list does not know is not reported, None; it is never passed on.
Rule 5: content-hashed. The fingerprint covers source, rules and ladders; the same input gives the same bytes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import cast

from schemas.catalogue import Contract, contracts
from schemas.channel_rules import Column, Kind, NonPersonal, kinds, rules_hash
from schemas.codec import Record
from schemas.columns import SINCE, Read, value_of
from schemas.errors import MisuseError
from schemas.generalising import ladder
from schemas.narrowing import narrowed
from schemas.registry import AvroSchema, fingerprint_of
from schemas.shapes import Array, Scalar

K = 11
"""Persons: a count of fewer leaves nowhere (design section 12.8)."""


PADDING: AvroSchema = {
    "name": "padding",
    "type": ["null", "bytes"],
    "default": None,
    "doc": "Zeros up to the next full bucket, so that the length of a row tells nothing.",
    "privacy": {"class": "OPERATIONAL"},
}
"""A column of every row about a person; the way out fills it."""


class NothingLeavesError(MisuseError):
    """No rule lets anything of this event type leave on this channel."""

    code = "nothing-leaves"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """What the compiler issued for one event type and channel."""

    contract: Contract
    channel: NonPersonal
    kind: Kind
    schema: AvroSchema
    """Of a row: every column nullable with default null, codes as strings."""
    fullname: str
    fingerprint: str
    projection: AvroSchema
    """Reader schema of the source event: only what a row needs."""
    transform: Callable[[Mapping[str, object]], tuple[Record, ...]]
    """Returns the rows of an event, one for each person; none where a count of persons is too small."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that the channel carries."""
        return tuple(column for column in self.kind.columns if self.channel.tier in column.tiers)


@cache
def compile_for(contract: Contract, channel: NonPersonal) -> Compiled:
    """Return what *channel* carries of *contract*; raise NothingLeavesError, or UnfitRuleError for a wrong rule."""
    kind = kinds(channel.kind).get(contract.name)
    columns = () if kind is None else tuple(each for each in kind.columns if channel.tier in each.tiers)
    if kind is None or not columns:
        raise NothingLeavesError(f"{contract.name} does not leave on {channel}: schemas/channels has no rule for it")
    schema = _row_schema(contract, channel, columns)
    return Compiled(
        contract=contract,
        channel=channel,
        kind=kind,
        schema=schema,
        fullname=f"{schema['namespace']}.{contract.name}",
        fingerprint=fingerprint_of(schema),
        projection=narrowed(contract.schema, needed(kind, columns)),
        transform=_transform(kind, columns),
    )


def compiled_or_none(contract: Contract, channel: NonPersonal) -> Compiled | None:
    """Return what *channel* carries of *contract*, None when nothing of it leaves; raise UnfitRuleError."""
    try:
        return compile_for(contract, channel)
    except NothingLeavesError:
        return None


def issued() -> tuple[Compiled, ...]:
    """Return everything that the compiler issues, by channel and event type."""
    return tuple(
        found
        for channel in NonPersonal
        for each in contracts()
        if (found := compiled_or_none(each, channel)) is not None
    )


def needed(kind: Kind, columns: tuple[Column, ...]) -> frozenset[str]:
    """Return the paths that rows of *columns* are made of, what conditions, ages and stays rest on included."""
    sources = [source for column in columns for source in column.sources]
    paths = {source.path for source in sources}
    paths |= {*kind.only, *kind.person_counts, *kind.counted_in} | ({kind.published_in} if kind.published_in else set())
    if any(source.field.shape is Scalar.DATE and source.field.privacy.get("ladder") in SINCE for source in sources):
        paths.add("envelope.occurred_at")
    if kind.persons is not None:
        paths.add(f"{kind.persons}.role")  # a record of nothing would not tell how many persons there are
    return frozenset(paths)


def _row_schema(contract: Contract, channel: NonPersonal, columns: tuple[Column, ...]) -> AvroSchema:
    used = {str(s.field.privacy["ladder"]) for column in columns for s in column.sources if s.level is not None}
    return {
        "type": "record",
        "name": contract.name,
        "namespace": f"hub.{channel.value}.v1",
        "doc": f"{contract.schema.get('doc', '')} As carried by the channel {channel}.",
        "derived_from": contract.fingerprint,
        "rules": rules_hash(channel.kind),
        "ladders": {name: ladder(name).fingerprint for name in sorted(used)},
        "fields": [_field(column, channel) for column in columns] + ([PADDING] if channel.kind == "anon" else []),
    }


def _field(column: Column, channel: NonPersonal) -> AvroSchema:
    first = column.sources[0]
    privacy = {"class": first.field.privacy["class"]}
    if first.level is not None:
        privacy |= {"ladder": first.field.privacy["ladder"], "level": first.level}
    own = first.field.attributes["type"]
    plain = [each for each in own if each != "null"] if isinstance(own, list) else [own]
    text: object = "string"
    if isinstance(first.field.shape, Array) and not column.single:
        text = {"type": "array", "items": "string"}
    return {
        "name": column.name,
        "type": ["null", *(plain if channel.kind == "facts" else [text])],
        "default": None,
        "doc": first.field.attributes.get("doc", ""),
        "privacy": privacy,
        "from": [source.path for source in column.sources],
    }


def _transform(kind: Kind, columns: tuple[Column, ...]) -> Callable[[Mapping[str, object]], tuple[Record, ...]]:
    reads: tuple[tuple[str, Read], ...] = tuple((column.name, value_of(column, kind.persons)) for column in columns)
    allowed = _allowed(kind)
    several = kind.persons is not None and kind.persons.endswith("[]")
    name = None if kind.persons is None else kind.persons.removesuffix("[]")

    def transform(event: Mapping[str, object]) -> tuple[Record, ...]:
        if allowed is not None and not allowed(event):
            return ()
        if name is None:
            return ({column: read(event, event) for column, read in reads},)
        held = event.get(name)
        people = cast("list[Mapping[str, object]]", held) if several else [cast("Mapping[str, object]", held)]
        return tuple([{column: read(event, person) for column, read in reads} for person in people if person])

    return transform


def _allowed(kind: Kind) -> Callable[[Mapping[str, object]], bool] | None:
    """Return the question whether anything of an event may leave; None when it always may."""
    if not kind.only and not kind.person_counts:
        return None

    def allowed(event: Mapping[str, object]) -> bool:
        if any(at(event, path) != code for path, code in kind.only.items()):
            return False
        if kind.published_in is not None and at(event, kind.published_in) is not None:
            return True
        if any(at(event, path) != code for path, code in kind.counted_in.items()):
            return True
        counts = (cast("float | None", at(event, path)) for path in kind.person_counts)
        return all(count is None or count == 0 or count >= K for count in counts)

    return allowed


def at(event: Mapping[str, object], path: str) -> object:
    """Return the value at *path* of *event*, None where something on the way is not there."""
    value: object = event
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
