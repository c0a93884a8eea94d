"""Balanced designs of several factors: every cell occurs with the same size, and all sizes follow."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pandas as pd
import pytest
import sympy

import momentalg as ma

CROSSED = ma.Model("y ~ 1 + (1 | a) + (1 | b) + (1 | a:b)")
NESTED = ma.Model("y ~ 1 + (1 | a/b)", assume=[ma.nested("b", "a")])
THREE = ma.Model("y ~ 1 + (1 | a) + (1 | b) + (1 | c)")
SLOPE = ma.Model("y ~ 1 + x + (1 + x | a) + (1 | b)")
DESIGN = {"given": ma.design}
COUNTS = {"a": 3, "b": 2, "c": 2}
CELL = 4


def frame(model: ma.Model) -> pd.DataFrame:
    """A balanced design; the subgroups of a nested factor have names of their own."""
    columns = model.resolved.columns
    cells = [dict(zip(columns, c, strict=True)) for c in product(*(range(COUNTS[c]) for c in columns))]
    rows = [{**cell, "x": n % 3 - n // 5} for n, cell in enumerate(cells * CELL)]
    return pd.DataFrame(rows)


def within(model: ma.Model, by: str) -> object:
    return model.total(model.y**2) - ma.over(by, model.total(model.y, by=by) ** 2 / model.size(by))


def between(model: ma.Model, by: str) -> object:
    return ma.over(by, model.total(model.y, by=by) ** 2 / model.size(by)) - model.total(model.y) ** 2 / model.size()


CASES = {
    "mean within rows": CROSSED.mean(within(CROSSED, "a"), **DESIGN),
    "variance within columns": CROSSED.var(within(CROSSED, "b"), **DESIGN),
    "mean between rows": CROSSED.mean(between(CROSSED, "a"), **DESIGN),
    "nested between": NESTED.mean(between(NESTED, "a"), **DESIGN),
    "nested within": NESTED.var(within(NESTED, "a:b"), **DESIGN),
    "three factors": THREE.var(within(THREE, "a:b"), **DESIGN),
    "estimator": NESTED.mean(between(NESTED, "a") / (ma.over("a", 1) - 1), **DESIGN),
    "slopes": SLOPE.mean(within(SLOPE, "b"), **DESIGN),
}


@pytest.mark.parametrize("name", CASES)
def test_the_result_is_that_of_a_balanced_design(name):
    """With numbers for the one size and the numbers of levels, it is the result on such data."""
    derivation = CASES[name]
    model, data = derivation.model, frame(derivation.model)
    keys = [s.name for s in derivation.result.free_symbols if s.name.startswith(("var", "cov", "k3", "k4", "Inter"))]
    values = {key: Fraction(n + 1, 2) for n, key in enumerate(sorted({*keys, "Intercept", *map_means(model)}))}
    exact = derivation.evaluate(parameters=values, data=data)
    found = derivation.assuming(balanced=True)
    numbers = {s: number(s.name, values, data) for s in found.result.free_symbols}
    assert found.result.subs(numbers) == sympy.Rational(exact.numerator, exact.denominator)
    assert "balanced: every cell occurs, and all have the same size" in repr(found)


def map_means(model: ma.Model) -> list[str]:
    return [str(c.key) for c in model.resolved.mean]


def number(key: str, values: dict[str, Fraction], data: pd.DataFrame) -> sympy.Rational:
    """What a letter of a balanced result is on the data."""
    if key in values:
        return sympy.Rational(values[key].numerator, values[key].denominator)
    if key.startswith("size("):
        return sympy.Integer(CELL)
    if key.startswith("levels("):
        return sympy.Integer(len(data[key[7:-1].split(":")].drop_duplicates()))
    totals = {"total(x^2)": (data["x"] ** 2).sum(), "total(x)": data["x"].sum()}
    by_column = data.groupby("b")["x"].sum()
    cells = data.groupby(["a", "b"])["x"].sum()
    totals |= {"sum(total(x|b)^2)": (by_column**2).sum(), "sum(total(x|a:b)^2)": (cells**2).sum()}
    return sympy.Integer(int(totals[key]))


def test_expected_mean_squares_of_the_balanced_nested_design():
    """Searle, Casella and McCulloch, ch. 4: s_e^2 + n s_b^2 + bn s_a^2 between, s_e^2 + n s_b^2 within groups."""
    groups, cells = ma.over("a", 1), ma.over("a:b", 1)
    residual, inner, outer = (NESTED.parameter(k) for k in ("var(residual)", "var(1|a:b)", "var(1|a)"))
    mean_square = NESTED.mean(between(NESTED, "a") / (groups - 1), **DESIGN).assuming(balanced=True)
    found = {str(s): s for s in mean_square.result.free_symbols}
    n, per_group = found["size(a:b)[i,j]"], found["levels(a:b)"] / found["levels(a)"]
    assert (mean_square.result - (residual + n * inner + n * per_group * outer)).simplify() == 0
    within_groups = between(NESTED, "a:b") - between(NESTED, "a")
    mean_square = NESTED.mean(within_groups / (cells - groups), **DESIGN).assuming(balanced=True)
    assert (mean_square.result - (residual + n * inner)).simplify() == 0


def test_normal_and_balanced_together():
    derivation = CROSSED.var(within(CROSSED, "a"), **DESIGN)
    both = derivation.assuming(normal=True, balanced=True)
    assert both.result == derivation.assuming(normal=True).assuming(balanced=True).result
    assert not any(s.name.startswith("k4") for s in both.result.free_symbols)


def test_two_results_side_by_side():
    derivation = CROSSED.mean(within(CROSSED, "a"), **DESIGN)
    table = ma.compare(derivation, derivation.assuming(balanced=True))
    assert [str(row.parameters) for row in table.rows] == ["var(1|a:b)", "var(1|b)", "var(residual)"]
    crossed, additive = CROSSED, ma.Model("y ~ 1 + (1 | a) + (1 | b)")
    models = ma.compare(crossed.mean(within(crossed, "a"), **DESIGN), additive.mean(within(additive, "a"), **DESIGN))
    assert [str(row.parameters) for row in models.differences] == ["var(1|a:b)"]


def test_the_matrix_form_of_a_second_moment():
    rows = SLOPE.total(SLOPE.y, by="a")
    form = SLOPE.mean(rows**2, **DESIGN).matrix_form()
    assert form.parameters == ("Intercept", "x")
    assert [[str(cell) for cell in row] for row in form.matrix] == [["N^2", "N S_x"], ["N S_x", "S_x^2"]]
    assert "cov(1,x|a)" in str(form.rest)
