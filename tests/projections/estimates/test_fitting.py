"""A fit is the maximum of the likelihood, found in another way as well; what a table does not determine is refused."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import gammaln

from projections.estimates.fitting import HIDDEN, Model, apart, fit, is_estimable, log_likelihood_of
from projections.estimates.tables import Table
from tests.projections.estimates.populations import joined, simulated, table, uk_2013

UNTIMED = settings(deadline=None, max_examples=20)
"""The machine is shared: how long an example takes says nothing."""

TIES = (("L0", "L1"),)


def maximum(of: Table, model: Model) -> tuple[float, float]:
    """Return undetected and log-likelihood by direct search, without EM and without a library of models."""
    cells = of.combinations
    design = np.array([
        [1.0, *(name in cell for name in of.lists), *(_met(of, cell, pair) for pair in model)] for cell in cells
    ])  # fmt: skip
    hidden = np.array([of.others > 0 and cell not in of.told for cell in cells])
    counts = np.array([of.told.get(cell, 0) for cell in cells])

    def loss(effects: np.ndarray) -> float:
        means = np.exp(design @ effects)
        single = counts[~hidden] * np.log(means[~hidden]) - means[~hidden] - gammaln(counts[~hidden] + 1)
        whole = means[hidden].sum()
        return float(-single.sum() - (of.others * np.log(whole) - whole - gammaln(of.others + 1) if of.others else 0))

    start = np.array([7.0] + [-2.0] * len(of.lists) + [0.0] * len(model))
    found = minimize(loss, start, method="BFGS", options={"gtol": 1e-7, "maxiter": 2000})
    return float(np.exp(found.x[0])), float(-found.fun)


def _met(of: Table, cell: frozenset[str], pair: tuple[str, str]) -> float:
    if pair != HIDDEN:
        return float(set(pair) <= cell)
    names = sorted(cell)
    pairs = [(one, two) for at, one in enumerate(names) for two in names[at + 1 :]]
    return float(sum(not any({one, two} <= told for told in of.told) for one, two in pairs))


@pytest.mark.parametrize("k", [1, 11])
@pytest.mark.parametrize("model", [(), TIES, (("L0", "L1"), ("L2", "L3"))])
def test_a_fit_is_the_maximum_of_the_likelihood(k: int, model: Model) -> None:
    given_table = table(simulated(3, 3000, (0.15, 0.2, 0.1, 0.12), ((0, 1, 2.5),)), k)

    found = fit(given_table, model)
    undetected, log_likelihood = maximum(given_table, model)

    assert found.log_likelihood == pytest.approx(log_likelihood, abs=1e-4)
    assert found.undetected == pytest.approx(undetected, rel=1e-3)


def test_the_common_interaction_of_hidden_pairs_is_fitted_to_the_maximum_too() -> None:
    given_table = table(joined(uk_2013(), "NCA", "PF"), 11)
    model = (HIDDEN, ("LA", "NG"), ("LA", "PF"))

    found = fit(given_table, model)
    undetected, log_likelihood = maximum(given_table, model)

    assert apart(given_table) == {("GO", "GP"), ("GO", "LA"), ("GP", "LA"), ("GP", "NG")}
    assert found.log_likelihood == pytest.approx(log_likelihood, abs=1e-3)
    assert found.undetected == pytest.approx(undetected, rel=1e-2)


def test_where_all_is_told_the_criteria_are_those_of_statsmodels() -> None:
    given_table = table(simulated(4, 3000, (0.2, 0.2, 0.15), ()), 1)
    cells = given_table.combinations
    design = np.array([[1.0, *(name in cell for name in given_table.lists)] for cell in cells])
    oracle = sm.GLM([given_table.told.get(cell, 0) for cell in cells], design, family=sm.families.Poisson()).fit()

    found = fit(given_table, ())

    assert found.aic == pytest.approx(oracle.aic)
    assert found.undetected == pytest.approx(np.exp(oracle.params[0]))


@UNTIMED
@given(st.integers(20, 400), st.integers(20, 400), st.integers(5, 100))
def test_two_lists_give_the_estimate_of_lincoln_and_petersen(first: int, second: int, both: int) -> None:
    cells = {frozenset("A"): first, frozenset("B"): second, frozenset("AB"): both}

    assert fit(table(cells, 1), ()).undetected == pytest.approx(first * second / both)


def test_the_likelihood_of_a_number_of_undetected_is_largest_at_the_estimate() -> None:
    given_table = table(simulated(5, 3000, (0.2, 0.2, 0.15, 0.1), ()), 11)
    best = fit(given_table, ()).undetected

    around = [log_likelihood_of(given_table, (), best * each) for each in (0.8, 0.9, 1, 1.1, 1.2)]

    assert around[0] < around[1] < around[2] > around[3] > around[4]


def test_the_likelihood_of_a_number_of_undetected_is_that_of_the_multinomial() -> None:
    first, second, both = 70, 50, 20
    counted = table({frozenset("A"): first, frozenset("B"): second, frozenset("AB"): both}, 1)

    def direct(undetected: float) -> float:
        size = first + second + both + undetected
        one, two = (first + both) / size, (second + both) / size
        chances = {first: one * (1 - two), second: two * (1 - one), both: one * two, undetected: (1 - one) * (1 - two)}
        logs = sum(count * np.log(chance) for count, chance in chances.items())
        return float(gammaln(size + 1) - gammaln(undetected + 1) + logs)

    for undetected in (60.0, 300.0, 3000.0):
        found = log_likelihood_of(counted, (), undetected) - log_likelihood_of(counted, (), 175.0)
        assert found == pytest.approx(direct(undetected) - direct(175.0), abs=1e-6)


def test_what_told_cells_do_not_determine_is_not_estimable() -> None:
    cells = {frozenset("A"): 50, frozenset("B"): 40, frozenset("C"): 30, frozenset("AB"): 12, frozenset("AC"): 11}
    pairs = (("A", "B"), ("A", "C"))

    assert is_estimable(table(cells, 1), ())
    assert is_estimable(table(cells, 1), (("A", "B"),))
    assert not is_estimable(table(cells, 1), pairs)
    assert not is_estimable(table(cells, 1), (("B", "C"),))
    assert not is_estimable(table(cells, 1), (HIDDEN,))
    assert is_estimable(table({**cells, frozenset("BC"): 3, frozenset("ABC"): 4}, 11), (HIDDEN, ("A", "B")))
    assert not is_estimable(table({frozenset("A"): 50, frozenset("B"): 40, frozenset("AC"): 11}, 1), ())
