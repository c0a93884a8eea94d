"""Keys: written canonically, read back, the same as the model's."""

from __future__ import annotations

from itertools import permutations

import pytest

from momentalg.errors import ModelError, MomentalgError
from momentalg.expr.columns import same_level
from momentalg.expr.keys import ParameterKey, key_of, read_key, unknown
from momentalg.expr.nodes import (
    Cov,
    Cumulant,
    E,
    Hat,
    Levels,
    LevelSum,
    Node,
    Noise,
    Over,
    Parameter,
    Size,
    Total,
    Trace,
    Value,
    Var,
    Variable,
    mul,
)
from tests.expr.models import USER, N, S, X_i, Y, x, x_j

A, B = ("a",), ("b",)


@pytest.mark.parametrize(
    ("node", "key"),
    [
        (Parameter("var(1|user)"), "var(1|user)"),
        (E(N), "E(size(user))"),
        (E(N**2), "E(size(user)^2)"),
        (E(X_i * N), "E(size(user)*X)"),
        (E(N**-1), "E(size(user)^-1)"),
        (E(N * N * X_i), "E(size(user)^2*X)"),
        (E(Total(x_j, USER) * X_i * N), "E(size(user)*X*total(x|user))"),
        (Var(N), "var(size(user))"),
        (Cov(X_i, N), "cov(size(user),X)"),
        (Cumulant((N, N, N)), "k3(size(user))"),
        (E(X_i, (N,)), "E(X given size(user))"),
        (Levels(USER), "levels(user)"),
        (Size(()), "size()"),
        (N, "size(user)[i]"),
        (S.at("k"), "total(response()|user)[k]"),
        (Total(x_j**2, ()), "total(x^2)"),
        (Over(USER, N**2), "sum(size(user)^2)"),
        (LevelSum((("user", "i"),), Size(USER, ("i",)) ** 2), "sum(size(user)^2)"),
        (
            LevelSum((("a", "i"), ("b", "j")), Size((*A, *B), ("i", "j")) ** 2 / Size(A, ("i",))),
            "sum(size(a)^-1*size(a:b)^2)",
        ),
        (LevelSum((("a", "i"), ("b", "j")), Size(A, ("i",)) * Size(B, ("j",))), "sum(a:b: size(a)*size(b))"),
        (
            LevelSum((("a", "i"), ("a", "k")), Size(A, ("i",)) * Size(A, ("k",))),
            "sum[a=i,a=k](size(a)[i]*size(a)[k])",
        ),
        (Trace(((), ((x, 1),)), None, same_level(USER)), "trace(1,x; 1; user)"),
        (Hat(Parameter("Intercept")), "hat(Intercept)"),
        (E(Value(Variable("column", "my x"))), "E(`my x`)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_keys(node: Node, key: str) -> None:
    assert key_of(node) == key


def test_equal_moments_have_one_key() -> None:
    assert len({key_of(Cumulant(args)) for args in permutations((N, X_i, N**2))}) == 1
    assert len({key_of(E(mul(*factors))) for factors in permutations((N, X_i, X_i, Total(x_j, USER)))}) == 1


def test_what_is_no_result_has_no_key() -> None:
    with pytest.raises(MomentalgError, match="Noise has no key"):
        key_of(Noise("j"))


@pytest.mark.parametrize(
    ("key", "parsed"),
    [
        ("Intercept", ParameterKey("mean")),
        ("size(user)", ParameterKey("mean")),
        ("var(1|user)", ParameterKey("group", 2, ("1", "1"), "user")),
        ("cov(1,x|a:b)", ParameterKey("group", 2, ("1", "x"), "a:b")),
        ("k3(1,1,x|user)", ParameterKey("group", 3, ("1", "1", "x"), "user")),
        ("k4(`a,b|c`|`odd ) name`)", ParameterKey("group", 4, ("`a,b|c`",) * 4, "`odd ) name`")),
        ("var(residual)", ParameterKey("residual", 2)),
        ("var(residual[site])", ParameterKey("residual", 2, (), "site")),
    ],
)
def test_keys_are_read(key: str, parsed: ParameterKey) -> None:
    assert read_key(key) == parsed


@pytest.mark.parametrize("key", ["var(1|a|b)", "k3(1,x|user)"])
def test_keys_that_cannot_be_read(key: str) -> None:
    with pytest.raises(ModelError, match=r"the parameter key"):
        read_key(key)


@pytest.mark.parametrize(
    ("key", "node"),
    [
        ("Intercept", Parameter("Intercept")),
        ("Intercept**2", Parameter("Intercept") ** 2),
        ("Intercept*x", Parameter("Intercept") * Parameter("x")),
        ("Intercept**2*`a*b`**3", Parameter("Intercept") ** 2 * Parameter("`a*b`") ** 3),
    ],
)
def test_products_of_means(key: str, node: Node) -> None:
    assert unknown(key) == node


def test_a_statistic_has_a_key_too() -> None:
    assert (
        key_of(Total(Y**2, ()) - Over(USER, S**2 / N))
        == "-1*sum(size(user)^-1*total(response()|user)^2) + total(response()^2)"
    )
