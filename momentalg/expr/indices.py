"""Indices: the letters that levels and observations are named by, and observations named anew.

With one label column levels are i, k, l, ... and observations j; several columns share the letters out, so that each
has its own, i, k, m, ... and j, l, p, ..., and observations are t, u, v.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count

from momentalg.expr.nodes import Delta, Effect, Factor, Node, Noise, Response, Size, Total, Value, Variable
from momentalg.expr.traversal import transform

DEFAULT = "i"  # the index of the default level, of whatever column
_ALONE = "iklmpqstuvwabcdefgh"  # levels of the only column
_SHARED = "ijklmpqsvwabcdfgh"  # levels of several


def level_labels(position: int, columns: int) -> Iterator[str]:
    """Names for levels of the column at `position` of so many; no two columns have one in common."""
    yield from _SHARED[position::columns] if columns > 1 else _ALONE
    yield from (f"i{position + number * max(columns, 1)}" for number in count(1))


def observation_labels(columns: int) -> Iterator[str]:
    """Names for observations, apart from those of levels."""
    yield from "tu" if columns > 1 else "jklmpqst"
    yield from (f"{'t' if columns > 1 else 'j'}{number}" for number in count(1))


def renamed(node: Node, names: Mapping[str, str]) -> Node:
    """What was at observation j stands at ``names["j"]``; the empty name is the observation of the enclosing total."""

    def change(part: Node) -> Node:
        if isinstance(part, Response | Value | Noise | Effect) and part.index in names:
            return replace(part, index=names[part.index])
        if isinstance(part, Delta):
            return Delta(*(names.get(index, index) for index in (part.first, part.second)))
        return part

    return transform(node, change)


def relevelled(node: Node, names: Mapping[tuple[str, str], str], constant_on: Mapping[Variable, Factor]) -> Node:
    """The node with levels named anew, by column and name; sums inside it bind none of them."""

    def change(part: Node) -> Node:
        if isinstance(part, Size | Total | Effect):
            by = part.by
        elif isinstance(part, Value) and not part.index and part.variable in constant_on:
            by = constant_on[part.variable]
        else:
            return part
        old = part.level or (DEFAULT,) * len(by)
        new = tuple(names.get(pair, pair[1]) for pair in zip(by, old, strict=True))
        return part if new == old else replace(part, level=new)

    return transform(node, change)
