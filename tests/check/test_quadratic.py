"""The quadratic-form oracle against the exact variances of theory.md, section 9, and a form read by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest

from momentalg.check.quadratic import QuadraticOracle
from momentalg.errors import StatisticError
from momentalg.expr.nodes import Over, Total, over
from tests.check.models import BY, ONE_WAY, N, S, distinct_values, n, one_way_rows, y

KEYS = ("Intercept", "var(1|user)", "var(residual)", "k3(1|user)", "k3(residual)", "k4(1|user)", "k4(residual)")
VALUES = distinct_values(*KEYS)
MU, S2A, S2E, K3A, K3E, K4A, K4E = VALUES.values()
SSW = Total(y**2, ()) - over("user", S**2 / N)
SSA = over("user", S**2 / N) - Total(y, ()) ** 2 / n


def test_the_form_of_a_statistic():
    form = QuadraticOracle(one_way_rows(2, 1), ONE_WAY, VALUES).form(Over(BY, S**2) + 3 * Total(y, ()) + 5)
    assert form.constant == 5
    assert form.linear == [3, 3, 3]
    assert form.matrix == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]


@pytest.mark.parametrize("sizes", [(1, 2, 4), (3, 3), (2, 5, 1, 1)])
def test_analysis_of_variance_estimators(sizes):
    oracle = QuadraticOracle(one_way_rows(*sizes), ONE_WAY, VALUES)
    count, m, n2, n3 = sum(sizes), len(sizes), sum(k**2 for k in sizes), sum(k**3 for k in sizes)
    f = count - Fraction(n2, count)
    within = SSW / (count - m)
    between = (SSA - (m - 1) * within) / f
    assert oracle.mean(within) == S2E
    assert oracle.mean(between) == S2A
    assert oracle.covariance(within, within) == 2 * S2E**2 / (count - m) + K4E * sum(
        k * (1 - Fraction(1, k)) ** 2 for k in sizes
    ) / Fraction((count - m) ** 2)
    gap = count**2 - n2
    normal = Fraction(2 * count, gap) * (
        Fraction(count * (count - 1) * (m - 1), (count - m) * gap) * S2E**2
        + 2 * S2E * S2A
        + Fraction(count**2 * n2 + n2**2 - 2 * count * n3, count * gap) * S2A**2
    )
    ratio = Fraction(m - 1, count - m)
    kurtosis = K4A * sum(Fraction(k * k) * (1 - Fraction(k, count)) ** 2 for k in sizes) / f**2
    kurtosis += (
        K4E / f**2 * sum(k * ((Fraction(1, k) - Fraction(1, count)) - ratio * (1 - Fraction(1, k))) ** 2 for k in sizes)
    )
    assert oracle.covariance(between, between) == normal + kurtosis


def test_mean_and_variance_estimates_are_correlated_through_skewness():
    oracle = QuadraticOracle(one_way_rows(1, 2, 4), ONE_WAY, VALUES)
    assert oracle.covariance(Total(y, ()) / n, SSW / 4) == K3E / 7


def test_variance_of_a_square_of_the_uncentred_response():
    oracle = QuadraticOracle(one_way_rows(1), ONE_WAY, VALUES)
    v = S2A + S2E
    assert oracle.covariance(Total(y, ()) ** 2, Total(y**2, ())) == (
        4 * MU**2 * v + 2 * v**2 + 4 * MU * (K3A + K3E) + K4A + K4E
    )


def test_a_cubic_statistic_is_refused():
    with pytest.raises(StatisticError, match="degree 2 or less"):
        QuadraticOracle(one_way_rows(2, 1), ONE_WAY, VALUES).mean(Total(y**3, ()))
