"""Which columns a mapping speaks of, in the order in which it does."""

import re
from collections.abc import Iterable, Iterator, Mapping

from connectors.importing.spec import (
    All,
    Cases,
    Column,
    Condition,
    First,
    Flags,
    Group,
    Join,
    Parameter,
    Rule,
    Spec,
    Template,
    When,
)

_PLACES = re.compile(r"\{([^{}]*)\}")
ROW, FILE = "row", "file"
"""Names in a template that are no columns."""


def columns_of(spec: Spec) -> tuple[str, ...]:
    """Return every column that *spec* maps or ignores, each once."""
    found: dict[str, None] = dict.fromkeys(_mapped(spec))
    return tuple(found | dict.fromkeys(spec.ignored))


def mapped_columns(spec: Spec) -> frozenset[str]:
    """Return the columns that *spec* uses for something."""
    return frozenset(_mapped(spec))


def columns_of_rule(rule: Rule, tables: Mapping[str, Mapping[str, object]]) -> Iterator[str]:
    """Yield the columns that *rule* reads."""
    if isinstance(rule, Column):
        yield rule.column
    elif isinstance(rule, Join):
        yield from rule.join
    elif isinstance(rule, Flags):
        yield from tables.get(rule.flags, {}) if isinstance(rule.flags, str) else rule.flags
    elif isinstance(rule, Cases):
        for case in rule.cases:
            yield from columns_of_condition(case.when)
    elif isinstance(rule, Group):
        yield from (rule.group_of, rule.born, rule.at)
    elif isinstance(rule, Template):
        yield from (name for name in places_of(rule.template) if name not in (ROW, FILE))
    elif isinstance(rule, (All, First)):
        for inner in rule.all if isinstance(rule, All) else rule.first:
            yield from columns_of_rule(inner, tables)


def columns_of_condition(when: When | None) -> Iterator[str]:
    """Yield the columns that a condition reads."""
    for condition in [when] if isinstance(when, dict) else when or []:
        yield from condition


def places_of(template: str) -> list[str]:
    """Return what stands between braces in *template*."""
    return _PLACES.findall(template)


def conditions_of(spec: Spec) -> Iterator[Condition]:
    """Yield every condition of *spec*."""
    whens: list[When | None] = [check.when for check in spec.checks]
    for event in spec.events:
        whens += [event.when, *(entry.when for entries in event.records.values() for entry in entries)]
    whens += [case.when for rule in rules_of(spec) if isinstance(rule, Cases) for case in rule.cases]
    for when in whens:
        yield from [when] if isinstance(when, dict) else when or []


def rules_of(spec: Spec) -> Iterator[Rule]:
    """Yield every rule of *spec*, those inside others included."""
    for rule in _outer_rules(spec):
        yield from _with_inner(rule)


def parameters_of(spec: Spec) -> set[str]:
    """Return the names of the parameters that the rules of *spec* use."""
    return {rule.parameter for rule in rules_of(spec) if isinstance(rule, Parameter)}


def _outer_rules(spec: Spec) -> Iterator[Rule]:
    yield from spec.fields.values()
    for event in spec.events:
        yield from event.fields.values()
        for entries in event.records.values():
            for entry in entries:
                yield from entry.fields.values()


def _with_inner(rule: Rule) -> Iterator[Rule]:
    yield rule
    inner: Iterable[Rule] = rule.all if isinstance(rule, All) else rule.first if isinstance(rule, First) else ()
    for each in inner:
        yield from _with_inner(each)


def _mapped(spec: Spec) -> Iterator[str]:
    for rule in _outer_rules(spec):
        yield from columns_of_rule(rule, spec.tables)
    for event in spec.events:
        yield from columns_of_condition(event.when)
        for entries in event.records.values():
            for entry in entries:
                yield from columns_of_condition(entry.when)
    for check in spec.checks:
        yield from columns_of_condition(check.when)
    yield from spec.unique.key if spec.unique else ()
    yield from spec.values
