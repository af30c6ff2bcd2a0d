"""A population as topology and channel rules make it: axes, sensitive cells, tiers, and the way in and out.

What an event says of a person becomes a fact (`facts`), what a tier sees of a cohort becomes rows in the schema that
the compiler issued (`shown`). Both are compiled once; no rule about what may leave is here (`schemas/channels`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import cast

from infra.topology.model import Population, Topology
from schemas.catalogue import Contract, contract
from schemas.channel_rules import NonPersonal
from schemas.codec import Record
from schemas.codelists import code_list
from schemas.compiler import Compiled, compile_for, compiled_or_none
from schemas.errors import MisuseError
from schemas.field_steps import persons
from schemas.generalising import EVERYTHING, ladder
from schemas.names import SubjectId
from schemas.opening import Erased
from schemas.registry import AvroSchema
from streams.cohort.axes import NOT_REPORTED, Axis, axis_of
from streams.cohort.batches import Batch
from streams.cohort.parameters import Parameters, Tier
from streams.cohort.records import Fact
from streams.cohort.rows import Kind, Layout

SPLIT = ":"
"""Between the event type and the value that makes a kind of its own."""
JOINED = "+"
"""Between the codes of a cell that holds several."""
UNTOLD = -1
"""In place of a node: no event of the person has told this axis yet."""
WITHIN = NonPersonal.ANON_PARTNER
"""The channel that has every column: what `open` gets, `partner` gets as well."""


@dataclass(frozen=True, slots=True)
class Way:
    """How one kind of fact comes in and goes out."""

    compiled: Compiled
    axes: tuple[str, ...]
    """Columns of the kind that are axes of the population."""
    sensitive: tuple[str, ...]
    split: str | None
    """Column each value of which is a kind of its own, beside the one that says only that there was any."""

    def lifted(self, axis: Axis, node: int) -> int:
        """Return *node*, which another kind may have told, on the finest level on which this kind leaves."""
        return _lifts(self.compiled.contract, axis)[node]

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Return every kind of fact that events of this type tell."""
        name = self.compiled.contract.name
        if self.split is None:
            return (Kind(name),)
        column = next(each for each in self.compiled.columns if each.name == self.split)
        codes = sorted(code_list(str(column.sources[0].field.text("codes"))).codes)
        return (Kind(name), *(Kind(f"{name}{SPLIT}{code}") for code in codes))

    def kinds_of(self, row: Mapping[str, object]) -> tuple[Kind, ...]:
        """Return which kinds of fact *row* tells: that it was the case at all, and what exactly."""
        name = self.compiled.contract.name
        code = None if self.split is None else row[self.split]
        return (Kind(name),) if code is None else (Kind(name), Kind(f"{name}{SPLIT}{code}"))


def event_type_of(kind: Kind) -> str:
    """Return the event type that tells facts of *kind*."""
    return kind.partition(SPLIT)[0]


@dataclass(frozen=True, slots=True)
class Prepared:
    """One population, ready for cohort release."""

    population: Population
    layout: Layout
    rule: Parameters
    """What it begins with."""
    ways: Mapping[str, Way]
    """By event type."""

    def facts(self, known: Contract, record: Record, frozen: Mapping[SubjectId, tuple[int, ...]]) -> list[Fact]:
        """Return what the opened event *record* tells of each person, one fact for each; erased persons are left out.

        *frozen* holds the grouping values of each person, UNTOLD where nothing told them: they stay as they are.
        """
        way = self.ways[known.name]
        found = []
        for person, row in zip(_persons_of(known, way, record), way.compiled.transform(record), strict=True):
            if any(isinstance(value, Erased) for value in person.values()):
                continue
            subject = SubjectId(str(person["subject"]))
            values = self._frozen(way, self._nodes(way, row), frozen.get(subject))
            found += [Fact(subject, kind, values, _cells(way, row)) for kind in way.kinds_of(row)]
        return found

    def _nodes(self, way: "Way", row: Mapping[str, object]) -> tuple[int, ...]:
        """Return the node of each axis that *row* says; what the kind does not carry is not reported."""
        axes = way.axes
        return tuple(_node(axis, row[axis.name]) if axis.name in axes else NOT_REPORTED for axis in self.layout.axes)

    def _frozen(self, way: Way, own: tuple[int, ...], before: tuple[int, ...] | None) -> tuple[int, ...]:
        if before is None:
            return own
        return tuple(
            NOT_REPORTED if axis.name not in way.axes else new if old == UNTOLD else way.lifted(axis, old)
            for axis, old, new in zip(self.layout.axes, before, own, strict=True)
        )

    def codes(self, values: tuple[int, ...]) -> dict[str, str | None]:
        """Return *values* as the code of each axis that was told."""
        told = zip(self.layout.axes, values, strict=True)
        return {axis.name: axis.codes[node] for axis, node in told if node != UNTOLD}

    def nodes_of(self, codes: Mapping[str, str | None]) -> tuple[int, ...]:
        """Return the way back from `codes`; a code that its ladder does not have any more is not reported."""
        return tuple(
            axis.node_of.get(codes[axis.name], NOT_REPORTED) if axis.name in codes else UNTOLD
            for axis in self.layout.axes
        )

    def frozen(self, kind: Kind, values: tuple[int, ...], before: tuple[int, ...] | None) -> tuple[int, ...]:
        """Return *before* with what *values* of a fact of *kind* tell for the first time."""
        before = before or (UNTOLD,) * len(self.layout.axes)
        axes = self.ways[event_type_of(kind)].axes
        return tuple(
            new if old == UNTOLD and axis.name in axes else old
            for axis, old, new in zip(self.layout.axes, before, values, strict=True)
        )

    def shown(self, batch: Batch) -> Iterator[tuple[AvroSchema, Record]]:
        """Yield the rows of *batch* as they leave on the channel of its tier, each with its schema, in their order.

        A batch may be older than the rules of the channel: what these no longer carry stays, what they carry more is
        not reported.
        """
        channel = channel_of(batch.tier)
        axes = [axis.name for axis in self.layout.axes if axis.name not in batch.without]
        for row in batch.rows:
            way = self.ways[event_type_of(row.kind)]
            compiled = compiled_or_none(way.compiled.contract, channel)
            if compiled is None:
                continue
            kept = [name for name in way.sensitive if _qualified(way, name) not in batch.without]
            cells = dict(zip(axes, row.label, strict=True)) | dict(zip(kept, row.sensitive, strict=True))
            if way.split is not None:
                cells[way.split] = row.kind.partition(SPLIT)[2] or None
            lists = _lists(way.compiled.contract, channel)
            yield (
                compiled.schema,
                {each.name: _told(cells.get(each.name), is_list=each.name in lists) for each in compiled.columns},
            )


def channel_of(tier: str) -> NonPersonal:
    """Return the channel on which *tier* gets its batches."""
    return NonPersonal(f"anon.{tier}")


def prepared(topology: Topology, population: Population) -> Prepared:
    """Return *population* ready for release; raise MisuseError when topology and channel rules do not fit together."""
    ways = {}
    for name in population.event_types:
        if (compiled := compiled_or_none(contract(name), WITHIN)) is not None:
            names = [column.name for column in compiled.columns]
            own = tuple(each for each in names if each in population.axes)
            split = compiled.kind.split
            cells = tuple(each for each in names if each not in {*population.axes, split})
            ways[name] = Way(compiled, own, cells, split)
    axes = tuple(_axis(name, ways) for name in population.axes)
    kinds = {
        kind: tuple(_qualified(way, name) for name in way.sensitive) for way in ways.values() for kind in way.kinds
    }
    plain = {_qualified(way, each.name) for way in ways.values() for each in way.compiled.columns if each.plain}
    layout = Layout(population.id, axes, kinds, frozenset(plain & {name for names in kinds.values() for name in names}))
    rule = Parameters(
        k=population.k,
        net=population.net,
        embargo=population.embargo_ticks,
        deadline=population.deadline_ticks,
        tiers=tuple(
            _tier(each.id, each.lag_ticks, ways, population.axes, strict=each.strict) for each in topology.tiers
        ),
    )
    return Prepared(population, layout, rule, ways)


def _qualified(way: Way, column: str) -> str:
    return f"{way.compiled.contract.name}.{column}"


def _axis(name: str, ways: Mapping[str, Way]) -> Axis:
    """Return the axis of the column *name*, from the finest level on which any kind carries it."""
    sources = [
        source
        for way in ways.values()
        for column in way.compiled.columns
        if column.name == name
        for source in column.sources
    ]
    ladders = {str(source.field.privacy.get("ladder")) for source in sources if source.level is not None}
    if len(ladders) != 1:
        raise MisuseError(f"the axis {name} needs columns on one ladder: see schemas/channels/anon.toml")
    own = ladder(ladders.pop())
    finest = min((own.levels.index(str(source.level)) for source in sources), default=0)
    return axis_of(name, own, own.levels[finest])


def _tier(name: str, lag: int, ways: Mapping[str, Way], axes: Sequence[str], *, strict: bool) -> Tier:
    """Return the tier *name*: it goes without what no rule lets leave on its channel."""
    without, without_kinds = list[str](), list[str]()
    carried: dict[str, set[bool]] = {axis: set() for axis in axes}
    for way in ways.values():
        compiled = compiled_or_none(way.compiled.contract, NonPersonal(f"anon.{name}"))
        if compiled is None:
            without_kinds += way.kinds
            continue
        columns = {column.name for column in compiled.columns}
        if way.split is not None and way.split not in columns:
            raise MisuseError(f"{way.split} splits the kind: it has to leave on every tier, also on anon.{name}")
        without += [_qualified(way, each) for each in way.sensitive if each not in columns]
        for axis in way.axes:
            carried[axis].add(axis in columns)
    for axis, found in carried.items():
        if len(found) > 1:
            raise MisuseError(f"the axis {axis} leaves on anon.{name} of some kinds and not of others")
        if found == {False}:
            without.append(axis)
    return Tier(name, lag=lag, strict=strict, without=tuple(without), without_kinds=tuple(without_kinds))


def _persons_of(known: Contract, way: Way, record: Record) -> list[Record]:
    """Return the persons about whom the kind has a row, in the order of its rows."""
    path = cast("str", way.compiled.kind.persons)
    name = path.removesuffix("[]")
    people = persons(known, record)
    if not path.endswith("[]"):
        return [person for at, person in people.items() if at == name]
    return [person for at, person in people.items() if at.startswith(f"{name}[") and "." not in at]


def _node(axis: Axis, value: object) -> int:
    code = value if isinstance(value, str) and value != EVERYTHING else None
    return axis.node_of.get(code, NOT_REPORTED)


def _cells(way: Way, row: Mapping[str, object]) -> tuple[str | None, ...]:
    return tuple(_cell(row[name]) for name in way.sensitive)


def _cell(value: object) -> str | None:
    if isinstance(value, list):
        return JOINED.join(sorted(map(str, value))) or None
    return None if value is None else str(value)


@cache
def _lifts(known: Contract, axis: Axis) -> tuple[int, ...]:
    """Return for each node of *axis* the one on the level of the column of *known*, itself where it is coarser."""
    column = next(each for each in compile_for(known, WITHIN).columns if each.name == axis.name)
    source = column.sources[0]
    own, level = ladder(str(source.field.privacy["ladder"])), str(source.level)
    codes = (code if code in (None, EVERYTHING) else own.generalise(code, level) for code in axis.codes)
    return tuple(axis.node_of[code] for code in codes)


@cache
def _lists(known: Contract, channel: NonPersonal) -> frozenset[str]:
    """Return the columns of *known* on *channel* whose cells hold lists."""
    fields = cast("list[AvroSchema]", compile_for(known, channel).schema["fields"])
    return frozenset(
        str(field["name"])
        for field in fields
        if any(isinstance(each, dict) and each.get("type") == "array" for each in cast("list[object]", field["type"]))
    )


def _told(value: str | None, *, is_list: bool) -> object:
    return value.split(JOINED) if is_list and value is not None else value
