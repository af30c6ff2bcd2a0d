"""The estimate of persons not detected, with all that a reader needs to doubt it, or why there is none.

A fold of the published overlap table alone: it tells of nobody what that does not tell. Method: multiple systems
estimation with log-linear models (Bales, Hesketh and Silverman 2015; Cormack 1989), interval by profile likelihood.
"""

from dataclasses import dataclass
from typing import Any

from scipy.optimize import brentq
from scipy.stats import chi2

from projections.estimates.choosing import Choice, Criterion, choose
from projections.estimates.fitting import Fit, NoFitError, log_likelihood_of
from projections.estimates.tables import Table

LISTS_MIN = 3
OVERLAPS_MIN = 2
"""Told cells on several lists: with one alone, everything would hang on it."""

NEAR = 2.0
"""A model whose criterion is no more above the chosen one's explains the table about as well."""

_FAR = 1e4
"""Times the detected persons: an interval that reaches beyond says nothing."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """A model that explains the table about as well, and what it would have said."""

    model: tuple[tuple[str, str], ...]
    undetected: float
    aic: float
    bic: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """How many were not detected: an estimate, never a count."""

    year: int
    lists: tuple[str, ...]
    detected: int
    others: int
    """Of these, in combinations that the table does not tell."""
    undetected: float
    low: float
    high: float
    """Interval of the undetected, at `level`, given the model: that it was chosen by the same table is not in it."""
    level: float
    model: tuple[tuple[str, str], ...]
    """Interactions beside the effects of the lists."""
    criterion: Criterion
    aic: float
    bic: float
    parameters: int
    alternatives: tuple[Alternative, ...]
    refused: int
    """Models that the table does not determine."""


@dataclass(frozen=True, slots=True)
class NoEstimate:
    """There is no estimate; `reason` is a stable code, `text` is for people."""

    year: int
    reason: str
    text: str


def estimate(table: Table, *, criterion: Criterion = Criterion.AIC, level: float = 0.95) -> Estimate | NoEstimate:
    """Return the estimate that *table* gives at confidence *level*, or why it gives none."""
    if refusal := _refusal(table):
        return refusal
    try:
        choice = choose(table, criterion)
        low, high = _interval(table, choice.chosen, level)
    except NoFitError:
        return NoEstimate(table.year, "no-fit", "No model settles on the table, or none bounds the undetected.")
    return _estimate(table, choice, criterion, level, (low, high))


def estimate_published(plain: dict[str, Any], criterion: Criterion = Criterion.AIC) -> Estimate | NoEstimate:
    """Return what `OverlapTold`, as plain data, gives; of a year without a table the reason it has for that.

    Raises BadTableError when *plain* is neither.
    """
    if plain.get("reason"):
        text = "Overlaps of the year are too small to be told, whichever lists are joined."
        return NoEstimate(int(plain["year"]), str(plain["reason"]), text)
    return estimate(Table.from_plain(plain), criterion=criterion)


def _refusal(table: Table) -> NoEstimate | None:
    if len(table.lists) < LISTS_MIN:
        return NoEstimate(table.year, "too-few-lists", f"An estimate needs at least {LISTS_MIN} lists.")
    if any(0 < persons < table.k for persons in table.told.values()) or 0 < table.others < table.k:
        return NoEstimate(table.year, "cell-below-k", "A cell of the table has fewer persons than may be told.")
    overlaps = [cell for cell, persons in table.told.items() if len(cell) > 1 and persons]
    alone = sorted(set(table.lists).difference(*overlaps))
    if alone or len(overlaps) < OVERLAPS_MIN:
        text = "Too few overlaps have at least k persons: join lists of a kind, or wait for a larger year."
        return NoEstimate(table.year, "overlaps-below-k", " ".join([text, *(f"Alone: {name}." for name in alone)]))
    return None


def _interval(table: Table, chosen: Fit, level: float) -> tuple[float, float]:
    """Return between which numbers the likelihood is close to the best; raise NoFitError where that is endless."""
    allowed = float(chi2.ppf(level, 1)) / 2
    top = log_likelihood_of(table, chosen.model, chosen.undetected)

    def below(undetected: float) -> float:
        return top - log_likelihood_of(table, chosen.model, undetected) - allowed

    far = chosen.undetected + 1
    while below(far) < 0:
        far *= 2
        if far > _FAR * table.detected:
            raise NoFitError("the interval has no end")
    low = 0.0 if below(0) < 0 else brentq(below, 0, chosen.undetected, xtol=0.01)
    return float(low), float(brentq(below, chosen.undetected, far, xtol=0.01))


def _estimate(
    table: Table, choice: Choice, criterion: Criterion, level: float, interval: tuple[float, float]
) -> Estimate:
    chosen = choice.chosen
    limit = getattr(chosen, criterion) + NEAR
    near = [each for each in choice.considered if each != chosen and getattr(each, criterion) <= limit]
    return Estimate(
        year=table.year,
        lists=table.lists,
        detected=table.detected,
        others=table.others,
        undetected=chosen.undetected,
        low=interval[0],
        high=interval[1],
        level=level,
        model=chosen.model,
        criterion=criterion,
        aic=chosen.aic,
        bic=chosen.bic,
        parameters=chosen.parameters,
        alternatives=tuple(Alternative(each.model, each.undetected, each.aic, each.bic) for each in near),
        refused=len(choice.refused),
    )
