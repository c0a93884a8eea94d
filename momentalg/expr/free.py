"""Free indices: the levels and observations that an expression names, or means by default, and does not bind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from momentalg.expr import nodes as n
from momentalg.expr.indices import DEFAULT
from momentalg.expr.traversal import children


class Bound(NamedTuple):
    """What enclosing sums bind: levels, as (column, name), and observations; the empty one is that of a total."""

    levels: frozenset[tuple[str, str]] = frozenset()
    observations: frozenset[str] = frozenset()

    def bind(self, *levels: tuple[str, str]) -> Bound:
        """With some levels bound, too."""
        return self._replace(levels=self.levels.union(levels))

    def observe(self, index: str) -> Bound:
        """With an observation bound, too."""
        return self._replace(observations=self.observations | {index})


class Free(NamedTuple):
    """A free index: a level of a column, or an observation (the column is None)."""

    column: str | None
    name: str


def free(
    node: n.Node,
    columns: tuple[str, ...],
    constant_on: Mapping[n.Variable, n.Factor],
    bound: Bound = Bound(),  # noqa: B008 - immutable
) -> Iterator[Free]:
    """Yield the free indices of a node in a model with these label columns and level covariates."""

    def levels(by: tuple[str, ...], names: tuple[str, ...]) -> Iterator[Free]:
        for pair in zip(by, names or (DEFAULT,) * len(by), strict=False):
            if pair not in bound.levels:
                yield Free(*pair)

    def observation(index: str) -> Iterator[Free]:
        if index not in bound.observations:
            yield Free(None, index)
            yield from levels(columns, ())

    inside = bound
    match node:
        case n.Over(by):
            inside = bound.bind(*((c, DEFAULT) for c in by or columns))
            inside = inside if by is not None else inside.observe("")
        case n.Average():
            inside = bound.bind(*((c, DEFAULT) for c in columns))
        case n.LevelSum(bind):  # of the only column, the i of sum_i and that of S_i are kept apart
            inside = bound.bind(*(pair for pair in bind if len(columns) > 1 or pair[1] != DEFAULT))
        case n.Sum(index, _, by, names):
            yield from levels(by, names)
            inside = bound.observe(index)
        case n.Total(_, by, names):
            yield from levels(by, names)
            inside = bound.observe("")
        case n.Size(by, names) | n.Effect(by, _, names, ""):
            yield from levels(by, names)
        case n.Effect(index=index) | n.Response(index) | n.Noise(index):
            yield from observation(index)
        case n.Value(variable, index, names) if names or (variable in constant_on and not index):
            if names or "" not in bound.observations:
                yield from levels(constant_on.get(variable, columns), names)
        case n.Value(index=index):
            yield from observation(index)
        case n.Cumulant(args) if len(columns) > 1:  # given sizes or effects of levels, those of all levels are known
            for part in args:
                yield from free(part, columns, constant_on, bound)
            return
        case n.Delta(first, second):
            yield from (Free(None, index) for index in (first, second) if index not in bound.observations)
    for child in children(node):
        yield from free(child, columns, constant_on, inside)
