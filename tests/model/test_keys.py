"""Parameter keys: any accepted form to one canonical text, and to SymPy symbols."""

import pytest
import sympy

import momentalg as ma
from momentalg.expr.nodes import Variable
from momentalg.model.keys import canonical_key, parameter_keys
from momentalg.model.resolved import Column, GroupBlock, ResolvedModel

MODEL = ma.Model("y ~ x + X + x:X + I(x**2) + `my x` + (1 | user)", levels={"X": "user"})
X = ((Variable("column", "x"), 1),)
BLOCK = GroupBlock(("a", "b"), (Column("1"), Column("x", X)))
SLOPES = ResolvedModel("y", (Column("Intercept"), Column("x", X)), (BLOCK,))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Intercept", "Intercept"),
        (" x ", "x"),
        ("`x`", "x"),
        ("X:x", "X:x"),
        ("x:X", "X:x"),
        ("I(X*x)", "X:x"),
        ("I(x^2)", "I(x**2)"),
        ("`my x`", "`my x`"),
        ("Intercept**2", "Intercept**2"),
        ("Intercept^2", "Intercept**2"),
        ("Intercept*Intercept", "Intercept**2"),
        ("x*Intercept", "Intercept*x"),
        ("x*`my x`*x", "x**2*`my x`"),
        ("X:x*Intercept", "Intercept*X:x"),
        ("(Intercept*x)**2", "Intercept**2*x**2"),
        ("var(1|user)", "var(1|user)"),
        ("var( 1 | user )", "var(1|user)"),
        ("cov(1, 1 | user)", "var(1|user)"),
        ("var(residual)", "var(residual)"),
        ("k3(1|user)", "k3(1|user)"),
        ("k3(1,1,1|user)", "k3(1|user)"),
        ("k8(residual)", "k8(residual)"),
        ("k3(residual,residual,residual)", "k3(residual)"),
        ("E(size(user))", "E(size(user))"),
        ("E(size(user)**2)", "E(size(user)^2)"),
        ("E(X*size(user)^2)", "E(size(user)^2*X)"),
        ("E(size(user)*X*size(user))", "E(size(user)^2*X)"),
        ("E(size(user)^-1)", "E(size(user)^-1)"),
        ("var(size(user))", "var(size(user))"),
        ("cov(X, size(user))", "cov(size(user),X)"),
        ("k3(size(user))", "k3(size(user))"),
        ("k3(X, size(user), size(user))", "k3(size(user),size(user),X)"),
        ("total(x|user)", "total(x|user)"),
        ("total(x^2|user)", "total(x^2|user)"),
        ("total(`my x`*x|user)", "total(`my x`*x|user)"),
        ("total(x*`my x`|user)", "total(`my x`*x|user)"),
        ("E(total(x|user)^2)", "E(total(x|user)^2)"),
        ("cov(total(x | user), size(user))", "cov(size(user),total(x|user))"),
        ("levels(user)", "levels(user)"),
    ],
)
def test_any_form_has_one_canonical_key(text, key):
    assert canonical_key(MODEL.resolved, text) == key
    assert canonical_key(MODEL.resolved, key) == key


@pytest.mark.parametrize(
    "text",
    [
        "z",
        "",
        "x +",
        "x + X",
        "2*x",
        "Intercept**-1",
        "Intercept**0.5",
        "`Intercept`",
        "var(x|user)",
        "var(1|item)",
        "cov(1|user)",
        "var(1,1|user)",
        "var(1||user)",
        "k3(1,1|user)",
        "k9(1|user)",
        "k2(1|user)",
        "var(`residual`)",
        "var(z)",
        "cov(residual,X)",
        "E(z)",
        "E(X + 1)",
        "E(size(item))",
        "total(z|user)",
        "total(x)",
        "total(x|item)",
        "levels(item)",
        "levels()",
        "E()",
    ],
)
def test_unknown_keys_are_refused_with_those_that_are_known(text):
    with pytest.raises(ma.ModelError, match=r"no parameter|no grouping factor"):
        MODEL.parameter(text)


def test_the_error_lists_the_parameters():
    with pytest.raises(ma.ModelError, match=r"no parameter 'z'; the parameters are Intercept, x, X, X:x, I\(x\*\*2\)"):
        MODEL.parameter("z")


def test_moments_of_observations_are_those_of_totals():
    with pytest.raises(ma.ModelError, match=r"x varies by observation; .* those of total\(x\|user\)"):
        MODEL.parameter("E(x)")


@pytest.mark.parametrize(
    ("key", "nonnegative"),
    [
        ("var(1|user)", True),
        ("var(residual)", True),
        ("k3(1|user)", None),
        ("k4(residual)", None),
        ("x", None),
        ("E(size(user))", True),
        ("E(size(user)^3*X^2)", True),
        ("E(size(user)*X)", None),
        ("E(X^-1)", None),
        ("var(X)", True),
        ("var(total(x|user))", True),
        ("cov(size(user),X)", None),
        ("total(x|user)", None),
        ("total(x^2|user)", True),
        ("levels(user)", True),
    ],
)
def test_symbols_are_named_by_their_key_and_know_their_sign(key, nonnegative):
    symbol = MODEL.parameter(key)
    assert isinstance(symbol, sympy.Symbol)
    assert symbol.name == key
    assert symbol.is_real
    assert symbol.is_nonnegative is nonnegative


def test_products_of_means_are_products_of_symbols():
    mu, x = MODEL.parameter("Intercept"), MODEL.parameter("x")
    assert MODEL.parameter("x*Intercept**2") == mu**2 * x
    assert MODEL.parameter("I(x**2)").is_Symbol


def test_blocks_of_several_coefficients():
    assert parameter_keys(SLOPES) == (
        "Intercept", "x", "var(1|a:b)", "cov(1,x|a:b)", "var(x|a:b)", "var(residual)"
    )  # fmt: skip
    assert canonical_key(SLOPES, "cov(x, 1 | b:a)") == "cov(1,x|a:b)"
    assert canonical_key(SLOPES, "k3(x, 1, x | a:b)") == "k3(1,x,x|a:b)"


def test_odd_names_in_keys():
    model = ma.Model("y ~ `a|b` + `1` + (1 | `my (g)`)")
    assert model.parameters == ("Intercept", "`a|b`", "`1`", "var(1|`my (g)`)", "var(residual)")
    for key in (*model.parameters, "E(size(`my (g)`)^2)", "total(`a|b`^2|`my (g)`)", "k3(1|`my (g)`)", "`1`*`a|b`"):
        assert canonical_key(model.resolved, key) in (key, "`a|b`*`1`")
    assert model.parameter("`1`") != model.parameter("Intercept")
