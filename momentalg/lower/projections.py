"""Projection statistics and their design constants, from cross-products and totals per level.

With X the mean columns, Z the indicators of the levels and t_i the level's totals of the columns:

    y'P y            = y'y - (X'y)' (X'X)^- X'y                     P = I - X X^+
    y'P Z Z' P y     = sum_i (S_i - t_i' b)**2,                     b = (X'X)^- X'y
    y'(I - [X, Z])y  = the first line, with X'X, X'y, y'y replaced by their parts within levels
    tr(P Z Z')       = n - tr((X'X)^- T),                           T = sum_i t_i t_i'
    tr(PZZ'P ZZ')    = sum_i N_i**2 - 2 sum_i N_i t_i' (X'X)^- t_i + tr((X'X)^- T (X'X)^- T)

Columns that are constant on the levels have no part within them, and are left out there rather than computed as zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from momentalg.errors import UnsupportedError
from momentalg.expr.columns import is_kernel, level_columns, monomials
from momentalg.expr.keys import monomial_key
from momentalg.expr.nodes import Node, Projected, Trace, Variable
from momentalg.lower.accumulators import multiply
from momentalg.lower.arrays import (
    ONE,
    ZERO,
    Diagonal,
    Expr,
    GeneralisedInverse,
    Matrix,
    Product,
    Rank,
    Ref,
    RowForms,
    Settled,
    SumLevels,
    Table,
    TraceOf,
    Transposed,
    Vector,
    const,
    minus,
    over,
    over_levels,
    plus,
    power,
    shape_of,
    times,
)
from momentalg.lower.columns import MeanColumn, mean_column
from momentalg.lower.ir import Powers
from momentalg.lower.scope import Scope
from momentalg.lower.symbols import RESPONSE

Y: Powers = ((RESPONSE, 1),)
MINUS_TWO = const(-2)


@dataclass(frozen=True)
class Projections:
    """Lowers projection statistics within one scope; `centred` are the level covariates about their means."""

    scope: Scope
    centred: Mapping[Variable, Expr]

    def lower(self, node: Node) -> Expr:
        """The value of a `Projected` or a `Trace`."""
        if not isinstance(node, Projected | Trace):
            raise UnsupportedError(f"{type(node).__name__} is not a projection statistic")
        removed = level_columns(node.columns)
        kernels = [node.kernel, *([node.of] if isinstance(node, Trace) else [])]
        for found in (*removed, *(c for k in kernels if is_kernel(k) for c in k)):
            if set(found.factor) != set(self.scope.factor) or found.monomial:
                raise UnsupportedError("a generated estimator projects off the one factor of its model, and no other")
        if any(k and not is_kernel(k) for k in kernels):
            raise UnsupportedError("a generated estimator has residuals of one variance")
        columns = tuple(mean_column(m, self.scope.symbols, self.centred) for m in monomials(node.columns))
        if isinstance(node, Projected):
            return self._statistic(columns, bool(removed), node.kernel is not None)
        kernel_count = (node.kernel is not None) + (node.of is not None)
        if removed:
            return ZERO if kernel_count else self._residual_rank(columns)
        if kernel_count == 0:
            return minus(self.size, self._rank(columns))
        return self._trace_once(columns) if kernel_count == 1 else self._trace_twice(columns)

    # -- parts ---------------------------------------------------------------------------------------------------

    @property
    def size(self) -> Expr:
        """The number of rows, n."""
        return self.scope.accumulators.total(())

    def total(self, first: MeanColumn | None, second: MeanColumn | None) -> Expr:
        """The sum over all rows of a product of two columns; None stands for the response."""
        rows = multiply(first.rows if first else Y, second.rows if second else Y)
        weight = times(*(c.level for c in (first, second) if c))
        if shape_of(weight) == "scalar":
            return times(weight, self.scope.accumulators.total(rows))
        value = times(weight, self.scope.accumulators.per_level(rows))
        return self.scope.named_total(
            over_levels(value), f"total of {_shown(first)} * {_shown(second)}, level covariates centred"
        )

    def level_total(self, column: MeanColumn | None) -> Expr:
        """The totals of a column per level; None stands for the response."""
        if column is None:
            return self.scope.accumulators.per_level(Y)
        return times(column.level, self.scope.accumulators.per_level(column.rows))

    def gram(self, columns: tuple[MeanColumn, ...]) -> Expr:
        """X'X."""
        matrix = Matrix(tuple(tuple(self.total(*_sorted(a, b)) for b in columns) for a in columns))
        return self.scope.name(matrix, "gram", f"X'X of the columns {_listed(columns)}")

    def inverse(self, columns: tuple[MeanColumn, ...]) -> Expr:
        """(X'X)^-, a symmetric generalised inverse."""
        gram = self.gram(columns)
        return self.scope.name(GeneralisedInverse(gram, Diagonal(gram)), "inverse", "(X'X)^-")

    def coefficients(self, columns: tuple[MeanColumn, ...]) -> Expr:
        """Least squares: (X'X)^- X'y."""
        solved = Product((self.inverse(columns), self._moments(columns)), "vector")
        return self.scope.name(solved, "slopes", f"least squares of y on {_listed(columns)}: (X'X)^- X'y")

    def _moments(self, columns: tuple[MeanColumn, ...]) -> Expr:
        vector = Vector(tuple(self.total(c, None) for c in columns))
        return self.scope.name(vector, "moments", "X'y")

    def _totals(self, columns: tuple[MeanColumn, ...]) -> Expr:
        table = Table(tuple(self.level_total(c) for c in columns))
        return self.scope.name(table, "totals", f"t_i: per level the totals of {_listed(columns)}")

    def _cross(self, columns: tuple[MeanColumn, ...]) -> Expr:
        totals = self._totals(columns)
        product = Product((Transposed(totals), totals), "matrix")
        return self.scope.name(product, "cross", "T = sum over the levels of t_i t_i'")

    # -- statistics ----------------------------------------------------------------------------------------------

    def _statistic(self, columns: tuple[MeanColumn, ...], off_levels: bool, per_level: bool) -> Expr:
        if off_levels:
            return ZERO if per_level else self._within(columns)
        squares = self.total(None, None)
        sums = self.level_total(None)
        if not columns:
            return self.scope.name(SumLevels(power(sums, 2)), "squared_sums", "sum of S**2") if per_level else squares
        if _is_intercept(columns):
            mean = over(self.scope.accumulators.total(Y), self.size)
            if per_level:
                mean = self.scope.name(mean, "mean_y", "the mean of y, about its shift")
                residual = minus(sums, times(self.level_total(columns[0]), mean))
                return self.scope.name(SumLevels(power(residual, 2)), "between", "sum of (S - N * mean)**2")
            corrected = minus(squares, over(power(self.scope.accumulators.total(Y), 2), self.size))
            return self.scope.name(corrected, "around_mean", "sum of (y - mean)**2")
        slopes = self.coefficients(columns)
        if per_level:
            fitted = Product((self._totals(columns), slopes), "levels")
            residual = self.scope.name(minus(sums, fitted), "residual", "per level, S - t_i' b")
            return self.scope.name(SumLevels(power(residual, 2)), "between", "sum of (S - t_i' b)**2")
        value = minus(squares, Product((self._moments(columns), slopes), "scalar"))
        return self.scope.name(value, "around_fit", f"residual sum of squares of y on {_listed(columns)}")

    def _within(self, columns: tuple[MeanColumn, ...]) -> Expr:
        inner = tuple(c for c in columns if c.rows)
        squares = self._within_total(None, None)
        if not inner:
            return self.scope.name(squares, "within", "sum of (y - mean of its level)**2")
        matrix = self._within_gram(inner)
        vector = Vector(tuple(self._within_total(c, None) for c in inner))
        moments = self.scope.name(vector, "within_moments", "X'y within levels")
        inverse = self.scope.name(
            GeneralisedInverse(matrix, self._lengths(inner)), "within_inverse", "generalised inverse of within_gram"
        )
        value = minus(squares, Product((moments, inverse, moments), "scalar"))
        return self.scope.name(value, "within", f"residual sum of squares of y on the levels and {_listed(inner)}")

    def _within_total(self, first: MeanColumn | None, second: MeanColumn | None) -> Expr:
        means = times(
            self.level_total(first), self.level_total(second), power(self.scope.accumulators.per_level(()), -1)
        )
        if first is second:
            means = over(power(self.level_total(first), 2), self.scope.accumulators.per_level(()))
        shown = f"total of {_shown(first)} * total of {_shown(second)} / N"
        return minus(
            self.total(first, second), self.scope.named_total(over_levels(means), f"sum over the levels of {shown}")
        )

    def _within_gram(self, inner: tuple[MeanColumn, ...]) -> Expr:
        matrix = Matrix(tuple(tuple(self._within_total(*_sorted(a, b)) for b in inner) for a in inner))
        return self.scope.name(matrix, "within_gram", f"X'X within levels, of {_listed(inner)}")

    def _lengths(self, inner: tuple[MeanColumn, ...]) -> Expr:
        """The squared lengths of columns: what is small beside them within levels is rounding, not variation."""
        return Vector(tuple(self.total(c, c) for c in inner))

    # -- design constants ----------------------------------------------------------------------------------------

    def _rank(self, columns: tuple[MeanColumn, ...]) -> Expr:
        if not columns:
            return ZERO
        if _is_intercept(columns):
            return ONE
        gram = self.gram(columns)
        return self.scope.name(Rank(gram, Diagonal(gram)), "rank", "the rank of X")

    def _residual_rank(self, columns: tuple[MeanColumn, ...]) -> Expr:
        """n - rank of [X, Z]."""
        inner = tuple(c for c in columns if c.rows)
        free = minus(self.size, Ref("levels"))
        if not inner:
            return free
        rank = Rank(self._within_gram(inner), self._lengths(inner))
        return minus(free, self.scope.name(rank, "within_rank", "the rank of X within levels"))

    def _trace_once(self, columns: tuple[MeanColumn, ...]) -> Expr:
        if not columns:
            return self.size
        if _is_intercept(columns):
            taken = over(self._power_sum(2), self.size)
        else:
            taken = TraceOf(Product((self.inverse(columns), self._cross(columns)), "matrix"))
        return self.scope.name(Settled(minus(self.size, taken), self.size), "trace_levels", "tr(P Z Z')")

    def _trace_twice(self, columns: tuple[MeanColumn, ...]) -> Expr:
        squares = self._power_sum(2)
        if not columns:
            return squares
        sizes = self.scope.accumulators.per_level(())
        if _is_intercept(columns):
            value = plus(
                squares, times(MINUS_TWO, over(self._power_sum(3), self.size)), power(over(squares, self.size), 2)
            )
        else:
            inverse, cross, totals = self.inverse(columns), self._cross(columns), self._totals(columns)
            crossed = SumLevels(times(sizes, RowForms(totals, inverse)))
            value = plus(
                squares, times(MINUS_TWO, crossed), TraceOf(Product((inverse, cross, inverse, cross), "matrix"))
            )
        return self.scope.name(Settled(value, squares), "trace_levels_twice", "tr(P Z Z' P Z Z')")

    def _power_sum(self, exponent: int) -> Expr:
        value = SumLevels(power(self.scope.accumulators.per_level(()), exponent))
        return self.scope.name(value, f"sum_of_size{exponent}", f"sum over the levels of N**{exponent}")


def _is_intercept(columns: tuple[MeanColumn, ...]) -> bool:
    return len(columns) == 1 and columns[0].monomial == ()


def _shown(column: MeanColumn | None) -> str:
    return "y" if column is None else monomial_key(column.monomial)


def _sorted(first: MeanColumn, second: MeanColumn) -> tuple[MeanColumn, MeanColumn]:
    """The two in one order, so that a matrix is symmetric to the last bit."""
    return (first, second) if first.monomial <= second.monomial else (second, first)


def _listed(columns: tuple[MeanColumn, ...]) -> str:
    return ", ".join(monomial_key(c.monomial) for c in columns)
