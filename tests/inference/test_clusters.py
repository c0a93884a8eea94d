"""Which levels are independent of one another."""

from __future__ import annotations

import pytest

import momentalg as ma
from momentalg.inference import clusters
from momentalg.inference.resampling import factors


@pytest.mark.parametrize(
    ("formula", "assume", "names", "columns"),
    [
        ("y ~ 1 + (1 | a) + (1 | b)", [], [("a",), ("b",)], [("a",), ("b",)]),
        ("y ~ 1 + (1 | a) + (1 | a:b)", [], [("a",)], [("a",)]),
        ("y ~ 1 + (1 | a:b) + (1 | c)", [], [("a", "b"), ("c",)], [("a", "b"), ("c",)]),
        ("y ~ 1 + (1 | b) + (1 | a)", [ma.nested("b", "a")], [("a",)], [("a",)]),
        ("y ~ 1 + (1 | b) + (1 | a:b)", [ma.nested("b", "a")], [("b",)], [("a", "b")]),  # two names of one partition
    ],
)
def test_the_outermost_factors(formula, assume, names, columns):
    model = ma.Model(formula, assume=assume).resolved
    assert list(clusters.outermost(model)) == names
    assert [set(found) for found in factors.outermost(model)] == [set(c) for c in columns]


def test_the_outermost_factors_around_one():
    model = ma.Model("y ~ 1 + (1 | a/b) + (1 | c)").resolved
    assert clusters.outermost(model) == (("a",), ("c",))
    inner = next(f for f in model.factors if "b" in f)
    assert clusters.outermost(model, inner) == (("a",),)
