"""The nodes: statistics, moments and sums, as frozen dataclasses in the author's order.

One language serves what a user writes (`S**2 / N`), what a derivation displays (E, Var, Cov and sums
over observations and levels) and what a result consists of (parameters and design totals). Nodes know no
pass: they neither simplify nor evaluate themselves, and operators only assemble.

An *observation* is named by an index (``j``); the empty name is the observation that the enclosing total runs
over. A *level* is named by one index per column of its factor (``at``); the empty tuple is the default level,
the ``i`` of S_i, which `Over` binds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

from momentalg.errors import StatisticError
from momentalg.expr.names import split_factor


class Variable(NamedTuple):
    """A covariate: a column of the data, the size of a factor's level, or a function of covariates.

    A fixed factor is of kind "factor" in a formula; its value at a level is of kind "fixed" while levels are unknown.
    """

    kind: str  # "column" | "size" | "function" | "factor" | "fixed"
    name: str  # the column; the factor's name in keys, "a:b"; the function's canonical text, as in "log(x)"


Monomial = tuple[tuple[Variable, int], ...]
"""A product of powers of covariates, sorted; the empty tuple is the constant 1."""

Label = str | int | float
"""The label of a level of a fixed factor."""

Factor = tuple[str, ...]
"""A factor, by its label columns."""


class LevelColumns(NamedTuple):
    """A column for each level of a factor: the level's indicator times a covariate monomial.

    With the monomial 1 they are the indicators of the levels, Z; with x, the columns of a slope, level by level.
    """

    factor: Factor
    monomial: Monomial = ()


Column = Monomial | LevelColumns
"""A column of a projection: a covariate monomial, or columns of a factor's levels."""

Kernel = tuple[LevelColumns, LevelColumns]
"""Two sets of columns of one factor, Z_c and Z_d: Z_c Z_d' links observations of the same level."""


@dataclass(frozen=True)
class Node:
    """Base of all nodes. Arithmetic with numbers (int or Fraction) and other nodes assembles new nodes."""

    def __add__(self, other: Node | int | Fraction) -> Node:
        return add(self, as_node(other))

    def __radd__(self, other: Node | int | Fraction) -> Node:
        return add(as_node(other), self)

    def __sub__(self, other: Node | int | Fraction) -> Node:
        return add(self, negate(as_node(other)))

    def __rsub__(self, other: Node | int | Fraction) -> Node:
        return add(as_node(other), negate(self))

    def __mul__(self, other: Node | int | Fraction) -> Node:
        return mul(self, as_node(other))

    def __rmul__(self, other: Node | int | Fraction) -> Node:
        return mul(as_node(other), self)

    def __truediv__(self, other: Node | int | Fraction) -> Node:
        return mul(self, power(as_node(other), -1))

    def __rtruediv__(self, other: Node | int | Fraction) -> Node:
        return mul(as_node(other), power(self, -1))

    def __neg__(self) -> Node:
        return negate(self)

    def __pow__(self, exponent: int) -> Node:
        if isinstance(exponent, bool) or not isinstance(exponent, int):
            raise StatisticError(f"a power of a statistic must be a whole number; found {exponent!r}")
        return power(self, exponent)

    def __str__(self) -> str:
        from momentalg.expr.text import text

        return text(self)

    def _repr_latex_(self) -> str:
        from momentalg.expr.latex import latex

        return f"$\\displaystyle {latex(self)}$"

    def at(self, label: str) -> Node:
        """Return the same statistic at another level: ``S.at("k")`` is the total of level k."""
        raise StatisticError(f"{type(self).__name__} has no level of its own; use .at() on the totals inside it")


@dataclass(frozen=True)
class Number(Node):
    """An exact rational number."""

    value: Fraction


@dataclass(frozen=True)
class Add(Node):
    """A sum of two or more nodes, in the author's order."""

    args: tuple[Node, ...]

    def at(self, label: str) -> Node:
        return Add(tuple(_relabel(a, label) for a in self.args))


@dataclass(frozen=True)
class Mul(Node):
    """A product of two or more nodes, in the author's order."""

    args: tuple[Node, ...]

    def at(self, label: str) -> Node:
        return Mul(tuple(_relabel(a, label) for a in self.args))


@dataclass(frozen=True)
class Pow(Node):
    """A whole power, possibly negative."""

    base: Node
    exponent: int

    def at(self, label: str) -> Node:
        return Pow(_relabel(self.base, label), self.exponent)


@dataclass(frozen=True)
class Function(Node):
    """A function of covariates, ``log``, ``exp`` or ``sqrt``, in the definition of a covariate."""

    name: str
    body: Node

    def at(self, label: str) -> Node:
        return Function(self.name, _relabel(self.body, label))


@dataclass(frozen=True)
class Indicator(Node):
    """1 where the column `body` holds `label`, else 0: how the covariate ``drug[b]`` of a fixed factor is defined."""

    body: Value
    label: Label


class _Levelled(Node):
    """A node that lives on one level of a factor."""

    def at(self, label: str) -> Node:
        by: tuple[str, ...] = getattr(self, "by", ("",))
        _require_name(label)
        if not by:
            raise StatisticError("a total over all observations has no level; .at() needs a total by a factor")
        return replace(self, level=(label,) * len(by))  # type: ignore[call-arg]  # subclasses have it


@dataclass(frozen=True)
class Response(Node):
    """The response at an observation."""

    index: str = ""

    def at(self, label: str) -> Node:
        _require_name(label)
        return Response(label)


@dataclass(frozen=True)
class Value(_Levelled):
    """A covariate at an observation, or at a level on which it is constant (`level`)."""

    variable: Variable
    index: str = ""
    level: tuple[str, ...] = ()


@dataclass(frozen=True)
class Size(_Levelled):
    """The number of observations in a level of the factor with columns `by`; of all, when `by` is empty."""

    by: tuple[str, ...]
    level: tuple[str, ...] = ()


@dataclass(frozen=True)
class Total(_Levelled):
    """The total of `body` over the observations in a level; over all observations when `by` is empty."""

    body: Node
    by: tuple[str, ...]
    level: tuple[str, ...] = ()


@dataclass(frozen=True)
class Over(Node):
    """The sum of `body` over the non-empty levels of a factor, or over the observations (`by` is None)."""

    by: tuple[str, ...] | None
    body: Node


@dataclass(frozen=True)
class Projected(Node):
    """The projection statistic y'P K P y with P = I - V V^+.

    `columns` spans V: covariate monomials, and columns of the levels of factors. `kernel` holds Z_c and Z_d of one
    factor, K = (Z_c Z_d' + Z_d Z_c')/2, so that the statistic is y'P Z_c Z_d' P y; or it is the diagonal of K, a
    covariate monomial; None stands for the identity, which makes it a residual sum of squares.
    """

    columns: tuple[Column, ...]
    kernel: Kernel | Monomial | None = None


@dataclass(frozen=True)
class Trace(Node):
    """The design constant tr(P K P V) of a projection statistic.

    `of` tells V: Z_c Z_d' for columns of one factor, the diagonal matrix of a covariate monomial, or None, the
    identity.
    """

    columns: tuple[Column, ...]
    kernel: Kernel | Monomial | None
    of: Kernel | Monomial | None


@dataclass(frozen=True)
class Parameter(Node):
    """A parameter of the model, by its key: ``Intercept``, ``var(1|user)``, ``k3(residual)``."""

    key: str


@dataclass(frozen=True)
class Effect(_Levelled):
    """The random effect of one coefficient of a group term: at a level, or at that which observation `index` is in."""

    by: tuple[str, ...]
    coefficient: str = "1"
    level: tuple[str, ...] = ()
    index: str = ""


@dataclass(frozen=True)
class Noise(Node):
    """The residual of an observation: of the response, or of the covariate `of` with a linear model of its own."""

    index: str = ""
    of: str = ""


@dataclass(frozen=True)
class Cumulant(Node):
    """The joint cumulant of `args` given `given`: E of one, Var of two equal, Cov of two, kappa of more."""

    args: tuple[Node, ...]
    given: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Sum(Node):
    """The sum of `body` over the observations `index` of the level (`by`, `level`)."""

    index: str
    body: Node
    by: tuple[str, ...]
    level: tuple[str, ...] = ()


@dataclass(frozen=True)
class LevelSum(Node):
    """A design total: the sum of `body` over levels, given as pairs (column, index)."""

    levels: tuple[tuple[str, str], ...]
    body: Node


@dataclass(frozen=True)
class Levels(Node):
    """The number of non-empty levels of a factor; in the random view, the number of units."""

    by: tuple[str, ...]


@dataclass(frozen=True)
class Delta(Node):
    """1 when two indices name the same observation, else 0."""

    first: str
    second: str


@dataclass(frozen=True)
class Hat(Node):
    """The estimate of `body`."""

    body: Node


@dataclass(frozen=True)
class Average(Node):
    """The average of `body` over the units: the sample analog of an expectation."""

    body: Node


@dataclass(frozen=True)
class Letter(Node):
    """A name for something defined elsewhere: a lemma's result, a placeholder of a law, a matrix."""

    name: str


@dataclass(frozen=True)
class Design(Node):
    """Everything about the design: labels, sizes and covariates. `given=ma.design` is the fixed view."""


@dataclass(frozen=True)
class Observations(Node):
    """The set of all observations, as the domain of a sum: ``ma.over(ma.observations, (y - S / N)**4)``."""


DESIGN = Design()
OBSERVATIONS = Observations()
ZERO = Number(Fraction(0))
ONE = Number(Fraction(1))


def as_node(value: Node | int | Fraction) -> Node:
    """Wrap an exact number; refuse floats, whose exact value is rarely what was meant."""
    if isinstance(value, Node):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, Fraction)):
        advice = "write Fraction('0.1') for 0.1"
        if isinstance(value, str):
            advice = "the response is model.y, a covariate model.covariate('x')"
        raise StatisticError(f"statistics combine with int or Fraction, not {value!r}; {advice}")
    return Number(Fraction(value))


def add(*args: Node) -> Node:
    """Assemble a sum: nested sums are flattened, zeros left out, nothing is reordered."""
    flat = [t for a in args for t in (a.args if isinstance(a, Add) else (a,)) if t != ZERO]
    return flat[0] if len(flat) == 1 else Add(tuple(flat)) if flat else ZERO


def mul(*args: Node) -> Node:
    """Assemble a product: nested products are flattened, numbers gathered in front, nothing else reordered."""
    flat = [f for a in args for f in (a.args if isinstance(a, Mul) else (a,))]
    coefficient = Fraction(1)
    for factor in flat:
        if isinstance(factor, Number):
            coefficient *= factor.value
    rest = [f for f in flat if not isinstance(f, Number)]
    if coefficient == 0 or not rest:
        return Number(coefficient)
    if coefficient != 1:
        rest.insert(0, Number(coefficient))
    return rest[0] if len(rest) == 1 else Mul(tuple(rest))


def power(base: Node, exponent: int) -> Node:
    """Assemble a power; numbers are evaluated, and a power of a power is one power."""
    if exponent == 1:
        return base
    if isinstance(base, Number):
        if base.value == 0 and exponent < 0:
            raise StatisticError("division by zero in a statistic")
        return Number(base.value**exponent)
    if isinstance(base, Pow):
        return power(base.base, base.exponent * exponent)
    return Pow(base, exponent) if exponent else ONE


def negate(node: Node) -> Node:
    """Return -node; the terms of a sum are negated one by one."""
    if isinstance(node, Add):
        return Add(tuple(negate(a) for a in node.args))
    return mul(Number(Fraction(-1)), node)


def E(arg: Node, given: tuple[Node, ...] = ()) -> Cumulant:  # noqa: N802 - the field's name
    """The expectation of `arg` given `given`."""
    return Cumulant((arg,), given)


def Var(arg: Node, given: tuple[Node, ...] = ()) -> Cumulant:  # noqa: N802 - the field's name
    """The variance of `arg` given `given`."""
    return Cumulant((arg, arg), given)


def Cov(a: Node, b: Node, given: tuple[Node, ...] = ()) -> Cumulant:  # noqa: N802 - the field's name
    """The covariance of `a` and `b` given `given`."""
    return Cumulant((a, b), given)


def over(by: str | Node, body: Node | int | Fraction) -> Over:
    """The sum of `body` over the non-empty levels of the factor `by` (``"user"``, ``"a:b"``), or over `observations`.

    ``T - ma.over("user", S**2 / N)`` is the sum of squares within users: inside it the totals of that factor, and of
    those containing it, mean the level that the sum is at.
    """
    if isinstance(by, Observations):
        return Over(None, as_node(body))
    if not isinstance(by, str):
        raise StatisticError(f"over() runs over a factor's name or ma.observations; found {by!r}")
    return Over(split_factor(by), as_node(body))


def _require_name(label: object) -> None:
    if not isinstance(label, str) or not label:
        raise StatisticError(
            f'.at() takes a name for the level or observation, such as "k"; found {label!r}. Which level of the data '
            "it is, evaluate() is told: at={'k': ...}"
        )


def _relabel(node: Node, label: str) -> Node:
    return node if isinstance(node, Number) else node.at(label)
