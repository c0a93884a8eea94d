"""Cells that are declared to have at most one observation: n_ij is its own square, and totals over a cell multiply."""

from __future__ import annotations

from fractions import Fraction

import pytest

import momentalg as ma
from momentalg.check.enumeration import enumerate_cumulant
from momentalg.cumulants.evaluate import DesignTable, evaluate
from momentalg.expr.nodes import Variable
from tests.cumulants.support import given_design

FORMULA = "y ~ 1 + x + (1 | a) + (1 | b)"
PLAIN, DECLARED = ma.Model(FORMULA), ma.Model(FORMULA, assume=[ma.unreplicated("a:b")])
CELLS = ["pu", "pv", "qu", "qw", "rv", "rw"]
ROWS = [{"a": a, "b": b, "x": Fraction(n - 2, 2)} for n, (a, b) in enumerate(CELLS)]
PARAMETERS = {"Intercept": 2, "x": 3, "var(1|a)": 5, "var(1|b)": 7, "var(residual)": 11}


def within(model, factor):
    return ma.over(ma.observations, (model.y - model.total(model.y, by=factor) / model.size(factor)) ** 2)


def coefficient(polynomial, key):
    """What a parameter is multiplied by."""
    return polynomial.split(lambda symbol: isinstance(symbol, str))[frozenset({(key, 1)})]


def test_expectations_have_the_coefficients_of_gao_and_owen():
    """N - R for both components, where n_ij^2/N_i would add up to something else."""
    declared = given_design([within(DECLARED, "a")], DECLARED.resolved)
    n_less_r = given_design([DECLARED.size() - ma.over("a", 1)], DECLARED.resolved)
    assert coefficient(declared, "var(1|b)") == coefficient(declared, "var(residual)") == n_less_r
    plain = given_design([within(PLAIN, "a")], PLAIN.resolved)
    assert coefficient(plain, "var(1|b)") != n_less_r


def equal_constants(m):
    """Pairs that are equal where no cell has two observations."""
    x, n = m.covariate("x"), m.size("a:b")
    cell = m.total(x, by="a:b")
    return {
        "power": (ma.over("a:b", n**3), m.size()),
        "inverse": (ma.over("a:b", 1 / n), m.size()),
        "number of cells": (ma.over("a:b", 1), m.size()),
        "square of a total": (ma.over("a:b", cell**2), m.total(x**2)),
        "product of totals": (ma.over("a:b", cell**2 * m.total(x**3, by="a:b") * n), m.total(x**5)),
        "with a coarser level": (
            ma.over("a:b", cell**2 / m.size("a")),
            ma.over("a", m.total(x**2, by="a") / m.size("a")),
        ),
    }


@pytest.mark.parametrize("name", equal_constants(PLAIN))
def test_equal_constants_are_equal_forms(name):
    def design(model):
        return [given_design([side], model.resolved) for side in equal_constants(model)[name]]

    left, right = design(DECLARED)
    assert left == right
    left, right = design(PLAIN)
    assert left != right


def test_a_total_in_a_denominator_is_left_alone():
    """x may be zero in a cell: its inverse is no power of x that could be put together with the others."""
    x = DECLARED.covariate("x")
    ratio = ma.over("a:b", DECLARED.total(x**2, by="a:b") / DECLARED.total(x + 3, by="a:b"))
    rows = [{**row, "x": row["x"] + 3} for row in ROWS]
    assert value([ratio], DECLARED, rows) == sum(row["x"] ** 2 / (row["x"] + 3) for row in rows)


def value(statistics, model, rows=ROWS):
    labels = {c: [row[c] for row in rows] for c in "ab"}
    table = DesignTable(labels, {Variable("column", "x"): [row["x"] for row in rows]}, len(rows))
    parameters = {key: Fraction(v) for key, v in PARAMETERS.items()} | dict.fromkeys(HIGHER, Fraction(1, 3))
    return evaluate(given_design(statistics, model.resolved), parameters, table)


HIGHER = [f"k{k}({where})" for k in (3, 4) for where in ("1|a", "1|b", "residual")]


@pytest.mark.parametrize("fact", ["a:b", "a"])
def test_moments_stay_what_they_are(fact):
    """Of cells, and of levels of a single factor; the totals of finer cells then are single observations, too."""
    model = ma.Model(FORMULA, assume=[ma.unreplicated(fact)])
    rows = ROWS if fact == "a:b" else [ROWS[0], ROWS[2], ROWS[5]]
    y, x = model.y, model.covariate("x")
    statistics = [
        within(model, "b"),
        ma.over("a:b", model.total(x * y, by="a:b") * model.total(y, by="a:b") * model.total(y, by="b")),
        ma.over("a", model.total(y, by="a") ** 2 * model.total(x, by="a")),
    ]
    parameters = PARAMETERS | dict.fromkeys(HIGHER, Fraction(1, 3))
    for asked in ([s] for s in statistics):
        assert value(asked, model, rows) == enumerate_cumulant(asked, rows, model.resolved, parameters)
    first = statistics[:1] * 2
    assert value(first, model, rows) == enumerate_cumulant(first, rows, model.resolved, parameters)
