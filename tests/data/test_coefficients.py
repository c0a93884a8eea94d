"""Coefficients of moment equations on data: floats from orthonormal bases against exact synthesis in Fractions."""

from __future__ import annotations

import random
from fractions import Fraction

import pandas as pd
import pytest

import momentalg as ma
from momentalg.cumulants.evaluate import DesignTable
from momentalg.errors import DataError
from momentalg.expr.nodes import Variable
from momentalg.moments.constants import constant_value

CASES = [
    ("y ~ 1 + (1 | user)", "henderson3"),
    ("y ~ 1 + (1 | user)", "totals"),
    ("y ~ 1 + x + (1 | user)", "henderson3"),
    ("y ~ 1 + x + I(x**2) + X + (1 | user)", "minque0"),
    ("y ~ 1 + X + size(user) + (1 | user)", "minque0"),
    ("y ~ 0 + x:size(user) + (1 | user)", "henderson3"),
    ("y ~ 1 + x + (1 | user)", "pairs"),
]


def frame() -> pd.DataFrame:
    rng = random.Random(5)
    users = [u for u, size in enumerate((1, 2, 2, 3, 4, 6)) for _ in range(size)]
    level = {u: rng.randint(1, 9) for u in users}
    rows = [{"y": rng.random(), "user": f"u{u}", "x": rng.randint(-5, 9), "X": level[u]} for u in users]
    rng.shuffle(rows)
    return pd.DataFrame(rows)


@pytest.mark.parametrize(("formula", "statistics"), CASES)
def test_they_equal_exact_values(formula, statistics):
    data = frame()
    system = ma.Model(formula, levels={"X": "user"} if "X" in formula else None).moment_equations(statistics)
    values = {Variable("column", c): [Fraction(v) for v in data[c].tolist()] for c in ("x", "X")}
    design = DesignTable({"user": data["user"].tolist()}, values, len(data))
    found = system.coefficients(data)
    for equation in (*system.common, *system.variance):
        for key in found.columns:
            node = equation.coefficients.get(key)
            exact = constant_value(node, design, system.model) if node is not None else 0
            assert found.loc[equation.name, key] == pytest.approx(float(exact), rel=1e-9, abs=1e-8)


def test_dyestuff_has_its_expected_mean_squares():
    system = ma.Model("Yield ~ 1 + (1 | Batch)").moment_equations()
    found = system.coefficients(ma.datasets.load("Dyestuff"))
    assert found.loc["R"].to_dict() == {"Intercept": 0, "var(1|Batch)": 25, "var(residual)": 5}
    assert found.loc["SSE"].to_dict() == {"Intercept": 0, "var(1|Batch)": 0, "var(residual)": 24}


def test_confounded_columns_are_counted_once():
    data = frame().assign(x=1.0)
    found = ma.Model("y ~ 1 + x + (1 | user)").moment_equations().coefficients(data)
    assert found.loc["SSE", "var(residual)"] == 18 - 6
    assert found.loc["R", "var(residual)"] == pytest.approx(5)


def test_missing_values_are_refused_or_dropped():
    data = frame()
    data.loc[3, "y"] = None
    system = ma.Model("y ~ 1 + (1 | user)").moment_equations()
    with pytest.raises(DataError, match="missing"):
        system.coefficients(data)
    assert system.coefficients(data, missing="drop").loc["G[Intercept]", "Intercept"] == 17
