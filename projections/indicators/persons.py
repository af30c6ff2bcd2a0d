"""Folds released rows about persons into figures: pure, and a past period never changes.

Rows go by the tick of their batch. Each figure is a step: what a period adds. A step that would tell of fewer than k
persons, itself or by subtraction, waits and is part of a later one where it can be; nothing is told twice. Headline
figures go first, in the order of the catalogue, then what they are broken down by. What cannot be told of a part stays
in `NOT_BROKEN_DOWN`, so that the parts always add up.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from projections.indicators.catalogue import GUIDELINES, Catalogue
from projections.indicators.cells import Told
from projections.indicators.entries import Indicator, MeanOfBands, OverPersons, Ratio
from projections.indicators.figures import NOT_BROKEN_DOWN, Cell, Figure, K, Period, Row, State
from projections.indicators.selecting import code_in, is_unknown, sets_of

Sets = Mapping[str, frozenset[int]]
"""Groups of rows by the name of the set."""

FIRST = "group"
"""What is broken down first: women, men, girls, boys (C.1.4)."""


def fold_persons(
    catalogue: Catalogue, rows: Iterable[Row], periods: Sequence[Period], k: int = K
) -> tuple[Figure, ...]:
    """Return the figures over persons of all *periods*, in their order, from the rows of all of `anon.*`.

    The rows must be all that were released up to the end of the last period: what was told of the past binds what may
    be told now. A row of no period is counted in the next one that begins after it.
    """
    work = _Work(k)
    entries = [entry for entry in catalogue.indicators if isinstance(entry.measure, OverPersons) and not entry.lacks]
    found: list[Figure] = []
    by_period = _by_period(rows, periods)
    for number, period in enumerate(periods):
        work.add(by_period[number])
        due = [entry for entry in entries if entry.period == "month" or period.ends_year]
        heads: dict[str, Sets] = {}
        parts: dict[str, list[Cell]] = defaultdict(list)
        for mine in (True, False):
            chosen = [entry for entry in due if (entry.framework == GUIDELINES) is mine]
            heads |= {entry.id: work.head(entry) for entry in chosen}
            for entry in chosen:
                parts[entry.id] += work.parts(entry, heads[entry.id], only=FIRST)
        for entry in due:
            parts[entry.id] += work.parts(entry, heads[entry.id], but=FIRST)
            found.append(work.figure(entry, heads[entry.id], period, tuple(parts[entry.id])))
        work.step((entry.id for entry in due), (entry.id for entry in due if heads[entry.id]))
    return tuple(found)


def _by_period(rows: Iterable[Row], periods: Sequence[Period]) -> Mapping[int, Sequence[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        number = next((number for number, period in enumerate(periods) if row.tick <= period.last), None)
        if number is not None:
            found[number].append(row)
    return found


class _Work:
    """What was told so far, and which rows each indicator has not yet counted."""

    def __init__(self, k: int) -> None:
        self._k = k
        self._told: dict[str, Told] = defaultdict(lambda: Told(k))
        self._rows: list[Row] = []
        self._by_kind: dict[str, list[int]] = defaultdict(list)
        """Groups of each kind, ascending."""
        self._since: dict[str, int] = {}
        """By indicator, the first group that it has not counted."""
        self._due: dict[str, int] = {}
        """By indicator, the first group that came after it was last due."""
        self._cut_short: set[str] = set()
        """Indicators whose step leaves out persons that it should count."""

    def add(self, rows: Sequence[Row]) -> None:
        """Add the rows of a period; equal ones are one group."""
        sizes = Counter((row.kind, tuple(sorted(row.columns.items()))) for row in rows)
        for kind, columns in sorted(sizes, key=repr):
            self._told[kind].add(len(self._rows), sizes[kind, columns])
            self._by_kind[kind].append(len(self._rows))
            self._rows.append(Row(tick=rows[0].tick, kind=kind, columns=dict(columns)))

    def step(self, due: Iterable[str], stepped: Iterable[str]) -> None:
        """Note that of the indicators *due* those in *stepped* have counted every row so far."""
        self._due |= dict.fromkeys(due, len(self._rows))
        self._since |= dict.fromkeys(stepped, len(self._rows))
        self._cut_short.clear()

    def head(self, entry: Indicator) -> Sets:
        """Tell the sets of the figure itself; return them, nothing when they have to wait.

        Rows that waited go with those that came since. Where the totals of the past would tell too much of them, only
        the new ones are told.
        """
        measure = _measure(entry)
        wanted = self._sets(measure, self._since.get(entry.id, 0))
        told = self._tell(measure, wanted)
        if not told and self._since.get(entry.id, 0) < (newest := self._due.get(entry.id, 0)):
            told = self._tell(measure, self._sets(measure, newest))
        if told != {name: groups for name, groups in wanted.items() if name in told or groups}:
            self._cut_short.add(entry.id)
        return told

    def _sets(self, measure: OverPersons, first: int) -> Sets:
        return {
            name: frozenset(each for each in self._since_group(first, kind) if test(self._rows[each]))
            for name, (kind, test) in sets_of(measure).items()
        }

    def _since_group(self, first: int, kind: str) -> Sequence[int]:
        """Return the groups of *kind* from the group *first* on."""
        found = self._by_kind[kind]
        return found[bisect_left(found, first) :]

    def _tell(self, measure: OverPersons, sets: Sets) -> Sets:
        """Return those of *sets* that may be told: of a mean each band for itself, else all or none."""
        kinds = {name: kind for name, (kind, _) in sets_of(measure).items()}
        if isinstance(measure, MeanOfBands):
            return {name: groups for name, groups in sets.items() if groups and self._told[kinds[name]].tell([groups])}
        if not any(sets.values()):
            return {}
        if isinstance(measure, Ratio) and measure.kind != measure.of_kind:
            told = self._tell_both(measure, sets)
        else:
            told = self._told[measure.kind].tell(tuple(sets.values()))
        return sets if told else {}

    def _tell_most(self, measure: OverPersons, part: Sets) -> Sets:
        """Return what may be told of a part: where it is not all, the rest is not broken down."""
        if isinstance(measure, MeanOfBands) or (isinstance(measure, Ratio) and measure.kind != measure.of_kind):
            return self._tell(measure, part)
        told = self._told[measure.kind].tell_most(tuple(part.values()))
        return dict(zip(part, told, strict=True)) if any(told) else {}

    def _tell_both(self, measure: Ratio, sets: Sets) -> bool:
        """Tell numerator and denominator; where only one may be told, nothing follows from it but its own number."""
        return all(
            [
                self._told[measure.of_kind].tell([sets["denominator"]]),
                self._told[measure.kind].tell([sets["numerator"]]),
            ]
        )

    def figure(self, entry: Indicator, sets: Sets, period: Period, cells: tuple[Cell, ...]) -> Figure:
        """Return the step of *entry* with the parts *cells*."""
        if not sets:
            return Figure(indicator=entry.id, period=period.label, state=self._why_not(entry))
        whole = self._cell(entry, "", "", sets)
        completeness = self._completeness(entry)
        return Figure(
            indicator=entry.id,
            period=period.label,
            state=State.FULL if completeness == 1 else State.PARTIAL,
            value=whole.value,
            numerator=whole.numerator,
            denominator=whole.denominator,
            completeness=completeness,
            cells=cells,
            extra=self._bands(entry, sets),
        )

    def _why_not(self, entry: Indicator) -> State:
        kinds = {kind for kind, _ in sets_of(_measure(entry)).values()}
        first = self._since.get(entry.id, 0)
        return State.WAITING if any(self._since_group(first, kind) for kind in kinds) else State.MISSING

    def parts(self, entry: Indicator, sets: Sets, *, only: str = "", but: str = "") -> list[Cell]:
        """Return the parts of a figure, broken down by *only*, or by everything *but* that."""
        chosen = [each for each in entry.by if (each == only if only else each != but)]
        return [cell for dimension in chosen if sets for cell in self._parts(entry, sets, dimension)]

    def _parts(self, entry: Indicator, sets: Sets, dimension: str) -> Iterable[Cell]:
        column = entry.by[dimension]
        codes = {each: code_in(self._rows[each], dimension, column) for groups in sets.values() for each in groups}
        rest = dict(sets)
        for code in sorted({*codes.values()} - {NOT_BROKEN_DOWN}):
            part = {name: frozenset(each for each in groups if codes[each] == code) for name, groups in sets.items()}
            if told := self._tell_most(_measure(entry), part):
                rest = {name: groups - told.get(name, frozenset()) for name, groups in rest.items()}
                yield self._cell(entry, dimension, code, told)
        if any(rest.values()):
            yield self._cell(entry, dimension, NOT_BROKEN_DOWN, rest)

    def _cell(self, entry: Indicator, dimension: str, code: str, sets: Sets) -> Cell:
        measure = _measure(entry)
        numbers = {name: self._count(groups) for name, groups in sets.items()}
        if isinstance(measure, MeanOfBands):
            above: float = sum(measure.bands[name] * number for name, number in numbers.items())
            below: int | None = sum(numbers.values())
            value = above / below if below else None
        else:
            above, below = numbers["numerator"], numbers.get("denominator")
            value = float(above) if below is None else 100 * above / below if below else None
        return Cell(dimension=dimension, code=code, value=value, numerator=above, denominator=below)

    def _bands(self, entry: Indicator, sets: Sets) -> Mapping[str, float]:
        is_mean = isinstance(entry.measure, MeanOfBands)
        return {name: self._count(groups) for name, groups in sets.items()} if is_mean else {}

    def _completeness(self, entry: Indicator) -> float | None:
        """Return the share of rows that say whether they count, None where that would tell of too few persons."""
        if entry.id in self._cut_short:
            return None
        measure = _measure(entry)
        kind = measure.kind
        groups = self._since_group(self._since.get(entry.id, 0), kind)
        unknown = frozenset(each for each in groups if is_unknown(measure, self._rows[each]))
        if not unknown:
            return 1.0
        told = self._told[kind].tell([frozenset(groups), unknown])
        return 1 - self._count(unknown) / self._count(groups) if told else None

    def _count(self, groups: Iterable[int]) -> int:
        each_kind: dict[str, list[int]] = defaultdict(list)
        for group in groups:
            each_kind[self._rows[group].kind].append(group)
        return sum(self._told[kind].count(own) for kind, own in each_kind.items())


def _measure(entry: Indicator) -> OverPersons:
    assert isinstance(entry.measure, OverPersons)
    return entry.measure
