"""The square root of counting is exact, costs what is said of it, and is as precise as the research found."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.cohort.totals.budget import rho_for
from streams.cohort.totals.factorising import (
    coefficients,
    noise_variance,
    released,
    squared_norm,
    total_variance,
    unit,
)

DELTA = Fraction(1, 1_000_000)
horizons = st.integers(1, 70)


def root(horizon: int) -> np.ndarray:
    """Return R in units, as a matrix of whole numbers of any size."""
    factors = coefficients(horizon)
    return np.array(
        [[factors[row - at] if at <= row else 0 for at in range(horizon)] for row in range(horizon)], object
    )


@given(horizons)
def test_the_square_of_the_root_counts_exactly(horizon: int) -> None:
    counting = np.tril(np.ones((horizon, horizon), object)) * unit(horizon) ** 2

    assert (root(horizon) @ root(horizon) == counting).all()


@given(horizons, st.sampled_from([Fraction(1, 50), Fraction(1, 4), Fraction(2)]))
def test_no_week_of_arrival_costs_a_person_more_than_rho_and_the_first_costs_all(horizon: int, rho: Fraction) -> None:
    moved = (root(horizon) ** 2).sum(axis=0)
    costs = [Fraction(int(each)) / (2 * noise_variance(horizon, rho)) for each in moved]

    assert max(costs) == costs[0] == rho


@given(
    st.integers(1, 60).flatmap(
        lambda horizon: st.tuples(
            st.just(horizon),
            st.lists(st.tuples(st.integers(0, 40), st.integers(-(2**90), 2**90)), min_size=1, max_size=horizon),
        )
    )
)
def test_what_is_told_is_the_matrix_computation_done_offline(case: tuple[int, list[tuple[int, int]]]) -> None:
    horizon, weeks = case
    arrived, draws = (np.array(each, object) for each in zip(*weeks, strict=True))
    inside = root(horizon)[: len(weeks), : len(weeks)]
    offline = inside @ (inside @ arrived + draws)

    told = [released(horizon, int(sum(arrived[: at + 1])), list(draws[: at + 1])) for at in range(len(weeks))]

    halves = [Fraction(int(each), unit(horizon) ** 2) for each in offline]
    assert all(Fraction(-1, 2) < value - exact <= Fraction(1, 2) for value, exact in zip(told, halves, strict=True))


def test_the_offline_computation_in_floating_point_agrees() -> None:
    horizon, generator = 52, np.random.default_rng(7)
    arrived, noise = generator.poisson(9, horizon), generator.normal(0, 3, horizon)
    lags = np.subtract.outer(np.arange(horizon), np.arange(horizon))
    factors = np.array([float(Fraction(each, unit(horizon))) for each in coefficients(horizon)])
    matrix = np.where(lags >= 0, factors[np.maximum(lags, 0)], 0)
    exact = [int(each * 2**30) * unit(horizon) // 2**30 for each in noise]

    told = [released(horizon, int(arrived[: at + 1].sum()), exact[: at + 1]) for at in range(horizon)]

    assert np.abs(told - (np.cumsum(arrived) + matrix @ noise)).max() < 0.501


@pytest.mark.parametrize(
    ("horizon", "epsilon", "deviation"),
    [(365, 1, 15.8), (365, 4, 4.1), (365, 12, 1.5), (52, 1, 12.4), (52, 4, 3.3)],
)
def test_the_standard_deviation_is_that_of_the_research(horizon: int, epsilon: int, deviation: float) -> None:
    """`research/privacy.md` §3.4: square-root factorisation, zCDP, delta 1e-6."""
    rho = rho_for(Fraction(epsilon), DELTA)

    assert float(total_variance(horizon, rho, horizon)) ** 0.5 == pytest.approx(deviation, abs=0.06)


@given(horizons, st.integers(1, 70))
def test_the_variance_is_that_of_the_noise_that_is_added_up(horizon: int, weeks: int) -> None:
    weeks, rho = min(weeks, horizon), Fraction(1, 4)
    row = root(horizon)[weeks - 1]
    of_row = Fraction(int((row**2).sum()), unit(horizon) ** 4) * noise_variance(horizon, rho)

    assert of_row == total_variance(horizon, rho, weeks)
    assert squared_norm(horizon, weeks) <= squared_norm(horizon, horizon)
