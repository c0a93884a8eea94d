"""Functions of covariates on a generic design: exact where they are rational, so that ``I(2*x)`` says the same as x.

The value of an elementary function at an argument is any number, the same for the same argument: what holds for almost
all numbers holds for those that the function has, unless it is an identity such as log(x^2) = 2 log(x).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import isqrt, prod

from momentalg.errors import UnsupportedError
from momentalg.expr.nodes import Add, Function, Indicator, Mul, Node, Number, Pow, Size, Value, Variable
from momentalg.expr.traversal import walk
from momentalg.model.resolved import ResolvedModel

LARGEST = 997  # of the numbers that stand for values of elementary functions


def columns_read(model: ResolvedModel) -> tuple[Variable, ...]:
    """The covariates that are drawn: those of the model, and those that its functions are of."""
    used = [v for column in model.terms for v, _ in column.monomial]
    used += [
        node.variable
        for definition in model.definitions.values()
        if not isinstance(definition, Indicator)
        for node in walk(definition)
        if isinstance(node, Value)
    ]
    return tuple(v for v in dict.fromkeys(used) if v.kind != "size" and v not in model.definitions)


@dataclass
class Functions:
    """The functions of covariates of a model, on some rows."""

    model: ResolvedModel
    rows: Sequence[Mapping[str, Hashable]]
    columns: Mapping[Variable, Sequence[Fraction]]
    rng: random.Random
    _known: dict[Hashable, Fraction] = field(default_factory=dict)
    _sizes: dict[tuple[str, ...], Counter[Hashable]] = field(default_factory=dict)

    def values(self, variable: Variable) -> list[Fraction]:
        """The values of a function, row by row."""
        return [self._value(self.model.definitions[variable], row) for row in range(len(self.rows))]

    def _value(self, node: Node, row: int) -> Fraction:
        match node:
            case Number(value):
                return value
            case Add(args):
                return sum((self._value(a, row) for a in args), Fraction(0))
            case Mul(args):
                return prod((self._value(a, row) for a in args), start=Fraction(1))
            case Pow(base, exponent):
                found = self._value(base, row)
                return found**exponent if found or exponent > 0 else self._any("1/0", found)
            case Function(name, body):
                return self._elementary(name, self._value(body, row))
            case Indicator(Value(variable), label):
                return Fraction(self.rows[row][variable.name] == label)
            case Size(by):
                return Fraction(self._size(by, row))
            case Value(variable) if variable.kind == "size":
                return Fraction(self._size(self.model.constant_on[variable], row))
            case Value(variable) if variable in self.columns:
                return self.columns[variable][row]
            case Value(variable) if variable in self.model.definitions:
                return self._value(self.model.definitions[variable], row)
        raise UnsupportedError(f"a covariate cannot be computed from {type(node).__name__}; make a column of it")

    def _elementary(self, name: str, argument: Fraction) -> Fraction:
        if name == "sqrt" and argument >= 0:
            found = Fraction(isqrt(argument.numerator), isqrt(argument.denominator))
            if found**2 == argument:
                return found
        return self._any(name, argument)

    def _any(self, *of: Hashable) -> Fraction:
        return self._known.setdefault(of, Fraction(self.rng.randint(1, LARGEST)))

    def _size(self, by: tuple[str, ...], row: int) -> int:
        cells = [tuple(r[c] for c in by) for r in self.rows] if by not in self._sizes else []
        sizes = self._sizes.setdefault(by, Counter(cells))
        return sizes[tuple(self.rows[row][c] for c in by)]
