"""Random crossed designs against enumeration over all tables of counts, and against the closed forms of the field."""

from __future__ import annotations

import pickle
from collections import Counter
from fractions import Fraction
from itertools import product
from math import prod
from random import Random

import numpy as np
import pytest

import momentalg as ma
from momentalg.check.random_incidence import (
    cell_tables,
    draw_tables,
    incidence_cumulant,
    label_tables,
    nested_tables,
)
from momentalg.cumulants.evaluate import DesignTable, design_total, total_value
from momentalg.cumulants.terms import SIZE
from momentalg.cumulants.totals import levels_of
from momentalg.model.incidence.base import probability
from tests.cumulants.support import LONG

CASES = range(400 if LONG else 34)
FORMULAS = (
    "y ~ 1 + (1 | a) + (1 | b)",
    "y ~ 1 + (1 | a) + (1 | b) + (1 | a:b)",
    "y ~ 1 + size(a) + (1 | a) + (1 | b)",
    "y ~ 1 + (1 | a:b) + (1 | b)",
)
DEGREES = ((1, 1), (1, 1), (2,), (1, 2), (2, 2), (1, 1, 1), (1,), (2, 1))


def weights(rng, values, most):
    """A random law on some of the values."""
    chosen = rng.sample(values, rng.randint(1, min(most, len(values))))
    parts = [rng.randint(1, 3) for _ in chosen]
    return {value: Fraction(p, sum(parts)) for value, p in zip(chosen, parts, strict=True)}


def chances(rng, size):
    parts = [rng.randint(1, 3) for _ in range(size)]
    return [Fraction(p, sum(parts)) for p in parts]


def random_law(kind, rng):
    """An incidence of a random law, its tables, and the numbers of levels that it leaves open."""
    if kind == "independent_cells":
        law = weights(rng, [0, 1, 2], 2)
        return ma.designs.independent_cells("a", "b", law), cell_tables(law, 2, 2), {"a": 2, "b": 2}
    if kind == "draws":
        sizes, q = weights(rng, [0, 1, 2], 2), chances(rng, rng.choice([2, 3]))
        return ma.designs.draws("a", "b", sizes, q), draw_tables(sizes, q, 2), {"a": 2}
    number = rng.choice([2, 3])
    if kind == "joint_labels":
        flat = chances(rng, 4)
        table = [flat[:2], flat[2:]]
        return ma.designs.multinomial_labels("a", "b", number, table, joint=True), label_tables(number, table), {}
    p, q = chances(rng, 2), chances(rng, rng.choice([2, 3]))
    law = ma.designs.multinomial_labels("a", "b", number, [p, q])
    return law, label_tables(number, [[x * y for y in q] for x in p]), {}


def random_statistic(degree, model, rng):
    """A statistic of this degree of a row, a column, a cell, another row, or the whole sample."""
    y = model.y
    row, column, cell = (model.total(y, by=by) for by in ("a", "b", "a:b"))
    total, size = model.total(y), rng.choice([model.size("a"), model.size("a:b"), model.size()])
    linear = [row, row, row.at("k"), column, cell, total]
    if degree == 1:
        found = rng.choice(linear)
        return found * size if rng.random() < 0.2 else found
    return rng.choice(
        [
            rng.choice(linear) * rng.choice(linear),
            ma.over("a", row**2) - total**2 / 2,
            ma.over("b", column**2),
            ma.over("a:b", cell**2),
            model.total(y**2, by="a"),
            ma.over("a", row * model.size("a")),
        ]
    )


def parameters(model, rng):
    keys = [*model.parameters]
    for block in model.resolved.groups:
        keys += [f"k{order}(1|{block.name})" for order in range(3, 9)]
    keys += [f"k{order}(residual)" for order in range(3, 9)]
    return {key: Fraction(rng.randint(1, 4), rng.randint(1, 3)) for key in keys}


@pytest.mark.parametrize("kind", ["independent_cells", "draws", "multinomial_labels", "joint_labels"])
def test_cumulants_over_all_tables(kind):
    different = []
    for seed in CASES:
        rng = Random(f"{kind} {seed}")
        law, tables, units = random_law(kind, rng)
        assert sum(tables.values()) == 1
        model = ma.Model(FORMULAS[seed % len(FORMULAS)], incidence=law)
        statistics = [random_statistic(d, model, rng) for d in DEGREES[seed // len(FORMULAS) % len(DEGREES)]]
        values = parameters(model, rng)
        at = {"a": 0, "b": 1, "k": 1}
        derivation = model.cumulant(*statistics)
        found = derivation.evaluate(parameters=values, law=law, units=units, at=at)
        expected = incidence_cumulant(statistics, tables, model.resolved, values, ("a", "b"), at)
        if found != expected:
            different.append((seed, statistics, found, expected))
    assert different == []


@pytest.mark.parametrize("seed", range(60 if LONG else 12))
def test_nested_sampling(seed):
    rng = Random(seed)
    groups, sizes = weights(rng, [1, 2], 2), weights(rng, [1, 2], 2)
    law = ma.designs.nested_sampling("a", "b", groups, sizes)
    model = ma.Model("y ~ 1 + (1 | a/b)" if seed % 2 else "y ~ 1 + size(a) + (1 | a/b)", incidence=law)
    row, cells = model.total(model.y, by="a"), ma.over("a:b", model.total(model.y, by="a:b") ** 2)
    statistics = rng.choice([(row, row), (row, row.at("k")), (row, cells), (cells,), (row**2, row)])
    values = parameters(model, rng)
    found = model.cumulant(*statistics).evaluate(parameters=values, units={"a": 2})
    tables = nested_tables(groups, sizes, 2)
    assert found == incidence_cumulant(statistics, tables, model.resolved, values, ("a", "b"), {"a": 0, "k": 1})


def numbers(law, parameters, units, at=None):
    """What evaluates a derivation under this law."""
    return lambda d: d.evaluate(parameters=parameters, law=law, units=units, at=at)


PARAMETERS = {"Intercept": 2, "var(1|a)": "1/3", "var(1|b)": "1/5", "var(residual)": "3/7"}
MU, A, B, E = Fraction(2), Fraction(1, 3), Fraction(1, 5), Fraction(3, 7)


def sample_variance(model, levels):
    """The sample variance, with divisor R - 1, of the totals of the rows."""
    row, total = model.total(model.y, by="a"), model.total(model.y)
    return (ma.over("a", row**2) - total**2 / levels) / (levels - 1)


def test_independent_cells_as_published():
    """theory.md 11: totals, their covariances and sample variance when the n_ij are i.i.d.; 5 rows, 3 columns."""
    law = ma.designs.independent_cells("a", "b", ma.Poisson(2))
    model = ma.Model(FORMULAS[0], incidence=ma.designs.independent_cells("a", "b"))
    value = numbers(law, PARAMETERS, {"a": 5, "b": 3})
    row, column, total = model.total(model.y, by="a"), model.total(model.y, by="b"), model.total(model.y)
    n2, rows2, columns2 = 6, 42, 110  # E n^2, E N_i^2, E M_j^2 of Poisson counts with means 2, 6 and 10
    variance = rows2 * A + 3 * n2 * B + 6 * E + MU**2 * 6
    assert value(model.var(row)) == variance
    assert value(model.cov(row, row.at("k"))) == 3 * 4 * B
    assert value(model.cov(row, column)) == (n2 + 2 * 2 * 2) * A + (n2 + 4 * 2 * 2) * B + 2 * E + MU**2 * 2
    assert value(model.var(total)) == 5 * rows2 * A + 3 * columns2 * B + 30 * E + MU**2 * 30
    assert value(model.mean(sample_variance(model, 5))) == variance - 3 * 4 * B


def test_draws_as_published():
    """theory.md 11: popular columns make rows overlap, by sum q_j^2."""
    law = ma.designs.draws("a", "b", {1: "1/2", 3: "1/2"}, ["1/2", "1/4", "1/4"])
    model = ma.Model(FORMULAS[0], incidence=ma.designs.draws("a", "b"))
    value = numbers(law, PARAMETERS, {"a": 5})
    row = model.total(model.y, by="a")
    q2, n1, n2 = Fraction(3, 8), 2, 5
    variance = n2 * A + (n1 + (n2 - n1) * q2) * B + n1 * E + MU**2
    assert value(model.var(row)) == variance
    assert value(model.cov(row, row.at("k"))) == n1**2 * q2 * B
    assert value(model.mean(sample_variance(model, 5))) == variance - n1**2 * q2 * B


def test_multinomial_labels_as_published():
    """theory.md 11: with a fixed number of observations, Cov(N_i, N_k) = -n p_i p_k, which brings in mu^2."""
    law = ma.designs.multinomial_labels("a", "b", 6, [["1/2", "1/2"], ["1/2", "1/4", "1/4"]])
    model = ma.Model(FORMULAS[0], incidence=ma.designs.multinomial_labels("a", "b"))
    row, value = model.total(model.y, by="a"), numbers(law, PARAMETERS, {}, {"a": 0, "k": 1})
    q2, p = Fraction(3, 8), Fraction(1, 2)
    n2 = 6 * p * (1 - p) + (6 * p) ** 2
    variance = n2 * A + (6 * p + 30 * p**2 * q2) * B + 6 * p * E + MU**2 * 6 * p * (1 - p)
    covariance = 30 * p**2 * q2 * B - MU**2 * 6 * p**2
    assert value(model.var(row)) == variance
    assert value(model.cov(row, row.at("k"))) == covariance
    assert value(model.mean(sample_variance(model, 2))) == variance - covariance


def test_nested_sampling_as_published():
    """theory.md 13: E N = EJ En, Var N = EJ Var n + Var J (En)^2, E sum n^2 = EJ E n^2."""
    law = ma.designs.nested_sampling("a", "b", ma.Poisson(3), {1: "1/2", 3: "1/2"})
    model = ma.Model("y ~ 1 + (1 | a/b)", incidence=ma.designs.nested_sampling("a", "b"))
    derivation = model.var(model.total(model.y, by="a"))
    values = {"Intercept": MU, "var(1|a)": A, "var(1|a:b)": B, "var(residual)": E}
    size_variance = 3 * 1 + 3 * 2**2
    expected = (size_variance + 36) * A + 3 * 5 * B + 6 * E + MU**2 * size_variance
    assert derivation.verify()
    declared = ma.Model("y ~ 1 + (1 | a/b)", assume=ma.may_be_empty("a"), incidence=law)
    assert declared.var(declared.total(declared.y, by="a")).evaluate(parameters=values) == expected
    assert derivation.evaluate(parameters=values, law=law) == expected


@pytest.mark.parametrize("kind", ["independent_cells", "draws", "multinomial_labels"])
def test_derivations_show_their_steps(kind):
    """E Var(R_i | design) + Var E(R_i | design), every step replayed, down to the moments of the incidence."""
    model = ma.Model(FORMULAS[0], incidence=getattr(ma.designs, kind)("a", "b"))
    row, column, total = model.total(model.y, by="a"), model.total(model.y, by="b"), model.total(model.y)
    for derivation in (model.var(row), model.cov(row, row.at("k")), model.cov(row, column), model.var(total)):
        assert derivation.verify()
        assert {"total_variance", "total_covariance"} & {step.rule for step in derivation.steps}
        assert derivation.chains[-1].end == derivation.node
        assert all((derivation.latex(), derivation.html(), derivation.text()))


def test_what_is_no_polynomial_moment_keeps_its_value():
    """E of U_a is E N - R; sum n_ij^2 / N_i stays what it is in the data, and says so."""
    model = ma.Model(FORMULAS[0], incidence=ma.designs.draws("a", "b"))
    within = ma.over(ma.observations, (model.y - model.total(model.y, by="a") / model.size("a")) ** 2)
    derivation = model.mean(within)
    assert any("kept at the value" in fact for fact in derivation.facts)
    assert "var(residual)*(E(size(a))*levels(a) - levels(a))" in str(derivation.result)
    with pytest.raises(ma.UnsupportedError, match="at the value that it takes in the data"):
        derivation.evaluate(parameters=PARAMETERS, law=ma.designs.draws("a", "b", 2, ["1/2", "1/2"]), units={"a": 3})
    with pytest.raises(ma.UnsupportedError, match="no closed variance"):
        model.var(within)


def test_what_is_conditioned_on():
    """Given the sizes of the levels that draw, moments are as in theory.md 11; given others, or effects, refused."""
    model = ma.Model(FORMULAS[0], incidence=ma.designs.draws("a", "b"))
    row, size = model.total(model.y, by="a"), model.size("a")
    for conditions in ({"given": [model.size("b")]}, {"via": ["a"]}, {"given": [model.size("a:b")]}):
        with pytest.raises(ma.UnsupportedError, match="other than the sizes of the levels that draw"):
            model.var(row, **conditions)
    assert model.var(row, given=ma.design).verify()
    mean = model.var(row / size, given=[size])
    assert mean.verify()
    assert str(mean.result) == (
        "var(1|a) + var(1|b)*(sum(b: probability(b)^2) - sum(b: probability(b)^2)/size(a)[i] + 1/size(a)[i])"
        " + var(residual)/size(a)[i]"
    )
    for statistics in ((row, row), (row, row.at("k")), (model.total(model.y),) * 2):
        assert model.cumulant(*statistics, via=[size]) == model.cumulant(*statistics)
        assert model.cumulant(*statistics, via=[size]).verify()


CONDITIONED = [(1, 1), (2,), (1, 1, 1), (1, 2)]


@pytest.mark.parametrize("seed", range(60 if LONG else 12))
def test_moments_given_the_sizes_of_rows(seed):
    """The oracle is all draws of rows with two and one observations."""
    rng = Random(seed)
    q = chances(rng, 2)
    model = ma.Model(FORMULAS[seed % 3], incidence=ma.designs.draws("a", "b"))
    y = model.y
    row, column, total = model.total(y, by="a"), model.total(y, by="b"), model.total(y)
    linear = [row, row.at("k"), column, total, row * model.size("a")]
    squares = [row**2, ma.over("a", row**2), total**2, ma.over("a:b", model.total(y, by="a:b") ** 2), row * column]
    statistics = [rng.choice(linear if degree == 1 else squares) for degree in CONDITIONED[seed % len(CONDITIONED)]]
    values = parameters(model, rng)
    two, one = (draw_tables({size: Fraction(1)}, q, 1) for size in (2, 1))
    tables = {}
    for (first, p), (second, r) in product(two.items(), one.items()):
        tables[(*first, *(((1, j), n) for (_, j), n in second))] = p * r
    assert sum(tables.values()) == 1
    result = model.cumulant(*statistics, given=[model.size("a")])
    design = DesignTable({"a": [0, 0, 1], "b": [0, 0, 0]}, {}, 3)
    chance = DesignTable({"b": [0, 1]}, {probability(("b",)): q}, 2)

    def value(symbol):
        if isinstance(symbol, str):
            return values[symbol]
        if symbol.entries and all(e.what == SIZE for e in symbol.entries):
            assert all(v.column == "a" for v in levels_of(symbol))
            return design_total(symbol, design, {("a", "i"): 0, ("a", "k"): 1})
        return Fraction(2) if not symbol.entries else design_total(symbol, chance, {("b", "i"): 1})

    expected = incidence_cumulant(statistics, tables, model.resolved, values, ("a", "b"), {"a": 0, "b": 1, "k": 1})
    assert total_value(result.polynomial, value) == expected


def test_without_an_incidence_a_crossed_design_is_refused():
    model = ma.Model(FORMULAS[0])
    with pytest.raises(ma.UnsupportedError, match=r"ma\.designs\.draws.*") as error:
        model.var(model.total(model.y, by="a"))
    assert "given=ma.design" in str(error.value)


def test_covariates_are_refused():
    model = ma.Model("y ~ 1 + x + (1 | a) + (1 | b)", incidence=ma.designs.draws("a", "b"))
    with pytest.raises(ma.UnsupportedError, match="nothing of covariates"):
        model.var(model.total(model.y, by="a"))


LAWS = {
    "independent_cells": (ma.designs.independent_cells("a", "b", ma.Poisson("1/2")), {"a": 9, "b": 7}),
    "draws": (ma.designs.draws("a", "b", ma.Poisson(3), [0.5, 0.2, 0.2, 0.1]), {"a": 9}),
    "multinomial_labels": (ma.designs.multinomial_labels("a", "b", 30, [[0.4, 0.3, 0.2, 0.1], [0.6, 0.4]]), {}),
    "joint_labels": (ma.designs.multinomial_labels("a", "b", 20, [[0.4, 0.3], [0.1, 0.2]], joint=True), {}),
    "nested_sampling": (ma.designs.nested_sampling("a", "b", ma.Poisson(2), ma.Poisson(3)), {"a": 9}),
}


@pytest.mark.parametrize("kind", LAWS)
def test_sampled_designs_have_these_moments(kind):
    """Responses over sampled designs, with exponential effects: second moments within 4.5 standard errors."""
    law, units = LAWS[kind]
    nested = bool(law.within)
    model = ma.Model("y ~ 1 + (1 | a/b)" if nested else FORMULAS[0], incidence=law)
    inner = "var(1|a:b)" if nested else "var(1|b)"
    values = {"Intercept": 1, "var(1|a)": 1, inner: "1/2", "var(residual)": 2}
    row, total = model.total(model.y, by="a"), model.total(model.y)
    rng = np.random.default_rng(20261120)
    seen = []
    for _ in range(4000):
        labels = law.sample(rng, units)
        a, b = labels["a"], labels["b"]
        effects = [(rng.exponential(size=1 + c.max(initial=0)) - 1) * v for c, v in ((a, 1.0), (b, 0.5**0.5))]
        y = 1 + effects[0][a] + effects[1][b] + (rng.exponential(size=len(a)) - 1) * 2**0.5
        seen.append((y[a == 0].sum() * y[a == 1].sum(), (y[a == 0].sum()) ** 2, y.sum() ** 2))
    at = {"a": 0, "k": 1}
    found = [(row, row.at("k")), (row, row), (total, total)]
    for column, pair in zip(np.array(seen).T, found, strict=True):
        means = [model.mean(s).evaluate(parameters=values, units=units, at=at) for s in pair]
        expected = float(model.cov(*pair).evaluate(parameters=values, units=units, at=at) + means[0] * means[1])
        assert abs(column.mean() - expected) < 4.5 * column.std() / len(column) ** 0.5


def test_samples_are_reproducible_and_need_their_laws():
    law, units = LAWS["draws"]
    first, second = (law.sample(np.random.default_rng(5), units) for _ in range(2))
    assert {c: v.tolist() for c, v in first.items()} == {c: v.tolist() for c, v in second.items()}
    with pytest.raises(ma.ModelError, match="cannot be sampled"):
        ma.designs.draws("a", "b", ma.Poisson(3)).sample(np.random.default_rng(5), units)
    with pytest.raises(ma.ModelError, match="how many levels 'a'"):
        law.sample(np.random.default_rng(5), {})


def test_what_is_of_units_is_refused_for_crossed_designs():
    model = ma.Model(FORMULAS[0], incidence=ma.designs.draws("a", "b"))
    derivation = model.var(model.total(model.y, by="a"))
    with pytest.raises(ma.UnsupportedError, match="which crossed factors have not"):
        derivation.assuming(balanced=True)
    with pytest.raises(ma.UnsupportedError, match="averages over i"):
        derivation.sample_analog()
    assert "k3(1|" in str(model.cumulant(*[model.total(model.y, by="a")] * 3).result)
    assert "k3(1|" not in str(model.cumulant(*[model.total(model.y, by="a")] * 3).assuming(normal=True).result)


@pytest.mark.parametrize("incidence", [law for law, _ in LAWS.values()])
def test_an_incidence_is_shown_as_the_code_that_makes_it(incidence):
    assert eval(repr(incidence), {"ma": ma, **vars(ma.designs), "Poisson": ma.Poisson}) == incidence
    formula = "y ~ 1 + (1 | a/b)" if incidence.within else FORMULAS[0]
    model = ma.Model(formula, incidence=incidence)
    assert f"incidence={incidence!r}" in repr(model)
    assert pickle.loads(pickle.dumps(model)) == model


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ma.designs.draws("a", "a"), "of different columns"),
        (lambda: ma.designs.draws("a", 3), "named by a text"),
        (lambda: ma.designs.draws("a", "b", "many"), "must have a law"),
        (lambda: ma.designs.draws("a", "b", 2, [0.5, 0.4]), "sum to 0.9"),
        (lambda: ma.designs.draws("a", "b", 2, "half"), "list of probabilities"),
        (lambda: ma.designs.multinomial_labels("a", "b", 5, [[0.5, 0.5]]), "a list for each of a, b"),
        (lambda: ma.designs.multinomial_labels("a", "b", -1), "whole number"),
        (lambda: ma.Model(FORMULAS[0], incidence=ma.designs.draws("a", "c")), "the model's factors: a, b"),
        (lambda: ma.Model(FORMULAS[0], incidence="draws"), "one of ma.designs"),
        (lambda: ma.Model(FORMULAS[0], incidence=ma.designs.nested_sampling("a", "b")), "factors nested in 'a'"),
    ],
)
def test_incidences_that_make_no_sense_are_refused(make, message):
    with pytest.raises(ma.ModelError, match=message):
        make()


@pytest.mark.parametrize(
    ("law", "arguments", "message"),
    [
        (ma.designs.draws("a", "b"), {}, "leaves a law open"),
        (ma.designs.draws("a", "b", 2), {}, "leaves the probabilities of b open"),
        (ma.designs.independent_cells("a", "b", 2), {"units": {"a": 3}}, "how many levels 'b' has"),
        (ma.designs.draws("a", "b", 2, [0.5, 0.5]), {"units": {"c": 3}}, "'c', which is not open"),
        (ma.designs.multinomial_labels("a", "b", 5, [[0.5, 0.5], [0.5, 0.5]]), {}, "say which, by its place"),
        (ma.designs.multinomial_labels("a", "b"), {"at": {"a": 0}}, "leaves"),
    ],
)
def test_laws_left_open_are_asked_for(law, arguments, message):
    model = ma.Model(FORMULAS[0], incidence=ma.designs.draws("a", "b"))
    derivation = model.var(model.total(model.y, by="a"))
    with pytest.raises(ma.MomentalgError, match=message):
        derivation.evaluate(parameters=PARAMETERS, law=law, **arguments)


def test_cells_observed_once():
    """Under counts of 0 and 1 a declared fact and the law agree; laws with repeated cells contradict it."""
    once = ma.unreplicated("a:b")
    law = ma.designs.independent_cells("a", "b", {0: "1/3", 1: "2/3"})
    values, units = {**PARAMETERS}, {"a": 3, "b": 4}
    declared, plain = (ma.Model(FORMULAS[0], assume=facts, incidence=law) for facts in ((once,), ()))
    numbers_of = [m.var(m.total(m.y, by="a")).evaluate(parameters=values, units=units) for m in (declared, plain)]
    assert numbers_of[0] == numbers_of[1]
    for repeated in (ma.designs.draws("a", "b"), ma.designs.independent_cells("a", "b", ma.Poisson(1))):
        with pytest.raises(ma.ModelError, match="declared unreplicated"):
            ma.Model(FORMULAS[0], assume=once, incidence=repeated)
    undecided = ma.Model(FORMULAS[0], assume=once, incidence=ma.designs.independent_cells("a", "b"))
    with pytest.raises(ma.ModelError, match="declared unreplicated"):
        undecided.var(undecided.total(undecided.y)).evaluate(
            parameters=values, law=ma.designs.independent_cells("a", "b", 2), units=units
        )


HALF = Fraction(1, 2)


def test_three_crossed_factors():
    """The columns may be several: independent cells of three factors, and draws of two labels at once."""
    values = {**PARAMETERS, "var(1|c)": "2/3"}
    law = {0: HALF, 1: HALF}
    for incidence, tables, units in (
        (ma.designs.independent_cells("a", ["b", "c"], law), cell_tables_of(law, (2, 2, 1)), {"a": 2, "b": 2, "c": 1}),
        (ma.designs.draws("a", ["b", "c"], 2, [[HALF, HALF]] * 2), paired_draws(2, 2), {"a": 2}),
    ):
        model = ma.Model("y ~ 1 + (1 | a) + (1 | b) + (1 | c)", incidence=incidence)
        row, total = model.total(model.y, by="a"), model.total(model.y)
        for statistics in ((row, row), (row, row.at("k")), (total, total)):
            found = model.cumulant(*statistics).evaluate(parameters=values, units=units, at={"a": 0, "k": 1})
            at = {"a": 0, "b": 0, "c": 0, "k": 1}
            assert found == incidence_cumulant(statistics, tables, model.resolved, values, ("a", "b", "c"), at)


def cell_tables_of(counts, sides):
    """All tables of independent counts of the cells of several factors."""
    cells = list(product(*map(range, sides)))
    found = {}
    for drawn in product(counts.items(), repeat=len(cells)):
        table = tuple((cell, count) for cell, (count, _) in zip(cells, drawn, strict=True) if count)
        found[table] = found.get(table, 0) + prod(p for _, p in drawn)
    return found


def paired_draws(rows, times):
    """All tables in which each row draws two labels so many times, each of four pairs with probability 1/4."""
    found = {}
    for drawn in product(product(range(2), repeat=2), repeat=rows * times):
        counts = Counter((n // times, *pair) for n, pair in enumerate(drawn))
        table = tuple(sorted(counts.items()))
        found[table] = found.get(table, 0) + Fraction(1, 4) ** (rows * times)
    return found


def test_ratios_of_units_with_subgroups_keep_their_name():
    """E[sum n_ij^2 / N_i^2] does not follow from moments of n and J: it stays a moment; a joint law gives it."""
    model = ma.Model("y ~ 1 + (1 | a/b)", incidence=ma.designs.nested_sampling("a", "b"))
    derivation = model.var(model.total(model.y, by="a") / model.size("a"))
    assert derivation.verify()
    assert str(derivation.result) == (
        "E(size(a)^-1)*var(residual) + E(size(a)^-2*sum(b: size(a:b)[i,j]^2))*var(1|a:b) + var(1|a)"
    )
    values = {"Intercept": MU, "var(1|a)": A, "var(1|a:b)": B, "var(residual)": E}
    with pytest.raises(ma.UnsupportedError, match="no law of sizes gives it"):
        derivation.evaluate(parameters=values, law=ma.designs.nested_sampling("a", "b", 2, {1: HALF, 2: HALF}))
    law = [{"p": HALF, "size(a:b)": [1, 2]}, {"p": HALF, "size(a:b)": [1]}]
    expected = A + Fraction(5, 9) * B / 2 + B / 2 + (Fraction(1, 3) + 1) / 2 * E
    assert derivation.evaluate(parameters=values, law=law) == expected
