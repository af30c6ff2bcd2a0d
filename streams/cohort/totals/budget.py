"""What one person may lose to all tables together, in zero-concentrated differential privacy (zCDP), and in words.

One row per subject and table name, ever: whatever runs of a table there are, a subject is in one of them. So the runs
of a name cost a subject the largest of their rho, and names add up.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, log, sqrt
from typing import Self

from schemas.errors import MisuseError
from streams.cohort.totals.weeks import Week

_PLACES = 10_000
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class BudgetSpent:
    """A run of a table has begun, or was promised to begin; an event of the log."""

    table: str
    parameters: str
    """Hash of the table."""
    week: Week
    """From which it runs."""
    rho: Fraction
    """What the run costs each person in it."""
    rho_total: Fraction
    """What all tables so far cost a person at most."""
    epsilon_total: float
    """The same, with `delta`, rounded up."""
    delta: Fraction


class BudgetExhaustedError(MisuseError):
    """The table would cost persons more than the limit; nothing was begun."""

    code = "budget-exhausted"


@dataclass(frozen=True, slots=True)
class Budget:
    """The limit of what a person may lose, never raised once something was spent."""

    limit: Fraction
    """In rho."""
    delta: Fraction
    """The chance that epsilon does not hold; below one in the number of persons."""

    def __post_init__(self) -> None:
        if self.limit <= 0 or not 0 < self.delta < 1:
            raise MisuseError("the limit of the budget is above 0, and delta between 0 and 1")

    @classmethod
    def of_epsilon(cls, epsilon: Fraction, delta: Fraction) -> Self:
        """Return the budget of which (*epsilon*, *delta*) is all that a person may lose."""
        return cls(rho_for(epsilon, delta), delta)

    def spend(
        self, spent: Iterable[BudgetSpent], table: str, parameters: str, rho: Fraction, week: Week
    ) -> BudgetSpent:
        """Return the event of a run of *rho* beside those *spent*; raise BudgetExhaustedError above the limit."""
        dearest = {table: rho}
        for each in spent:
            dearest[each.table] = max(each.rho, dearest.get(each.table, each.rho))
        total = sum(dearest.values(), Fraction(0))
        if total > self.limit:
            raise BudgetExhaustedError(
                "the budget of the open statistics does not allow this table: give it fewer columns, a smaller rho, "
                "or the name of a table that it takes the place of"
            )
        epsilon = epsilon_of(total, self.delta)
        return BudgetSpent(table, parameters, week, rho, total, epsilon, self.delta)


def epsilon_of(rho: Fraction, delta: Fraction) -> float:
    """Return the epsilon that *rho* comes to with *delta*, rounded up to four places.

    rho + 2 sqrt(rho ln(1 / delta)): Bun and Steinke 2016, proposition 1.3; tighter conversions exist, none is needed.
    """
    exact = float(rho) + 2 * sqrt(float(rho) * -log(delta))
    return ceil(exact * _PLACES) / _PLACES


def rho_for(epsilon: Fraction, delta: Fraction) -> Fraction:
    """Return the largest rho, in whole millionths, of which `epsilon_of` is at most *epsilon*."""
    root = sqrt(-log(delta) + float(epsilon)) - sqrt(-log(delta))
    millionths = int(root * root * _MILLION) + 1
    while millionths and epsilon_of(Fraction(millionths, _MILLION), delta) > epsilon:
        millionths -= 1
    if not millionths:
        raise MisuseError("so small an epsilon leaves no noise that could be told: choose a larger one")
    return Fraction(millionths, _MILLION)
