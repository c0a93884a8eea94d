"""Two crossed factors given the design: theory.md, section 10 (Gao and Owen 2017, 2020; Searle, Casella, McCulloch)."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from random import Random

import pytest

import momentalg as ma
from tests.theory.designs import coefficients, counts, crossed, determinant, moment, overlap, squares, values

CROSSED = ma.Model("y ~ 1 + (1 | a) + (1 | b)")
WITH_CELLS = ma.Model("y ~ 1 + (1 | a) + (1 | b) + (1 | a:b)")
COMPONENTS = ("var(1|a)", "var(1|b)", "var(residual)")
SEEDS = range(12)


def within(model, factor):
    """U_f: the sum of squares within the levels of a factor."""
    return ma.over(ma.observations, (model.y - model.total(model.y, by=factor) / model.size(factor)) ** 2)


def total_squares(model):
    """U_e = n TSS."""
    return model.size() * ma.over(ma.observations, (model.y - model.total(model.y) / model.size()) ** 2)


def pairs(rows, *columns):
    """How many ordered pairs of different observations share the labels in these columns, and in no other one."""
    both = ("a", "b")
    return sum(
        all((s[c] == t[c]) == (c in columns) for c in both)
        for i, s in enumerate(rows)
        for j, t in enumerate(rows)
        if i != j
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_gao_and_owen_without_replicates(seed):
    rng = Random(seed)
    rows, par = crossed(rng, 1), values(rng, CROSSED)
    n, rows_n, columns_n = len(rows), counts(rows, "a"), counts(rows, "b")
    _, s2a, s2b, s2e = par.values()
    assert moment(CROSSED, rows, par, within(CROSSED, "a")) == (s2b + s2e) * (n - len(rows_n))
    assert moment(CROSSED, rows, par, within(CROSSED, "b")) == (s2a + s2e) * (n - len(columns_n))
    assert moment(CROSSED, rows, par, total_squares(CROSSED)) == (
        s2a * (n**2 - squares(rows_n)) + s2b * (n**2 - squares(columns_n)) + s2e * (n**2 - n)
    )
    matrix = [
        coefficients(CROSSED, rows, COMPONENTS, u)
        for u in (within(CROSSED, "a"), within(CROSSED, "b"), total_squares(CROSSED))
    ]
    apart = n**2 - squares(rows_n) - squares(columns_n) + n
    assert apart == pairs(rows)
    assert abs(determinant(matrix)) == (n - len(rows_n)) * (n - len(columns_n)) * apart


@pytest.mark.parametrize("seed", SEEDS)
def test_replicates_bring_in_the_overlap(seed):
    rng = Random(seed)
    rows, par = crossed(rng, 3), values(rng, CROSSED)
    rows.append(rows[0])  # one replicate at the least
    n, rows_n, columns_n = len(rows), counts(rows, "a"), counts(rows, "b")
    _, s2a, s2b, s2e = par.values()
    found = moment(CROSSED, rows, par, within(CROSSED, "a"))
    assert found == s2b * (n - overlap(rows, "b", "a")) + s2e * (n - len(rows_n))
    assert found < (s2b + s2e) * (n - len(rows_n)), "n - R counts replicates as different columns"
    assert moment(CROSSED, rows, par, within(CROSSED, "b")) == (
        s2a * (n - overlap(rows, "a", "b")) + s2e * (n - len(columns_n))
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_an_interaction_and_the_sum_of_squares_within_cells(seed):
    rng = Random(seed)
    rows, par = crossed(rng, 3), values(rng, WITH_CELLS)
    n, cells = len(rows), counts(rows, "a", "b")
    _, s2a, s2b, s2ab, s2e = par.values()
    assert moment(WITH_CELLS, rows, par, within(WITH_CELLS, "a:b")) == s2e * (n - len(cells))
    for factor, other, variance in (("a", "b", s2b), ("b", "a", s2a)):
        assert moment(WITH_CELLS, rows, par, within(WITH_CELLS, factor)) == (
            variance * (n - overlap(rows, other, factor))
            + s2ab * (n - overlap(rows, "a:b", factor))
            + s2e * (n - len(counts(rows, factor)))
        )
    assert moment(WITH_CELLS, rows, par, total_squares(WITH_CELLS)) == (
        s2a * (n**2 - squares(counts(rows, "a")))
        + s2b * (n**2 - squares(counts(rows, "b")))
        + s2ab * (n**2 - squares(cells))
        + s2e * (n**2 - n)
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_without_replicates_interaction_and_residual_are_one(seed):
    rng = Random(seed)
    rows = crossed(rng, 1)
    for statistic in (within(WITH_CELLS, "a"), within(WITH_CELLS, "b"), total_squares(WITH_CELLS)):
        cell, residual = coefficients(WITH_CELLS, rows, ("var(1|a:b)", "var(residual)"), statistic)
        assert cell == residual


@pytest.mark.parametrize("seed", SEEDS)
def test_products_of_pairs_by_what_they_share(seed):
    rng = Random(seed)
    rows, par = crossed(rng, 3), values(rng, WITH_CELLS)
    mu, s2a, s2b, s2ab, s2e = par.values()
    model, y = WITH_CELLS, WITH_CELLS.y
    row, column, cell = (ma.over(f, model.total(y, by=f) ** 2) for f in ("a", "b", "a:b"))
    everything, itself = model.total(y) ** 2, model.total(y**2)
    classes = {
        (): (everything - row - column + cell, mu**2),
        ("a",): (row - cell, mu**2 + s2a),
        ("b",): (column - cell, mu**2 + s2b),
        ("a", "b"): (cell - itself, mu**2 + s2a + s2b + s2ab),
    }
    for shared, (statistic, expected) in classes.items():
        assert moment(model, rows, par, statistic) == pairs(rows, *shared) * expected
    assert moment(model, rows, par, itself) == len(rows) * (mu**2 + s2a + s2b + s2ab + s2e)


@pytest.mark.parametrize("seed", SEEDS)
def test_totals_of_rows_and_columns(seed):
    rng = Random(seed)
    rows, par = crossed(rng, 3), values(rng, CROSSED)
    _, s2a, s2b, s2e = par.values()
    n_a, n_b, n = counts(rows, "a"), counts(rows, "b"), counts(rows, "a", "b")
    total = CROSSED.total
    r, c = total(CROSSED.y, by="a"), total(CROSSED.y, by="b")
    first, second = sorted(n_a)[:2]
    column = rng.choice(sorted(n_b))
    at = {("a", "i"): first, ("a", "k"): second, ("b", "i"): column}
    assert moment(CROSSED, rows, par, r, r, at=at) == (
        n_a[first] ** 2 * s2a + sum(n[first, j] ** 2 for j in n_b) * s2b + n_a[first] * s2e
    )
    assert moment(CROSSED, rows, par, r, r.at("k"), at=at) == s2b * sum(n[first, j] * n[second, j] for j in n_b)
    assert moment(CROSSED, rows, par, r, c, at=at) == n[first, column] * (n_a[first] * s2a + n_b[column] * s2b + s2e)


def variance_of_row_totals():
    """The sample variance of the totals of the rows."""
    levels = ma.over("a", 1)
    total = CROSSED.total(CROSSED.y, by="a")
    return (ma.over("a", total**2) - CROSSED.total(CROSSED.y) ** 2 / levels) / (levels - 1)


def sample_variance(sizes):
    sizes = list(sizes)
    mean = Fraction(sum(sizes), len(sizes))
    return sum((k - mean) ** 2 for k in sizes) / (len(sizes) - 1)


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_are_not_independent(seed):
    rng = Random(seed)
    rows, par = crossed(rng, 3), values(rng, CROSSED)
    mu, s2a, s2b, s2e = par.values()
    n_a, n_b, n = counts(rows, "a"), counts(rows, "b"), counts(rows, "a", "b")
    r = len(n_a)
    shared = Fraction(squares(n_b) - squares(n), r * (r - 1))
    as_if_independent = (
        Fraction(squares(n_a), r) * s2a
        + Fraction(squares(n), r) * s2b
        + Fraction(len(rows), r) * s2e
        + mu**2 * sample_variance(n_a.values())
    )
    assert moment(CROSSED, rows, par, variance_of_row_totals()) == as_if_independent - shared * s2b


@pytest.mark.parametrize(("r", "c"), [(2, 3), (4, 2), (3, 3)])
def test_in_a_complete_design_columns_cancel_from_the_variance_of_row_totals(r, c):
    rows = [{"a": f"a{i}", "b": f"b{j}"} for i in range(r) for j in range(c)]
    assert coefficients(CROSSED, rows, COMPONENTS, variance_of_row_totals()) == [c**2, 0, c]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_variance_of_the_mean(seed):
    """Section 17: (nu_a s_a^2 + nu_b s_b^2 + s_e^2)/n with nu_f the sum of squared sizes over n."""
    rng = Random(seed)
    rows, par = crossed(rng, 3), values(rng, CROSSED)
    _, s2a, s2b, s2e = par.values()
    n = len(rows)
    mean = CROSSED.total(CROSSED.y) / CROSSED.size()
    nu_a, nu_b = (Fraction(squares(counts(rows, f)), n) for f in "ab")
    assert moment(CROSSED, rows, par, mean, mean) == (nu_a * s2a + nu_b * s2b + s2e) / n


@pytest.mark.parametrize("seed", range(4))
def test_fourth_powers_within_rows(seed):
    """Section 8: W_a, half the mean fourth power of differences within a row, less products of variances."""
    rng = Random(seed)
    rows = crossed(rng, 1)
    keys = [f"k4({where})" for where in ("1|a", "1|b", "residual")]
    odd = [f"k3({where})" for where in ("1|a", "1|b", "residual")]
    par = values(rng, CROSSED, *keys, *odd)
    _, s2a, s2b, s2e, k4a, k4b, k4e, *_ = par.values()
    n, n_a, n_b = len(rows), counts(rows, "a"), counts(rows, "b")

    def differences(by):
        """Half the sum over pairs of observations of a level of (y - y')^4, divided by its size."""
        p1, p2, p3, p4 = (CROSSED.total(CROSSED.y**k, **by) for k in (1, 2, 3, 4))
        size = CROSSED.size(*by.values())
        return (2 * size * p4 - 8 * p3 * p1 + 6 * p2**2) / (2 * size)

    mu4a, mu4b, mu4e = k4a + 3 * s2a**2, k4b + 3 * s2b**2, k4e + 3 * s2e**2
    rest = 3 * s2b**2 + 12 * s2b * s2e + 3 * s2e**2
    assert moment(CROSSED, rows, par, ma.over("a", differences({"by": "a"}))) == ((mu4b + mu4e + rest) * (n - len(n_a)))
    rest = 3 * s2a**2 + 12 * s2a * s2e + 3 * s2e**2
    assert moment(CROSSED, rows, par, ma.over("b", differences({"by": "b"}))) == ((mu4a + mu4e + rest) * (n - len(n_b)))
    apart_a, apart_b, apart = n**2 - squares(n_a), n**2 - squares(n_b), n**2 - n
    shared_nothing = n**2 - squares(n_a) - squares(n_b) + n
    assert moment(CROSSED, rows, par, CROSSED.size() * differences({})) == (
        (mu4a + 3 * s2a**2 + 12 * s2a * s2e) * apart_a
        + (mu4b + 3 * s2b**2 + 12 * s2b * s2e) * apart_b
        + (mu4e + 3 * s2e**2) * apart
        + 12 * s2a * s2b * shared_nothing
    )


def test_pairs_partition_all_pairs():
    rows = crossed(Random(0), 3)
    kinds = Counter({shared: pairs(rows, *shared) for shared in ((), ("a",), ("b",), ("a", "b"))})
    assert kinds.total() == len(rows) * (len(rows) - 1)
