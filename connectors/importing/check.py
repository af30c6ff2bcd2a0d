"""Whether a mapping fits the contracts: fields exist, codes exist, types fit, every column is spoken for."""

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from zoneinfo import available_timezones

from connectors.importing.headers import nearest
from connectors.importing.spec import (
    All,
    Cases,
    Column,
    Constant,
    Derived,
    Entry,
    Event,
    First,
    Flags,
    Group,
    Join,
    Literals,
    Not,
    Parameter,
    Rule,
    Spec,
    Template,
)
from connectors.importing.targets import Target, fields_of, record_list, target, unfilled
from connectors.importing.walking import (
    columns_of,
    columns_of_rule,
    conditions_of,
    mapped_columns,
    parameters_of,
    places_of,
    rules_of,
)
from schemas.catalogue import contract, contracts
from schemas.shapes import Record, Scalar, shape_of, walk

_NUMBERS = frozenset({Scalar.INT, Scalar.LONG, Scalar.DOUBLE})
_TIMES = frozenset({Scalar.DATE, Scalar.TIMESTAMP})


def problems_of(spec: Spec) -> list[str]:
    """Return all that is wrong with *spec*, each with where it stands; nothing when it fits the contracts."""
    found = [*_of_whole(spec)]
    for place, event in enumerate(spec.events):
        here = f"events[{place}]"
        names = [known.name for known in contracts()]
        if event.type in names:
            found += [f"{here} {event.type}: {problem}" for problem in _of_event(spec, event)]
        else:
            like = nearest(event.type, names)
            found.append(f"{here}: no event type `{event.type}`{f', is it `{like}`?' if like else ''}")
    return found


def _of_whole(spec: Spec) -> Iterator[str]:
    both = mapped_columns(spec) & spec.ignored.keys()
    yield from (f"ignored: `{name}` is mapped as well" for name in sorted(both))
    yield from (f"ignored: say why `{name}` is left out" for name, why in spec.ignored.items() if not why.strip())
    used = parameters_of(spec)
    yield from (f"parameters: `{name}` is not declared" for name in sorted(used - spec.parameters.keys()))
    yield from (f"parameters: `{name}` is not used" for name in sorted(spec.parameters.keys() - used))
    for path in spec.fields:
        types = [event.type for event in spec.events if event.type in {known.name for known in contracts()}]
        if types and all(isinstance(target(shape_of(contract(name)), path), str) for name in types):
            yield f"fields: no event of the mapping has the field `{path}`"
    yield from _of_conditions(spec)
    if not spec.events:
        yield "events: name at least one"
    columns = columns_of(spec)
    yield from (
        f"file.optional: `{name}` is no column of the mapping" for name in spec.file.optional if name not in columns
    )
    if spec.file.header_row < 1:
        yield "file.header_row: rows count from 1"
    if not spec.file.delimiters or any(len(each) != 1 for each in spec.file.delimiters):
        yield "file.delimiters: each is one character"


def _of_conditions(spec: Spec) -> Iterator[str]:
    """Ask for the texts that a column may hold when nothing but conditions looks at it."""
    compared: dict[str, set[str]] = {}
    for condition in conditions_of(spec):
        for column, value in condition.items():
            texts = value.texts if isinstance(value, Not) else [value] if isinstance(value, str) else value
            compared.setdefault(column, set()).update(texts)
    leaves = [rule for rule in rules_of(spec) if not isinstance(rule, (Cases, All, First))]
    read = {column for rule in leaves for column in columns_of_rule(rule, spec.tables)}
    for column, found in compared.items():
        known = found - {"", "*"}
        if column not in read | spec.values.keys() and known:
            yield f"values: list the texts that `{column}` may hold; only conditions read it"
        if column in spec.values and (unlisted := known - {*spec.values[column]}):
            yield f"values: `{column}` does not list {', '.join(f'`{text}`' for text in sorted(unlisted))}"


def _of_event(spec: Spec, event: Event) -> Iterator[str]:
    shape = shape_of(contract(event.type))
    fields = fields_of(spec, event)
    yield from _of_fields(spec, shape, fields)
    for path, entries in event.records.items():
        inner = record_list(shape, path)
        if isinstance(inner, str):
            yield f"`{path}` {inner}"
            continue
        yield from _of_entries(spec, inner, path, entries)
    yield from (f"`{path}` is mandatory: give it" for path in unfilled(shape, set(fields), set(event.records)))


def _of_entries(
    spec: Spec, inner: tuple[Record, tuple[str, ...]], path: str, entries: Iterable[Entry]
) -> Iterator[str]:
    shape, roles = inner
    for place, entry in enumerate(entries):
        above = f"{path}[{place}]."
        yield from (f"{above}{problem}" for problem in _of_fields(spec, shape, entry.fields, roles))
        yield from (f"`{above}{name}` is mandatory: give it" for name in unfilled(shape, set(entry.fields), set()))


def _of_fields(spec: Spec, shape: Record, fields: Mapping[str, Rule], roles: tuple[str, ...] = ()) -> Iterator[str]:
    for path, rule in fields.items():
        found = target(shape, path, roles)
        if isinstance(found, str):
            like = nearest(path, [name for name, _, _ in walk(shape) if "[]." not in name])
            yield f"`{path}` {found}{f'; is it `{like}`?' if like else ''}"
        else:
            yield from (f"`{path}`: {problem}" for problem in _of_rule(spec, rule, found))


def _of_rule(spec: Spec, rule: Rule, to: Target) -> Iterator[str]:
    if isinstance(rule, (All, First)):
        yield from _of_several(spec, rule, to)
    elif isinstance(rule, Flags):
        yield from _of_flags(spec, rule, to)
    elif isinstance(rule, Column):
        yield from _of_column(spec, rule, to)
    elif isinstance(rule, (Constant, Cases)):
        for value in _literals(rule):
            yield from _of_literal(value, to)
    elif not isinstance(rule, Parameter):
        yield from _of_made(rule, to)


def _literals(rule: Constant | Cases) -> list[Literals]:
    if isinstance(rule, Constant):
        return [rule.value]
    return [*(case.value for case in rule.cases), *([] if rule.otherwise is None else [rule.otherwise])]


def _of_made(rule: Group | Join | Template | Derived, to: Target) -> Iterator[str]:
    if isinstance(rule, Group):
        if to.codes != "person_group":
            yield "`group_of` gives woman, man, girl or boy"
    elif to.scalar is not Scalar.STRING or to.codes is not None:
        yield "a text cannot fill this field"
    if isinstance(rule, Template) and not places_of(rule.template):
        yield "a template without `{row}` or a column is a constant: use `value`"


def _of_several(spec: Spec, rule: All | First, to: Target) -> Iterator[str]:
    if isinstance(rule, All) and not to.is_list:
        yield "`all` fills lists only"
    for inner in rule.all if isinstance(rule, All) else rule.first:
        yield from _of_rule(spec, inner, to)


def _of_flags(spec: Spec, rule: Flags, to: Target) -> Iterator[str]:
    if not to.is_list:
        yield "`flags` fill lists only; use `map` for one column"
    if set(rule.yes) & set(rule.no):
        yield "a text cannot mean both yes and no"
    table = spec.tables.get(rule.flags) if isinstance(rule.flags, str) else rule.flags
    if table is None:
        yield f"no table `{rule.flags}`"
    for code in (table or {}).values():
        yield from _of_literal(code, to)


def _of_column(spec: Spec, rule: Column, to: Target) -> Iterator[str]:
    table = spec.tables.get(rule.map) if isinstance(rule.map, str) else rule.map
    if rule.map is not None and table is None:
        yield f"no table `{rule.map}`"
    for value in (table or {}).values():
        yield from _of_literal(value, to)
    yield from _of_optional(rule.empty, to)
    yield from _of_optional(rule.otherwise, to)
    ways = [name for name in ("map", "convert", "date", "number") if getattr(rule, name)]
    if len(ways) > 1:
        yield f"one way to convert, not {' and '.join(ways)}"
    if rule.otherwise is not None and table is None:
        yield "`otherwise` goes with `map`"
    if rule.split and not to.is_list:
        yield "`split` fills lists only"
    if to.scalar in _NUMBERS and not (rule.number or table):
        yield "say how the number is written: `number = {}`"
    if to.scalar in _TIMES and not (rule.date or table):
        yield 'say how the date is written: `date = ["%Y-%m-%d"]`'
    if rule.number and to.scalar not in _NUMBERS:
        yield "the field holds no number"
    if rule.date and to.scalar not in _TIMES:
        yield "the field holds no date"
    yield from _of_conversion(spec, rule, to)


def _of_conversion(spec: Spec, rule: Column, to: Target) -> Iterator[str]:
    if rule.convert is not None and to.codes != ("language" if rule.convert == "language-name" else "country"):
        yield f"`convert = {rule.convert}` does not give what this field holds"
    if rule.convert == "alpha-2" and "NA" in {*rule.missing, *spec.file.missing}:
        yield '"NA" is Namibia here: do not read it as missing'
    for pattern in rule.omit_like:
        try:
            re.compile(pattern)
        except re.error:
            yield f"`{pattern}` is no regular expression"
    if rule.zone is not None and rule.zone not in available_timezones():
        yield "no such time zone"
    timed = any(part in form for form in rule.date for part in ("%H", "%I"))
    if timed and to.scalar is Scalar.TIMESTAMP and rule.zone is None and not all("%z" in form for form in rule.date):
        yield "a time of day needs its `zone`"


def _of_optional(value: Literals | None, to: Target) -> Iterator[str]:
    if value is not None:
        yield from _of_literal(value, to)


def _of_literal(value: Literals, to: Target) -> Iterator[str]:
    if isinstance(value, list) and not to.is_list:
        yield "the field holds one value, not a list"
    for each in value if isinstance(value, list) else [value]:
        if to.accepted is not None and each not in to.accepted:
            like = nearest(str(each), to.accepted)
            yield f"`{each}` is no code of the list {to.codes}{f', is it `{like}`?' if like else ''}"
        elif to.accepted is None and not _fits(each, to.scalar):
            yield f"`{each}` does not fit a field of the type {to.scalar.value}"


def _fits(value: object, scalar: Scalar) -> bool:
    if scalar in (Scalar.INT, Scalar.LONG):
        return isinstance(value, int) and not isinstance(value, bool)
    if scalar is Scalar.DOUBLE:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if scalar is Scalar.DATE:
        return isinstance(value, dt.date) and not isinstance(value, dt.datetime)
    if scalar is Scalar.TIMESTAMP:
        return isinstance(value, dt.datetime) and value.tzinfo is not None
    return isinstance(value, str)
