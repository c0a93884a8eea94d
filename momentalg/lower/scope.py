"""Nodes into array expressions: totals become sums that are accumulated, the rest is arithmetic on them.

A body of a total is read as a polynomial in the row symbols whose coefficients live on the level; so
``Total((Y - S/N)**3)`` needs the sums of y, y**2 and y**3 per level, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from momentalg.errors import UnsupportedError
from momentalg.expr import nodes as node
from momentalg.expr.indices import renamed
from momentalg.expr.nodes import Node, Variable
from momentalg.lower.accumulators import Accumulators, multiply
from momentalg.lower.arrays import (
    ONE,
    ZERO,
    Const,
    Expr,
    Power,
    Ref,
    SumLevels,
    Times,
    over_levels,
    plus,
    power,
    shape_of,
    times,
)
from momentalg.lower.ir import Powers, Quantity, RankCheck
from momentalg.lower.symbols import RESPONSE, Symbols
from momentalg.lower.wording import wording

RowPolynomial = dict[Powers, Expr]


@dataclass
class Scope:
    """What nodes mean while one estimator is lowered, and the quantities named so far.

    `letters` and `hats` give the meaning of ``Letter(name)`` and ``Hat(Parameter(key))``; `project` lowers projection
    statistics and traces.
    """

    factor: tuple[str, ...]
    symbols: Symbols
    accumulators: Accumulators
    steps: list[Quantity | RankCheck] = field(default_factory=list)
    letters: dict[str, Expr] = field(default_factory=dict)
    hats: dict[str, Expr] = field(default_factory=dict)
    project: Callable[[Node], Expr] | None = None
    _named: dict[Expr, Ref] = field(default_factory=dict)

    def name(self, value: Expr, hint: str, formula: str) -> Expr:
        """Give `value` a name, the same for equal values; numbers and names stay what they are."""
        if isinstance(value, Const | Ref):
            return value
        if value not in self._named:
            used = {step.name for step in self.steps if isinstance(step, Quantity)}
            chosen, number = hint, 2
            while chosen in used:
                chosen, number = f"{hint}_{number}", number + 1
            self.steps.append(Quantity(chosen, value, formula))
            self._named[value] = Ref(chosen, shape_of(value))
        return self._named[value]

    def define(self, item: Node, hint: str, formula: str) -> Expr:
        """Lower a node that has a name of its own, and name it so, in place of a name after what it adds up."""
        before = len(self.steps)
        value = self.scalar(item)
        last = self.steps[-1] if len(self.steps) > before else None
        if isinstance(last, Quantity) and self._named.get(last.value) == value:
            self.steps.pop()
            del self._named[last.value]
            value = last.value
        return self.name(value, hint, formula)

    def scalar(self, item: Node) -> Expr:
        """The value of a node that has one value for the whole sample."""
        match item:
            case node.Number(value):
                return Const(value)
            case node.Add(args):
                return plus(*(self.scalar(a) for a in args))
            case node.Mul(args):
                return times(*(self.scalar(a) for a in args))
            case node.Pow(base, exponent):
                return power(self.scalar(base), exponent)
            case node.Size(by=()):
                return self.accumulators.total(())
            case node.Levels(by) if self._is_factor(by):
                return Ref("levels")
            case node.Total(body, by=()):
                return self.named_total(self._total(self.rows(body)), wording(item))
            case node.Sum(index, body, by=()):
                return self.scalar(node.Total(renamed(body, {index: ""}), ()))
            case node.Over(None, body):
                return self.named_total(self._total(self.rows(body)), wording(item))
            case node.Over(by, body) if by is not None and self._is_factor(by):
                return self._sum_levels(self.level(body), item)
            case node.LevelSum(levels, body) if self._is_factor(tuple(c for c, _ in levels)):
                return self._sum_levels(self.level(body, tuple(i for _, i in levels)), item)
            case node.Projected() | node.Trace() if self.project is not None:
                return self.project(item)
            case node.Letter(name) if name in self.letters:
                return self.letters[name]
            case node.Hat(node.Parameter(key)) if key in self.hats:
                return self.hats[key]
            case _:
                raise self._refusal(item)

    def level(self, item: Node, bound: tuple[str, ...] = ()) -> Expr:
        """The values of a node on the levels of the factor; `bound` is the index that names them, if any."""
        match item:
            case node.Number(value):
                return Const(value)
            case node.Add(args):
                return plus(*(self.level(a, bound) for a in args))
            case node.Mul(args):
                return times(*(self.level(a, bound) for a in args))
            case node.Pow(base, exponent):
                return power(self.level(base, bound), exponent)
            case node.Size(by, level) if self._is_here(by, level, bound):
                return self.accumulators.per_level(())
            case node.Total(body, by, level) if by and self._is_here(by, level, bound):
                return plus(*(times(w, self.accumulators.per_level(p)) for p, w in self.rows(body, bound).items()))
            case node.Sum(index, body, by, level) if by:
                return self.level(node.Total(renamed(body, {index: ""}), by, level), bound)
            case node.Value(variable, _, level) if variable in self.symbols.levels and level in ((), bound):
                return self.symbols.levels[variable]
            case _:
                return self.scalar(item)

    def rows(self, item: Node, bound: tuple[str, ...] = ()) -> RowPolynomial:
        """A node at an observation, as a polynomial in the row symbols with coefficients on the level."""
        match item:
            case node.Response(index=""):
                return {((RESPONSE, 1),): ONE}
            case node.Value(variable, index="") if (
                variable in self.symbols.rows and variable not in self.symbols.levels
            ):
                return self._row_value(variable)
            case node.Add(args):
                return self._add([self.rows(a, bound) for a in args])
            case node.Mul(args):
                product: RowPolynomial = {(): ONE}
                for a in args:
                    product = self._multiply(product, self.rows(a, bound))
                return product
            case node.Pow(base, exponent) if exponent > 0:
                inner = self.rows(base, bound)
                product = {(): ONE}
                for _ in range(exponent):
                    product = self._multiply(product, inner)
                return product
            case node.Pow(base, exponent):
                inner = self.rows(base, bound)
                if set(inner) != {()}:
                    raise self._refusal(item)
                return {(): power(inner[()], exponent)}
            case _:
                return {(): self.level(item, bound)}

    def _row_value(self, variable: Variable) -> RowPolynomial:
        symbol = self.symbols.rows[variable]
        value: RowPolynomial = {((symbol.name, 1),): ONE}
        return self._add([value, {(): Ref(f"shift_{symbol.name}")}]) if symbol.shifted else value

    def _total(self, polynomial: RowPolynomial) -> Expr:
        terms = []
        for powers, weight in polynomial.items():
            if shape_of(weight) == "scalar":
                terms.append(times(weight, self.accumulators.total(powers)))
            else:
                terms.append(over_levels(times(weight, self.accumulators.per_level(powers))))
        return plus(*terms)

    def _sum_levels(self, value: Expr, item: Node) -> Expr:
        if value == Ref("size", "levels"):
            return self.accumulators.total(())
        total = over_levels(value)
        return self.named_total(total, wording(item)) if isinstance(total, SumLevels) else total

    def named_total(self, value: Expr, formula: str) -> Expr:
        """Name a total after what it adds up, where that makes a name."""
        spelled = _spelled(value.arg) if isinstance(value, SumLevels) else ""
        return self.name(value, f"sum_of_{spelled}" if spelled else "part", formula)

    def _is_factor(self, by: tuple[str, ...]) -> bool:
        return set(by) == set(self.factor)

    def _is_here(self, by: tuple[str, ...], level: tuple[str, ...], bound: tuple[str, ...]) -> bool:
        return self._is_factor(by) and level in ((), bound)

    def _add(self, parts: list[RowPolynomial]) -> RowPolynomial:
        found: RowPolynomial = {}
        for part in parts:
            for powers, weight in part.items():
                found[powers] = plus(found[powers], weight) if powers in found else weight
        return {p: w for p, w in found.items() if w != ZERO}

    def _multiply(self, first: RowPolynomial, second: RowPolynomial) -> RowPolynomial:
        return self._add([{multiply(p, q): times(v, w)} for p, v in first.items() for q, w in second.items()])

    def _refusal(self, item: Node) -> UnsupportedError:
        return UnsupportedError(
            f"a generated estimator cannot compute {wording(item)!r}: it takes totals over the levels of "
            f"{':'.join(self.factor)} and over all rows, sizes, covariates, and projections off the mean columns"
        )


def _spelled(value: Expr) -> str:
    """Spell a product of powers of names; nothing for anything longer than a name can be."""
    factors = value.args if isinstance(value, Times) else (value,)
    above: list[str] = []
    below: list[str] = []
    for factor in factors:
        base, exponent = (factor.base, factor.exponent) if isinstance(factor, Power) else (factor, 1)
        if not isinstance(base, Ref):
            return ""
        (above if exponent > 0 else below).append(base.name + (str(abs(exponent)) if abs(exponent) > 1 else ""))
    spelled = "_".join(above or ["1"]) + ("_per_" + "_".join(below) if below else "")
    return spelled if 0 < len(spelled) <= 32 else ""
