"""The benchmark of efficiency measures what it says."""

from __future__ import annotations

import numpy as np
import pytest

from tests.benchmarks.efficiency import Errors, Estimator, errors_of, table
from tests.benchmarks.price_of_averaging import ratio_of_roots
from tests.benchmarks.simulated_designs import DESIGNS, EFFECTS, SIZES


@pytest.mark.parametrize("name", EFFECTS)
def test_effects_have_mean_0_and_the_variance_that_is_asked(name):
    values = EFFECTS[name](np.random.default_rng(1), 0.3, 10**6)
    squares = (values - values.mean()) ** 2
    assert abs(values.mean()) < 4 * values.std() / 1000
    assert abs(squares.mean() - 0.3) < 4 * squares.std() / 1000


@pytest.mark.parametrize(("name", "expected"), [("Poisson", 10), ("lognormal", 12), ("power-law", 11.5)])
def test_sizes_are_about_as_said_and_never_0(name, expected):
    sizes = SIZES[name](np.random.default_rng(1), 10**5)
    assert sizes.min() >= 1
    assert sizes.mean() == pytest.approx(expected, rel=0.1)


def test_the_standard_error_of_a_ratio_of_roots():
    """Against the spread of the ratios of many samples of paired squares."""
    random = np.random.default_rng(1)
    ratios, errors = [], []
    for _ in range(1000):
        common = random.standard_normal(400)
        above, below = common + 0.5 * random.standard_normal(400), common
        ratio, error = ratio_of_roots(above**2, below**2)
        ratios.append(ratio)
        errors.append(error)
    assert np.mean(ratios) == pytest.approx(np.sqrt(1.25), rel=0.01)
    assert np.std(ratios) == pytest.approx(np.mean(errors), rel=0.1)


def test_the_same_data_for_the_same_number():
    for design in DESIGNS:
        first, again, other = design.data(3), design.data(3), design.data(4)
        assert all(np.array_equal(first[name], again[name]) for name in first)
        assert not np.array_equal(first["y"], other["y"])
    assert len({design.name for design in DESIGNS}) == len(DESIGNS)


def test_without_another_program_iterated_weights_are_the_reference():
    design = next(d for d in DESIGNS if d.name.startswith("one factor, lognormal"))
    estimators = [
        Estimator("two-step"),
        Estimator("iterated", weighting="iterated"),
        Estimator("none", weighting="none"),
    ]
    errors = errors_of(design, 4, estimators, {})
    assert errors.reference == "iterated"
    ratios = {(e.estimator, e.key): e.ratio for e in errors.entries()}
    assert {ratios["iterated", key] for key in design.truth} == {1.0}
    assert ratios["none", "var(1|user)"] != 1.0
    assert "| `var(residual)` |" in table(errors)


def test_what_was_not_fitted_is_left_out_of_the_pairs_and_failures_are_counted():
    design = DESIGNS[0]
    reml, other = [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0], [3.0, 3.0, 3.0]], [[2.0] * 3, [np.nan] * 3, [6.0] * 3]
    found = {"iterated": reml, "other": other}
    errors = Errors(
        design, "iterated", [Estimator("other")], found, {"iterated": 0, "other": 1}, dict.fromkeys(found, 0.0)
    )
    assert {(e.ratio, e.replicates) for e in errors.entries()} == {(2.0, 2)}
    assert "No solution: {'other': 1}." in table(errors)
