"""Small models, designs and letters that the tests of the oracles share."""

from __future__ import annotations

from fractions import Fraction

from momentalg.expr.nodes import Response, Size, Total, Value, Variable
from momentalg.model.resolved import Column, GroupBlock, ResolvedModel

BY = ("user",)
y, N, S, T = Response(), Size(BY), Total(Response(), BY), Total(Response() ** 2, BY)
n = Size(())
x = Value(Variable("column", "x"))

ONE_WAY = ResolvedModel("y", (Column("Intercept"),), (GroupBlock(BY, (Column("1"),)),))


def one_way_rows(*sizes):
    """Rows of users u0, u1, ... with these sizes."""
    return [{"user": f"u{i}"} for i, size in enumerate(sizes) for _ in range(size)]


def factors(*blocks, **facts):
    """A model with an intercept and these group blocks: a factor, or (factor, coefficients)."""
    columns = {"1": Column("1"), "x": Column("x", ((Variable("column", "x"), 1),))}
    groups = [b if isinstance(b[0], tuple) else (b, ("1",)) for b in blocks]
    return ResolvedModel(
        "y",
        (Column("Intercept"),),
        tuple(GroupBlock(factor, tuple(columns[c] for c in names)) for factor, names in groups),
        **facts,
    )


def distinct_values(*keys):
    """Different, unrelated values for parameters, so that terms cannot stand in for one another."""
    return {key: Fraction(p, 3) for key, p in zip(keys, (2, 5, 7, 11, 13, 17, 19, 23), strict=False)}
