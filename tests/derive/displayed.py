"""The number that a displayed expression is on concrete data, straight from its meaning: no normal form, no engine.

A random quantity is a polynomial in its sources, the effects of levels and the residuals of rows; moments are taken
from the definition of the cumulants of independent sources. So each step of a derivation is checked by a second road.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import product

from momentalg.expr import nodes as n
from momentalg.model.resolved import ResolvedModel

Row = Mapping[str, object]
Source = tuple[object, ...]  # ("e", row number), or (factor, coefficient, labels)
Poly = dict[tuple[Source, ...], Fraction]  # sorted products of sources, with their coefficients
DEFAULT = "i"


@dataclass(frozen=True)
class Data:
    """Rows, parameters and which labels the named levels are; the default level of each column is named i."""

    model: ResolvedModel
    rows: Sequence[Row]
    parameters: Mapping[str, Fraction]
    levels: Mapping[tuple[str, str], object]
    observations: Mapping[str, int] = field(default_factory=dict)

    def number(self, node: n.Node) -> Fraction:
        """The value of an expression that is not random."""
        found = self.poly(node)
        assert set(found) <= {()}, "the expression is random"
        return found.get((), Fraction(0))

    def poly(self, node: n.Node) -> Poly:
        """The value of an expression as a polynomial in the sources."""
        match node:
            case n.Number(value):
                return {(): value} if value else {}
            case n.Add(args):
                return total(self.poly(a) for a in args)
            case n.Mul(args):
                result: Poly = {(): Fraction(1)}
                for a in args:
                    result = times(result, self.poly(a))
                return result
            case n.Pow(base, exponent) if exponent < 0:
                return {(): self.number(base) ** exponent}
            case n.Pow(base, exponent):
                return self.poly(n.Mul((base,) * exponent)) if exponent > 1 else self.poly(base)
            case n.Parameter(key):
                return {(): self.parameters[key]}
            case n.Response(index):
                return self.response(self.observations[index])
            case n.Noise(index):
                return {(("e", self.observations[index]),): Fraction(1)}
            case n.Effect(by, coefficient, level, index):
                at = self.observations[index] if index else None
                labels = tuple(
                    self.rows[at][c] if at is not None else self.label(c, v) for c, v in self.place(by, level)
                )
                return {((by, coefficient, labels),): Fraction(1)}
            case n.Value(variable, index, level):
                row = self.observations[index] if "" in self.observations or index else None
                if row is None or level:
                    on = self.model.constant_on[variable]
                    row = next(self.members(on, level))
                return {(): Fraction(self.covariate(variable, row))}
            case n.Size(by, level):
                return {(): Fraction(sum(1 for _ in self.members(by, level)))}
            case n.Total(body, by, level):
                return self.observed("", body, by, level)
            case n.Sum(index, body, by, level):
                return self.observed(index, body, by, level)
            case n.LevelSum(levels, body):
                labels = [list(dict.fromkeys(row[c] for row in self.rows)) for c, _ in levels]
                return total(self.term(body, dict(zip(levels, some, strict=True))) for some in product(*labels))
            case n.Over(by, body) if by is not None:
                cells = dict.fromkeys(tuple(row[c] for c in by) for row in self.rows)
                names = [(c, DEFAULT) for c in by]
                return total(
                    replace(self, levels={**self.levels, **dict(zip(names, cell, strict=True))}).poly(body)
                    for cell in cells
                )
            case n.Levels(by):
                return {(): Fraction(len({tuple(row[c] for c in by) for row in self.rows}))}
            case n.Cumulant(args, given):
                known = {(g.by, g.coefficient) for g in given if isinstance(g, n.Effect)}
                return self.cumulant([self.poly(a) for a in args], known)
        raise TypeError(f"no meaning for {type(node).__name__}")

    def term(self, body: n.Node, levels: Mapping[tuple[str, str], object]) -> Poly:
        """One term of a sum over levels; a cell that does not occur has none, though sizes of cells are divided by."""
        try:
            return replace(self, levels={**self.levels, **levels}).poly(body)
        except ZeroDivisionError:
            return {}

    def response(self, row: int) -> Poly:
        """The model equation of a row."""
        result: Poly = {(("e", row),): Fraction(1)}
        for column in self.model.mean:
            covariates = self.monomial(column.monomial, row)
            result = total([result, {(): covariates * (self.parameters[column.key] if column.key else 1)}])
        for block in self.model.groups:
            labels = tuple(self.rows[row][c] for c in block.factor)
            for column in block.coefficients:
                source = (block.factor, str(column.key), labels)
                result = total([result, {(source,): self.monomial(column.monomial, row)}])
        return result

    def monomial(self, monomial: n.Monomial, row: int) -> Fraction:
        """A product of covariates at a row."""
        result = Fraction(1)
        for variable, power in monomial:
            result *= Fraction(self.covariate(variable, row)) ** power
        return result

    def covariate(self, variable: n.Variable, row: int) -> int:
        """A column's value, or the size of the row's level."""
        if variable.kind == "size":
            by = self.model.constant_on[variable]
            return sum(all(other[c] == self.rows[row][c] for c in by) for other in self.rows)
        return int(str(self.rows[row][variable.name]))

    def observed(self, index: str, body: n.Node, by: n.Factor, level: tuple[str, ...]) -> Poly:
        """The sum of a body over the rows of a level."""
        return total(
            replace(self, observations={**self.observations, index: row}).poly(body) for row in self.members(by, level)
        )

    def members(self, by: n.Factor, level: tuple[str, ...]) -> Iterator[int]:
        """The rows of a level."""
        labels = {c: self.label(c, name) for c, name in self.place(by, level)}
        return (k for k, row in enumerate(self.rows) if all(row[c] == label for c, label in labels.items()))

    def place(self, by: n.Factor, level: tuple[str, ...]) -> list[tuple[str, str]]:
        return list(zip(by, level or (DEFAULT,) * len(by), strict=True))

    def label(self, column: str, name: str) -> object:
        return self.levels[column, name]

    def cumulant(self, args: Sequence[Poly], known: set[tuple[object, object]]) -> Poly:
        """The joint cumulant over the sources that are not known: of linear forms, and expectations up to squares."""
        result: Poly = {}
        for picked in product(*(a.items() for a in args)):
            fixed, random = [], []
            for sources, _ in picked:
                random.append([s for s in sources if s[:2] not in known])
                fixed += [s for s in sources if s[:2] in known]
            number = Fraction(1)
            for _, coefficient in picked:
                number *= coefficient
            joined = [s for some in random for s in some]
            if len(args) == 1 and len(joined) <= 2:
                value = self.source_cumulant(joined) if joined else Fraction(1)
            else:
                assert all(len(some) <= 1 for some in random), "cumulants of linear forms only"
                value = self.source_cumulant(joined) if all(random) else Fraction(0)
            result = total([result, {tuple(sorted(fixed, key=repr)): number * value}])
        return result

    def source_cumulant(self, sources: Sequence[Source]) -> Fraction:
        """The joint cumulant of sources: zero unless they are effects of one level, or one residual."""
        if len(sources) == 1:
            return Fraction(0)
        if all(s[0] == "e" for s in sources):
            return self.parameters[self.model.cumulant_key(None, ("1",) * len(sources))] * (len(set(sources)) == 1)
        if len({(s[0], s[2:]) for s in sources}) > 1 or any(s[0] == "e" for s in sources):
            return Fraction(0)
        of = {str(s[1]) for s in sources}
        for block in self.model.groups:
            if block.factor == sources[0][0] and of <= {str(c.key) for c in block.coefficients}:
                return self.parameters[self.model.cumulant_key(block, tuple(str(s[1]) for s in sources))]
        return Fraction(0)


def total(parts: Iterator[Poly] | Sequence[Poly]) -> Poly:
    """The sum of polynomials."""
    result: Poly = {}
    for part in parts:
        for monomial, coefficient in part.items():
            result[monomial] = result.get(monomial, Fraction(0)) + coefficient
    return {m: c for m, c in result.items() if c}


def times(a: Poly, b: Poly) -> Poly:
    """The product of polynomials."""
    return total([{tuple(sorted((*m, *o), key=repr)): c * d} for m, c in a.items() for o, d in b.items()])
