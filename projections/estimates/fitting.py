"""One log-linear Poisson model of an overlap table: its fit, its likelihood, and how many it says were not detected.

The mean of a combination is exp(intercept + an effect of each of its lists + an effect of each interaction of two of
its lists); that of no list at all, exp(intercept), is the number of persons not detected. Cells that were not told one
by one have one number together: their expected shares are filled in and the model is fitted again, until nothing
changes (EM; Dempster, Laird and Rubin 1977). Each fit is a generalised linear model of statsmodels.

What was hidden was small, and often because two lists avoid each other. Pairs of lists that share no told cell cannot
have an interaction each, but may have a common one, `HIDDEN`: without it, they would have to be independent.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.special import gammaln, xlogy
from statsmodels.genmod.families import Poisson
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

from projections.estimates.tables import Combination, Table
from schemas.errors import RejectedError

Model = tuple[tuple[str, str], ...]
"""Interactions of two lists, sorted, or `HIDDEN`; the effects of single lists are always there."""

HIDDEN = ("*", "*")
"""The common interaction of all pairs of lists that share no told cell."""

Numbers = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

_ROUNDS_MAX = 2000
_CLOSE = 1e-9


class NoFitError(RejectedError):
    """The model does not settle on this table."""

    code = "no-fit"


@dataclass(frozen=True, slots=True)
class Fit:
    """A model on a table."""

    model: Model
    undetected: float
    log_likelihood: float
    parameters: int
    aic: float
    bic: float
    """With the detected persons as the number of observations."""


def is_estimable(table: Table, model: Model) -> bool:
    """Return whether the told cells that have persons determine every parameter of *model*, the others `HIDDEN` alone.

    Stricter than the existence of a maximum: what the others have together decides no more than one parameter.
    """
    cells = [cell for cell, persons in table.told.items() if persons]
    design = _design(cells, table, tuple(pair for pair in model if pair != HIDDEN))
    hidden_is_told = HIDDEN not in model or (table.others > 0 and bool(apart(table)))
    return hidden_is_told and bool(np.linalg.matrix_rank(design) == design.shape[1])


def apart(table: Table) -> frozenset[tuple[str, str]]:
    """Return the pairs of lists that share no told cell with persons, each sorted."""
    cells = [cell for cell, persons in table.told.items() if persons]
    pairs = combinations(sorted(table.lists), 2)
    return frozenset(pair for pair in pairs if not any(set(pair) <= cell for cell in cells))


def fit(table: Table, model: Model) -> Fit:
    """Return *model* fitted to *table*; raise NoFitError where it does not settle."""
    means, log_likelihood = _fitted(table, model, None)
    count = 1 + len(table.lists) + len(model)
    return Fit(
        model=model,
        undetected=float(means[-1]),
        log_likelihood=log_likelihood,
        parameters=count,
        aic=2 * count - 2 * log_likelihood,
        bic=float(count * np.log(table.detected)) - 2 * log_likelihood,
    )


def log_likelihood_of(table: Table, model: Model, undetected: float) -> float:
    """Return the largest log-likelihood of *table* and so many *undetected* persons, given that there are so many.

    Multinomial over all combinations, none included, up to what depends on the told cells alone (Cormack 1992).
    """
    means, poisson = _fitted(table, model, undetected)
    whole = table.detected + undetected
    of_total = float(xlogy(whole, means.sum()) - means.sum() - gammaln(whole + 1))
    return poisson - of_total


def _design(cells: Sequence[Combination], table: Table, model: Model) -> Numbers:
    strangers = apart(table)

    def met(cell: Combination, pair: tuple[str, str]) -> int:
        return sum(set(each) <= cell for each in (strangers if pair == HIDDEN else (pair,)))

    rows = [[1, *(name in cell for name in table.lists), *(met(cell, pair) for pair in model)] for cell in cells]
    return np.array(rows, dtype=float)


def _fitted(table: Table, model: Model, undetected: float | None) -> tuple[Numbers, float]:
    """Return the means of all combinations, that of no list last, and the log-likelihood.

    Without *undetected* the combination of no list is no observation.
    """
    cells = table.combinations
    design = _design((*cells, frozenset()), table, model)
    counts = np.array([table.told.get(cell, 0) for cell in cells] + [undetected or 0], dtype=float)
    hidden = np.array([table.others > 0 and cell not in table.told for cell in cells] + [False])
    counts[hidden] = table.others / max(1, hidden.sum())
    seen = np.array([True] * len(cells) + [undetected is not None])
    start, before = None, -np.inf
    for _ in range(_ROUNDS_MAX):
        start = _parameters(counts[seen], design[seen], start)
        means = np.exp(design @ start)
        now = _log_likelihood(counts, means, seen & ~hidden, hidden, table.others)
        if not np.isfinite(now):
            break
        if abs(now - before) < _CLOSE * (1 + abs(now)):
            return means, now
        before = now
        counts[hidden] = table.others * means[hidden] / means[hidden].sum()
        if not hidden.any():
            return means, now
    raise NoFitError("the model does not settle on this table")


def _parameters(counts: Numbers, design: Numbers, start: Numbers | None) -> Numbers:
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        # That means and counts agree exactly is no fault: a table may have as many cells as the model has parameters.
        warnings.simplefilter("ignore", PerfectSeparationWarning)
        found: Numbers = GLM(counts, design, family=Poisson()).fit(start_params=start).params
        return found


def _log_likelihood(counts: Numbers, means: Numbers, told: Numbers, hidden: Numbers, others: int) -> float:
    single = xlogy(counts[told], means[told]) - means[told] - gammaln(counts[told] + 1)
    whole = means[hidden].sum()
    together = xlogy(others, whole) - whole - gammaln(others + 1) if others else 0.0
    return float(single.sum() + together)
