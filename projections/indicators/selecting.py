"""Which rows a measure is about: those that meet its conditions, those that do not, those that do not say."""

from collections.abc import Callable
from functools import cache

from projections.indicators.entries import Count, MeanOfBands, OverPersons, Ratio, Share, Where
from projections.indicators.figures import NOT_BROKEN_DOWN, NOT_REPORTED, SEVERAL, Row, Value
from schemas.codelists import code_list
from schemas.generalising import EVERYTHING, ladder

_UNSAID = frozenset({NOT_REPORTED, "UNKNOWN", "SUPPRESSED", EVERYTHING})
REGION = "M49 sub-region"


def said(value: Value) -> tuple[str, ...]:
    """Return the codes that *value* says; empty when it says nothing."""
    codes = value if isinstance(value, tuple) else () if value is None else (str(value),)
    return tuple(code for code in codes if code not in _UNSAID)


def meets(row: Row, where: Where) -> bool | None:
    """Return whether all that *row* says of each column is among its codes; None when it does not say enough."""
    found: bool | None = True
    for column, codes in where.items():
        own = said(row.get(column))
        if any(code not in codes for code in own):
            return False
        found = found if own else None
    return found


Test = Callable[[Row], bool]


def sets_of(measure: OverPersons) -> dict[str, tuple[str, Test]]:
    """Return the sets that *measure* counts, by name, each with its kind of fact; all must be told or none."""
    if isinstance(measure, Ratio):
        return {
            "numerator": (measure.kind, lambda row: meets(row, measure.where) is True),
            "denominator": (measure.of_kind, lambda row: meets(row, measure.of_where) is True),
        }
    if isinstance(measure, Share):
        among = measure.among
        return {
            "denominator": (
                measure.kind,
                lambda row: meets(row, among) is True and meets(row, measure.where) is not None,
            ),
            "numerator": (measure.kind, lambda row: meets(row, among) is True and meets(row, measure.where) is True),
        }
    if isinstance(measure, MeanOfBands):
        return {band: (measure.kind, _in_band(measure, band)) for band in measure.bands}
    return {"numerator": (measure.kind, lambda row: meets(row, measure.where) is True)}


def _in_band(measure: MeanOfBands, band: str) -> Test:
    return lambda row: meets(row, measure.where) is True and said(row.get(measure.column)) == (band,)


def is_unknown(measure: OverPersons, row: Row) -> bool:
    """Return whether *row* does not say whether it counts for *measure*."""
    if isinstance(measure, Share) and (among := meets(row, measure.among)) is not True:
        return among is None
    if isinstance(measure, MeanOfBands):
        return meets(row, measure.where) is True and not said(row.get(measure.column))
    if isinstance(measure, Ratio) and row.kind != measure.kind:
        return meets(row, measure.of_where) is None
    assert isinstance(measure, Count | Share | Ratio)
    return meets(row, measure.where) is None


def code_in(row: Row, dimension: str, column: str) -> str:
    """Return under which code of *dimension* the row counts."""
    codes = said(row.get(column))
    if not codes:
        return NOT_REPORTED
    if len(codes) > 1:
        return SEVERAL
    return codes[0] if dimension != "citizenship_region" else _region(codes[0])


def _region(code: str) -> str:
    """Return the sub-region of a country; what is coarser than that is not broken down."""
    found = ladder("country").generalise(code, REGION)
    return found if found is not None and found in _regions() else NOT_BROKEN_DOWN


@cache
def _regions() -> frozenset[str | None]:
    table = ladder("country").table(REGION)
    return frozenset(table[code] for code in code_list("country").codes)
