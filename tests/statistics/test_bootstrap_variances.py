"""Bootstrap variances of the mean: the resampling itself is enumerated, and simulated, beside the statistics."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pandas as pd
import pytest

import momentalg as ma
from momentalg.check.quadratic import QuadraticOracle
from momentalg.errors import ModelError, UnsupportedError
from momentalg.statistics.bootstrap_variances import bootstrap_variance
from tests.statistics.designs import random_parameters

Z_LIMIT = 4.5

CROSSED = ma.Model("y ~ 1 + (1 | a) + (1 | b)")
NESTED = ma.Model("y ~ 1 + (1 | a/b)")
ROWS = [{"a": a, "b": b} for a, b in zip("ppqqqr", "uvuuvv", strict=True)]
Y = [Fraction(v) for v in (3, -1, 4, 1, -5, 9)]


def value(model, statistic, rows=ROWS, y=Y):
    """The statistic at y, by polarisation of the language's own reader: no code of the engine."""
    return QuadraticOracle(rows, model.resolved, random_parameters(model, 0)).form(statistic).value(y)


def variance(values):
    values = list(values)
    mean = sum(values, Fraction(0)) / len(values)
    return sum(((v - mean) ** 2 for v in values), Fraction(0)) / len(values)


def deviations(y=Y):
    return [v - sum(y) / len(y) for v in y]


def rows_of(name, label, rows=ROWS):
    return [i for i, row in enumerate(rows) if row[name] == label]


def test_rows_are_all_their_resamples():
    """Every one of n^n resamples, of four rows: the variance of the mean."""
    y, rows = Y[:4], ROWS[:4]
    means = (sum(drawn, Fraction(0)) / 4 for drawn in product(y, repeat=4))
    assert value(CROSSED, bootstrap_variance(CROSSED), rows, y) == variance(means)


@pytest.mark.parametrize("name", ["a", "b"])
def test_levels_are_all_their_resamples(name):
    r = deviations()
    levels = sorted({row[name] for row in ROWS})
    totals = {label: sum((r[i] for i in rows_of(name, label)), Fraction(0)) for label in levels}
    means = (sum((totals[d] for d in drawn), Fraction(0)) / len(Y) for drawn in product(levels, repeat=len(levels)))
    assert value(CROSSED, bootstrap_variance(CROSSED, name)) == variance(means)


@pytest.mark.parametrize("of", ["means", "total"])
def test_simple_functions_of_levels_are_all_their_resamples(of):
    own = {label: [Y[i] for i in rows_of("a", label)] for label in "pqr"}
    number = {label: sum(v) / len(v) if of == "means" else sum(v, Fraction(0)) for label, v in own.items()}
    scale = 3 if of == "means" else len(Y)
    drawn = (sum((number[d] for d in draw), Fraction(0)) / scale for draw in product("pqr", repeat=3))
    assert value(CROSSED, bootstrap_variance(CROSSED, "a", of=of)) == variance(drawn)


def test_resampling_levels_and_averaging_their_means_is_the_method_of_unweighted_means():
    model, data = ma.Model("y ~ 1 + (1 | a)"), frame(5, 40)
    within = bootstrap_variance(model, "a", within=True) - bootstrap_variance(model, "a")
    equations = {"V[a]": bootstrap_variance(model, "a", of="means"), "V[within]": within}
    found, known = (model.fit(data, statistics=s).params for s in (equations, "unweighted_means"))
    assert found.to_dict() == pytest.approx(known.to_dict(), rel=1e-9)


def test_both_factors_are_all_pairs_of_their_resamples():
    """The pigeonhole bootstrap: with replicates in a cell, which (q, u) has."""
    r = deviations()
    means = [
        sum((a.count(row["a"]) * b.count(row["b"]) * v for row, v in zip(ROWS, r, strict=True)), Fraction(0)) / len(Y)
        for a in product("pqr", repeat=3)
        for b in product("uv", repeat=2)
    ]
    assert value(CROSSED, bootstrap_variance(CROSSED, ("a", "b"))) == variance(means)
    assert value(CROSSED, bootstrap_variance(CROSSED, ("b", "a"))) == variance(means)


def test_rows_within_levels_are_all_resamples_of_two_stages():
    """Levels are drawn, then as many of their rows as they have: all outcomes with their probabilities."""
    r = deviations()
    first = second = Fraction(0)
    totals = {
        label: [sum(drawn, Fraction(0)) for drawn in product([r[i] for i in own], repeat=len(own))]
        for label in "pqr"
        if (own := rows_of("a", label))
    }
    for drawn in product("pqr", repeat=3):
        for outcome in product(*(totals[label] for label in drawn)):
            chance = Fraction(1, 27)
            for label in drawn:
                chance /= len(totals[label])
            first += chance * sum(outcome) / len(Y)
            second += chance * (sum(outcome) / len(Y)) ** 2
    assert value(CROSSED, bootstrap_variance(CROSSED, "a", within=True)) == second - first**2


def test_the_pigeonhole_is_owens_sum_without_replicates():
    rows, y = [row for i, row in enumerate(ROWS) if i != 3], [v for i, v in enumerate(Y) if i != 3]
    r = deviations(y)
    squares = {n: sum(sum(r[i] for i in rows_of(n, x, rows)) ** 2 for x in {w[n] for w in rows}) for n in "ab"}
    owen = (sum(v**2 for v in r) + Fraction(1, 2) * squares["a"] + Fraction(2, 3) * squares["b"]) / 25
    assert value(CROSSED, bootstrap_variance(CROSSED, ("a", "b")), rows, y) == owen


def frame(seed, levels=150):
    """Skewed sizes, crossed, most cells empty."""
    rng = np.random.default_rng(seed)
    sizes = 1 + rng.poisson(rng.gamma(1.5, 3, levels))
    a = np.repeat(np.arange(levels), sizes)
    b = rng.integers(0, 60, a.size)
    y = 5 + rng.normal(size=levels)[a] + 0.7 * rng.normal(size=60)[b] + rng.exponential(size=a.size)
    return pd.DataFrame({"a": a, "b": b, "y": y})


def simulated(data, name, replicates, rng):
    """Real bootstrap means, drawn as one would: (ratio means, linear parts)."""
    y, n = data["y"].to_numpy(), len(data)
    if name == "rows":
        means = y[rng.integers(0, n, (replicates, n))].mean(axis=1)
        return means, means
    codes = data[name].to_numpy()
    totals, sizes = np.bincount(codes, y), np.bincount(codes)
    present = sizes > 0
    counts = rng.multinomial(present.sum(), np.full(present.sum(), 1 / present.sum()), replicates)
    totals, sizes = totals[present], sizes[present]
    return counts @ totals / (counts @ sizes), counts @ (totals - sizes * y.mean()) / n


def test_a_fit_by_resampling_agrees_with_the_exact_one():
    """Simulated bootstrap variances in place of the statistics: the estimates differ by Monte-Carlo error alone."""
    data, rng, replicates = frame(1), np.random.default_rng(2), 4000
    system = CROSSED.moment_equations("bootstrap")
    names, keys = [e.name for e in system.variance], ["var(1|a)", "var(1|b)", "var(residual)"]
    matrix = system.coefficients(data).loc[names, keys].to_numpy(dtype=float)
    ratio, linear = zip(*(simulated(data, n[2:-1], replicates, rng) for n in names), strict=True)
    inverse, exact = np.linalg.inv(matrix), CROSSED.fit(data, statistics="bootstrap").params[keys].to_numpy()
    found = inverse @ [np.var(v) for v in linear]
    errors = [np.var((v - v.mean()) ** 2) / replicates for v in linear]
    assert np.abs((found - exact) / np.sqrt(inverse**2 @ errors)).max() < Z_LIMIT
    of_ratios = inverse @ [np.var(v) for v in ratio]
    assert of_ratios == pytest.approx(exact, rel=0.15)  # the mean itself, a ratio, up to the order of 1/levels


@pytest.mark.parametrize("model", [ma.Model("y ~ 1 + (1 | a)"), NESTED, CROSSED], ids=lambda m: m.formula)
def test_resampling_alone_is_minque_zero(model):
    """Written in totals here, as projections there: the same estimates."""
    data = frame(3, 30)
    found, projected = (model.fit(data, statistics=s).params for s in ("bootstrap", "minque0"))
    assert found.to_dict() == pytest.approx(projected.to_dict(), rel=1e-9)


def test_the_difference_when_sizes_are_equal():
    """m levels of N rows, by hand: E(V[a] - V[rows]) = (N - 1)((m - 1) N var(1|a) - var(residual))/(m N)^2."""
    m, size = 3, 4
    data = pd.DataFrame({"a": np.repeat(np.arange(m), size), "y": 0})
    found = ma.Model("y ~ 1 + (1 | a)").moment_equations("bootstrap").coefficients(data)
    difference = found.loc["V[a]"] - found.loc["V[rows]"]
    assert difference["var(1|a)"] == pytest.approx((size - 1) * (m - 1) * size / (m * size) ** 2)
    assert difference["var(residual)"] == pytest.approx(-(size - 1) / (m * size) ** 2)


def test_what_has_no_such_bootstrap_is_refused():
    with pytest.raises(UnsupportedError, match=r"only common term is the intercept.*use statistics='minque0'"):
        ma.Model("y ~ 1 + x + (1 | a)").moment_equations("bootstrap")
    with pytest.raises(UnsupportedError, match="the mean alone"):
        ma.Model("y ~ 1 + x + (x | a)").moment_equations("bootstrap")
    with pytest.raises(ModelError, match="two crossed factors"):
        bootstrap_variance(NESTED, ("a", "a:b"))
    with pytest.raises(ModelError, match="within=True needs a factor"):
        bootstrap_variance(CROSSED, within=True)
    with pytest.raises(ModelError, match="function of levels alone"):
        bootstrap_variance(CROSSED, of="means")
    with pytest.raises(ModelError, match="is none of 'mean', 'means', 'total'"):
        bootstrap_variance(CROSSED, "a", of="median")
    with pytest.raises(ModelError, match="no column of a grouping factor"):
        bootstrap_variance(CROSSED, "c")
