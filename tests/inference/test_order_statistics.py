"""Expected normal order statistics, and the bands of quantile plots."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from momentalg.inference.order_statistics import band, expected


@pytest.mark.parametrize("n", [2, 3, 10, 100, 5000])
@pytest.mark.parametrize("level", [0.5, 0.95, 0.99])
def test_the_band_is_that_of_the_beta_law(n, level):
    ranks = np.unique(np.linspace(1, n, min(n, 60)).astype(int))
    low, high = band(ranks, n, level)
    tail = (1 - level) / 2
    np.testing.assert_allclose(low, stats.norm.ppf(stats.beta.ppf(tail, ranks, n + 1 - ranks)), atol=0.06)
    np.testing.assert_allclose(high, stats.norm.ppf(stats.beta.ppf(1 - tail, ranks, n + 1 - ranks)), atol=0.06)
    np.testing.assert_allclose(high[ranks == n], stats.norm.ppf((1 - tail) ** (1 / n)), rtol=1e-9)  # exact at the ends


def test_order_statistics_are_expected_where_their_means_are():
    drawn = np.sort(np.random.default_rng(5).normal(size=(40_000, 7)), axis=1)
    error = drawn.std(axis=0) / 200
    assert (np.abs(expected(np.arange(1, 8), 7) - drawn.mean(axis=0)) < 0.01 + 4 * error).all()
    inside = [(low < x) & (x < high) for x, low, high in zip(drawn.T, *band(np.arange(1, 8), 7, 0.9), strict=True)]
    np.testing.assert_allclose(np.mean(inside, axis=1), 0.9, atol=0.01)


def test_one_observation():
    assert expected(np.array([1]), 1).tolist() == [0.0]
    low, high = band(np.array([1]), 1, 0.95)
    np.testing.assert_allclose([low[0], high[0]], [-1.959964, 1.959964], rtol=1e-6)
