"""Exact values on given rows, by a second road: nodes are read literally, row by row, in rational arithmetic.

No accumulator, shift or array expression is used, so that agreement of a generated module with these numbers says
something about all of them. Elementary functions are no rationals: their correctly rounded float stands for them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from momentalg.errors import NotIdentifiedError, StatisticError
from momentalg.expr import nodes as n
from momentalg.expr.columns import is_kernel, is_levels
from momentalg.expr.names import split_factor
from momentalg.model.resolved import ResolvedModel
from momentalg.moments.rational import Matrix, echelon, residual_projection

Vector = list[Fraction]


@dataclass(frozen=True)
class ExactRows:
    """Rows of one factor: its labels, the responses, and the covariate columns by name."""

    model: ResolvedModel
    labels: Sequence[object]
    response: Sequence[Fraction]
    columns: Mapping[str, Sequence[Fraction]]

    def of_level(self, label: object) -> list[int]:
        """The rows of a level."""
        return [t for t, found in enumerate(self.labels) if found == label]

    def covariate(self, variable: n.Variable, row: int) -> Fraction:
        """The value of a covariate at a row."""
        if variable.kind == "column":
            return Fraction(self.columns[variable.name][row])
        if variable.kind == "size":
            if set(split_factor(variable.name)) != set(self.model.groups[0].factor):
                raise StatisticError(f"size({variable.name}) is not the size of a level of {self.model.groups[0].name}")
            return Fraction(len(self.of_level(self.labels[row])))
        return Reading(self, row=row, level=self.labels[row]).value(self.model.definitions[variable])

    def monomial(self, monomial: n.Monomial, row: int) -> Fraction:
        """The value of a product of powers of covariates at a row."""
        return math.prod((self.covariate(v, row) ** e for v, e in monomial), start=Fraction(1))


@dataclass(frozen=True)
class Reading:
    """What names mean at one place of an expression: the row, the level, and levels and rows named by an index."""

    rows: ExactRows
    row: int | None = None
    level: object = None
    named: Mapping[str, object] | None = None
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
                return math.prod((self.value(a) for a in args), start=Fraction(1))
            case n.Pow(base, exponent):
                return Fraction(self.value(base)) ** exponent
            case n.Function(name, body):
                return Fraction(getattr(math, name)(float(self.value(body))))
            case n.Response(index):
                return Fraction(self.rows.response[self._row(index)])
            case n.Value(variable, index, level):
                row = self._row(index) if not level and self._has_row(index) else self._members(("?",), level)[0]
                return self.rows.covariate(variable, row)
            case n.Size(by, level):
                return Fraction(len(self._members(by, level)))
            case n.Levels():
                return Fraction(len(set(self.rows.labels)))
            case n.Total(body, by, level):
                return sum((self._at_row(t).value(body) for t in self._members(by, level)), Fraction(0))
            case n.Sum(index, body, by, level):
                members = self._members(by, level)
                return sum((self._naming(index, ("row", t)).value(body) for t in members), Fraction(0))
            case n.Over(None, body):
                return sum((self._at_row(t).value(body) for t in range(len(self.rows.labels))), Fraction(0))
            case n.Over(_, body):
                return sum((self._at_level(a).value(body) for a in dict.fromkeys(self.rows.labels)), Fraction(0))
            case n.LevelSum(levels, body):
                if len({column for column, _ in levels}) != len(levels):
                    raise StatisticError("a design total over two levels of one factor has no value here")
                name = " ".join(i for _, i in levels)
                found = dict.fromkeys(self.rows.labels)
                return sum((self._naming(name, ("level", a)).value(body) for a in found), Fraction(0))
            case n.Projected(columns, kernel):
                return self._projected(columns, kernel)
            case n.Trace(columns, kernel, of):
                maker = self._residual_maker(columns)
                if kernel is None:
                    return _trace_of_product(maker, self._matrix(of))
                inner = _product(self._matrix(kernel), maker)  # tr(P K P V) = tr((K P)(V P)), as P P = P
                return _trace_of_product(inner, _product(self._matrix(of), maker))
            case n.Letter(name) if self.letters is not None and name in self.letters:
                return self.letters[name]
            case n.Hat(n.Parameter(key)) if self.hats is not None and key in self.hats:
                return self.hats[key]
            case _:
                raise StatisticError(f"{node!r} has no value on given rows")

    def _at_row(self, row: int) -> Reading:
        return replace(self, row=row, level=self.rows.labels[row])

    def _at_level(self, level: object) -> Reading:
        return replace(self, row=None, level=level)

    def _naming(self, index: str, meaning: object) -> Reading:
        return replace(self, named={**(self.named or {}), index: meaning})

    def _has_row(self, index: str) -> bool:
        return (index in self.named if self.named else False) if index else self.row is not None

    def _row(self, index: str) -> int:
        meaning = (self.named or {}).get(index) if index else ("row", self.row)
        if not isinstance(meaning, tuple) or meaning[0] != "row" or meaning[1] is None:
            raise StatisticError(f"the observation {index!r} is not bound by a total or a sum")
        return int(meaning[1])

    def _members(self, by: tuple[str, ...], level: tuple[str, ...]) -> list[int]:
        if not by:
            return list(range(len(self.rows.labels)))
        meaning = (self.named or {}).get(" ".join(level)) if level else ("level", self.level)
        if not isinstance(meaning, tuple):
            raise StatisticError(f"the level {level!r} is not bound by a sum")
        return self.rows.of_level(meaning[1])

    def _projected(self, columns: tuple[n.Column, ...], kernel: n.Kernel | None) -> Fraction:
        y = [[Fraction(v)] for v in self.rows.response]
        residual = _product(self._residual_maker(columns), y)
        return _product(_transposed(residual), _product(self._matrix(kernel), residual))[0][0]

    def _matrix(self, of: n.Kernel | n.Monomial | None) -> Matrix:
        """The symmetric part of Z_c Z_d', a diagonal matrix, or the identity."""
        labels, rows = self.rows.labels, range(len(self.rows.labels))
        if not is_kernel(of):
            return [[self.rows.monomial(of or (), s) if s == t else Fraction(0) for t in rows] for s in rows]
        left, right = ([self.rows.monomial(c.monomial, t) for t in rows] for c in of)
        return [
            [(left[s] * right[t] + left[t] * right[s]) / 2 if labels[s] == labels[t] else Fraction(0) for t in rows]
            for s in rows
        ]

    def _residual_maker(self, columns: tuple[n.Column, ...]) -> Matrix:
        """I - V V^+."""
        labels = self.rows.labels
        spanned: list[Vector] = []
        for column in columns:
            values = [
                self.rows.monomial(column.monomial if is_levels(column) else column, t) for t in range(len(labels))
            ]
            if is_levels(column):
                spanned += [
                    [v if a == b else Fraction(0) for b, v in zip(labels, values, strict=True)]
                    for a in dict.fromkeys(labels)
                ]
            else:
                spanned.append(values)
        return residual_projection(spanned, len(labels))


def solve(matrix: Matrix, right: Vector, names: Sequence[str]) -> dict[str, Fraction]:
    """Solve a square system exactly; raises `NotIdentifiedError` when it is singular."""
    solved, pivots = echelon([[*line, value] for line, value in zip(matrix, right, strict=True)])
    if len(matrix) != len(names) or pivots != list(range(len(names))):
        raise NotIdentifiedError(f"these rows do not separate {', '.join(names)}")
    return {name: line[-1] for name, line in zip(names, solved, strict=True)}


def _product(left: Matrix, right: Matrix) -> Matrix:
    columns = list(zip(*right, strict=True))
    return [
        [sum((a * b for a, b in zip(line, column, strict=True) if a and b), Fraction(0)) for column in columns]
        for line in left
    ]


def _transposed(matrix: Matrix) -> Matrix:
    return [list(column) for column in zip(*matrix, strict=True)]


def _trace_of_product(left: Matrix, right: Matrix) -> Fraction:
    pairs = zip(left, zip(*right, strict=True), strict=True)
    return sum((a * b for line, column in pairs for a, b in zip(line, column, strict=True) if a and b), Fraction(0))
