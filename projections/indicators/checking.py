"""What is checked of the catalogue: each check is one function in `CHECKS`; all problems come at once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from projections.indicators.carried import carried_codes, column_of, kind_of
from projections.indicators.catalogue import GUIDELINES, Catalogue
from projections.indicators.entries import (
    Count,
    Indicator,
    MeanOfBands,
    Nothing,
    OverFacts,
    OverPersons,
    Ratio,
    Returned,
    SameAs,
    Share,
    Source,
    Sum,
    SumRatio,
    Survey,
    Where,
)
from schemas.catalogue import contracts
from schemas.channel_rules import field_at
from schemas.codelists import is_code
from schemas.errors import Problem
from schemas.shapes import shape_of

Findings = Iterator[tuple[str, str, str]]
"""Part of the entry, rule, advice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A column that a measure reads, with the codes it looks for."""

    part: str
    kind: str
    column: str
    codes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.kind}.{self.column}"


def problems_of(found: Catalogue) -> tuple[Problem, ...]:
    """Return all that is wrong with the catalogue *found*, sorted."""
    problems = [
        Problem(f"{entry.id}.{part}", rule, advice)
        for entry in found.indicators
        for check in CHECKS
        for part, rule, advice in check(entry, found)
    ]
    return tuple(sorted(problems))


def _repeated(entry: Indicator, found: Catalogue) -> Findings:
    if sum(other.id == entry.id for other in found.indicators) > 1:
        yield "id", "repeated-id", "give each indicator an id of its own"
    if sum(other.framework == entry.framework and other.code == entry.code for other in found.indicators) > 1:
        yield "returned_as", "repeated-code", "a returned figure must name one indicator only"


def _codes(entry: Indicator, _found: Catalogue) -> Findings:
    if not is_code("indicator_framework", entry.framework):
        yield "framework", "unknown-code", "take one of schemas/codes/indicator_framework.toml"
    if not is_code("statistic_unit", entry.unit):
        yield "unit", "unknown-code", "take one of schemas/codes/statistic_unit.toml"
    if isinstance(entry.measure, Survey) and not is_code("survey_population", entry.measure.population):
        yield "measure.population", "unknown-code", "take one of schemas/codes/survey_population.toml"


def _section(entry: Indicator, _found: Catalogue) -> Findings:
    if entry.framework == GUIDELINES and entry.id.rpartition("-")[0] != entry.section:
        yield "section", "other-section", "the id is the section and a number"
    if entry.framework == GUIDELINES and not entry.section.startswith(f"{entry.chapter}."):
        yield "section", "other-chapter", "the section lies in the chapter of the file"


def _same_as(entry: Indicator, found: Catalogue) -> Findings:
    if not isinstance(entry.measure, SameAs):
        return
    other = next((each for each in found.indicators if each.id == entry.measure.indicator), None)
    if other is None or isinstance(other.measure, SameAs):
        yield "measure.indicator", "unknown-indicator", "name an indicator that has a measure of its own"
    elif other.unit != entry.unit:
        yield "unit", "other-unit", "the unit is that of the indicator it is the same as"


def _reason(entry: Indicator, _found: Catalogue) -> Findings:
    if entry.source is not Source.COMPUTED and not entry.reason:
        yield "reason", "missing-reason", "say what it needs that events or channels do not give"
    if entry.source is Source.COMPUTED and entry.reason:
        yield "reason", "needless-reason", "what is computed needs no reason; how it differs is a caveat"


def _kinds(entry: Indicator, _found: Catalogue) -> Findings:
    where = "facts" if isinstance(entry.measure, OverFacts) else "anon"
    for part, name in _kinds_of(entry):
        if kind_of(name) is None:
            yield part, "not-carried", "no non-personal channel carries this event type"
        elif (kind_of(name, where)) is None:
            yield part, "other-channel", f"this form folds rows of {where}.*"


def _columns(entry: Indicator, _found: Catalogue) -> Findings:
    for asked in _asked(entry):
        if kind_of(asked.kind) is None or asked.name in entry.lacks:
            continue
        if column_of(asked.kind, asked.column) is None:
            yield asked.part, "not-carried", "no channel carries this column: list it under `lacks`, with the reason"
        elif (codes := carried_codes(asked.kind, asked.column)) and (lost := sorted(set(asked.codes) - codes)):
            yield asked.part, "unknown-code", f"the column never holds {', '.join(lost)}"


def _lacks(entry: Indicator, _found: Catalogue) -> Findings:
    asked = {each.name for each in _asked(entry)}
    for name in entry.lacks:
        kind, _, column = name.partition(".")
        if column_of(kind, column) is not None:
            yield "lacks", "carried-now", f"a channel carries {name}: take it off, and the indicator is computed"
        if name not in asked:
            yield "lacks", "needless-lack", f"the measure does not read {name}"
    if entry.lacks and not entry.events:
        yield "events", "missing-events", "say which fields of which event types tell it"


def _events(entry: Indicator, _found: Catalogue) -> Findings:
    known = {contract.name: contract for contract in contracts()}
    if isinstance(entry.measure, Nothing) and not entry.events:
        yield "events", "missing-events", "say which fields of which event types tell it"
    for name, paths in entry.events.items():
        if name not in known:
            yield f"events.{name}", "unknown-event-type", "name one of the event types"
            continue
        for path in paths:
            if field_at(shape_of(known[name]), path) is None:
                yield f"events.{name}.{path}", "unknown-field", "the event type has no such field"


def _groups(entry: Indicator, _found: Catalogue) -> Findings:
    """C.1.4: in all fields data are collected separately for women, men, boys and girls."""
    measures = (Count, Share, Ratio, MeanOfBands, Sum, Returned, Survey)
    if isinstance(entry.measure, measures) and "group" not in {*entry.by, *entry.by_lacks}:
        yield "by.group", "missing-groups", "break it down by women, men, girls, boys, or say why not"
    for each in sorted(entry.by.keys() & entry.by_lacks.keys()):
        yield f"by.{each}", "contradiction", "it is broken down so, or it is not"


def _texts(entry: Indicator, _found: Catalogue) -> Findings:
    for part in ("wording", "definition", "section"):
        if not str(getattr(entry, part)).strip():
            yield part, "empty", "say it"
    if isinstance(entry.measure, Share | Ratio | MeanOfBands) and not (entry.numerator and entry.denominator):
        yield "denominator", "missing-parts", "say what is divided by what"
    if isinstance(entry.measure, MeanOfBands) and not entry.measure.bands:
        yield "measure.bands", "empty", "say what stands for each band"


Check = Callable[[Indicator, Catalogue], Findings]
CHECKS: tuple[Check, ...] = (
    _repeated,
    _codes,
    _section,
    _same_as,
    _reason,
    _kinds,
    _columns,
    _lacks,
    _events,
    _groups,
    _texts,
)


def _kinds_of(entry: Indicator) -> Iterator[tuple[str, str]]:
    measure = entry.measure
    if isinstance(measure, OverPersons | OverFacts):
        yield "measure.kind", measure.kind
    if isinstance(measure, Ratio):
        yield "measure.of_kind", measure.of_kind


def _asked(entry: Indicator) -> Iterator[_Asked]:
    measure = entry.measure
    if not isinstance(measure, OverPersons | OverFacts):
        return
    yield from _where("measure.where", measure.kind, measure.where)
    if isinstance(measure, Share):
        yield from _where("measure.among", measure.kind, measure.among)
    if isinstance(measure, Ratio):
        yield from _where("measure.of_where", measure.of_kind, measure.of_where)
    if isinstance(measure, MeanOfBands):
        yield _Asked(part="measure.column", kind=measure.kind, column=measure.column, codes=tuple(measure.bands))
    if isinstance(measure, OverFacts):
        yield _Asked(part="measure.column", kind=measure.kind, column=measure.column)
    if isinstance(measure, SumRatio):
        yield _Asked(part="measure.of_column", kind=measure.kind, column=measure.of_column)
    for part, name in _kinds_of(entry):
        yield from (_Asked(part=f"by.{each} ({part})", kind=name, column=column) for each, column in entry.by.items())


def _where(part: str, kind: str, where: Where) -> Iterator[_Asked]:
    for column, codes in where.items():
        yield _Asked(part=f"{part}.{column}", kind=kind, column=column, codes=codes)
