"""The figures of a tier: partners get the folding of their rows, the public a part of exactly these figures.

Two foldings over the same persons could be subtracted from each other. So the open tier folds its own rows, which say
less, and shows of them only what partners were told with the same numbers; the rest is not broken down or withheld.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from projections.exporting.source import Source, least
from projections.indicators.carried import column_of, tiers_of
from projections.indicators.catalogue import Catalogue
from projections.indicators.entries import Count, Indicator, MeanOfBands, OverFacts, OverPersons, Ratio
from projections.indicators.facts import HUNDRED
from projections.indicators.figures import NOT_BROKEN_DOWN, Cell, Figure, State
from projections.indicators.folding import fold, persons_counted

NOT_CARRIED = "the open tier does not carry what it needs"
HELD_BACK = "the open tier withholds a part of the records that it counts"


def figures_of(catalogue: Catalogue, source: Source, tier: str) -> tuple[Figure, ...]:
    """Return every figure of *tier* from the first period on, in the order of periods and of the catalogue.

    All periods are folded, whatever is asked for: what may be told of one depends on what was told before.
    """
    k, periods = least(source), source.periods()
    partner = fold(catalogue, source.rows("partner"), source.facts("partner"), periods, k)
    if tier == "partner":
        return partner
    told = {(each.indicator, each.period): each for each in partner}
    persons = persons_counted(catalogue)
    own = fold(catalogue, source.rows(tier), source.facts(tier), periods, k)
    return tuple(
        _shown(
            catalogue.measured(catalogue.get(each.indicator)),
            each,
            told[each.indicator, each.period] if each.indicator in persons else each,
            tier,
        )
        for each in own
    )


def _shown(entry: Indicator, own: Figure, told: Figure, tier: str) -> Figure:
    """Return what *tier* shows of its figure *own* of *entry*, where partners were told *told*."""
    measure = entry.measure
    if not isinstance(measure, OverPersons | OverFacts):
        return own
    if tier not in tiers_of(entry):
        return Figure(indicator=own.indicator, period=own.period, state=State.MISSING, reason=NOT_CARRIED)
    if own.value is None and own.numerator is None:
        return own
    if _numbers(own) != _numbers(told):
        return Figure(indicator=own.indicator, period=own.period, state=State.SUPPRESSED, reason=HELD_BACK)
    completeness = own.completeness if own.completeness == told.completeness else None
    dimensions = [name for name, column in entry.by.items() if _carries(measure, column, tier)]
    return replace(
        own,
        completeness=completeness,
        state=State.FULL if completeness == 1 else State.PARTIAL,
        cells=tuple(cell for name in dimensions for cell in _part(entry, own, told, name)),
        extra=own.extra if own.extra == told.extra else {},
    )


def _carries(measure: OverPersons | OverFacts, column: str, tier: str) -> bool:
    """Return whether rows of *tier* have *column*, on both sides of a ratio."""
    kinds = {measure.kind, measure.of_kind} if isinstance(measure, Ratio) else {measure.kind}
    found = [column_of(kind, column) for kind in kinds]
    return all(each is not None and tier in each.tiers for each in found)


def _part(entry: Indicator, own: Figure, told: Figure, dimension: str) -> Iterable[Cell]:
    """Yield the parts that partners were told alike, and what is left as not broken down."""
    theirs: Mapping[str, Cell] = {cell.code: cell for cell in told.cells if cell.dimension == dimension}
    mine = [cell for cell in own.cells if cell.dimension == dimension]
    kept = [cell for cell in mine if cell.code != NOT_BROKEN_DOWN and cell == theirs.get(cell.code)]
    if not mine:
        return
    yield from kept
    above = (own.numerator or 0) - sum(cell.numerator for cell in kept)
    below = None if own.denominator is None else own.denominator - sum(cell.denominator or 0 for cell in kept)
    if above or below:
        yield Cell(
            dimension=dimension,
            code=NOT_BROKEN_DOWN,
            value=_value(entry, above, below),
            numerator=above,
            denominator=below,
        )


def _value(entry: Indicator, above: float, below: float | None) -> float | None:
    if below is None or isinstance(entry.measure, Count):
        return float(above)
    if not below:
        return None
    return above / below if isinstance(entry.measure, MeanOfBands) else HUNDRED * above / below


def _numbers(figure: Figure) -> tuple[float | None, ...]:
    return figure.value, figure.numerator, figure.denominator
