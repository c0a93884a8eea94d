"""Results as SymPy expressions: the same symbols as the model gives, and the same values."""

from __future__ import annotations

from fractions import Fraction as F

import pytest
import sympy

from momentalg.expr.nodes import Cov, E, Levels, Parameter, Size, Var
from momentalg.expr.sympy_door import symbol, to_sympy
from momentalg.model.model import Model
from tests.expr.models import N, X_i


def test_arithmetic_is_mapped() -> None:
    result = to_sympy(E(N**2) * Parameter("var(1|user)") - F(1, 2) * Parameter("Intercept") ** 2 / Size(()))
    second, variance, mean, size = (symbol(k) for k in ("E(size(user)^2)", "var(1|user)", "Intercept", "size()"))
    assert result == second * variance - mean**2 / (2 * size)
    assert result.free_symbols == {second, variance, mean, size}


def test_products_of_means_are_products() -> None:
    assert to_sympy(Parameter("Intercept**2*x")) == symbol("Intercept") ** 2 * symbol("x")


def test_assumptions() -> None:
    assert symbol("var(1|user)").is_nonnegative
    assert symbol("E(size(user)^3*X^2)").is_nonnegative
    assert symbol("total(x^2|user)").is_nonnegative
    assert symbol("levels(user)").is_nonnegative
    for key in ("Intercept", "size(user)", "E(size(user)*X)", "E(`a^2`)", "cov(size(user),X)", "k4(residual)"):
        assert symbol(key).is_real
        assert symbol(key).is_nonnegative is None


@pytest.mark.parametrize("name", ["lambda", "I", "E", "S", "__import__('os')", "x y"])
def test_names_are_names(name: str) -> None:
    assert to_sympy(Parameter(name)) == sympy.Symbol(name, real=True)


@pytest.mark.parametrize(
    ("key", "node"),
    [
        ("Intercept", Parameter("Intercept")),
        ("Intercept**2", Parameter("Intercept**2")),
        ("X", Parameter("X")),
        ("var(1|user)", Parameter("var(1|user)")),
        ("k3(residual)", Parameter("k3(residual)")),
        ("levels(user)", Levels(("user",))),
        ("E(size(user)^2)", E(N**2)),
        ("E(X*size(user))", E(N * X_i)),
        ("E(X * size(user)^-1)", E(N**-1 * X_i)),
        ("var(size(user))", Var(N)),
        ("cov(X,size(user))", Cov(N, X_i)),
        ("cov(size(user)^2,size(user)*X)", Cov(N * X_i, N**2)),
    ],
)
def test_the_model_gives_the_same_symbol(key: str, node: object) -> None:
    model = Model("y ~ 1 + X + (1 | user)", levels={"X": "user"})
    assert model.parameter(key) == to_sympy(node)
