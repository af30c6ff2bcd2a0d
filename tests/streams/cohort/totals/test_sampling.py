"""The noise has exactly the distribution that the promise needs, and a node has one noise for ever."""

from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from streams.cohort.totals.sampling import Coins, discrete_gaussian, discrete_laplace

DRAWS = 6000
ALARM = 1e-4
"""A right sampler fails with this chance, and then always: the coins are fixed."""


def misfit(draw: Callable[[Coins], int], weight: Callable[[int], float], reach: int, node: str) -> float:
    """Return the chance of so bad a chi-square if *weight* says how likely each value is; tails are one cell each."""
    coins = Coins(b"k" * 32, node)
    seen = Counter(max(-reach, min(reach, draw(coins))) for _ in range(DRAWS))
    weights = {at: weight(at) for at in range(-reach, reach + 1)}
    for far in range(reach + 1, reach + 400):
        weights[reach] += weight(far)
        weights[-reach] += weight(-far)
    whole = sum(weights.values())
    expected = {at: DRAWS * each / whole for at, each in weights.items()}
    assert min(expected.values()) > 5
    statistic = sum((seen[at] - each) ** 2 / each for at, each in expected.items())
    return float(chi2.sf(statistic, len(expected) - 1))


@pytest.mark.parametrize(
    ("variance", "reach"), [(Fraction(1, 3), 1), (Fraction(1), 2), (Fraction(7, 2), 4), (Fraction(30), 12)]
)
def test_the_discrete_gaussian_has_its_distribution(variance: Fraction, reach: int) -> None:
    chance = misfit(
        lambda coins: discrete_gaussian(coins, variance),
        lambda at: exp(-at * at / (2 * float(variance))),
        reach,
        f"gaussian {variance}",
    )

    assert chance > ALARM


@pytest.mark.parametrize(("scale", "reach"), [(1, 3), (4, 12)])
def test_the_discrete_laplace_has_its_distribution(scale: int, reach: int) -> None:
    chance = misfit(
        lambda coins: discrete_laplace(coins, scale), lambda at: exp(-abs(at) / scale), reach, f"laplace {scale}"
    )

    assert chance > ALARM


def test_the_check_of_distributions_sees_a_variance_that_is_a_sixth_off() -> None:
    chance = misfit(
        lambda coins: discrete_gaussian(coins, Fraction(7, 2)),
        lambda at: exp(-at * at / (2 * 3.0)),
        4,
        "off",
    )

    assert chance < ALARM


def test_noise_on_the_lattice_of_a_year_has_the_variance_asked_for() -> None:
    variance = Fraction(4**94 * 5)
    coins = Coins(b"k" * 32, "wide")
    drawn = [Fraction(discrete_gaussian(coins, variance)) for _ in range(1500)]

    ratio = float(sum(each * each for each in drawn) / len(drawn) / variance)

    assert ratio == pytest.approx(1, abs=4 * (2 / 1500) ** 0.5)
    assert len({each % 4 for each in drawn}) == 4


@given(st.binary(min_size=32, max_size=32), st.text(max_size=20))
def test_a_node_has_one_noise_for_ever(key: bytes, node: str) -> None:
    first, again = (discrete_gaussian(Coins(key, node), Fraction(10**20)) for _ in range(2))

    assert first == again
    assert first != discrete_gaussian(Coins(key, node + "x"), Fraction(10**20))
    assert first != discrete_gaussian(Coins(bytes(32 * [key[0] ^ 1]), node), Fraction(10**20))


@given(st.integers(1, 10**40))
def test_a_number_below_a_limit_is_below_it(limit: int) -> None:
    coins = Coins(b"k" * 32, "below")

    assert all(0 <= coins.below(limit) < limit for _ in range(20))


def test_each_number_below_a_limit_is_as_likely() -> None:
    coins = Coins(b"k" * 32, "fair")
    seen = Counter(coins.below(11) for _ in range(5500))

    assert chi2.sf(sum((count - 500) ** 2 / 500 for count in seen.values()), 10) > ALARM
    assert len(seen) == 11
