"""The figures of a tier: the public gets, of what partners were told, what its own rows bear out, and no other number.

A second folding over the same persons could be subtracted from the first, so there is one. A number is open when it
rests on columns that say the same on the open tier, row by row; where that tier withholds anything of a column,
figures that ask for it are held back, and none is broken down by it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from projections.exporting.source import Source, least
from projections.indicators.carried import column_of, tiers_of
from projections.indicators.catalogue import Catalogue
from projections.indicators.entries import Indicator, OverFacts, OverPersons, Ratio, Returned, Survey
from projections.indicators.figures import Figure, Period, Row, State, Value
from projections.indicators.folding import fold
from schemas.channel_rules import kinds

NOT_CARRIED = "the open tier does not carry what it needs"
HELD_BACK = "the open tier withholds a part of what it needs"
Asked = Mapping[str, frozenset[str]]
"""Columns by kind of fact."""


def figures_of(catalogue: Catalogue, source: Source, tier: str) -> tuple[Figure, ...]:
    """Return every figure of *tier* from the first period on, in the order of periods and of the catalogue.

    All periods are folded, whatever is asked for: what may be told of one depends on what was told before.
    """
    periods = source.periods()
    told = fold(catalogue, source.rows("partner"), source.facts("partner"), periods, least(source))
    if tier == "partner":
        return told
    shown = _Shown(source, tier)
    return tuple(shown.of(catalogue.measured(catalogue.get(each.indicator)), each) for each in told)


class _Shown:
    """What a tier shows of figures that partners were told."""

    def __init__(self, source: Source, tier: str) -> None:
        self._tier = tier
        self._partner, self._own = (_by_kind([*source.rows(each), *source.facts(each)]) for each in ("partner", tier))
        self._periods: Mapping[str, Period] = {each.label: each for each in source.periods()}
        self._parted: dict[tuple[str, frozenset[str]], float] = {}

    def of(self, entry: Indicator, told: Figure) -> Figure:
        """Return what the tier shows of *told*, whose measure is that of *entry*."""
        if isinstance(entry.measure, OverPersons | OverFacts) and self._tier not in tiers_of(entry):
            return Figure(indicator=told.indicator, period=told.period, state=State.MISSING, reason=NOT_CARRIED)
        last, asked = self._periods[told.period].last, _asked(entry)
        if not self._alike(asked, last):
            return Figure(indicator=told.indicator, period=told.period, state=State.SUPPRESSED, reason=HELD_BACK)
        shown = {name for name, column in entry.by.items() if self._alike(_with(asked, column), last)}
        return replace(told, cells=tuple(cell for cell in told.cells if cell.dimension in shown))

    def _alike(self, asked: Asked, last: int) -> bool:
        """Return whether up to the day *last* rows of the tier say of the columns what those of partners do."""
        return all(self._parts_at(kind, columns) > last for kind, columns in asked.items())

    def _parts_at(self, kind: str, columns: frozenset[str]) -> float:
        """Return the first day of which the tiers do not say the same."""
        if (kind, columns) not in self._parted:
            own, partner = (
                Counter((row.tick, _values(row, columns)) for row in rows.get(kind, ()))
                for rows in (self._own, self._partner)
            )
            days = [tick for tick, _ in (own - partner) + (partner - own)]
            self._parted[kind, columns] = min(days, default=float("inf"))
        return self._parted[kind, columns]


def _by_kind(rows: Iterable[Row]) -> Mapping[str, Sequence[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.kind].append(row)
    return found


def _values(row: Row, columns: frozenset[str]) -> tuple[Value, ...]:
    return tuple(row.get(column) for column in sorted(columns))


def _asked(entry: Indicator) -> Asked:
    """Return the columns that the figure itself rests on; nothing for one over the catalogue."""
    measure = entry.measure
    if isinstance(measure, Returned | Survey):
        kind = "SurveyReturned" if isinstance(measure, Survey) else "IndicatorReturned"
        return {kind: frozenset(column.name for column in kinds("facts")[kind].columns)}
    if not isinstance(measure, OverPersons | OverFacts):
        return {}
    single = {getattr(measure, each) for each in ("column", "of_column") if hasattr(measure, each)}
    found = {measure.kind: frozenset({*measure.where, *getattr(measure, "among", {}), *single})}
    if isinstance(measure, Ratio):
        found[measure.of_kind] = found.get(measure.of_kind, frozenset()) | frozenset(measure.of_where)
    return found


def _with(asked: Asked, column: str) -> Asked:
    """Return *asked* with a column that the figure is broken down by."""
    return {kind: columns | {column} if column_of(kind, column) else columns for kind, columns in asked.items()}
