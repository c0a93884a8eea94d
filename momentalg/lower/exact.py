"""Exact values on given rows, by a second road: nodes are read literally, row by row, in rational arithmetic.

No accumulator, shift, table or array expression is used, so that agreement of a generated module with these numbers
says something about all of them. Elementary functions are no rationals: their correctly rounded float stands for them.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import product

from momentalg.errors import NotIdentifiedError, StatisticError
from momentalg.expr import nodes as n
from momentalg.expr.columns import is_kernel, is_levels
from momentalg.expr.names import split_factor
from momentalg.expr.traversal import walk
from momentalg.lower.exact_projections import ExactProjection, Links
from momentalg.model.resolved import ResolvedModel
from momentalg.moments.rational import Matrix, echelon, null_space

Vector = list[Fraction]
Label = tuple[Hashable, ...]
"""A level of a column: its label, and those of the columns that it is local to."""


@dataclass(frozen=True)
class ExactRows:
    """Rows: the labels of each label column, the responses, and the covariate columns, by name."""

    model: ResolvedModel
    labels: Mapping[str, Sequence[n.Label]]
    response: Sequence[Fraction]
    columns: Mapping[str, Sequence[Fraction]]
    _projections: dict[tuple[n.Column, ...], ExactProjection] = field(default_factory=dict, compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.response)

    def label(self, column: str, row: int) -> Label:
        """The level of a column that a row is in."""
        return tuple(self.labels[c][row] for c in sorted(self.model.closure((column,))))

    def level(self, factor: Iterable[str], row: int) -> dict[str, Label]:
        """The level of a factor that a row is in, by column."""
        return {c: self.label(c, row) for c in factor}

    def levels(self, factor: Iterable[str]) -> list[dict[str, Label]]:
        """The levels of a factor that occur."""
        found = {tuple(self.level(factor, t).items()): None for t in range(len(self))}
        return [dict(items) for items in found]

    def members(self, level: Mapping[str, Label]) -> list[int]:
        """The rows of a level."""
        return [t for t in range(len(self)) if all(self.label(c, t) == label for c, label in level.items())]

    def covariate(self, variable: n.Variable, row: int) -> Fraction:
        """The value of a covariate at a row."""
        if variable.kind == "column":
            return Fraction(self.columns[variable.name][row])
        if variable.kind == "size":
            return Fraction(len(self.members(self.level(split_factor(variable.name), row))))
        return Reading(self, row=row).value(self.model.definitions[variable])

    def monomial(self, monomial: n.Monomial, row: int) -> Fraction:
        """The value of a product of powers of covariates at a row."""
        return math.prod((self.covariate(v, row) ** e for v, e in monomial), start=Fraction(1))

    def vector(self, monomial: n.Monomial) -> Vector:
        """The values of a product of powers of covariates."""
        return [self.monomial(monomial, t) for t in range(len(self))]

    def level_vectors(self, columns: n.LevelColumns) -> list[Vector]:
        """The columns of the levels of a factor: a covariate on the level's rows, 0 elsewhere."""
        values = self.vector(columns.monomial)
        found = []
        for level in self.levels(columns.factor):
            inside = set(self.members(level))
            found.append([v if t in inside else Fraction(0) for t, v in enumerate(values)])
        return found

    def projection(self, columns: tuple[n.Column, ...]) -> ExactProjection:
        """P off some columns."""
        if columns not in self._projections:
            spanned: list[Vector] = []
            for column in columns:
                spanned += self.level_vectors(column) if is_levels(column) else [self.vector(column)]
            self._projections[columns] = ExactProjection(spanned, len(self))
        return self._projections[columns]


@dataclass(frozen=True)
class Reading:
    """What names mean at one place of an expression: the row, or the level, and levels and rows named by an index."""

    rows: ExactRows
    row: int | None = None
    level: Mapping[str, Label] = field(default_factory=dict)
    named: Mapping[tuple[str, str], Label | int] = field(default_factory=dict)  # by label column, or "" for a row
    letters: Mapping[str, Fraction] | None = None
    hats: Mapping[str, Fraction] | None = None

    def value(self, node: n.Node) -> Fraction:
        """The exact value of `node`; raises `StatisticError` for what has none on given rows."""
        match node:
            case n.Number(value):
                return value
            case n.Add(args):
                return sum((self.value(a) for a in args), Fraction(0))
            case n.Mul(args):
                return self._product(args)
            case n.Pow(base, exponent):
                return Fraction(self.value(base)) ** exponent
            case n.Function("nonempty", body):
                return Fraction(int(self.value(body) > 0))
            case n.Function(name, body):
                return Fraction(getattr(math, name)(float(self.value(body))))
            case n.Indicator(n.Value(variable, index), label):
                return Fraction(int(self.rows.labels[variable.name][self._row(index)] == label))
            case n.Response(index):
                return Fraction(self.rows.response[self._row(index)])
            case n.Value(variable, index, level):
                return self.rows.covariate(variable, self._row_of(variable, index, level))
            case n.Size(by, level):
                return Fraction(len(self._members(by, level)))
            case n.Levels(by):
                return Fraction(len(self.rows.levels(by)))
            case n.Total(body, by, level):
                return sum((self._at_row(t).value(body) for t in self._members(by, level)), Fraction(0))
            case n.Sum(index, body, by, level):
                members = self._members(by, level)
                return sum((self._naming({("", index): t}).value(body) for t in members), Fraction(0))
            case n.Over(None, body):
                return sum((self._at_row(t).value(body) for t in range(len(self.rows))), Fraction(0))
            case n.Over(by, body):
                places = (replace(self, row=None, level=level) for level in self._inside(by or ()))
                return sum((place.value(body) for place in places), Fraction(0))
            case n.LevelSum(levels, body):
                return self._level_sum(levels, body)
            case n.Projected(columns, kernel):
                y = [Fraction(v) for v in self.rows.response]
                return self.rows.projection(columns).statistic(y, self._matrix(kernel))
            case n.Trace(columns, kernel, of):
                return self.rows.projection(columns).trace(self._matrix(kernel), self._matrix(of))
            case n.Letter(name) if self.letters is not None and name in self.letters:
                return self.letters[name]
            case n.Hat(n.Parameter(key)) if self.hats is not None and key in self.hats:
                return self.hats[key]
            case _:
                raise StatisticError(f"{node!r} has no value on given rows")

    def _product(self, args: tuple[n.Node, ...]) -> Fraction:
        """A product; nothing is divided by where another factor is 0, as the size of an empty cell is."""
        found = Fraction(1)
        for factor in sorted(args, key=lambda a: isinstance(a, n.Pow) and a.exponent < 0):
            found *= self.value(factor)
            if found == 0:
                break
        return found

    def _level_sum(self, levels: tuple[tuple[str, str], ...], body: n.Node) -> Fraction:
        choices = [[level[column] for level in self.rows.levels((column,))] for column, _ in levels]
        places = [self._naming(dict(zip(levels, chosen, strict=True))) for chosen in product(*choices)]
        return sum((p.value(body) for p in places if not p.divides_by_empty(body)), Fraction(0))

    def divides_by_empty(self, body: n.Node) -> bool:
        """Whether a sum has no term here: one that divides by the size of a cell runs over the cells that are there."""
        below = (p.base for p in walk(body) if isinstance(p, n.Pow) and p.exponent < 0)
        return any(isinstance(size, n.Size) and not self._members(size.by, size.level) for size in below)

    def _matrix(self, of: n.Kernel | n.Monomial | None) -> Links | Vector:
        """The columns of the levels of a kernel, or the entries of a diagonal."""
        if is_kernel(of):
            return self.rows.level_vectors(of[0]), self.rows.level_vectors(of[1])
        return self.rows.vector(of or ())

    def _inside(self, by: tuple[str, ...]) -> list[Mapping[str, Label]]:
        """The levels of a factor, with those of the columns that its own are local to."""
        return list(self.rows.levels(sorted(self.rows.model.closure(by))))

    def _at_row(self, row: int) -> Reading:
        return replace(self, row=row)

    def _naming(self, named: Mapping[tuple[str, str], Label | int]) -> Reading:
        return replace(self, named={**self.named, **named})

    def _row(self, index: str) -> int:
        found = self.named.get(("", index)) if index else self.row
        if not isinstance(found, int):
            raise StatisticError(f"the observation {index!r} is not bound by a total or a sum")
        return found

    def _row_of(self, variable: n.Variable, index: str, level: tuple[str, ...]) -> int:
        """A row at which to read a covariate: the observation, or any of the level on which it is constant."""
        if not level and (index or self.row is not None):
            return self._row(index)
        factor = self.rows.model.constant_on.get(variable, ())
        return self._members(tuple(c for c in self.rows.model.columns if c in factor), level)[0]

    def _members(self, by: tuple[str, ...], level: tuple[str, ...]) -> list[int]:
        if not by:
            return list(range(len(self.rows)))
        if level:
            found = {c: self.named.get((c, index)) for c, index in zip(by, level, strict=True)}
        elif self.row is not None:
            found = dict(self.rows.level(by, self.row))
        else:
            found = {c: self.level.get(c) for c in by}
        known = {c: label for c, label in found.items() if isinstance(label, tuple)}
        if len(known) < len(found):
            raise StatisticError(f"the level of {', '.join(found)} is not bound by a sum")
        return self.rows.members(known)


def solve(matrix: Matrix, right: Vector, names: Sequence[str]) -> dict[str, Fraction]:
    """Solve a square system exactly; raises `NotIdentifiedError` when it is singular."""
    solved, pivots = echelon([[*line, value] for line, value in zip(matrix, right, strict=True)])
    if len(matrix) != len(names) or pivots != list(range(len(names))):
        lost = [n for n, _ in enumerate(names) if any(vector[n] for vector in null_space(matrix, len(names)))]
        raise NotIdentifiedError(f"these rows do not separate {', '.join(names[n] for n in lost) or 'all'}")
    return {name: line[-1] for name, line in zip(names, solved, strict=True)}
