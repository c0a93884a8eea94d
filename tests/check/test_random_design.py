"""Unconditional enumeration against theory.md, section 2.2, and the bias of plugged-in means, section 2.4."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest

from momentalg.check.random_design import law_cumulant
from momentalg.errors import AssumptionError
from momentalg.expr.nodes import Levels, Over, Total
from tests.check.models import BY, ONE_WAY, N, S, T, distinct_values, n, y

KEYS = ("Intercept", "var(1|user)", "var(residual)", "k3(1|user)", "k3(residual)", "k4(1|user)", "k4(residual)")
VALUES = distinct_values(*KEYS)
MU, S2A, S2E, K3A, K3E, K4A, K4E = VALUES.values()
LAW = [{"p": "1/6", "size(user)": 0}, {"p": "1/2", "size(user)": 1}, {"p": "1/3", "size(user)": 3}]


def moment(k, law=LAW):
    """E[N^k]."""
    return sum(Fraction(a["p"]) * Fraction(a["size(user)"]) ** k for a in law)


def covariance(j, k):
    """Cov(N^j, N^k)."""
    return moment(j + k) - moment(j) * moment(k)


def central(k):
    """E[(N - E N)^k]."""
    return sum(comb(k, j) * moment(j) * (-moment(1)) ** (k - j) for j in range(k + 1))


def cumulant(*statistics, law=LAW, units=1):
    return law_cumulant(statistics, law, ONE_WAY, VALUES, units)


def test_totals_of_a_unit():
    assert cumulant(S) == MU * moment(1)
    assert cumulant(S, S) == moment(2) * S2A + moment(1) * S2E + MU**2 * covariance(1, 1)
    assert cumulant(S, N) == MU * covariance(1, 1)
    assert cumulant(T) == moment(1) * (MU**2 + S2A + S2E)
    assert cumulant(S**2 - T) == (moment(2) - moment(1)) * (MU**2 + S2A)
    assert cumulant(S, T) == (
        2 * MU * (moment(2) * S2A + moment(1) * S2E)
        + moment(2) * K3A
        + moment(1) * K3E
        + MU * (MU**2 + S2A + S2E) * covariance(1, 1)
    )


def test_third_and_fourth_cumulants_of_a_total():
    assert cumulant(S, S, S) == (
        moment(3) * K3A
        + moment(1) * K3E
        + 3 * MU * (covariance(1, 2) * S2A + covariance(1, 1) * S2E)
        + MU**3 * central(3)
    )
    spread = covariance(2, 2) * S2A**2 + 2 * covariance(1, 2) * S2A * S2E + covariance(1, 1) * S2E**2
    third_with_square = moment(4) - 2 * moment(1) * moment(3) - moment(2) ** 2 + 2 * moment(1) ** 2 * moment(2)
    assert cumulant(S, S, S, S) == (
        moment(4) * K4A
        + moment(1) * K4E
        + 4 * MU * (covariance(1, 3) * K3A + covariance(1, 1) * K3E)
        + 3 * spread
        + 6 * MU**2 * (third_with_square * S2A + central(3) * S2E)
        + MU**4 * (central(4) - 3 * central(2) ** 2)
    )


def test_means_of_a_unit_need_it_to_be_there():
    positive = [{"p": "1/4", "size(user)": 1}, {"p": "3/4", "size(user)": 3}]
    assert cumulant(S / N, S / N, law=positive) == S2A + moment(-1, positive) * S2E
    assert cumulant(T - S**2 / N, law=positive) == (moment(1, positive) - 1) * S2E
    with pytest.raises(AssumptionError, match="division by zero"):
        cumulant(S / N)


def test_units_are_independent_and_identically_distributed():
    assert cumulant(S, S.at("k"), units=2) == 0
    assert cumulant(S.at("k"), S.at("k"), units=2) == cumulant(S, S)
    assert cumulant(Total(y, ()), Total(y, ()), units=2) == 2 * cumulant(S, S)


SAMPLE_VARIANCE = (Over(BY, S**2) - Total(y, ()) ** 2 / Levels(BY)) / (Levels(BY) - 1)
SAMPLE_VARIANCE_OF_SIZES = (Over(BY, N**2) - n**2 / Levels(BY)) / (Levels(BY) - 1)
WITHIN = (Total(y**2, ()) - Over(BY, S**2 / N)) / (n - Levels(BY))
PLUGGED = (SAMPLE_VARIANCE - n / Levels(BY) * WITHIN - (Total(y, ()) / n) ** 2 * SAMPLE_VARIANCE_OF_SIZES) / (
    Over(BY, N**2) / Levels(BY)
)


@pytest.mark.parametrize(
    ("law", "units", "published"),
    [
        ({2: "1/2", 3: "1/2"}, 2, (0.98, -0.0077)),
        ({2: "2/3", 4: "1/3"}, 3, (0.9633, -0.0117)),
    ],
)
def test_bias_of_the_plugged_in_mean(law, units, published):
    atoms = [{"p": p, "size(user)": size} for size, p in law.items()]
    found = []
    for s2a, s2e in ((1, 0), (0, 1)):
        values = {"Intercept": "7/2", "var(1|user)": s2a, "var(residual)": s2e}
        found.append(round(float(law_cumulant((PLUGGED,), atoms, ONE_WAY, values, units)), 4))
    assert tuple(found) == published
