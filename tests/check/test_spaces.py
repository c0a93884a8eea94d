"""Finite spaces against hand-computed numbers and against the equations of theory.md, sections 2 to 5."""

from __future__ import annotations

from fractions import Fraction

import pytest

from momentalg.check.laws import centred, read_atoms
from momentalg.check.spaces import Space, evaluate, values
from momentalg.errors import AssumptionError, StatisticError
from momentalg.expr import nodes as n
from momentalg.expr.nodes import DESIGN, Cov, Cumulant, E, Parameter, Response, Size, Sum, Total, Value, Var, Variable
from momentalg.model.resolved import Column, GroupBlock, ResolvedModel

BY = ("user",)
X, x = Variable("column", "X"), Variable("column", "x")
SKEWED = centred(("1/3", 2), ("2/3", -1))
RESIDUAL = centred(("1/4", 0), ("1/2", 1), ("1/4", 5))
SIZES = [{"p": "1/3", "size(user)": 1}, {"p": "2/3", "size(user)": 3}]
COVARIATES = [
    {"p": "1/4", "size(user)": 1, "X": 2, "x": [1]},
    {"p": "1/4", "size(user)": 2, "X": 2, "x": [0, 3]},
    {"p": "1/2", "size(user)": 2, "X": -1, "x": [1, 0]},
]
Y, N, S = Response(), Size(BY), Total(Response(), BY)
mu, slope_level, slope_own = Parameter("Intercept"), Parameter("X"), Parameter("x")
s2a, s2e = Parameter("var(1|user)"), Parameter("var(residual)")


def space(design=SIZES, means=("Intercept",), units=1, residual=RESIDUAL):
    columns = {"Intercept": (), "X": ((X, 1),), "x": ((x, 1),), "size(user)": ((Variable("size", "user"), 1),)}
    model = ResolvedModel(
        "y",
        tuple(Column(key, columns[key]) for key in means),
        (GroupBlock(BY, (Column("1"),)),),
        constant_on={X: BY},
    )
    coefficients = dict(zip(means, ("5/2", "-3", "2"), strict=False))
    return Space(model, coefficients, read_atoms(design), (SKEWED,), residual, units)


def same(left, right, where):
    assert values(left, where) == values(right, where)


def test_parameters_are_the_laws_cumulants():
    # SKEWED: variance 4/3 + 2/3 = 2, third moment 8/3 - 2/3 = 2, fourth moment 16/3 + 2/3 = 6, so k4 = 6 - 3*4
    found = [evaluate(Parameter(key), space()) for key in ("var(1|user)", "k3(1|user)", "k4(1|user)")]
    assert found == [2, 2, -6]
    assert evaluate(Parameter("Intercept**2"), space()) == Fraction(25, 4)


def test_total_of_a_unit_given_its_size():
    same(E(S, (N,)), N * mu, space())
    same(Var(S, (N,)), N**2 * s2a + N * s2e, space())
    same(Cumulant((S,) * 3, (N,)), N**3 * Parameter("k3(1|user)") + N * Parameter("k3(residual)"), space())
    same(Cumulant((S,) * 4, (DESIGN,)), N**4 * Parameter("k4(1|user)") + N * Parameter("k4(residual)"), space())


def test_matloffs_variance_and_the_law_of_total_variance():
    result = E(N**2) * s2a + E(N) * s2e + mu**2 * Var(N)
    assert evaluate(Var(S), space()) == evaluate(result, space())
    same(Var(S), E(Var(S, (N,))) + Var(E(S, (N,))), space())
    user = (n.Effect(BY),)
    same(Var(S, (N,)), E(Var(S, (N, *user)), (N,)) + Var(E(S, (N, *user)), (N,)), space())


def test_sums_over_observations_and_coincidence():
    double = Sum("j", Sum("k", Cov(Response("j"), Response("k"), (N,)), BY), BY)
    same(Var(S, (N,)), double, space())
    same(double, Sum("j", Sum("k", s2a + n.Delta("j", "k") * s2e, BY), BY), space())
    same(Cov(Response("j"), Response("k")), s2a, space())
    same(Var(Response("j")), Var(n.Effect(BY)) + Var(n.Noise("j")), space())
    same(S, Sum("j", mu + n.Effect(BY) + n.Noise("j"), BY), space())


def test_covariates_of_both_kinds():
    where = space(COVARIATES, ("Intercept", "X", "x"))
    cx = Total(Value(x), BY)
    given = (N, Value(X), Value(x))
    same(E(S, given), mu * N + slope_level * N * Value(X) + slope_own * cx, where)
    same(E(S, given), E(S, (DESIGN,)), where)
    result = E(N**2) * s2a + E(N) * s2e + Var(mu * N + slope_level * N * Value(X) + slope_own * cx)
    same(Var(S), result, where)
    assert values(E(S, (N,)), where) != values(E(S, given), where)


def test_size_as_covariate():
    where = space(means=("Intercept", "size(user)"))
    c2 = Parameter("size(user)")
    same(E(Total(Y**2, BY)), E(N) * (s2a + s2e + mu**2) + 2 * mu * c2 * E(N**2) + c2**2 * E(N**3), where)
    same(Cov(S / N, N), c2 * Var(N), where)


def test_two_units_and_free_levels():
    where = space([{"p": "1/3", "size(user)": 1}, {"p": "2/3", "size(user)": 2}], units=2, residual=SKEWED)
    same(Cov(S, S.at("k")), n.ZERO, where)
    same(Var(S.at("k")), Var(S), where)
    assert values(S.at("k"), where) != values(S, where)
    total = n.Over(BY, S**2 / N)
    same(E(total, (DESIGN,)), Size(()) * (mu**2 + s2a) + n.Levels(BY) * s2e, where)
    same(n.LevelSum((("user", "i"),), Size(BY, ("i",)) ** 2), N**2 + N.at("k") ** 2, where)
    same(n.Average(S), Total(Y, ()) / 2, where)


def test_an_empty_unit_has_a_total_and_no_mean():
    where = space([{"p": "1/2", "size(user)": 0}, {"p": "1/2", "size(user)": 2}])
    same(Var(S), E(N**2) * s2a + E(N) * s2e + mu**2 * Var(N), where)
    with pytest.raises(AssumptionError, match="division by zero"):
        evaluate(E(S / N), where)


def test_a_random_expression_and_a_missing_letter_are_refused():
    with pytest.raises(StatisticError, match="random on this space"):
        evaluate(E(S, (N,)), space())
    with pytest.raises(StatisticError, match="no meaning here"):
        evaluate(n.Letter("q"), space())
    assert evaluate(n.Letter("q") + 1, space(), letters={"q": E(N)}) == Fraction(10, 3)
