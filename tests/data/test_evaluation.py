"""Results evaluated under a law: against exact enumeration, and what a law or an argument must say."""

from __future__ import annotations

from fractions import Fraction

import pandas as pd
import pytest

import momentalg as ma
from momentalg.check.random_design import law_cumulant

MODEL = ma.Model("y ~ 1 + X + (1 | user)", levels={"X": "user"})
S, X = MODEL.total(MODEL.y, by="user"), MODEL.covariate("X")
VALUES = {"Intercept": Fraction(2), "X": Fraction(-1, 3), "var(1|user)": Fraction(5), "var(residual)": Fraction(7)}
LAW = [
    {"p": "1/4", "size(user)": 0, "X": 3},
    {"p": "1/2", "size(user)": 1, "X": -1},
    {"p": "1/4", "size(user)": 2, "X": 5},
]


@pytest.mark.parametrize("statistics", [(S,), (S, S), (S, X), (S * X, S), (X, X)])
def test_an_empty_unit_has_its_covariates(statistics):
    """E[X] is over all units, the empty ones included."""
    derived = MODEL.cumulant(*statistics).evaluate(parameters=VALUES, law=LAW)
    assert derived == law_cumulant(statistics, LAW, MODEL.resolved, VALUES, 1)


def test_a_law_of_the_size_alone_says_nothing_of_a_covariate():
    law = {"size(user)": {1: "1/2", 3: "1/2"}}
    assert MODEL.mean(MODEL.size("user")).evaluate(parameters=VALUES, law=law) == 2
    with pytest.raises(ma.DataError, match="needs the covariate X"):
        MODEL.var(S).evaluate(parameters=VALUES, law=law)


@pytest.mark.parametrize("units", [{"user": 0}, {"user": 1.5}, {"user": True}, {"item": 3}, 3])
def test_the_number_of_units_is_a_count(units):
    grand = MODEL.var(MODEL.total(MODEL.y))
    with pytest.raises(ma.DataError, match="how many levels user has"):
        grand.evaluate(parameters=VALUES, law=LAW, units=units)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, True, "a", "1/0"])
def test_a_parameter_is_a_finite_number(value):
    with pytest.raises(ma.DataError, match="the parameter X must be a finite number"):
        MODEL.var(S).evaluate(parameters={**VALUES, "X": value}, law=LAW)


FRAME = pd.DataFrame({"user": list("aabbb"), "X": [1, 1, 2, 2, 2], "x": [1.0, -1.0, 2.0, 3.0, 4.0]})


@pytest.mark.parametrize("moment", ["mean", "var"])
def test_data_that_contradict_the_model_are_refused_whether_or_not_the_result_needs_them(moment):
    derived = getattr(MODEL, moment)(S, given=ma.design)
    assert len(derived.evaluate(parameters=VALUES, data=FRAME)) == 2
    with pytest.raises(ma.DataError, match="X is declared constant within user"):
        derived.evaluate(parameters=VALUES, data=FRAME.assign(X=[1, 2, 2, 2, 2]))


@pytest.mark.parametrize(("term", "row"), [("log(x)", 1), ("I(1/(x-2))", 2), ("exp(x)", 0)])
def test_a_function_without_a_value_is_named_with_its_row(term, row):
    model = ma.Model(f"y ~ 1 + {term} + (1 | user)")
    frame = FRAME.assign(x=FRAME["x"] * (1000 if term == "exp(x)" else 1))
    with pytest.raises(ma.DataError, match=f"has no value in row {row}"):
        model.mean(model.total(model.y), given=ma.design).evaluate(parameters={"Intercept": 1, term: 1}, data=frame)


@pytest.mark.parametrize("wrong", [{"parameters": None}, {"at": 3}, {"at": {"user": "q"}}])
def test_odd_arguments_are_named(wrong):
    arguments = {"parameters": VALUES, "data": FRAME} | wrong
    with pytest.raises(ma.DataError):
        MODEL.var(S, given=ma.design).evaluate(**arguments)
