"""Coefficients of moment equations on data: floats from orthonormal bases against exact synthesis in Fractions."""

from __future__ import annotations

import random
import time
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

import momentalg as ma
from momentalg.cumulants.evaluate import DesignTable
from momentalg.errors import DataError, UnsupportedError
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


HEMMERLE_HARTLEY = pd.DataFrame(
    [
        (a, b, y)
        for (a, b), values in {
            (1, 1): [237, 254, 246], (1, 2): [178, 179], (2, 1): [208, 178, 187], (2, 2): [146, 145, 141],
            (3, 1): [186, 183], (3, 2): [142, 125, 136],
        }.items()
        for y in values
    ],
    columns=["a", "b", "y"],
)  # fmt: skip
"""Hemmerle and Hartley (1973), Technometrics 15, 819-831, as in the documentation of SAS PROC VARCOMP."""


def test_type_1_has_the_published_expected_mean_squares():
    """SAS prints a fixed: EMS(b) = Ve + 2.6308 Vab + 7.8 Vb; and for a, Ve + 2.725 Vab + 0.1 Vb + Q(a)."""
    mixed = ma.Model("y ~ 1 + a + (1 | b) + (1 | a:b)", fixed={"a": [1, 2, 3]}).moment_equations("type1")
    found = mixed.coefficients(HEMMERLE_HARTLEY, mean_squares=True)
    components = found[["var(1|b)", "var(1|a:b)", "var(residual)"]]
    assert components.loc["SS[a]"].to_list() == pytest.approx([0.1, 2.725, 1])
    assert components.loc["SS[b]"].to_list() == pytest.approx([7.8, 2.6308, 1], abs=5e-5)
    assert components.loc["SS[a:b]"].to_list() == pytest.approx([0, 2.5846, 1], abs=5e-5)
    assert found["Q(a)"].to_list() == [0.5, 0, 0, 0]  # of the sum of squares, which has two degrees of freedom
    random_effects = ma.Model("y ~ 1 + (1 | a) + (1 | b) + (1 | a:b)").moment_equations("type1")
    of_a = random_effects.coefficients(HEMMERLE_HARTLEY, mean_squares=True).loc["SS[a]"]
    assert of_a[["var(1|b)", "var(1|a:b)", "var(residual)"]].to_list() == pytest.approx([0.1, 2.725, 1])


def test_a_mean_square_without_degrees_of_freedom_is_refused():
    data = pd.DataFrame({"y": [1.0, 2, 3, 4], "a": list("aabb"), "b": list("cdcd")})
    system = ma.Model("y ~ 1 + (1 | a) + (1 | a:b)").moment_equations("within")
    assert system.coefficients(data).loc["U[a:b]", "var(residual)"] == pytest.approx(0)
    with pytest.raises(ma.NotIdentifiedError, match=r"U\[a:b\]: the coefficient of var\(residual\) is zero"):
        system.coefficients(data, mean_squares=True)


SEVERAL = [
    ("y ~ 1 + (1 | a) + (1 | b)", "within"),
    ("y ~ 1 + (1 | a) + (1 | b)", "gao_owen"),
    ("y ~ 1 + x + (1 | a) + (1 | b) + (1 | a:b)", "type2"),
    ("y ~ 1 + x + (1 | a / b)", "within"),
    ("y ~ 1 + x + (1 + x | a) + (1 | b)", "within"),
    ("y ~ 1 + x + (1 + x | a) + (1 | b)", "minque0"),
]


@pytest.mark.parametrize(("formula", "statistics"), SEVERAL)
def test_several_factors_and_slopes_equal_exact_values(formula, statistics):
    rng = random.Random(7)
    rows = 24
    data = pd.DataFrame(
        {
            "y": 0.0,
            "a": [rng.randint(0, 4) for _ in range(rows)],
            "b": [rng.randint(0, 3) for _ in range(rows)],
            "x": [rng.randint(-3, 9) for _ in range(rows)],
        }
    )
    system = ma.Model(formula).moment_equations(statistics)
    values = {Variable("column", "x"): [Fraction(v) for v in data["x"].tolist()]}
    design = DesignTable({c: data[c].tolist() for c in "ab"}, values, rows)
    found = system.coefficients(data)
    for equation in (*system.common, *system.variance):
        for key in found.columns:
            node = equation.coefficients.get(key)
            exact = constant_value(node, design, system.model) if node is not None else 0
            assert found.loc[equation.name, key] == pytest.approx(float(exact), rel=1e-9, abs=1e-7), key


def test_the_table_of_a_hundred_thousand_rows_takes_a_moment():
    rng = np.random.default_rng(1)
    rows = 100_000
    data = pd.DataFrame(
        {
            "y": rng.random(rows),
            "x": rng.random(rows),
            "a": rng.integers(0, 2000, rows),
            "b": rng.integers(0, 500, rows),
        }
    )
    system = ma.Model("y ~ 1 + x + (1 + x | a) + (1 | b)").moment_equations()
    begun = time.perf_counter()
    found = system.coefficients(data)
    assert time.perf_counter() - begun < 5  # about one second, when nothing else runs
    assert found.loc["U[b]", "var(residual)"] == pytest.approx(rows - 500 - 1)


@pytest.mark.parametrize("statistics", [None, "type1", "normal_equations", ["within"]])
def test_the_levels_of_a_fixed_factor_are_those_of_the_frame(statistics):
    """The normal equations are X'X of treatment coding, and the other rows what they are when levels are declared."""
    data = frame().assign(drug=list("cab") * 6)
    found = ma.Model("y ~ 1 + x + C(drug) + (1 | user)").moment_equations(statistics).coefficients(data)
    b, c = (np.array([label == level for label in data["drug"]], dtype=float) for level in "bc")
    columns = {"Intercept": np.ones(18), "x": data["x"].to_numpy(dtype=float), "drug[b]": b, "drug[c]": c}
    for row, first in columns.items():
        for key, second in columns.items():
            assert found.loc[f"G[{row}]", key] == pytest.approx(first @ second), (row, key)
    declared = ma.Model("y ~ 1 + x + drug + (1 | user)", fixed={"drug": ["a", "b", "c"]})
    expected = declared.moment_equations(statistics).coefficients(data)
    pd.testing.assert_frame_equal(found[expected.columns], expected)


def test_classes_that_the_equations_do_not_know_are_asked_for():
    data = frame().assign(site=list("ns") * 9)
    model = ma.Model("y ~ 1 + (1 | user)", residual_by="site")
    with pytest.raises(UnsupportedError, match=r"model.with_levels\(frame\)"):
        model.moment_equations()
    found = model.with_levels(data).moment_equations().coefficients(data)
    assert {"var(residual[n])", "var(residual[s])"} <= set(found.columns)


@pytest.mark.parametrize("value", [1.0, 0.1, 1 / 3])
def test_a_level_that_would_divide_by_the_rounding_of_zero_is_refused(value):
    """N sum x^2 - (sum x)^2 of a level with one value of x."""
    frame = pd.DataFrame({"g": [1] * 4 + [2] * 5 + [3] * 5, "x": [0.0, 1, 2, 5, 1, 2, 2, 3, 7, *[value] * 5]})
    frame["y"] = 1.0
    equations = ma.Model("y ~ 1 + x + (1 + x | g)").moment_equations("swamy")
    assert equations.coefficients(frame[:9]).notna().all(axis=None)
    with pytest.raises(ma.DataError, match="divides by a design constant that is zero"):
        equations.coefficients(frame)
