"""Derivations given the design against the formulas of theory.md, sections 1, 2.1, 5, 8 and 9, symbolically."""

from __future__ import annotations

import pytest

import momentalg as ma
from tests.derive.theory import Letters, agrees, by_name, design_letter

ONE = ma.Model("y ~ 1 + (1 | user)")
y, N, n, m_levels = ONE.y, ONE.size("user"), ONE.size(), ma.over("user", 1)
S, G, SQUARES = ONE.total(y, by="user"), ONE.total(y), ONE.total(y**2)
BETWEEN = ma.over("user", S**2 / N)
SSA, SSW = BETWEEN - G**2 / n, SQUARES - BETWEEN
L = Letters(ONE)
mu, sa, se, k3a, k3e, k4a, k4e = L.mu, L.sa, L.se, L.k3a, L.k3e, L.k4a, L.k4e
size, m = design_letter("size()"), design_letter("levels(user)")
N2, N3, N4 = (design_letter(f"sum(size(user)^{k})") for k in (2, 3, 4))
INVERSES, INVERSE2, INVERSE3 = (design_letter(f"sum(size(user)^-{k})") for k in (1, 2, 3))
N_I = design_letter("size(user)[i]")


def holds(derivation, expected):
    """The derivation verifies, and its result is the formula."""
    assert derivation.verify()
    assert agrees(derivation.result, expected)
    assert agrees(derivation.canonical, expected)


def mean(statistic):
    return ONE.mean(statistic, given=ma.design)


def test_a_total():
    given = {"given": ma.design}
    holds(mean(S), N_I * mu)
    holds(ONE.var(S, **given), N_I**2 * sa + N_I * se)
    holds(ONE.cumulant(S, S, S, **given), N_I**3 * k3a + N_I * k3e)
    holds(ONE.cumulant(S, S, S, S, **given), N_I**4 * k4a + N_I * k4e)
    assert ONE.cov(S, S.at("k"), **given).result == 0


MOMENTS = {
    "SSW": (SSW, (size - m) * se),
    "SSA": (SSA, (size - N2 / size) * sa + (m - 1) * se),
    "uncorrected between": (BETWEEN, size * mu**2 + size * sa + m * se),
    "squared totals": (ma.over("user", S**2), N2 * (mu**2 + sa) + size * se),
    "squares": (SQUARES, size * (mu**2 + sa + se)),
    "sample variance of totals": (
        (ma.over("user", S**2) - G**2 / m_levels) / (m_levels - 1),
        N2 / m * sa + size / m * se + mu**2 * (N2 - size**2 / m) / (m - 1),
    ),
    "sample variance of means": (
        (ma.over("user", (S / N) ** 2) - ma.over("user", S / N) ** 2 / m_levels) / (m_levels - 1),
        sa + se * INVERSES / m,
    ),
    "centred totals, MINQUE(0)": (
        ma.over("user", (S - N * G / n) ** 2),
        sa * (N2 - 2 * N3 / size + N2**2 / size**2) + se * (size - N2 / size),
    ),
    "total sum of squares": (SQUARES - G**2 / n, sa * (size - N2 / size) + se * (size - 1)),
    "pairs within": (ma.over("user", S**2) - SQUARES, (mu**2 + sa) * (N2 - size)),
    "pairs across": (G**2 - ma.over("user", S**2), mu**2 * (size**2 - N2)),
    "cubes within": (ma.over(ma.observations, (y - S / N) ** 3), k3e * (size - 3 * m + 2 * INVERSES)),
    "fourth powers within": (
        ma.over(ma.observations, (y - S / N) ** 4),
        k4e * (size - 4 * m + 6 * INVERSES - 3 * INVERSE2) + 3 * se**2 * (size - 2 * m + INVERSES),
    ),
    "squared within": (
        ma.over("user", (ONE.total(y**2, by="user") - S**2 / N) ** 2),
        k4e * (size - 2 * m + INVERSES) + (N2 - m) * se**2,
    ),
}


@pytest.mark.parametrize(("statistic", "expected"), MOMENTS.values(), ids=MOMENTS)
def test_expectations(statistic, expected):
    holds(mean(statistic), expected)


def test_hartleys_synthesis_is_the_coefficient():
    """The coefficient of var(1|user) is the sum over levels of the statistic at the level's indicator column."""
    # at the indicator of level l: S_l = N_l, S_i = 0 elsewhere, G = N_l: N_l - N_l^2 / n, and 0 for SSW
    assert agrees(mean(SSA).canonical.expand().coeff(sa), size - N2 / size)
    assert mean(SSW).canonical.expand().coeff(sa) == 0


def third(power_sums):
    """k3 of the level means from their power sums: Fisher's unbiased third cumulant."""
    s1, s2, s3 = power_sums
    m1 = m_levels
    return (m1 * s3 - 3 * s1 * s2 + 2 * s1**3 / m1) / ((m1 - 1) * (m1 - 2))


def fourth(power_sums):
    """k4 of the level means, Fisher's unbiased fourth cumulant."""
    s1, s2, s3, s4 = power_sums
    m1 = m_levels
    top = (m1**3 + m1**2) * s4 - 4 * (m1**2 + m1) * s3 * s1 - 3 * (m1**2 - m1) * s2**2
    return (top + 12 * m1 * s2 * s1**2 - 6 * s1**4) / (m1 * (m1 - 1) * (m1 - 2) * (m1 - 3))


def test_k_statistics_of_level_means_for_any_imbalance():
    sums = [ma.over("user", (S / N) ** power) for power in (1, 2, 3, 4)]
    holds(mean(third(sums[:3])), k3a + k3e * INVERSE2 / m)
    spread = (INVERSE2 - INVERSES**2 / m) / (m - 1)
    holds(mean(fourth(sums)), k4a + k4e * INVERSE3 / m + 3 * se**2 * spread)


WITHIN = SSW / (n - m_levels)


def test_variance_of_the_residual_variance():
    expected = 2 * se**2 / (size - m) + k4e * (size - 2 * m + INVERSES) / (size - m) ** 2
    holds(ONE.var(WITHIN, given=ma.design), expected)


def test_variance_of_the_anova_estimator_of_the_variance_between_levels():
    """Searle's normal part with Hammersley's and Tukey's fourth cumulants; and the covariance with the residual's."""
    f, gap, ratio = size - N2 / size, size**2 - N2, (m - 1) / (size - m)
    scale = n - ma.over("user", N**2) / n
    parts = {"aa": ONE.var(SSA, given=ma.design), "ww": ONE.var(SSW, given=ma.design)}
    parts["aw"] = ONE.cov(SSA, SSW, given=ma.design)
    assert all(d.verify() for d in parts.values())
    found = (parts["aa"].result - 2 * ratio * parts["aw"].result + ratio**2 * parts["ww"].result) / f**2
    normal = (2 * size / gap) * (
        size * (size - 1) * (m - 1) * se**2 / ((size - m) * gap)
        + 2 * se * sa
        + (size**2 * N2 + N2**2 - 2 * size * N3) * sa**2 / (size * gap)
    )
    # sum N_i [(1/N_i - 1/n) - ratio (1 - 1/N_i)]^2, multiplied out
    a, b = 1 + ratio, 1 / size + ratio
    kurtosis = k4a * (N2 - 2 * N3 / size + N4 / size**2) + k4e * (a**2 * INVERSES - 2 * a * b * m + b**2 * size)
    assert agrees(found, normal + kurtosis / f**2)
    covariance = (parts["aw"].result - ratio * parts["ww"].result) / (f * (size - m))
    normal_part = covariance.subs({k4a: 0, k4e: 0})
    assert agrees(normal_part, -2 * (m - 1) * se**2 / ((size - m) * f))
    assert agrees(ONE.mean((SSA - (m_levels - 1) * WITHIN) / scale, given=ma.design).result, sa)


def test_balanced_residual_kurtosis_leaves_the_variance_of_the_anova_estimator():
    """Equal sizes: the k4 of the residual cancels exactly in Var of the ANOVA estimator between levels."""
    f, ratio, k = size - N2 / size, (m - 1) / (size - m), design_letter("k")
    aa, ww = (ONE.var(q, given=ma.design).result for q in (SSA, SSW))
    aw = ONE.cov(SSA, SSW, given=ma.design).result
    found = (aa - 2 * ratio * aw + ratio**2 * ww) / f**2
    equal = {size: m * k, N2: m * k**2, N3: m * k**3, N4: m * k**4, INVERSES: m / k}
    expected = k4a / m + 2 * (sa + se / k) ** 2 / (m - 1) + 2 * se**2 / (m * k**2 * (k - 1))
    assert agrees(by_name(found).subs(equal), expected)


def test_mean_and_variance_are_tied_by_skewness():
    holds(ONE.cov(G / n, WITHIN, given=ma.design), k3e / size)


def test_estimating_functions():
    """Variances and covariances of S - N mu, D - (N-1) s_e^2 and (S - N mu)^2 - N^2 s_a^2 - N s_e^2 at mu = 0."""
    d, square = ONE.total(y**2, by="user") - S**2 / N, S**2
    zero = {mu: 0}
    unit = {"given": ma.design}

    def var(a, b):
        return ONE.cov(a, b, **unit).canonical.subs(zero)

    v = N_I**2 * sa + N_I * se
    assert agrees(var(S, S), v)
    assert agrees(var(d, d), k4e * (N_I - 1) ** 2 / N_I + 2 * se**2 * (N_I - 1))
    assert agrees(var(square, square), k4a * N_I**4 + k4e * N_I + 2 * v**2)
    assert agrees(var(S, d), k3e * (N_I - 1))
    assert agrees(var(S, square), k3a * N_I**3 + k3e * N_I)
    assert agrees(var(d, square), k4e * (N_I - 1))


def test_within_regression_on_an_observation_covariate():
    """E D_xy = b1 D_xx and E D_yy = b1^2 D_xx + s_e^2 (N - 1), given the design."""
    model = ma.Model("y ~ 1 + x + (1 | user)")
    x, size_of = model.covariate("x"), model.size("user")
    total = model.total
    xy = ma.over("user", total(x * model.y, by="user") - total(x, by="user") * total(model.y, by="user") / size_of)
    xx = ma.over("user", total(x**2, by="user") - total(x, by="user") ** 2 / size_of)
    yy = ma.over("user", total(model.y**2, by="user") - total(model.y, by="user") ** 2 / size_of)
    beta = model.parameter("x")
    within = model.mean(xx, given=ma.design).result
    assert agrees(model.mean(xy, given=ma.design).result, beta * within)
    holds(model.mean(yy, given=ma.design), beta**2 * within + (size - m) * se)
