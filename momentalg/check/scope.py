"""What the names in a statistic mean: which level is the i of S_i, which observation the j of Y_j."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from momentalg.errors import StatisticError
from momentalg.expr import nodes as n
from momentalg.expr.traversal import children

Scope = Mapping[tuple[str, ...], Any]
"""What names mean: ("observation", index), ("level", index) and, for the default level, ("default", column)."""


def unit_scope(
    statistics: Sequence[n.Node],
    unit: tuple[str, ...],
    units: int,
    at: Mapping[str, int] | None = None,
    observations: Mapping[str, tuple[int, int]] | None = None,
) -> Scope:
    """The scope of statistics on units 0, 1, ...; an observation is (unit, place).

    The default level and ``i`` are unit 0; other free level names are the units 1, 2, ..., and free indices of
    observations the places 0, 1, ... of unit 0, in order of appearance, unless `at` and `observations` say otherwise.
    """
    free = dict.fromkeys(name for s in statistics for name in free_names(s, frozenset()))
    named = ["i", *(name for kind, name in free if kind == "level" and name != "i")]
    indices = [name for kind, name in free if kind == "observation"]
    levels = {name: number for number, name in enumerate(named)} | dict(at or {})
    if lost := sorted(name for name, number in levels.items() if not 0 <= number < units):
        raise StatisticError(f"{units} units are too few for the levels {lost}; raise `units` or pass `at`")
    places: dict[str, Any] = {name: (0, place) for place, name in enumerate(indices)} | dict(observations or {})
    default: dict[tuple[str, ...], Any] = {("default", c): levels.get(c, 0) for c in unit}
    default |= {("level", name): number for name, number in levels.items()}
    return default | {("observation", name): place for name, place in places.items()}


def free_names(node: n.Node, bound: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield the free names of levels and observations, as ("level", name) and ("observation", index)."""
    level = getattr(node, "level", ())
    yield from (("level", name) for name in level if f"level {name}" not in bound)
    match node:
        case n.Response(index) | n.Noise(index) | n.Value(_, index):
            indices: tuple[str, ...] = (index,)
        case n.Delta(first, second):
            indices = (first, second)
        case _:
            indices = ()
    yield from (("observation", i) for i in indices if i and f"observation {i}" not in bound)
    if isinstance(node, n.Sum):
        bound |= {f"observation {node.index}"}
    if isinstance(node, n.LevelSum):
        bound |= {f"level {name}" for _, name in node.levels}
    for child in children(node):
        yield from free_names(child, bound)
