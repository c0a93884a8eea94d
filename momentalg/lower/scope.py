"""Nodes into array expressions: totals become sums that are accumulated, the rest is arithmetic on them.

A body of a total is read as a polynomial in the row symbols whose coefficients live on the level; so
``Total((Y - S/N)**3)`` needs the sums of y, y**2 and y**3 per level, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from momentalg.errors import UnsupportedError
from momentalg.expr import nodes as node
from momentalg.expr.indices import renamed
from momentalg.expr.names import join_factor
from momentalg.expr.nodes import Node, Variable
from momentalg.lower.accumulators import Accumulators, multiply
from momentalg.lower.arrays import ONE, ZERO, Const, Expr, Plus, Power, Rank, Ref, Table, Times
from momentalg.lower.assembling import plus, power, times
from momentalg.lower.columns import Side, shown_product
from momentalg.lower.design_totals import design_total
from momentalg.lower.ir import RESPONSE, Margin, Powers, Quantity, RankCheck
from momentalg.lower.level_arrays import Gather, LevelRanks, Scatter, SumLevels
from momentalg.lower.place import Places
from momentalg.lower.shapes import shape_of, table_of
from momentalg.lower.symbols import Symbols
from momentalg.lower.wording import wording

RowPolynomial = dict[Powers, Expr]

Y: Powers = ((RESPONSE, 1),)

Bound = frozenset[tuple[str, str]]
"""Label columns and the index that names a level of them, as in a sum over i and k."""

NOWHERE: Bound = frozenset()


@dataclass
class Scope:
    """What nodes mean while one estimator is lowered, and the quantities named so far.

    `letters` and `hats` give the meaning of ``Letter(name)`` and ``Hat(Parameter(key))``; `project` lowers projection
    statistics and traces.
    """

    symbols: Symbols
    places: Places
    accumulators: Accumulators
    steps: list[Quantity | Margin | RankCheck] = field(default_factory=list)
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

    def is_counted(self, value: Expr) -> bool:
        """Whether a value is made of numbers of rows and levels, and of ranks, alone: differences are exact then."""
        match value:
            case Ref(name):
                steps = [s.value for s in self.steps if isinstance(s, Quantity) and s.name == name]
                return name == "n" or name.startswith(("size", "levels")) or any(map(self.is_counted, steps))
            case Const() | Rank() | LevelRanks():
                return True
            case Plus(args) | Times(args):
                return all(map(self.is_counted, args))
            case Power(arg) | SumLevels(arg) | Gather(arg) | Scatter(arg):
                return self.is_counted(arg)
            case _:
                return False

    def table(self, by: Iterable[str]) -> Table:
        """The table of the levels of a factor."""
        return self.places.tables.of(by)

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
            case node.Levels(by):
                return self.places.tables.levels(self.table(by))
            case node.Total(body, by=()):
                return self.named_total(self.sum_rows(self.rows(body), ()), wording(item))
            case node.Sum(index, body, by=()):
                return self.scalar(node.Total(renamed(body, {index: ""}), ()))
            case node.Over(None, body):
                return self.named_total(self.sum_rows(self.rows(body), ()), wording(item))
            case node.Over(by, body):
                return self._over(self.table(by or ()), body, item)
            case node.LevelSum(levels, body):
                return self._total_of(design_total(levels, body, self), item)
            case node.Projected() | node.Trace() if self.project is not None:
                return self.project(item)
            case node.Letter(name) if name in self.letters:
                return self.letters[name]
            case node.Hat(node.Parameter(key)) if key in self.hats:
                return self.hats[key]
            case _:
                raise self._refusal(item)

    def level(self, item: Node, bound: Bound = NOWHERE) -> Expr:
        """The values of a node on levels, along the coarsest table that tells them; `bound` are indices of levels."""
        match item:
            case node.Number(value):
                return Const(value)
            case node.Add(args):
                return self.places.plus(*(self.level(a, bound) for a in args))
            case node.Mul(args):
                return self.places.times(*(self.level(a, bound) for a in args))
            case node.Pow(base, exponent):
                return power(self.level(base, bound), exponent)
            case node.Function("nonempty", node.Size(by, level)) if by and _is_here(by, level, bound):
                return Power(self.accumulators.per_level(self.table(by), ()), 0)
            case node.Size(by, level) if by and _is_here(by, level, bound):
                return self.accumulators.per_level(self.table(by), ())
            case node.Total(body, by, level) if by and _is_here(by, level, bound):
                return self.sum_rows(self.rows(body, bound), self.table(by))
            case node.Sum(index, body, by, level) if by:
                return self.level(node.Total(renamed(body, {index: ""}), by, level), bound)
            case node.Value(variable, _, level) if variable in self.symbols.levels and (
                not level or frozenset(level) <= {index for _, index in bound}
            ):
                return self.symbols.levels[variable]
            case _:
                return self.scalar(item)

    def rows(self, item: Node, bound: Bound = NOWHERE) -> RowPolynomial:
        """A node at an observation, as a polynomial in the row symbols with coefficients on levels."""
        match item:
            case node.Response(index=""):
                return {((RESPONSE, 1),): ONE}
            case node.Value(variable, index="", level=()) if variable in self.symbols.rows:
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
                return self._inverse_row(self.rows(base, bound), exponent, item)
            case _:
                return {(): self.level(item, bound)}

    def sum_rows(self, polynomial: RowPolynomial, table: Table) -> Expr:
        """The sum of what rows hold over the rows of each level of a table; over all rows when it has no columns."""
        return self.places.plus(*(self._sum_term(powers, weight, table) for powers, weight in polynomial.items()))

    def _sum_term(self, powers: Powers, weight: Expr, table: Table) -> Expr:
        if (reduced := self.symbols.reduced(powers)) is None:
            return ZERO
        powers, along = reduced, table_of(weight)
        if set(along) <= set(table):
            total = self.accumulators.per_level(table, powers) if table else self.accumulators.total(powers)
            return self.places.times(weight, total)
        fine = self.table((*table, *along))
        value = self.places.times(weight, self.accumulators.per_level(fine, powers))
        if shape_of(value) != "scalar":
            return self.places.onto(value, table)
        return times(value, self.count(fine, table))  # the weight is a number over the total

    def count(self, fine: Table, table: Table) -> Expr:
        """The number of levels of a table; of those in each level of a coarser one, where that has columns."""
        if not table:
            return self.places.tables.levels(fine)
        return self.places.onto(Power(self.accumulators.per_level(fine, ()), 0), table)

    def total_of(self, table: Table, *sides: Side) -> Expr:
        """The sum of a product of columns, None for the response, over the rows of each level of a table."""
        powers: Powers = ()
        for side in sides:
            powers = multiply(powers, side.rows if side else Y)
        weight = self.places.times(ONE, *(side.level for side in sides if side))
        value = self.sum_rows({powers: weight}, table)
        if not isinstance(value, SumLevels):
            return value
        return self.named_total(value, f"total of {shown_product(*sides)}, level covariates centred")

    def _row_value(self, variable: Variable) -> RowPolynomial:
        symbol = self.symbols.rows[variable]
        value: RowPolynomial = {((symbol.name, 1),): ONE}
        return self._add([value, {(): Ref(f"shift_{symbol.name}")}]) if symbol.shifted else value

    def _inverse_row(self, inner: RowPolynomial, exponent: int, item: Node) -> RowPolynomial:
        """A negative power of what is one product at an observation."""
        if len(inner) != 1:
            raise self._refusal(item)
        ((powers, weight),) = inner.items()
        return {tuple((name, e * exponent) for name, e in powers): power(weight, exponent)}

    def _over(self, table: Table, body: Node, item: Node) -> Expr:
        value = self.level(body)
        if shape_of(value) == "scalar":
            return times(value, self.places.tables.levels(table))
        return self._total_of(SumLevels(self.places.at(value, table)), item)

    def _total_of(self, total: Expr, item: Node) -> Expr:
        """A sum over levels with its name; sizes add up to the number of rows."""
        if isinstance(total, SumLevels) and total.arg == self._size_of(total.arg):
            return self.accumulators.total(())
        return self.named_total(total, wording(item)) if isinstance(total, SumLevels) else total

    def _size_of(self, value: Expr) -> Expr:
        return self.accumulators.per_level(table_of(value), ()) if isinstance(value, Ref) else ZERO

    def named_total(self, value: Expr, formula: str) -> Expr:
        """Name a total after what it adds up, where that makes a name."""
        return self.name(value, self._spelled(value.arg) if isinstance(value, SumLevels) else "part", formula)

    def _spelled(self, value: Expr) -> str:
        """A name for a sum over levels: ``sum_of_sum_y2_per_size``, or ``over_a_b_n2_per_n_a`` of several factors."""
        tables = self.places.tables
        table = table_of(value)
        alone = tables.alone == table
        above: list[str] = []
        below: list[str] = []
        for factor in value.args if isinstance(value, Times) else (value,):
            base, exponent = _base(factor)
            gathered = isinstance(base, Gather)
            inner, inside = _base(base.arg) if isinstance(base, Gather) else (base, 1)
            exponent *= inside
            if not isinstance(inner, Ref):
                return "part"
            name = inner.name
            if not alone:
                name = name.removesuffix(tables.suffix(table_of(inner))).removeprefix("sum_")
                name = "n" if name == "size" else name
                name += tables.suffix(table_of(inner)) if gathered else ""
            (above if exponent > 0 else below).append(name + (str(abs(exponent)) if abs(exponent) > 1 else ""))
        spelled = "_".join(above or ["1"]) + ("_per_" + "_".join(below) if below else "")
        found = f"sum_of_{spelled}" if alone else f"over_{tables.name(table)}_{spelled}"
        return found if len(found) <= 48 else "part"

    def _add(self, parts: list[RowPolynomial]) -> RowPolynomial:
        found: RowPolynomial = {}
        for part in parts:
            for powers, weight in part.items():
                found[powers] = self.places.plus(found[powers], weight) if powers in found else weight
        return {p: w for p, w in found.items() if w != ZERO}

    def _multiply(self, first: RowPolynomial, second: RowPolynomial) -> RowPolynomial:
        products = [{multiply(p, q): self.places.times(v, w)} for p, v in first.items() for q, w in second.items()]
        return self._add(products)

    def _refusal(self, item: Node) -> UnsupportedError:
        factors = " and ".join(join_factor(f) for f in self.places.tables.model.factors)
        return UnsupportedError(
            f"a generated estimator cannot compute {wording(item)!r}: it takes totals over the levels of "
            f"{factors} and of their intersections, over all rows, sizes, covariates, and projection statistics"
        )


def _is_here(by: tuple[str, ...], level: tuple[str, ...], bound: Bound) -> bool:
    """Whether a level is the one that everything is at: the default, or one whose indices are bound."""
    return level == () or all(pair in bound for pair in zip(by, level, strict=True))


def _base(value: Expr) -> tuple[Expr, int]:
    return (value.base, value.exponent) if isinstance(value, Power) else (value, 1)
