"""Declared facts: what they put into the model, and which contradict it or one another."""

import pytest

import momentalg as ma
from momentalg.expr.nodes import Variable
from momentalg.model.assumptions import Assumption
from momentalg.model.resolved import Column, GroupBlock, Independence, ResolvedModel
from momentalg.model.resolving import assuming

FORMULA = "y ~ X + log(Z) + size(user) + (1 | user)"
CROSSED = ResolvedModel(
    "y",
    (Column("Intercept"),),
    tuple(GroupBlock(factor, (Column("1"),)) for factor in [("a",), ("b",), ("c",), ("a", "b")]),
)


def refused(match, *facts):
    with pytest.raises(ma.ModelError, match=match):
        ma.Model(FORMULA, assume=facts)


def test_facts_enter_the_model():
    model = ma.Model(
        FORMULA, assume=[ma.independent("size(user)", "X"), ma.may_be_empty("user"), ma.unreplicated("user")]
    ).resolved
    assert model.independent == (Independence((Variable("column", "X"), Variable("size", "user"))),)
    assert model.may_be_empty == {"user"}
    assert model.unreplicated == {("user",)}


def test_the_order_of_facts_and_names_does_not_matter():
    facts = [ma.independent("X", "size(user)"), ma.independent("X", "log(Z)")]
    swapped = [ma.independent(ma.Covariate("X"), "log( Z )"), ma.independent(ma.Size("user"), "X"), facts[0]]
    assert ma.Model(FORMULA, assume=facts) == ma.Model(FORMULA, assume=swapped)


def test_the_size_is_a_design_variable_even_without_a_term():
    assert ma.Model("y ~ X + (1 | user)", assume=ma.independent("X", "size(user)")).resolved.independent


def test_unknown_names():
    refused(r"names 'W', which the model does not have; it has: X, log\(Z\), size\(user\), Z", ma.independent("X", "W"))
    refused(r"names 'I\(X\*\*2\)'", ma.independent("I(X**2)", "size(user)"))
    refused(r"'item' is no grouping factor", ma.independent("X", "size(item)"))
    refused(r"ma.may_be_empty\('item'\): 'item' is no grouping factor", ma.may_be_empty("item"))
    refused(r"ma.unreplicated\('user:item'\): item is no column of a grouping factor", ma.unreplicated("user:item"))
    refused(r"ma.nested\('item', 'user'\): 'item' is no column of a grouping factor", ma.nested("item", "user"))


def test_contradictions():
    refused(r"Z and log\(Z\) are both made of Z; they cannot be independent", ma.independent("Z", "log(Z)"))
    with pytest.raises(ma.ModelError, match="two or more different variables; found X"):
        ma.independent("X")
    with pytest.raises(ma.ModelError, match="two or more different variables; found X, X"):
        ma.independent("X", "X")
    with pytest.raises(ma.ModelError, match="'b' cannot be nested in itself"):
        ma.nested("b", "b")


def test_what_is_no_fact():
    refused("assume= takes facts made by .* found 'X'", "X")
    refused("found <.*Assumption object", Assumption())


def test_nesting_is_a_tree():
    chain = assuming(CROSSED, [ma.nested("b", "a"), ma.nested("c", "b")])
    assert chain.local_to == {"b": "a", "c": "b"}
    assert assuming(chain, [ma.nested("b", "a")]) == chain
    with pytest.raises(ma.ModelError, match=r"ma.nested\('a', 'c'\): 'c' is declared to be nested in 'a' already"):
        assuming(chain, [ma.nested("a", "c")])
    with pytest.raises(ma.ModelError, match="'c' is already nested in 'b'"):
        assuming(chain, [ma.nested("c", "a")])


def test_intersections_are_known_in_any_order():
    assert assuming(CROSSED, [ma.unreplicated("b:a")]).unreplicated == {("a", "b")}
