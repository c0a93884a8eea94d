"""Exact sampling variances: theory.md, 1, 8 and 9 (Hammersley 1949; Tukey 1957; Searle, Casella, McCulloch 1992)."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest

import momentalg as ma
from tests.cumulants.support import random_view, under_law
from tests.theory.designs import moment, values

MODEL = ma.Model("y ~ 1 + (1 | a)")
HIGHER = ("k3(1|a)", "k3(residual)", "k4(1|a)", "k4(residual)")
SIZES = [(1, 2, 4), (2, 2), (1, 1, 3, 5), (3, 1), (2, 3, 4, 1, 1)]
y, N, S, T = MODEL.y, MODEL.size("a"), MODEL.total(MODEL.y, by="a"), MODEL.total(MODEL.y**2, by="a")
MEAN = MODEL.total(y) / MODEL.size()


def design(sizes):
    return [{"a": f"a{i}"} for i, size in enumerate(sizes) for _ in range(size)]


def estimators():
    """The estimators of the analysis of variance, between and within."""
    n, m = MODEL.size(), ma.over("a", 1)
    within = (MODEL.total(y**2) - ma.over("a", S**2 / N)) / (n - m)
    between = ma.over("a", S**2 / N) - MODEL.total(y) ** 2 / n
    return (between - (m - 1) * within) / (n - ma.over("a", N**2) / n), within


@pytest.mark.parametrize("sizes", SIZES)
def test_estimators_of_the_analysis_of_variance(sizes):
    par = values(Random(1), MODEL, *HIGHER)
    _, s2a, s2e, _, k3e, k4a, k4e = par.values()
    rows = design(sizes)
    n, m = sum(sizes), len(sizes)
    n2, n3 = sum(k**2 for k in sizes), sum(k**3 for k in sizes)
    f = n - Fraction(n2, n)
    between, within = estimators()
    assert moment(MODEL, rows, par, within) == s2e
    assert moment(MODEL, rows, par, between) == s2a
    assert moment(MODEL, rows, par, within, within) == (
        2 * s2e**2 / (n - m) + k4e * sum(k * (1 - Fraction(1, k)) ** 2 for k in sizes) / (n - m) ** 2
    )
    normal = Fraction(2 * n, n**2 - n2) * (
        Fraction(n * (n - 1) * (m - 1), (n - m) * (n**2 - n2)) * s2e**2
        + 2 * s2e * s2a
        + Fraction(n**2 * n2 + n2**2 - 2 * n * n3, n * (n**2 - n2)) * s2a**2
    )
    ratio = Fraction(m - 1, n - m)
    kurtosis = k4a * sum(k**2 * (1 - Fraction(k, n)) ** 2 for k in sizes) / f**2
    kurtosis += (
        k4e * sum(k * (Fraction(1, k) - Fraction(1, n) - ratio * (1 - Fraction(1, k))) ** 2 for k in sizes) / f**2
    )
    assert moment(MODEL, rows, par, between, between) == normal + kurtosis
    without = par | {"k4(1|a)": 0, "k4(residual)": 0}
    assert moment(MODEL, rows, without, between, within) == -2 * (m - 1) * s2e**2 / ((n - m) * f)
    assert moment(MODEL, rows, par, MEAN, within) == k3e / n
    zero = dict.fromkeys(par, 0) | {"k3(residual)": k3e}
    assert moment(MODEL, rows, zero, MEAN, between) == 0, "no k3 of residuals: tr A is zero"


@pytest.mark.parametrize(("groups", "size"), [(3, 2), (2, 4), (4, 3)])
def test_balanced_designs_have_no_fourth_cumulant_of_residuals(groups, size):
    par = values(Random(2), MODEL, *HIGHER)
    _, s2a, s2e, _, _, k4a, _ = par.values()
    rows = design((size,) * groups)
    between, _ = estimators()
    assert moment(MODEL, rows, par, between, between) == (
        k4a / groups + 2 * (s2a + s2e / size) ** 2 / (groups - 1) + 2 * s2e**2 / Fraction(groups * size**2 * (size - 1))
    )


@pytest.mark.parametrize("sizes", SIZES)
def test_moments_within_levels(sizes):
    par = values(Random(3), MODEL, *HIGHER)
    s2e, k3e, k4e = par["var(residual)"], par["k3(residual)"], par["k4(residual)"]
    rows = design(sizes)
    residual = y - S / N
    assert moment(MODEL, rows, par, ma.over(ma.observations, residual**3)) == k3e * sum(
        Fraction((k - 1) * (k - 2), k) for k in sizes
    )
    assert moment(MODEL, rows, par, ma.over(ma.observations, residual**4)) == sum(
        k4e * Fraction((k - 1) * (k * k - 3 * k + 3), k * k) + 3 * s2e**2 * Fraction((k - 1) ** 2, k) for k in sizes
    )
    squared = ma.over("a", (T - S**2 / N) ** 2)
    assert moment(MODEL, rows, par, squared) == sum(
        k4e * Fraction((k - 1) ** 2, k) + (k * k - 1) * s2e**2 for k in sizes
    )


def test_cumulants_of_a_total():
    par = values(Random(4), MODEL, *HIGHER)
    _, s2a, s2e, k3a, k3e, k4a, k4e = par.values()
    for k in (1, 3, 4):
        rows, at = design((k, 2)), {("a", "i"): "a0"}
        assert moment(MODEL, rows, par, S, S, at=at) == k**2 * s2a + k * s2e
        assert moment(MODEL, rows, par, S, S, S, at=at) == k**3 * k3a + k * k3e
        assert moment(MODEL, rows, par, S, S, S, S, at=at) == k**4 * k4a + k * k4e


LAW = [{"p": Fraction(1, 3), "size(user)": 1}, {"p": Fraction(1, 2), "size(user)": 2}]
LAW += [{"p": Fraction(1, 6), "size(user)": 5}]


def e(of):
    """E of a function of N under the law."""
    return sum(atom["p"] * of(atom["size(user)"]) for atom in LAW)


def test_estimating_functions_of_a_unit():
    """psi_1 = S - N mu, psi_2 = D - (N - 1) s_e^2, psi_3 = (S - N mu)^2 - N^2 s_a^2 - N s_e^2, with N random."""
    par = values(Random(5), MODEL, *HIGHER)
    mu, s2a, s2e, k3a, k3e, k4a, k4e = par.values()
    centred = S - N * mu
    functions = {1: centred, 2: T - S**2 / N - (N - 1) * s2e, 3: centred**2 - N**2 * s2a - N * s2e}

    def cov(i, j):
        found = random_view((functions[i], functions[j]), MODEL.resolved)
        return under_law(found, par, LAW, MODEL.resolved)

    assert cov(1, 1) == e(lambda k: k**2) * s2a + e(lambda k: k) * s2e
    assert cov(2, 2) == k4e * e(lambda k: Fraction((k - 1) ** 2, k)) + 2 * s2e**2 * e(lambda k: k - 1)
    assert cov(3, 3) == (k4a * e(lambda k: k**4) + k4e * e(lambda k: k) + 2 * e(lambda k: (k**2 * s2a + k * s2e) ** 2))
    assert cov(1, 2) == k3e * e(lambda k: k - 1)
    assert cov(1, 3) == k3a * e(lambda k: k**3) + k3e * e(lambda k: k)
    assert cov(2, 3) == k4e * e(lambda k: k - 1)
