"""Covariates that are constant on one factor, in totals over the levels of another, each with its own."""

from __future__ import annotations

from fractions import Fraction

import pandas as pd
import pytest

import momentalg as ma
from momentalg.check.enumeration import enumerate_cumulant

MODEL = ma.Model("y ~ 1 + V + (1 | user) + (1 | item)", levels={"V": "item"})
y, V = MODEL.y, MODEL.covariate("V")
ROWS = [
    {"user": user, "item": item, "V": Fraction({"p": -1, "q": 2, "r": 3}[item], 2)}
    for user, item in ("ap", "aq", "bq", "bq", "br", "cp")
]
STATISTICS = {
    "total of a level": MODEL.total(V * y, by="user"),
    "total of squares": MODEL.total(V * y**2),
    "squares of a level": MODEL.total(V * y**2, by="user"),
    "sum of squares": ma.over("user", MODEL.total(V * y, by="user") ** 2),
    "at its own factor": MODEL.total(V * y, by="item") * V,
}


@pytest.mark.parametrize("name", STATISTICS)
def test_every_step_keeps_the_value_and_the_result_is_that_of_enumeration(name):
    statistic = STATISTICS[name]
    derivation = MODEL.mean(statistic, given=ma.design)
    assert derivation.verify()
    at = {"user": "b"} if "level" in name else {"item": "q"} if "own" in name else None
    parameters = {key: Fraction(number + 2, 3) for number, key in enumerate(MODEL.parameters)}
    found = derivation.evaluate(parameters=parameters, data=pd.DataFrame(ROWS, dtype=object), at=at)
    assert found == enumerate_cumulant([statistic], ROWS, MODEL.resolved, parameters, at)
