"""Children are found by the types of fields: they are all the nodes that fields hold."""

from __future__ import annotations

from dataclasses import fields

import momentalg as ma
from momentalg.check.random_cases import random_case
from momentalg.expr.nodes import Node
from momentalg.expr.traversal import children, rebuild, walk


def nodes_in_fields(node):
    values = [getattr(node, f.name) for f in fields(node)]
    return [v for value in values for v in (value if type(value) is tuple else (value,)) if isinstance(v, Node)]


def expressions():
    """Statistics of all forms, and what derivations show."""
    for seed in range(40):
        yield from random_case(seed, 1 + seed % 4).statistics
    model = ma.Model("y ~ x + (1 + x | user)")
    total = model.total(model.y, by="user")
    for derivation in (model.var(total), model.mean(total**2), model.cov(total, model.size("user"))):
        for chain in derivation.chains:
            yield chain.start
            yield from (step.after for step in chain.steps)
    yield from (equation.statistic for equation in model.moment_equations().variance)


def test_children_are_the_nodes_that_fields_hold():
    kinds = set()
    for expression in expressions():
        for node in walk(expression):
            kinds.add(type(node).__name__)
            assert list(children(node)) == nodes_in_fields(node)
            assert rebuild(node, children(node)) == node
    assert len(kinds) > 12
