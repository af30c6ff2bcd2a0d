"""Measures in words, for people who read the catalogue."""

from projections.indicators.entries import (
    Count,
    Indicator,
    MeanOfBands,
    OverCatalogue,
    Ratio,
    Returned,
    Share,
    Sum,
    SumRatio,
    Survey,
    Where,
)

_FOLDS = {
    "latest": "the latest figure that an agency returned",
    "sum": "the sum of the figures that agencies returned",
    "ratio": "the figures that agencies returned, put together from their numerators and denominators",
}
_ASKS = {
    "full_actual_data": "the figures of this catalogue that are full, of all",
    "regular_reports": "whether each period had a figure",
}


def fold_in_words(entry: Indicator) -> str:
    """Return how the figure of *entry* is folded; empty where it is not."""
    measure = entry.measure
    match measure:
        case Count():
            return f"persons with a row of {_rows(measure.kind, measure.where)}"
        case Share():
            among = f", of those with {_where(measure.among)}" if measure.among else ", of all"
            return f"persons with a row of {_rows(measure.kind, measure.where)}{among} of whom it is known"
        case Ratio():
            above = _rows(measure.kind, measure.where)
            return f"persons with a row of {above}, in persons with a row of {_rows(measure.of_kind, measure.of_where)}"
        case MeanOfBands():
            return f"the mean of the bands of {measure.column}, over {_rows(measure.kind, measure.where)}"
        case Sum():
            return f"the sum of {measure.column}, over {_rows(measure.kind, measure.where)}"
        case SumRatio():
            rows = _rows(measure.kind, measure.where)
            return f"the sum of {measure.column} in that of {measure.of_column}, over {rows} that have both"
        case Returned():
            return _FOLDS[measure.fold]
        case Survey():
            return f"the latest survey among {measure.population}"
        case OverCatalogue():
            return _ASKS[measure.asks]
        case _:
            return ""


def _rows(kind: str, where: Where) -> str:
    return f"{kind} with {_where(where)}" if where else kind


def _where(where: Where) -> str:
    return ", ".join(f"{column} {' or '.join(codes)}" for column, codes in where.items())
