"""The square root of counting: how noise is spread over weeks so that all running totals together cost little.

A running total over T weeks is a product A x, A the lower triangle of ones. A is the square of the Toeplitz matrix R
of the coefficients f_k = C(2k, k) / 4^k, because their power series is (1 - z)^(-1/2). Released is
A x + R w = R (R x + w), w independent noise of each week. One person changes x by 1 in one week, so R x by one column
of R, of squared length f_0² + … + f_(T-1)² at most: about ln(T) / pi + 1 instead of the T of noise on each total.
Source: Fichtenberger, Henzinger, Upadhyay, "Constant matters" (SODA 2023); `research/privacy.md` §3.4.

Noise has to lie on a lattice that R x lies on as well, or a reader would see from the fraction which of two inputs it
was: everything here is in units of 1 / 4^(T-1), of which each f_k is a whole number.
"""

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from math import comb


@cache
def coefficients(horizon: int) -> tuple[int, ...]:
    """Return f_0 … f_(T-1) for *horizon* weeks T, each in units of 1 / 4^(T-1)."""
    return tuple(comb(2 * lag, lag) * 4 ** (horizon - 1 - lag) for lag in range(horizon))


def unit(horizon: int) -> int:
    """Return how many units are one person."""
    return int(4 ** (horizon - 1))


@cache
def squared_norm(horizon: int, weeks: int) -> Fraction:
    """Return f_0² + … + f_(weeks-1)², in persons²; over all weeks the squared sensitivity of R x to one person."""
    return Fraction(sum(each * each for each in coefficients(horizon)[:weeks]), unit(horizon) ** 2)


def noise_variance(horizon: int, rho: Fraction) -> Fraction:
    """Return the variance of the noise of one week, in units squared, at which a table costs *rho* of zCDP.

    A discrete Gaussian of variance v that is moved by d costs d² / 2v (Canonne, Kamath, Steinke 2020, theorem 4), and
    independent ones add up.
    """
    return squared_norm(horizon, horizon) * unit(horizon) ** 2 / (2 * rho)


def total_variance(horizon: int, rho: Fraction, weeks: int) -> Fraction:
    """Return the variance of the running total that is released after *weeks* weeks, before rounding, in persons²."""
    return squared_norm(horizon, horizon) * squared_norm(horizon, weeks) / (2 * rho)


def released(horizon: int, count: int, draws: Sequence[int]) -> int:
    """Return what is told after as many weeks as there are *draws*: *count* with their noise, rounded half up.

    *draws* are the noise of each week since the first, in units.
    """
    noise = sum(factor * draw for factor, draw in zip(coefficients(horizon), reversed(draws), strict=False))
    whole = unit(horizon) ** 2
    return (2 * (count * whole + noise) + whole) // (2 * whole)
