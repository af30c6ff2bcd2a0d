"""Which model is chosen: from no interaction on, the step that lowers the criterion most, until none does."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from projections.estimates.fitting import HIDDEN, Fit, Model, NoFitError, apart, fit, is_estimable
from projections.estimates.tables import Table


class Criterion(StrEnum):
    """What is to be small."""

    AIC = "aic"
    BIC = "bic"


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen model and all that were looked at on the way."""

    chosen: Fit
    considered: tuple[Fit, ...]
    """The chosen one included."""
    refused: tuple[Model, ...]
    """Models of which the table does not determine every parameter, or that do not settle."""


def choose(table: Table, criterion: Criterion) -> Choice:
    """Return the model that no single interaction more or less improves; raise NoFitError when none can be fitted."""
    seen: dict[Model, Fit | None] = {}

    def fitted(model: Model) -> Fit | None:
        if model not in seen:
            seen[model] = _fit_or_none(table, model)
        return seen[model]

    best = fitted(())
    if best is None:
        raise NoFitError("no model can be fitted to this table")
    while True:
        near = [each for model in _steps(table, best.model) if (each := fitted(model))]
        better = min(near, key=lambda each: (getattr(each, criterion), each.model), default=best)
        if getattr(better, criterion) >= getattr(best, criterion):
            considered = tuple(
                sorted(filter(None, seen.values()), key=lambda each: (getattr(each, criterion), each.model))
            )
            return Choice(best, considered, tuple(sorted(model for model, found in seen.items() if found is None)))
        best = better


def _fit_or_none(table: Table, model: Model) -> Fit | None:
    try:
        return fit(table, model) if is_estimable(table, model) else None
    except NoFitError:
        return None


def _steps(table: Table, model: Model) -> Iterable[Model]:
    """Yield the models with one interaction more or less; only lists that share a told cell have one of their own."""
    for pair in (*combinations(sorted(table.lists), 2), *([HIDDEN] if table.others else [])):
        if pair in model:
            yield tuple(each for each in model if each != pair)
        elif pair not in apart(table):
            yield tuple(sorted((*model, pair)))
