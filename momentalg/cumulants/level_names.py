"""Names of levels in results: those that sums run over, and the default ones, each column with its own letters."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from momentalg.cumulants.terms import DEFAULT
from momentalg.expr.indices import level_labels, relevelled
from momentalg.expr.nodes import Cumulant, LevelSum, Node, Size, Total, Value
from momentalg.expr.traversal import children, rebuild, transform, walk
from momentalg.model.resolved import ResolvedModel


def level_names(columns: Sequence[str], free: Collection[tuple[str, str]], model: ResolvedModel) -> list[str]:
    """Names for the levels of a sum, other than those of the free levels of the same column, however these print."""
    used = {*free, *((c, default_label(c, model)) for c, name in free if name == DEFAULT)}
    names: list[str] = []
    for column in columns:
        names.append(next(name for name in _labels(column, model) if (column, name) not in used))
        used.add((column, names[-1]))
    return names


def _labels(column: str, model: ResolvedModel) -> Iterator[str]:
    columns = model.columns
    return level_labels(columns.index(column) if column in columns else len(columns), len(columns))


def default_label(column: str, model: ResolvedModel) -> str:
    """How the default level of a column prints, where the text names no levels."""
    return next(_labels(column, model))


def with_letters(node: Node, model: ResolvedModel) -> Node:
    """A result with its default levels named as they print: of several columns each has its own letter."""
    if len(model.columns) <= 1:
        return node
    explicit = {name for part in walk(node) for name in getattr(part, "level", ())}
    names = {
        (column, DEFAULT): next(label for label in _labels(column, model) if label not in explicit - {DEFAULT})
        for column in model.columns
    }

    def named(part: Node) -> Node:
        if isinstance(part, Cumulant):  # in a moment of the design the level is that of one unit, and not named
            return part
        below = children(part)
        new = tuple(named(child) for child in below)
        part = rebuild(part, new) if new != below else part
        return part if below and not isinstance(part, Total) else relevelled(part, names, model.constant_on)

    return named(node)


def apart(node: Node, taken: Sequence[str], model: ResolvedModel) -> Node:
    """Sums inside a named constant, with indices other than those of the sum around it."""
    inner = dict.fromkeys(pair for part in walk(node) if isinstance(part, LevelSum) for pair in part.levels)
    used = {*taken, *(name for _, name in inner)}
    new: dict[str, str] = {}
    for column, name in inner:
        if name in taken and name not in new:
            new[name] = next(label for label in _labels(column, model) if label not in used)
            used.add(new[name])

    def change(part: Node) -> Node:
        if isinstance(part, LevelSum):
            return replace(part, levels=tuple((c, new.get(name, name)) for c, name in part.levels))
        if isinstance(part, (Size, Total, Value)) and part.level:
            return replace(part, level=tuple(new.get(name, name) for name in part.level))
        return part

    return transform(node, change)
