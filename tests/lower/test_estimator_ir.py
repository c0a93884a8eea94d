"""What lowering decides: what is accumulated, what may be shifted, what is refused."""

from __future__ import annotations

from dataclasses import fields
from fractions import Fraction

import pytest

import momentalg as ma
from momentalg.errors import UnsupportedError
from momentalg.expr.nodes import (
    Hat,
    Letter,
    LevelColumns,
    Number,
    Over,
    Parameter,
    Projected,
    Response,
    Size,
    Total,
    Variable,
)
from momentalg.lower import arrays as a
from momentalg.lower.accumulators import Accumulators
from momentalg.lower.assembling import plus, power, times
from momentalg.lower.choices import slope_limits
from momentalg.lower.columns import closed_under_shift
from momentalg.lower.estimator import lower
from momentalg.lower.exact import ExactRows, Reading
from momentalg.lower.examples import Shape, example
from momentalg.lower.identifiers import identifiers
from momentalg.lower.self_test import vanishes
from momentalg.lower.shift import first_order, may_shift
from momentalg.lower.tables import Tables
from tests.lower.systems import FORMULAS, module, solution

USER = ("user",)
Y = Response()
X1 = Variable("column", "x")


def accumulated(name: str, statistics: str = "henderson3", means: str | None = None) -> set[str]:
    return {acc.name for acc in module(name, statistics, means).ir.accumulators}


def test_only_what_the_statistics_need_is_accumulated():
    assert accumulated("intercept") == {"sum_y", "total_y2"}
    assert accumulated("level") == {"sum_y", "total_y2"}  # the covariate itself is kept once per level
    assert accumulated("row") == {"sum_y", "sum_x", "total_y2", "total_x2", "total_x_y"}
    assert accumulated("intercept", "minque0") == {"sum_y", "total_y2"}


def test_recentring_keeps_the_lower_powers_beside_the_higher():
    sums = Accumulators({"y"}, Tables(ma.Model("y ~ 1 + (1 | user)").resolved))
    sums.total((("x", 1), ("y", 2)))
    found, _ = sums.finish()
    assert {acc.name for acc in found} == {"total_x", "total_x_y", "total_x_y2"}


def test_shift_follows_closure():
    one, x, x2 = (), ((X1, 1),), ((X1, 2),)
    assert closed_under_shift([one, x, x2], lambda _: False) == {X1}
    assert closed_under_shift([one, x2], lambda _: False) == frozenset()
    assert closed_under_shift([x], lambda _: False) == frozenset()
    assert closed_under_shift([x], lambda m: m == ()) == {X1}


@pytest.mark.parametrize(
    ("terms", "limits"),
    [
        ("(1 + x | a)", {"x": 1_000}),
        ("(x || a)", {"x": 30_000}),
        ("x + (x || a)", {"x": 1_000}),
        ("(1 | a) + (0 + I(x**2) | a)", {"x": 30_000}),
        ("0 + (0 + z + x:z | a)", {"x": 1_000}),
        ("(1 | a) + (0 + x | b)", {"x": 30_000}),
        ("x + (0 + x | a) + (1 + z | b)", {"x": 30_000, "z": 1_000}),
        ("0 + (0 + x + z | a)", {}),
        ("0 + x + z + (0 + x:z | a)", {"x": 30_000, "z": 30_000}),
        ("0 + x + (0 + x | a)", {}),
    ],
)
def test_how_far_from_zero_a_slope_may_lie(terms, limits):
    found = slope_limits(ma.Model(f"y ~ {terms}").resolved)
    assert {variable.name: farthest for variable, farthest in found.items()} == limits


@pytest.mark.parametrize("name", ["no intercept", "no mean"])
def test_without_an_intercept_the_response_is_not_shifted_and_the_module_says_so(name):
    generated = module(name)
    assert not generated.ir.rows[0].shifted
    assert "shift_y" not in generated.source
    assert "no intercept" in generated.source


def test_first_order_is_the_derivative_along_a_constant():
    """q(y + c) - q(y) - c**2 q(1) = c q'(y) for quadratic q, exactly."""
    model = ma.Model("y ~ 1 + (1 | user)").resolved
    total, size = Total(Y, USER), Size(USER)
    rows = example(model, Shape((3, 2, 1), 6, (), 7))
    moved = ExactRows(model, rows.labels, [v + 5 for v in rows.response], {})
    ones = ExactRows(model, rows.labels, [Fraction(1)] * 6, {})
    for q in (
        Over(USER, total**2 / size),
        Total(Y**2, ()),
        Over(USER, total**2 - Total(Y**2, USER)),
        Total(Y, ()) ** 2,
    ):
        difference = Reading(moved).value(q) - Reading(rows).value(q)
        assert difference == 5 * Reading(rows).value(first_order(q)) + 25 * Reading(ones).value(q)


def test_vanishing_is_decided_exactly():
    model = ma.Model("y ~ 1 + (1 | user)").resolved
    within = Total(Y**2, ()) - Over(USER, Total(Y, USER) ** 2 / Size(USER))
    assert vanishes(first_order(within), model)
    assert not vanishes(first_order(Over(USER, Total(Y, USER) ** 2)), model)


def test_first_order_of_solutions_and_projections():
    assert first_order(Letter("q")) == Letter("q'")
    assert first_order(Hat(Parameter("Intercept"))) == Number(Fraction(1))
    assert first_order(Hat(Parameter("x"))) == Hat(Parameter("x'"))
    assert may_shift((Projected(((), ((X1, 1),))),))
    assert may_shift((Projected((((X1, 1),), LevelColumns(USER))),))
    assert not may_shift((Projected((((X1, 1),),)),))


def test_identifiers_are_ours_unless_plain():
    names = ["x", "x1", "lambda", "size", "a b", "é", "np", "_private", "X" * 40, "'; import os"]
    found = identifiers(names, "x")
    assert found["x"] == "x"
    assert found["x1"] == "x1"
    assert len(set(found.values())) == len(names)
    assert all(v.isidentifier() and v.isascii() and v not in ("lambda", "size", "np") for v in found.values())


def test_sums_and_products_of_expressions_unite_like_terms():
    x, y = a.Ref("x"), a.Ref("y")
    assert plus(x, times(a.const(-1), x)) == a.const(0)
    assert plus(times(a.const(-1), x), y) == a.Plus((y, times(a.const(-1), x)))
    assert times(x, y, x) == times(power(x, 2), y)
    assert times(x, power(x, -1)) == a.const(1)


def test_self_tests_have_ten_rows_and_the_ir_knows_no_array_library():
    for name in FORMULAS:
        ir = module(name).ir
        assert len(ir.self_test.rows) == 10
        assert all("np." not in str(getattr(ir, f.name)) for f in fields(ir))


def test_targets_take_only_their_equations():
    model = ma.Model("y ~ 1 + (1 | user)")
    ir = lower(model.moment_equations().solve(targets=["var(residual)"]))
    assert [e.key for e in ir.estimates] == ["var(residual)"]
    assert len(ir.equations) == 1


def test_mixing_rows_with_sizes_inside_a_function_is_refused_by_name():
    model = ma.Model("y ~ 1 + log(x + size(user)) + (1 | user)")
    with pytest.raises(UnsupportedError, match="size of a level"):
        lower(model.moment_equations().solve())


def test_lowering_is_deterministic():
    assert lower(solution("powers")) == lower(solution("powers"))
