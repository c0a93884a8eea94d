"""Correlated intercepts and slopes: theory.md, section 14, by classes of pairs."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest

import momentalg as ma
from tests.cumulants.support import random_view, under_law
from tests.theory.designs import coefficients, moment, values

MODEL = ma.Model("y ~ 1 + x + (1 + x | g)")
COMPONENTS = ("var(1|g)", "cov(1,x|g)", "var(x|g)", "var(residual)")
SEEDS = range(10)


def table(rng):
    return [
        {"g": f"g{i}", "x": Fraction(rng.randint(-4, 4), 2)}
        for i in range(rng.randint(1, 3))
        for _ in range(rng.randint(1, 4))
    ]


def power_sums(rows):
    """n, s_1, ..., s_4 of each group."""
    groups = {row["g"] for row in rows}
    return [[sum(row["x"] ** k for row in rows if row["g"] == g) for k in range(5)] for g in groups]


def residual_pairs(p, q):
    """The sum over the groups and over j != k of x_j^p r_j x_k^q r_k, with r the response less its mean."""
    y, x, g = MODEL.y, MODEL.covariate("x"), "g"
    left, right = MODEL.total(x**p * y, by=g), MODEL.total(x**q * y, by=g)
    return ma.over(g, left * right - MODEL.total(x ** (p + q) * y**2, by=g))


CLASSES = [(0, 0), (0, 1), (1, 1)]


def published(n, s1, s2, s3, s4):
    """What one group contributes to the coefficients of G11, G12 and G22, by class of pairs."""
    return {
        (0, 0): (n * n - n, 2 * (n - 1) * s1, s1**2 - s2),
        (0, 1): ((n - 1) * s1, n * s2 + s1**2 - 2 * s2, s1 * s2 - s3),
        (1, 1): (s1**2 - s2, 2 * (s1 * s2 - s3), s2**2 - s4),
    }


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("pair", CLASSES)
def test_products_of_pairs_have_no_residual_variance(pair, seed):
    rows = table(Random(seed))
    per_group = [published(*sums)[pair] for sums in power_sums(rows)]
    expected = [sum(found) for found in zip(*per_group, strict=True)]
    assert coefficients(MODEL, rows, COMPONENTS, residual_pairs(*pair)) == [*expected, 0]


@pytest.mark.parametrize("seed", SEEDS)
def test_squares(seed):
    rows = table(Random(seed))
    n, s1, s2, *_ = (sum(found) for found in zip(*power_sums(rows), strict=True))
    assert coefficients(MODEL, rows, COMPONENTS, MODEL.total(MODEL.y**2)) == [n, 2 * s1, s2, n]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_covariance_of_two_observations(seed):
    """Section 18: G11 + G12 (x_j + x_k) + G22 x_j x_k, and the residual variance where j is k."""
    rng = Random(seed)
    par = values(rng, MODEL)
    _, _, g11, g12, g22, s2e = par.values()
    a, b = Fraction(rng.randint(-4, 4), 2), Fraction(rng.randint(5, 9), 2)
    rows = [{"g": "g", "x": a}, {"g": "g", "x": b}]
    x, y = MODEL.covariate("x"), MODEL.y
    first = MODEL.total((x - b) * y) / (a - b)  # picks out the observation at a
    second = MODEL.total((x - a) * y) / (b - a)
    assert moment(MODEL, rows, par, first, second) == g11 + g12 * (a + b) + g22 * a * b
    assert moment(MODEL, rows, par, first, first) == g11 + 2 * g12 * a + g22 * a**2 + s2e


@pytest.mark.parametrize("seed", SEEDS)
def test_a_slope_in_a_constant_gives_two_components_only(seed):
    """x binary and constant in its group: pairs tell G11 and G11 + 2 G12 + G22, and no more."""
    rng = Random(seed)
    rows = [{"g": f"g{i}", "x": i % 2} for i in range(4) for _ in range(rng.randint(2, 4))]
    found = [coefficients(MODEL, rows, COMPONENTS[:3], residual_pairs(*pair)) for pair in CLASSES]
    for _, covariance, slope in found:
        assert covariance == 2 * slope


LAW = [
    {"p": Fraction(1, 2), "size(g)": 2, "x": [1, Fraction(5, 2)]},
    {"p": Fraction(1, 3), "size(g)": 3, "x": [0, -1, 4]},
    {"p": Fraction(1, 6), "size(g)": 1, "x": [Fraction(-1, 2)]},
]


def test_the_variance_of_a_total_with_random_size_and_covariates():
    """Var S = E[N^2] G11 + 2 E[N S_x] G12 + E[S_x^2] G22 + E[N] s_e^2 + Var(b0 N + b1 S_x)."""
    par = values(Random(3), MODEL)
    b0, b1, g11, g12, g22, s2e = par.values()
    total = MODEL.total(MODEL.y, by="g")
    law = [{**atom, "size(user)": atom["size(g)"]} for atom in LAW]
    found = under_law(random_view((total, total), MODEL.resolved), par, law, MODEL.resolved)
    units = [(atom["p"], atom["size(g)"], sum(atom["x"])) for atom in LAW]
    mean = sum(p * (b0 * n + b1 * s) for p, n, s in units)
    assert found == sum(
        p * (n**2 * g11 + 2 * n * s * g12 + s**2 * g22 + n * s2e + (b0 * n + b1 * s - mean) ** 2) for p, n, s in units
    )
