"""Folds what left the hub into the figures of every indicator: a value, or the reason why there is none.

Pure: the same rows give the same figures, and rows of later periods change nothing of the past.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from projections.indicators.catalogue import GUIDELINES, Catalogue
from projections.indicators.entries import Indicator, OverCatalogue, OverPersons, SameAs
from projections.indicators.facts import HUNDRED, fold_fact
from projections.indicators.figures import Figure, K, Period, Row, State
from projections.indicators.persons import fold_persons

TOO_FEW = "nobody, or too few persons to be told: they are part of a later period"
NO_ROWS = "no cohort of this kind was released in the period"
_Found = dict[tuple[str, str], Figure]


def fold(
    catalogue: Catalogue, persons: Sequence[Row], facts: Sequence[Row], periods: Sequence[Period], k: int = K
) -> tuple[Figure, ...]:
    """Return one figure for each indicator and period that it is due in, in the order of periods and of the catalogue.

    *persons* are all rows of `anon.*` up to the end of the last period, *facts* all of `facts.*`; *k* is the least
    number of persons by which a counter moves.
    """
    found: _Found = {
        (each.indicator, each.period): _with_reason(each) for each in fold_persons(catalogue, persons, periods, k)
    }
    for number, period in enumerate(periods):
        for entry in _due(catalogue, period):
            if not isinstance(entry.measure, SameAs | OverCatalogue) and (entry.id, period.label) not in found:
                found[entry.id, period.label] = fold_fact(entry, _since(entry, facts, periods, number), period)
        for entry in _due(catalogue, period):
            if isinstance(entry.measure, SameAs):
                other = found.get((entry.measure.indicator, period.label))
                found |= {(entry.id, period.label): replace(other, indicator=entry.id)} if other else {}
        for entry in _due(catalogue, period):
            if isinstance(entry.measure, OverCatalogue):
                found[entry.id, period.label] = _over(entry, entry.measure, catalogue, found, periods[: number + 1])
        for entry in _due(catalogue, period):
            if isinstance(catalogue.measured(entry).measure, OverCatalogue):
                same = found[catalogue.measured(entry).id, period.label]
                found[entry.id, period.label] = replace(same, indicator=entry.id)
    return tuple(found[entry.id, period.label] for period in periods for entry in _due(catalogue, period))


def _due(catalogue: Catalogue, period: Period) -> Sequence[Indicator]:
    return [entry for entry in catalogue.indicators if period.ends_year or catalogue.measured(entry).period == "month"]


def _since(entry: Indicator, facts: Sequence[Row], periods: Sequence[Period], number: int) -> Sequence[Row]:
    """Return the facts that *entry* has not counted at the end of the period *number*."""
    earlier = [each.last for each in periods[:number] if each.ends_year or entry.period == "month"]
    first = max(earlier, default=None)
    return [row for row in facts if (first is None or row.tick > first) and row.tick <= periods[number].last]


def _with_reason(figure: Figure) -> Figure:
    reasons = {State.WAITING: TOO_FEW, State.MISSING: NO_ROWS}
    return replace(figure, reason=reasons.get(figure.state, ""))


def _over(
    entry: Indicator,
    measure: OverCatalogue,
    catalogue: Catalogue,
    found: Mapping[tuple[str, str], Figure],
    past: Sequence[Period],
) -> Figure:
    """Return what the figures of the catalogue say of themselves (C.1.4)."""
    if measure.asks == "full_actual_data":
        return _full_actual_data(entry, catalogue, found, past)
    begun = [
        any(figure.value is not None for (_, label), figure in found.items() if label == period.label)
        for period in past
    ]
    since = begun[begun.index(True) :] if any(begun) else []
    if not since:
        return Figure(
            indicator=entry.id, period=past[-1].label, state=State.MISSING, reason="no period has a figure yet"
        )
    return Figure(
        indicator=entry.id,
        period=past[-1].label,
        state=State.FULL,
        value=float(all(since)),
        numerator=sum(since),
        denominator=len(since),
        completeness=1.0,
    )


def _full_actual_data(
    entry: Indicator, catalogue: Catalogue, found: Mapping[tuple[str, str], Figure], past: Sequence[Period]
) -> Figure:
    period = past[-1]
    year = [
        each.label for each in past if each.first > max((one.last for one in past[:-1] if one.ends_year), default=-1)
    ]
    keys = [
        each
        for each in catalogue.indicators
        if each.framework == GUIDELINES and not isinstance(catalogue.measured(each).measure, OverCatalogue)
    ]
    full = sum(_is_full([found[each.id, label] for label in year if (each.id, label) in found]) for each in keys)
    return Figure(
        indicator=entry.id,
        period=period.label,
        state=State.FULL,
        value=HUNDRED * full / len(keys),
        numerator=full,
        denominator=len(keys),
        completeness=1.0,
    )


def _is_full(year: Sequence[Figure]) -> bool:
    """Return whether the figures of a year leave nothing out: none is partial, and nothing waits at its end."""
    return year[-1].state is State.FULL and all(each.state is not State.PARTIAL for each in year)


def persons_counted(catalogue: Catalogue) -> frozenset[str]:
    """Return the ids of the indicators whose figures count persons by rows."""
    measured = ((entry.id, catalogue.measured(entry)) for entry in catalogue.indicators)
    return frozenset(each for each, entry in measured if isinstance(entry.measure, OverPersons) and not entry.lacks)
