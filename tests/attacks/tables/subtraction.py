"""The attack by subtraction: of a total with visible parts the hidden ones are what is left.

The same attacker reads the tables of UNODC and ours. A table is a total, its visible parts, and the names of those that
it hides. One hidden part is the rest; when nothing is left, every hidden part is zero.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from projections.indicators.catalogue import Catalogue
from projections.indicators.entries import MeanOfBands
from projections.indicators.figures import NOT_BROKEN_DOWN, Figure
from tests.attacks.tables.truth import Truth

GLOTIP = "unodc_glotip_2025/data_glotip_2025-04-14.csv"
HIDDEN = "<5"
MOST = 4
KEY = ("Iso3_code", "Country", "Indicator", "Dimension", "Category", "Sex", "Age", "Year")


@dataclass(frozen=True, slots=True)
class Table:
    """A total that everybody sees, and its parts."""

    name: tuple[str, ...]
    total: int
    visible: Mapping[str, int]
    hidden: tuple[str, ...]
    most: int | None = None
    """The greatest number that a hidden part can be, where the publisher says so."""

    @property
    def rest(self) -> int:
        """Return what the visible parts leave."""
        return self.total - sum(self.visible.values())

    @property
    def is_consistent(self) -> bool:
        """Return whether hidden parts can make up the rest at all."""
        return self.rest >= 0 and (self.most is None or self.rest <= self.most * len(self.hidden))


def recovered(table: Table) -> Mapping[str, int]:
    """Return the hidden parts that subtraction gives exactly."""
    if not table.is_consistent or not (len(table.hidden) == 1 or table.rest == 0):
        return {}
    return dict.fromkeys(table.hidden, table.rest)


def of_glotip(data: Path) -> Iterator[Table]:
    """Yield the groups of the UNODC file that have a visible total by sex or by age, and a hidden part.

    A group in which a category comes twice (the file repeats 492 keys) is no table and is passed over.
    """
    with (data / GLOTIP).open(encoding="utf-8", errors="replace", newline="") as lines:
        rows = list(csv.DictReader(lines))
    for margin in ("Sex", "Age"):
        groups: dict[tuple[str, ...], list[tuple[str, str]]] = defaultdict(list)
        for row in rows:
            others = tuple(row[column] for column in KEY if column != margin)
            groups[others].append((row[margin], row["txtVALUE"].replace(",", "")))
        for others, told in groups.items():
            cells = dict(told)
            total = cells.pop("Total", HIDDEN)
            hidden = tuple(code for code, value in cells.items() if value == HIDDEN)
            if len({code for code, _ in told}) == len(told) and total != HIDDEN and hidden:
                visible = {code: int(value) for code, value in cells.items() if value != HIDDEN}
                yield Table((margin, *others), int(total), visible, hidden, MOST)


def of_figures(figures: Sequence[Figure], catalogue: Catalogue) -> Iterator[Table]:
    """Yield every total of *figures* that hides a part: by each dimension, and the share beside its complement.

    A part is hidden when the table knows a code by that name, ever, and does not show it while something is left.
    """
    codes: dict[str, set[str]] = defaultdict(set)
    for figure in figures:
        for cell in figure.cells:
            codes[cell.dimension].add(cell.code)
    for figure in figures:
        if figure.numerator is None or isinstance(catalogue.get(figure.indicator).measure, MeanOfBands):
            continue
        where = (figure.indicator, figure.period)
        if figure.denominator is not None:
            yield Table((*where, "rest"), int(figure.denominator), {"counted": int(figure.numerator)}, ("others",))
        for dimension in sorted({cell.dimension for cell in figure.cells}):
            cells = {cell.code: cell for cell in figure.cells if cell.dimension == dimension}
            hidden = tuple(sorted(codes[dimension] - cells.keys() - {NOT_BROKEN_DOWN}))
            if NOT_BROKEN_DOWN in cells and hidden:
                visible = {code: int(cell.numerator) for code, cell in cells.items() if code != NOT_BROKEN_DOWN}
                yield Table((*where, dimension), int(figure.numerator), visible, hidden)


def disclosed(tables: Iterable[Table], truth: Truth, k: int) -> list[tuple[tuple[str, ...], str, int]]:
    """Return the hidden parts of from 1 to k - 1 persons that subtraction gives, when the number is true."""
    return [
        (table.name, code, number)
        for table in tables
        for code, number in recovered(table).items()
        if 0 < number < k and truth.part(table.name, code) == number
    ]


def guessed(table: Table, k: int) -> Mapping[str, tuple[int, int]]:
    """Return what the hidden parts can be for who assumes that only fewer than k persons are ever hidden."""
    others = (len(table.hidden) - 1) * (k - 1)
    low, high = max(0, table.rest - others), min(table.rest, k - 1)
    return dict.fromkeys(table.hidden, (low, high)) if 0 < low <= high else {}
