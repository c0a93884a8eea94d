"""What formulas mean: R's term algebra, lme4's bars, and covariates as monomials or named functions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentalg.expr.nodes import Function, Value, Variable
from momentalg.model.definition_text import definition_text
from momentalg.model.expansion import expand
from momentalg.model.formula import parse_formula, parse_key
from momentalg.model.functions import node_of


def mean(formula: str) -> list[str]:
    return [column.key or f"offset {column.monomial}" for column in expand(parse_formula(formula)).mean]


def blocks(formula: str) -> list[str]:
    return [f"{'+'.join(c.key for c in b.coefficients)}|{b.name}" for b in expand(parse_formula(formula)).groups]


@pytest.mark.parametrize(
    ("terms", "keys"),
    [
        ("x", "Intercept x"),
        ("1 + x", "Intercept x"),
        ("x + 1", "Intercept x"),
        ("0 + x", "x"),
        ("+0 + x", "x"),
        ("x + 0", "x"),
        ("-1 + x", "x"),
        ("x - 1", "x"),
        ("1 + x - 1", "x"),
        ("1", "Intercept"),
        ("0", ""),
        ("x + + z", "Intercept x z"),
        ("x + -1", "x"),
        ("x*z", "Intercept x z x:z"),
        ("z*x", "Intercept z x x:z"),
        ("x*z*w", "Intercept x z w x:z w:x w:z w:x:z"),
        ("x:z", "Intercept x:z"),
        ("x*z - x", "Intercept z x:z"),
        ("x*z - x:z - 1", "x z"),
        ("(x + z) + w", "Intercept x z w"),
        ("x + z - (x + z - w)", "Intercept w"),
        ("(x + z):w", "Intercept w:x w:z"),
        ("(x + z - x):w", "Intercept w:z"),
        ("(a + b + c)^2", "Intercept a b c a:b a:c b:c"),
        ("(a + b + c)**3 - a:b:c", "Intercept a b c a:b a:c b:c"),
        ("(a*b)^2", "Intercept a b a:b"),
        ("a/b", "Intercept a a:b"),
        ("a/b/c", "Intercept a a:b a:b:c"),
        ("a/(b + c)", "Intercept a a:b a:c"),
        ("(a + b)/c", "Intercept a b a:b:c"),
        ("a + b %in% a", "Intercept a a:b"),
        ("I(x**2)", "Intercept I(x**2)"),
        ("I(x^2)", "Intercept I(x**2)"),
        ("I(x*x)", "Intercept I(x**2)"),
        ("I(x*z)", "Intercept x:z"),
        ("I(x**2*z)", "Intercept I(x**2):z"),
        ("x:I(x**2)", "Intercept I(x**3)"),
        ("size(user)", "Intercept size(user)"),
        ("x*size(user)", "Intercept x size(user) x:size(user)"),
        ("I(size(user)**2)", "Intercept I(size(user)**2)"),
        ("size(a:b)", "Intercept size(a:b)"),
        ("log(x)", "Intercept log(x)"),
        ("log(I(x + 1))", "Intercept log(x+1)"),
        ("log(size(user))", "Intercept log(size(user))"),
        ("I(x*log(z))", "Intercept x:log(z)"),
        ("I(log(z)**2)", "Intercept I(log(z)**2)"),
        ("sqrt(exp(x))", "Intercept sqrt(exp(x))"),
        ("I(1/x)", "Intercept I(1/x)"),
        ("I(x/2)", "Intercept I(1/2*x)"),
        ("I(2*x)", "Intercept I(2*x)"),
        ("I(x + z - 0.5)", "Intercept I(x+z-1/2)"),
        ("I(-(x - z)*w)", "Intercept I(-(x-z)*w)"),
        ("`my x` + `1` + `Intercept`", "Intercept `my x` `1` `Intercept`"),
        ("I(`my x`**2)", "Intercept I(`my x`**2)"),
    ],
)
def test_common_terms(terms, keys):
    assert " ".join(mean(f"y ~ {terms}")) == keys


def test_the_product_of_terms_has_sorted_covariates():
    (column,) = expand(parse_formula("y ~ 0 + z:x:I(z**2)")).mean
    assert column.monomial == ((Variable("column", "x"), 1), (Variable("column", "z"), 3))
    assert column.key == "x:I(z**3)"


def test_an_offset_has_no_parameter():
    expanded = expand(parse_formula("y ~ x + offset(log(w))"))
    assert [c.key for c in expanded.mean] == ["Intercept", "x", None]
    assert expanded.mean[2].monomial == ((Variable("function", "log(w)"), 1),)


def test_functions_are_defined_by_their_nodes():
    expanded = expand(parse_formula("y ~ log(I(x + size(user)))"))
    body = Value(Variable("column", "x")) + Value(Variable("size", "user"))
    assert expanded.definitions == {Variable("function", "log(x+size(user))"): Function("log", body)}


def test_a_fixed_factor_is_told_apart_from_a_column():
    assert expand(parse_formula("y ~ 0 + C(x)")).mean[0].monomial == ((Variable("factor", "x"), 1),)


# lme4's findbars, by its published behaviour: bars in order, || split into independent blocks, / into its factors.
@pytest.mark.parametrize(
    ("terms", "found"),
    [
        ("(1 | g)", ["1|g"]),
        ("(1 + x | g)", ["1+x|g"]),
        ("(x | g)", ["1+x|g"]),
        ("(0 + x | g)", ["x|g"]),
        ("(x - 1 | g)", ["x|g"]),
        ("(x || g)", ["1|g", "x|g"]),
        ("(0 + x + z || g)", ["x|g", "z|g"]),
        ("(x*z | g)", ["1+x+z+x:z|g"]),
        ("(1 | a:b)", ["1|a:b"]),
        ("(1 | a/b)", ["1|a", "1|a:b"]),
        ("(1 | a/b/c)", ["1|a", "1|a:b", "1|a:b:c"]),
        ("(1 | a/(b:c))", ["1|a", "1|a:b:c"]),
        ("(1 + x | a/b)", ["1+x|a", "1+x|a:b"]),
        ("(x || a/b)", ["1|a", "x|a", "1|a:b", "x|a:b"]),
        ("((1 | a) + (1 | b))", ["1|a", "1|b"]),
        ("(1 + x | g) + (1 | a:b) + (1 | h/k)", ["1+x|g", "1|a:b", "1|h", "1|h:k"]),
        ("(1 | `my g`:`a:b`)", ["1|`my g`:`a:b`"]),
        ("(size(g) | g)", ["1+size(g)|g"]),
    ],
)
def test_group_terms(terms, found):
    assert blocks(f"y ~ {terms}") == found
    assert mean(f"y ~ {terms}") == ["Intercept"]
    assert mean(f"y ~ 0 + {terms} + x") == ["x"]


def test_correlated_and_independent_blocks_differ():
    assert blocks("y ~ x + (1 + x | g)") != blocks("y ~ x + (1 | g) + (0 + x | g)") == blocks("y ~ x + (x || g)")


numbers = st.integers(0, 3).map(str) | st.sampled_from(["0.5", "1.25"])
variables = st.sampled_from(["x", "z", "size(user)", "`a b`", "log(x)"])


def arithmetic(parts):
    return st.one_of(
        st.builds("({} {} {})".format, parts, st.sampled_from("+-*"), parts),
        st.builds("({})**{}".format, parts, st.integers(1, 3)),
        st.builds("({})/{}".format, parts, st.sampled_from(["x", "2", "(z + 1)", "z**2"])),
        st.builds("(-{})".format, parts),
        st.builds("{}({})".format, st.sampled_from(["exp", "I"]), parts),
    )


@given(st.recursive(variables | numbers, arithmetic, max_leaves=8))
def test_a_definition_reads_back_from_its_text(text):
    node = node_of(parse_key(text), text)
    canonical = definition_text(node)
    assert node_of(parse_key(canonical), canonical) == node
