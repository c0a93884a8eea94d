"""Steps of derivations of several factors keep their exact values: on nested units, crossed designs and random ones."""

from __future__ import annotations

from fractions import Fraction

import pytest

import momentalg as ma
from momentalg.check.crossed_space import CrossedSpace
from momentalg.check.laws import read_atoms
from momentalg.check.random_incidence import cell_tables, draw_tables, label_tables
from momentalg.check.spaces import Space, values
from tests.cumulants.support import LONG
from tests.rules.spaces import EFFECTS, RESIDUALS

HALF = Fraction(1, 2)
Q = [HALF, HALF]
SIZES = {1: HALF, 2: HALF}
FIXED = {(((0, 0), 2), ((0, 1), 1), ((1, 1), 1)): Fraction(1)}


def kept(derivation, space):
    """How many steps were compared, each in every outcome."""
    compared = 0
    for step in derivation.steps:
        assert values(step.before, space) == values(step.after, space), step.rule
        compared += 1
    return compared


NESTED = ma.Model("y ~ 1 + (1 | a/b)")
UNITS = Space(
    NESTED.resolved,
    {"Intercept": "5/2"},
    read_atoms([{"p": "1/3", "size(a:b)": [1, 1]}, {"p": "2/3", "size(a:b)": [2]}]),
    EFFECTS[:2],
    RESIDUALS[0],
)


S, N = NESTED.total(NESTED.y, by="a"), NESTED.size("a")


@pytest.mark.parametrize(
    ("statistics", "conditions"),
    [
        ((S**2,), {}),
        ((S, S), {}),
        ((S / N, S / N), {}),
        ((S, S * N), {}),
        ((S, S), {"given": [N]}),
        ((S, S), {"via": [N]}),
        ((S, S, S), {}),
        ((S, S), {"given": ma.design}),
    ],
)
def test_nested_units(statistics, conditions):
    assert kept(NESTED.cumulant(*statistics, **conditions), UNITS) >= 1


DESIGNS = {
    "fixed": (None, FIXED, {}),
    "independent_cells": (ma.designs.independent_cells("a", "b", SIZES), cell_tables(SIZES, 1, 2), {}),
    "draws": (ma.designs.draws("a", "b", SIZES, Q), draw_tables(SIZES, Q, 1), {"probability(b)": Q}),
    "labels": (
        ma.designs.multinomial_labels("a", "b", 2, [Q, Q]),
        label_tables(2, [[HALF**2] * 2] * 2),
        {"probability(a)": Q, "probability(b)": Q},
    ),
}
CROSSED = ma.Model("y ~ 1 + (1 | a) + (1 | b)")
R, C = CROSSED.total(CROSSED.y, by="a"), CROSSED.total(CROSSED.y, by="b")
STATISTICS = {
    "Var R": (R, R),
    "Cov(R, C)": (R, C),
    "E R^2": (R**2,),
    "Cov(R, R_k)": (R, R.at("k")),
    "E sum C^2": (ma.over("b", C**2),),
}


FEW = {"independent_cells": ("Var R",), "draws": ("Var R", "Cov(R, C)"), "labels": ("Cov(R, R_k)",)}
CASES = [
    pytest.param(kind, asked, id=f"{kind}: {asked}")
    for kind in DESIGNS
    for asked in STATISTICS
    if (LONG or asked in FEW.get(kind, STATISTICS))
    and not (kind in ("independent_cells", "draws") and asked == "Cov(R, R_k)")  # of one row, to be small
]


@pytest.mark.parametrize(("kind", "asked"), CASES)
def test_crossed_designs(kind, asked):
    law, tables, constants = DESIGNS[kind]
    model = ma.Model("y ~ 1 + (1 | a) + (1 | b)", incidence=law)
    probabilities = {name: {(place,): p for place, p in enumerate(listed)} for name, listed in constants.items()}
    space = CrossedSpace(
        model.resolved, {"Intercept": "5/2"}, tables, ("a", "b"), EFFECTS[:2], RESIDUALS[1], probabilities
    )
    derivation = model.cumulant(*STATISTICS[asked], given=ma.design if law is None else ())
    assert kept(derivation, space) >= 1
