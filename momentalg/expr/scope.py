"""Indices in scope: which label stands for the default level and for an observation, at a place in an expression."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from types import MappingProxyType

from momentalg.expr import nodes as n
from momentalg.expr.free import Bound, free
from momentalg.expr.indices import DEFAULT
from momentalg.expr.notation import Notation
from momentalg.expr.symbols import DOT, Symbol

_EMPTY: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Scope:
    """What is bound at a place. Everything that binds returns a new scope and the labels it introduced."""

    notation: Notation
    used: frozenset[str]  # labels that a new index must avoid
    levels: Mapping[str, str] = field(default_factory=lambda: _EMPTY)  # the default level, where bound: label by column
    observations: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: MappingProxyType({}))  # by index
    names: Mapping[tuple[str, str], str] = field(default_factory=lambda: MappingProxyType({}))  # of bound named levels
    current: str | None = None  # the index of the observation that the enclosing total runs over

    @classmethod
    def of(cls, node: n.Node, notation: Notation) -> Scope:
        """The scope of a whole expression: nothing is bound, and the labels that it mentions are taken."""
        return cls(notation, frozenset(_printed(node, notation)))

    # -- subscripts ------------------------------------------------------------------------------------------------

    def level(self, by: tuple[str, ...], level: tuple[str, ...]) -> tuple[Symbol, ...]:
        """The subscript of something that lives on a level."""
        return tuple(self.notation.label(label) for label in self._labels(by, level))

    def cell(self, by: tuple[str, ...], level: tuple[str, ...], total: bool = False) -> tuple[Symbol, ...]:
        """The subscript of a total, or a count, of a cell of several columns: a dot where it is summed over one."""
        columns = self.notation.columns
        if len(columns) <= 1:
            return (DOT,) if total and not by else self.level(by, level)
        labels = dict(zip(by, self._labels(by, level), strict=False))
        absent = [c for c in by if c not in columns]
        return tuple(self.notation.label(labels[c]) if c in labels else DOT for c in (*columns, *absent))

    def effect(self, node: n.Effect) -> tuple[Symbol, ...]:
        """The subscript of an effect: its level, or the level that its observation lies in."""
        within = self.observations.get(node.index, _EMPTY) if node.index else _EMPTY
        return replace(self, levels=MappingProxyType({**self.levels, **within})).level(node.by, node.level)

    def _labels(self, by: tuple[str, ...], level: tuple[str, ...]) -> tuple[str, ...]:
        """Of several columns each has its own letter for the default level, which is named `DEFAULT` in all."""
        if not level:
            return self._default(by)
        if len(self.notation.columns) <= 1:
            return level
        return tuple(self._label(c, name) for c, name in zip(by, level, strict=False))

    def _label(self, column: str, name: str) -> str:
        if name == DEFAULT:
            return self.levels.get(column) or self.notation.default_label(column)
        return self.names.get((column, name), name)

    def _default(self, by: tuple[str, ...]) -> tuple[str, ...]:
        if self.notation.subscripted:
            return tuple(self.levels.get(c, self.notation.default_label(c)) for c in by)
        return tuple(self.levels[c] for c in by if c in self.levels)

    def observation(self, index: str) -> tuple[Symbol, ...]:
        """The subscript of something that lives on an observation: its level, where shown, and its index."""
        index = index or self.current or self.notation.observation_label
        bound = self.observations.get(index, _EMPTY)
        columns = self.notation.columns
        labels = [bound.get(c) or (self._default((c,)) or ("",))[0] for c in columns]
        return tuple(self.notation.label(label) for label in (*labels, index) if label)

    def value(self, node: n.Value) -> tuple[Symbol, ...]:
        """The subscript of a covariate: its level where it is constant on one, else its observation."""
        on = (self.notation.constant_on or {}).get(node.variable)
        if node.variable.kind == "size" and on is None:
            on = self.notation.columns[:1]
        if node.level:
            return self.level(on or self.notation.columns[: len(node.level)], node.level)
        if on is not None:
            bound = self.observations.get(node.index or self.current or "", _EMPTY)
            return replace(self, levels=MappingProxyType({**self.levels, **bound})).level(on, ())
        if not node.index and self.current is None and self.notation.constant_on is None:
            return ()  # no model tells where it lives
        return self.observation(node.index)

    # -- binding ---------------------------------------------------------------------------------------------------

    def binding(self, by: tuple[str, ...], body: n.Node) -> tuple[Scope, tuple[Symbol, ...]]:
        """Bind the default level of the columns `by`, each to a label that is free here and not used in `body`."""
        scope = replace(
            self, used=self.used.union(_printed(body, self.notation, Bound().bind(*((c, DEFAULT) for c in by))))
        )
        labels: list[str] = []
        for column in by:
            label = scope.fresh(chain((self.notation.default_label(column),), self.notation.level_labels(column)))
            labels.append(label)
            levels = MappingProxyType({**scope.levels, column: label})
            scope = replace(scope, used=scope.used | {label}, levels=levels)
        return scope, tuple(self.notation.label(label) for label in labels)

    def observing(
        self, index: str, by: tuple[str, ...], level: tuple[str, ...], body: n.Node
    ) -> tuple[Scope, tuple[Symbol, ...]]:
        """Bind an observation of the level (`by`, `level`), and the levels of the other columns that it lies in."""
        at = dict(zip(by, self._labels(by, level), strict=False))
        scope = replace(self, levels=MappingProxyType({**self.levels, **at}))
        missing = tuple(c for c in self.notation.columns if c not in by)
        scope, fresh = scope.binding(missing, body)
        index = index or scope.fresh(self.notation.observation_labels())
        where = MappingProxyType({c: scope.levels[c] for c in self.notation.columns if c in scope.levels})
        observations = MappingProxyType({**scope.observations, index: where})
        scope = replace(scope, observations=observations, current=index, used=scope.used | {index})
        return scope, (*fresh, self.notation.label(index))

    def summing(self, levels: tuple[tuple[str, str], ...]) -> tuple[Scope, tuple[Symbol, ...]]:
        """Bind named levels; of several columns, each to a label that is free here."""
        if len(self.notation.columns) <= 1:
            return self, tuple(self.notation.label(name) for _, name in levels)
        scope, labels = self, []
        for column, name in levels:
            preferred = self.notation.default_label(column) if name == DEFAULT else name
            label = scope.fresh(chain((preferred,), self.notation.level_labels(column)))
            labels.append(self.notation.label(label))
            names = MappingProxyType({**scope.names, (column, name): label})
            own = MappingProxyType({**scope.levels, column: label}) if name == DEFAULT else scope.levels
            scope = replace(scope, names=names, levels=own, used=scope.used | {label})
        return scope, tuple(labels)

    def fresh(self, candidates: Iterable[str]) -> str:
        """A label that is free here: the first possible one of the candidates."""
        return next(label for label in candidates if label not in self.used)


def _printed(node: n.Node, notation: Notation, bound: Bound = Bound()) -> Iterator[str]:  # noqa: B008 - immutable
    """The labels of the free indices of a node; without subscripts the default level has none."""
    for column, name in free(node, notation.columns, notation.constant_on or {}, bound):
        if column is None or name != DEFAULT:
            yield name
        elif notation.subscripted:
            yield notation.default_label(column)
