"""Sums of squares within the levels of any factor, for any factors: theory.md, section 12 (Henderson 1953)."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest

import momentalg as ma
from tests.theory.designs import coefficients, counts, crossed, moment, overlap, squares, values

FACTORS = ("a", "b", "c", "a:b", "b:c")
MODEL = ma.Model("y ~ 1 + " + " + ".join(f"(1 | {factor})" for factor in FACTORS))
THREE_LEVELS = ma.Model("y ~ 1 + (1 | a/b/c)")
SEEDS = range(8)


def within(model, factor):
    total = model.total(model.y, by=factor)
    return model.total(model.y**2) - ma.over(factor, total**2 / model.size(factor))


def levels(rows, factor):
    return counts([{"f": tuple(row[c] for c in factor.split(":"))} for row in rows], "f")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("factor", FACTORS)
def test_within_levels(factor, seed):
    rng = Random(seed)
    rows, par = crossed(rng, 2, "abc"), values(rng, MODEL)
    n = len(rows)
    expected = par["var(residual)"] * (n - len(levels(rows, factor)))
    for other in FACTORS:
        expected += par[f"var(1|{other})"] * (n - overlap(rows, other, factor))
    assert moment(MODEL, rows, par, within(MODEL, factor)) == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_total_sum_of_squares_and_correction_factor(seed):
    rng = Random(seed)
    rows, par = crossed(rng, 2, "abc"), values(rng, MODEL)
    n, s2e = len(rows), par["var(residual)"]
    sizes = {factor: squares(levels(rows, factor)) for factor in FACTORS}
    correction = MODEL.total(MODEL.y) ** 2 / MODEL.size()
    total = MODEL.size() * (MODEL.total(MODEL.y**2) - correction)
    assert moment(MODEL, rows, par, total) == s2e * (n**2 - n) + sum(
        par[f"var(1|{factor})"] * (n**2 - size) for factor, size in sizes.items()
    )
    assert moment(MODEL, rows, par, correction) == n * par["Intercept"] ** 2 + s2e + sum(
        par[f"var(1|{factor})"] * Fraction(size, n) for factor, size in sizes.items()
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_a_factor_that_contains_another_has_none_of_it_within(seed):
    """f nested in g: n_lh^2/n_l adds up to n, and the coefficient is zero by itself."""
    rows = crossed(Random(seed), 2, "abc")
    for inner, outer in (("a:b", "a"), ("a:b", "b"), ("b:c", "c")):
        assert coefficients(MODEL, rows, [f"var(1|{outer})"], within(MODEL, inner)) == [0]


@pytest.mark.parametrize("seed", SEEDS)
def test_three_nested_levels(seed):
    rng = Random(seed)
    rows, par = crossed(rng, 2, "abc"), values(rng, THREE_LEVELS)
    n = len(rows)
    chain = ("a", "a:b", "a:b:c")
    for position, factor in enumerate(chain):
        expected = par["var(residual)"] * (n - len(levels(rows, factor)))
        for inner in chain[position + 1 :]:
            expected += par[f"var(1|{inner})"] * (n - overlap(rows, inner, factor))
        assert moment(THREE_LEVELS, rows, par, within(THREE_LEVELS, factor)) == expected
