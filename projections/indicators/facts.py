"""Folds facts about no person into figures: sums of controls, figures and surveys that agencies return.

What left on `facts.*` has counts of persons only as zero or at least k, so that nothing is held back here. A figure
belongs to the period in which it was released: what comes later, a correction too, is of the next one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from projections.indicators.entries import Indicator, OverFacts, Returned, SumRatio, Survey
from projections.indicators.figures import NOT_REPORTED, Cell, Figure, Period, Row, State
from projections.indicators.selecting import code_in, meets

Part = tuple[float | None, float, float | None]
"""Value, numerator, denominator."""
_TOTALS = {"sex": "TOTAL", "age": "TOTAL"}
HUNDRED = 100.0


def fold_fact(entry: Indicator, rows: Sequence[Row], period: Period) -> Figure:
    """Return the figure of *entry* from the facts *rows* of the time that *period* closes."""
    if isinstance(entry.measure, OverFacts) and not entry.lacks:
        return _summed(entry, entry.measure, rows, period)
    if isinstance(entry.measure, Survey):
        return _surveyed(entry, rows, period)
    return _returned(entry, rows, period)


def _summed(entry: Indicator, measure: OverFacts, rows: Sequence[Row], period: Period) -> Figure:
    own = [row for row in rows if row.kind == measure.kind and meets(row, measure.where) is True]
    wanted = (measure.column, measure.of_column) if isinstance(measure, SumRatio) else (measure.column,)
    full = [row for row in own if all(row.get(column) is not None for column in wanted)]
    if not full:
        return _none(entry, period, State.MISSING, f"no {measure.kind} of the period tells it")

    def part(some: Iterable[Row]) -> Part:
        sums = [sum(_number(row, column) for row in some) for column in wanted]
        below = sums[1] if len(sums) > 1 else None
        return sums[0] if below is None else _percent(sums[0], below), sums[0], below

    return _figure(entry, period, part(full), len(full) / len(own), _cells(entry.by, full, part))


def _cells(by: Mapping[str, str], rows: Sequence[Row], part: Callable[[Sequence[Row]], Part]) -> tuple[Cell, ...]:
    found = []
    for dimension, column in by.items():
        codes = [code_in(row, dimension, column) for row in rows]
        for code in sorted(set(codes)):
            value, above, below = part([row for row, own in zip(rows, codes, strict=True) if own == code])
            found.append(Cell(dimension=dimension, code=code, value=value, numerator=above, denominator=below))
    return tuple(found)


def _returned(entry: Indicator, rows: Sequence[Row], period: Period) -> Figure:
    own = [
        row
        for row in rows
        if row.kind == "IndicatorReturned"
        and row.get("indicator") == entry.code
        and row.get("framework") == entry.framework
        and row.get("dimension") is None
        and all(row.get(column) in {total, None} for column, total in _TOTALS.items())
    ]
    totals = [row for row in own if row.get("group") is None]
    valued = [row for row in totals if row.get("value") is not None]
    if not valued:
        hidden = any(row.get("value_state") == "SUPPRESSED" for row in totals)
        reason = "the source hides it" if hidden else entry.reason
        return _none(entry, period, State.SUPPRESSED if hidden else State.MISSING, reason)
    fold = entry.measure.fold if isinstance(entry.measure, Returned) else "latest"
    whole = _folded(valued, fold)
    if whole is None:
        return _none(entry, period, State.MISSING, "several agencies return it, without numerator and denominator")
    exact = all(row.get("value_state") == "EXACT" for row in valued) and len(valued) == len(totals)
    parted = [row for row in own if row.get("group") is not None and row.get("value") is not None]
    cells = [
        Cell(dimension="group", code=code, value=part[0], numerator=part[1], denominator=part[2])
        for code in sorted({str(row.get("group") or NOT_REPORTED) for row in parted})
        if (part := _folded([row for row in parted if row.get("group") == code], fold))
    ]
    return _figure(entry, period, whole, 1.0 if exact else None, tuple(cells))


def _folded(rows: Sequence[Row], fold: str) -> Part | None:
    """Return the figures of *rows* as one, None when they cannot be put together."""
    newest = max(rows, key=lambda row: (str(row.get("period_end")), row.tick))
    agencies = {row.get("agency"): row for row in sorted(rows, key=lambda row: (str(row.get("period_end")), row.tick))}
    if fold == "sum":
        total = sum(_number(row, "value") for row in rows)
        return total, total, None
    if fold == "ratio" and len(agencies) > 1:
        parts = [row for row in agencies.values() if row.get("numerator") is not None and row.get("denominator")]
        if len(parts) < len(agencies):
            return None
        above, below = (sum(_number(row, column) for row in parts) for column in ("numerator", "denominator"))
        return _percent(above, below), above, below
    value = _number(newest, "value")
    told = newest.get("numerator") is not None
    return value, _number(newest, "numerator") if told else value, _number(newest, "denominator") if told else None


def _surveyed(entry: Indicator, rows: Sequence[Row], period: Period) -> Figure:
    assert isinstance(entry.measure, Survey)
    own = [
        row
        for row in rows
        if row.kind == "SurveyReturned"
        and row.get("indicator") in {entry.code, entry.section}
        and row.get("population") == entry.measure.population
    ]
    if not own:
        return _none(entry, period, State.MISSING, entry.reason)
    newest = max(own, key=lambda row: (str(row.get("period_end")), row.tick))
    asked, positive = _number(newest, "respondents"), newest.get("positive")
    share = newest.get("percentage")
    if share is None and positive is None:
        return _none(entry, period, State.SUPPRESSED, "the source hides it")
    above = _number(newest, "positive") if positive is not None else asked * _number(newest, "percentage") / HUNDRED
    value = _number(newest, "percentage") if share is not None else _percent(above, asked)
    return _figure(entry, period, (value, above, asked), 1.0, ())


def _figure(
    entry: Indicator, period: Period, part: Part, completeness: float | None, cells: tuple[Cell, ...]
) -> Figure:
    return Figure(
        indicator=entry.id,
        period=period.label,
        state=State.FULL if completeness == 1 else State.PARTIAL,
        value=part[0],
        numerator=part[1],
        denominator=part[2],
        completeness=completeness,
        cells=cells,
    )


def _none(entry: Indicator, period: Period, state: State, reason: str) -> Figure:
    return Figure(indicator=entry.id, period=period.label, state=state, reason=reason)


def _percent(above: float, below: float) -> float | None:
    return HUNDRED * above / below if below else None


def _number(row: Row, column: str) -> float:
    found = row.get(column)
    return float(found) if isinstance(found, int | float) else 0.0
