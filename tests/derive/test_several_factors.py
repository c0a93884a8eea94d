"""Derivations for several factors and slopes, given the design: readable, replayed, and right on random designs."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from random import Random

import pandas as pd
import pytest

import momentalg as ma

MODELS = {
    "crossed": (ma.Model("y ~ 1 + (1 | a) + (1 | b)"), ("a", "b", "a:b")),
    "interaction": (ma.Model("y ~ 1 + (1 | a) + (1 | b) + (1 | a:b)"), ("a", "b", "a:b")),
    "nested": (ma.Model("y ~ 1 + (1 | a/b)"), ("a", "a:b")),
    "three levels": (ma.Model("y ~ 1 + (1 | a/b/c)"), ("a", "a:b", "a:b:c")),
    "three factors": (ma.Model("y ~ 1 + (1 | a) + (1 | b) + (1 | c)"), ("a", "c", "a:b")),
    "slope": (ma.Model("y ~ 1 + x + (1 + x | a) + (1 | b)"), ("a", "b")),
    "independent slope": (ma.Model("y ~ 1 + x + (1 + x || a) + (1 | b)"), ("a", "b")),
    "slope on a level covariate": (ma.Model("y ~ 1 + X + (1 + X | b) + (1 | a)", levels={"X": "a"}), ("a", "b")),
    "only a cell": (ma.Model("y ~ 1 + x + (1 | a:b)"), ("a:b",)),
}
TOTALS = [pytest.param(model, by, id=f"{name}-{by}") for name, (model, bys) in MODELS.items() for by in bys]
DESIGN = {"given": ma.design}


def frame(seed: int, rows: int = 9) -> pd.DataFrame:
    """A small design with repeated and empty cells."""
    rng = Random(seed)
    table = pd.DataFrame({f: [rng.choice("uvw") for _ in range(rows)] for f in "abc"})
    table["x"] = [rng.randint(-2, 3) for _ in range(rows)]
    table["X"] = table["a"].map({"u": 1, "v": -2, "w": 3})
    return table


def parameters(model: ma.Model) -> dict[str, Fraction]:
    """Different values for all parameters of the first two orders."""
    keys = [str(c.key) for c in model.resolved.mean]
    for block in model.resolved.groups:
        names = [str(c.key) for c in block.coefficients]
        pairs = [*combinations(names, 2), *((name, name) for name in names)]
        keys += [model.resolved.cumulant_key(block, pair) for pair in pairs]
    return {key: Fraction(n + 2, 3) for n, key in enumerate([*keys, "var(residual)"])}


def covariance(model: ma.Model, data: pd.DataFrame, values: dict[str, Fraction]) -> list[list[Fraction]]:
    """The covariance matrix of the observations, from its definition."""
    rows = data.to_dict("records")
    found = [[values["var(residual)"] * (s == t) for t in range(len(rows))] for s in range(len(rows))]
    for block in model.resolved.groups:
        names = [str(c.key) for c in block.coefficients]
        for s, first in enumerate(rows):
            for t, second in enumerate(rows):
                if all(first[c] == second[c] for c in block.factor):
                    found[s][t] += sum(
                        values[model.resolved.cumulant_key(block, (p, q))]
                        * (1 if p == "1" else int(first[p]))
                        * (1 if q == "1" else int(second[q]))
                        for p in names
                        for q in names
                    )
    return found


def members(data: pd.DataFrame, by: str) -> dict[object, list[int]]:
    """The rows of each level."""
    found: dict[object, list[int]] = {}
    for n, row in enumerate(data[by.split(":")].itertuples(index=False)):
        found.setdefault(tuple(row), []).append(n)
    return found


@pytest.mark.parametrize(("model", "by"), TOTALS)
def test_moments_of_totals_are_derived_by_linear_forms(model, by):
    total = model.total(model.y, by=by)
    derivations = [model.mean(total, **DESIGN), model.var(total, **DESIGN), model.cov(total, total.at("q"), **DESIGN)]
    derivations.append(model.cumulant(total, total, total, **DESIGN))
    for derivation in derivations:
        assert derivation.verify()
        assert derivation.steps[0].rule == "definition"


@pytest.mark.parametrize("name", MODELS)
def test_totals_of_two_factors(name):
    model, bys = MODELS[name]
    totals = [model.total(model.y, by=by) for by in bys]
    for first, second in combinations(totals, 2):
        derivation = model.cov(first, second, **DESIGN)
        assert derivation.verify()
        assert derivation.steps[0].rule == "definition"
    assert model.cov(totals[0], model.y.at("t"), **DESIGN).verify()
    whole = model.total(model.y)
    assert model.var(whole, **DESIGN).verify()
    assert model.cov(whole, totals[0], **DESIGN).verify()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("model", "by"), TOTALS)
def test_variances_of_totals_are_those_of_the_covariance_matrix(model, by, seed):
    data, values = frame(seed), parameters(model)
    matrix, levels = covariance(model, data, values), members(data, by)
    total = model.total(model.y, by=by)
    variances = model.var(total, **DESIGN).evaluate(parameters=values, data=data)
    expected = {level: sum(matrix[s][t] for s in rows for t in rows) for level, rows in levels.items()}
    found = {level if isinstance(level, tuple) else (level,): value for level, value in variances.items()}
    assert found == expected


@pytest.mark.parametrize("name", MODELS)
def test_expectations_of_squares_go_by_the_moments_of_totals(name):
    model, bys = MODELS[name]
    squares = model.total(model.y**2)
    for by in bys:
        within = squares - ma.over(by, model.total(model.y, by=by) ** 2 / model.size(by))
        derivation = model.mean(within, **DESIGN)
        assert derivation.verify()
        assert "core_identity" not in {step.rule for step in derivation.steps}
        data, values = frame(4), parameters(model)
        matrix, means = covariance(model, data, values), mean_vector(model, data, values)
        second = [[matrix[s][t] + means[s] * means[t] for t in range(len(means))] for s in range(len(means))]
        expected = sum(second[s][s] for s in range(len(means)))
        for rows in members(data, by).values():
            expected -= sum(second[s][t] for s in rows for t in rows) / len(rows)
        assert derivation.evaluate(parameters=values, data=data) == expected


def mean_vector(model: ma.Model, data: pd.DataFrame, values: dict[str, Fraction]) -> list[Fraction]:
    """The means of the observations."""
    keys = [str(c.key) for c in model.resolved.mean]
    rows = data.to_dict("records")
    return [sum((values[k] * (1 if k == "Intercept" else int(row[k])) for k in keys), Fraction(0)) for row in rows]


def test_a_crossed_total_reads_as_it_is_written_by_hand():
    model, _ = MODELS["crossed"]
    read = model.var(model.total(model.y, by="a"), **DESIGN).text()
    for line in (
        "S_i. = sum_{j,t} Y_ijt",
        "Y_ijt = Intercept + alpha_i + beta_j + epsilon_ijt",
        "Var(Intercept N_i + N_i alpha_i + sum_j n_ij beta_j + sum_{j,t} epsilon_ijt | design)",
        "N_i^2 Var(alpha_i | design) + sum_j n_ij^2 Var(beta_j | design)",
        "N_i^2 var(1|a) + (sum_j n_ij^2) var(1|b) + N_i var(residual)",
    ):
        assert line in read


def test_letters_of_the_levels_of_two_factors_do_not_clash():
    model, _ = MODELS["crossed"]
    rows, columns = model.total(model.y, by="a"), model.total(model.y, by="b")
    read = model.cov(rows, columns, **DESIGN).text()
    assert "Cov(sum_{l,t} Y_ilt, sum_{k,t} Y_kjt | design)" in read
    assert "n_ij N_i var(1|a) + n_ij M_j var(1|b) + n_ij var(residual)" in read
    named = model.cov(columns, columns.at("j"), **DESIGN).text()
    assert "Cov(S_.l, S_.j | design)" in named
    assert "sum_i n_ij n_il" in named or "sum_i n_il n_ij" in named


def test_the_covariance_of_intercept_and_slope_enters_twice():
    model, _ = MODELS["slope"]
    read = model.var(model.total(model.y, by="a"), **DESIGN).text()
    assert "2 N_i S[x, i.] Cov(alpha_i, alpha[x, i] | design)" in read
    assert "2 N_i S[x, i.] cov(1,x|a)" in read


@pytest.mark.parametrize("formula", ["y ~ 1 + drug + (1 | a) + (1 | b)", "y ~ 1 + drug + (1 | a)"])
def test_values_of_a_fixed_factor_are_counted_by_level(formula):
    model = ma.Model(formula, fixed=["drug"])
    total = model.total(model.y, by="a")
    mean = model.mean(total, **DESIGN)
    assert mean.verify()
    assert mean.steps[0].rule == "definition"
    assert "C(drug)[" in mean.text()
    assert "sum_over_level" in {step.rule for step in mean.steps}
    squares = model.mean(model.total(model.y**2) - ma.over("a", total**2 / model.size("a")), **DESIGN)
    assert squares.verify()


def test_letters_of_an_interaction():
    model, _ = MODELS["interaction"]
    derivation = model.var(model.total(model.y, by="a"), **DESIGN)
    assert "(alpha beta)_ij" in derivation.text()
    assert r"(\alpha \beta)_{i j}" in derivation.latex()
    assert r"\sigma_{\alpha \beta}^{2}" in derivation.latex()


@pytest.mark.parametrize("via", [["b"], ["a"], ["a", "b"], ["b", "a"]], ids=str)
@pytest.mark.parametrize("name", ["crossed", "interaction", "slope", "slope on a level covariate"])
def test_conditioning_on_the_effects_of_a_factor_gives_the_same(name, via):
    model, _ = MODELS[name]
    rows, columns = model.total(model.y, by="a"), model.total(model.y, by="b")
    for asked in ((rows, rows), (rows, columns), (rows, rows.at("q"))):
        direct, around = (model.cumulant(*asked, **DESIGN, via=v) for v in ((), via))
        assert around.verify()
        assert around == direct


def test_given_the_effects_of_a_factor_the_others_vary():
    model, _ = MODELS["crossed"]
    rows = model.total(model.y, by="a")
    derivation = model.var(rows, given=[ma.design, "b"])
    assert derivation.verify()
    assert derivation.result == model.var(rows, given=ma.design).result.subs(model.parameter("var(1|b)"), 0)
    assert "given the design, beta\n" in derivation.text()


def test_nested_effects_given_the_design():
    model, _ = MODELS["nested"]
    total = model.total(model.y, by="a")
    direct = model.var(total, **DESIGN)
    for via in (["a"], ["a:b"], ["a:b", "a"]):
        around = model.var(total, **DESIGN, via=via)
        assert around.verify()
        assert around == direct
