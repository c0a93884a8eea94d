"""Goodness of fit of laws of sizes: fits against formulas, p-values against their nominal level."""

from __future__ import annotations

import math

import numpy as np
import pytest

import momentalg as ma
from momentalg.inference.fitted_laws import LawFamily
from momentalg.inference.size_laws import dispersion, goodness_of_fit
from momentalg.inference.sizes import sizes

POISSON, NEGATIVE_BINOMIAL = ma.Poisson(symbol="rate of it"), ma.NegativeBinomial()


def drawn(law, levels, seed):
    return law.sample(np.random.default_rng(seed), levels)


@pytest.mark.parametrize(
    ("law", "truth"),
    [
        (ma.Geometric(), ma.Geometric("1/5")),
        (ma.ZeroTruncatedPoisson(), ma.ZeroTruncatedPoisson("7/2")),
        (ma.ZeroTruncatedNegativeBinomial(), ma.ZeroTruncatedNegativeBinomial(4, "3/2")),
        (ma.ZeroTruncatedNegativeBinomial(shape=2), ma.ZeroTruncatedNegativeBinomial(4, 2)),
    ],
)
def test_from_exact_cumulants_the_parameters_come_back_and_so_do_the_probabilities(law, truth):
    family = LawFamily(law, truncated=False)
    theta = family.fit(np.array([float(truth.cumulant(k + 1)) for k in range(family.free_count)]))
    free = {name: float(value) for name, value in truth.parameters.items() if name in law.free}
    assert dict(zip(law.free, theta, strict=True)) == pytest.approx(free, rel=1e-6)
    expected = [float(truth.pmf(k)) for k in range(1, 60)]
    assert family.probabilities(theta, 59) == pytest.approx(expected, rel=1e-5, abs=1e-13)


def test_a_law_without_katz_ratios_is_asked_for_each_probability():
    law = ma.empirical([1, 2, 2, 5])
    assert LawFamily(law, False).probabilities(np.array([]), 5).tolist() == [0.25, 0.5, 0, 0, 0.25]


def test_the_statistic_is_the_sum_over_cells():
    size = drawn(ma.Geometric("1/3"), 300, 1)
    found = goodness_of_fit(size, ma.Geometric(), replicates=19)
    p = 1 / size.mean()
    assert found.parameters["p"] == pytest.approx(p)
    edges = [int(name.split("-")[0].rstrip("+")) for name in found.cells.index]
    tail = [300 * (1 - p) ** (e - 1) for e in edges] + [0.0]
    expected = -np.diff(tail)
    observed = [int(((size >= a) & (size < b)).sum()) for a, b in zip(edges, [*edges[1:], math.inf], strict=True)]
    assert found.cells["expected"].to_numpy() == pytest.approx(expected)
    assert found.cells["observed"].tolist() == observed
    assert found.statistic == pytest.approx(((observed - expected) ** 2 / expected).sum())
    assert (expected >= 5).all()


@pytest.mark.parametrize(
    ("law", "truth", "expected"),
    [(POISSON, ma.Poisson(2), 60), (NEGATIVE_BINOMIAL, ma.NegativeBinomial(5, 2), 40)],
)
def test_p_values_are_uniform_under_the_law(law, truth, expected):
    """Of 150 samples with empty levels left out, 10 % have p <= 0.1, and their mean is that of 1/50, ..., 1; z-scores.

    There are few cells, so that it counts that parameters are fitted anew to each bootstrap sample.
    """
    p = []
    for seed in range(150):
        size = drawn(truth, 250, seed)
        p.append(goodness_of_fit(size[size > 0], law, replicates=49, seed=1000 + seed, expected=expected).p_value)
    assert abs(np.mean(np.array(p) <= 0.1) - 0.1) < 3.5 * math.sqrt(0.09 / 150)
    assert abs(np.mean(p) - 0.51) < 3.5 * math.sqrt(1 / 12 / 150), np.mean(p)


def test_another_law_is_found_out():
    size = drawn(ma.NegativeBinomial(4, 1), 400, 2)
    found = goodness_of_fit(size[size > 0], ma.Poisson(), replicates=99)
    assert found.p_value == 0.01
    assert found.truncated
    assert "given N >= 1" in repr(found)
    assert dispersion(size[size > 0], ma.Poisson()).ratio > 2
    assert "given N >= 1" in repr(dispersion(size[size > 0], ma.Poisson()))
    assert goodness_of_fit(size[size > 0], ma.NegativeBinomial(), replicates=99).p_value > 0.01


def test_the_seed_makes_it_the_same():
    size = drawn(ma.Geometric("1/4"), 200, 3)
    first, again, other = (goodness_of_fit(size, ma.Geometric(), replicates=99, seed=s).p_value for s in (1, 1, 2))
    assert first == again
    assert other == pytest.approx(first, abs=0.2)


@pytest.mark.parametrize(
    ("law", "truth"),
    [(ma.Geometric(), ma.Geometric("1/4")), (ma.Poisson(), ma.ZeroTruncatedPoisson(3)), (ma.Poisson(3), ma.Poisson(3))],
)
def test_the_dispersion_test_keeps_its_level(law, truth):
    z = []
    for seed in range(400):
        size = drawn(truth, 800, seed)
        z.append(dispersion(size[size > 0], law).statistic)
    assert abs(np.mean(z)) < 0.35  # skewed, of order 1/sqrt(levels)
    assert np.std(z) == pytest.approx(1, abs=0.15)


def test_the_third_cumulant_is_compared_where_two_are_fitted():
    z = [dispersion(drawn(ma.ZeroTruncatedNegativeBinomial(5, 2), 2000, s), ma.NegativeBinomial()) for s in range(80)]
    assert {t.order for t in z} == {3}
    assert np.std([t.statistic for t in z]) == pytest.approx(1, abs=0.3)


def test_fits_of_what_cannot_be_fitted_are_errors():
    size = drawn(ma.ZeroTruncatedPoisson(3), 200, 5)
    size = size[(size > 1) & (size < 6)]  # less dispersed than any negative binomial
    with pytest.raises(ma.ModelError, match=r"no value of mean, shape.*ma\.Poisson\(\) has one parameter less"):
        goodness_of_fit(size, ma.NegativeBinomial())
    with pytest.raises(ma.ModelError, match="a law of sizes is asked for"):
        goodness_of_fit(size, ma.Normal())
    with pytest.raises(ma.ModelError, match="nothing to fit"):
        goodness_of_fit(size, ma.Constant())
    with pytest.raises(ma.DataError, match="do not fill two cells"):
        goodness_of_fit(size[:6], ma.Geometric())
    with pytest.raises(ma.DataError, match="probability 0 under the law"):
        goodness_of_fit(size - 1, ma.empirical([2, 3, 4, 5]), expected=1)


def test_it_is_a_method_of_the_sizes():
    size = drawn(ma.Geometric("1/4"), 200, 6)
    found = sizes(ma.Model("y ~ 1 + (1 | user)"), {"user": np.repeat(range(200), size), "y": np.zeros(size.sum())})
    assert (
        found.goodness_of_fit(ma.Geometric(), replicates=9).statistic
        == goodness_of_fit(size, ma.Geometric(), replicates=9).statistic
    )
    assert found.dispersion(ma.Geometric()) == dispersion(size, ma.Geometric())
