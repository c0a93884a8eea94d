"""Observations named anew: the one place that knows which nodes carry the index of an observation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from momentalg.expr.nodes import Delta, Node, Noise, Response, Value
from momentalg.expr.traversal import transform


def renamed(node: Node, names: Mapping[str, str]) -> Node:
    """What was at observation j stands at ``names["j"]``; the empty name is the observation of the enclosing total."""

    def change(part: Node) -> Node:
        if isinstance(part, Response | Value | Noise) and part.index in names:
            return replace(part, index=names[part.index])
        if isinstance(part, Delta):
            return Delta(*(names.get(index, index) for index in (part.first, part.second)))
        return part

    return transform(node, change)
