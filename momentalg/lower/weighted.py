"""Residuals of unequal variance: forms and traces with diagonal matrices, D of known weights or of a class.

    y'P D P y              = y'D y - 2 b'X'D y + b'X'DX b,                         b = (X'X)^- X'y
    tr(P D)                = sum w - tr((X'X)^- X'DX)
    tr(P C P D)            = sum v w - 2 tr((X'X)^- X'CDX) + tr((X'X)^- X'CX (X'X)^- X'DX)
    tr(P Z_c Z_d' P D)     = sum c d w - tr((X'X)^- W_cd) - tr((X'X)^- W_dc) + tr((X'X)^- X'DX (X'X)^- T_cd)

with T_cd the sum over the levels of t_c t_d', and W_cd that of X'D z_c times t_d', as in `lower.projections`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from momentalg.expr.names import join_factor
from momentalg.lower.arrays import (
    ZERO,
    Apply,
    Expr,
    Matrix,
    Product,
    Settled,
    TraceOf,
    Transposed,
    Vector,
    const,
)
from momentalg.lower.assembling import minus, plus, times
from momentalg.lower.columns import MeanColumn, in_order, shown_column, spelled
from momentalg.lower.level_arrays import Columns
from momentalg.lower.linked import Linked, shown_link

if TYPE_CHECKING:
    from momentalg.lower.projections import Projection


@dataclass(frozen=True)
class Weighted:
    """What a projection makes of squares and variances that are multiplied by a covariate."""

    of: Projection

    def squares(self, weight: MeanColumn) -> Expr:
        """y'P D P y."""
        value = self.of.removed.weighted(None, None, weight)
        if self.of.columns:
            slopes, gram = self.of.coefficients(), self._gram(weight)
            moments = Vector(tuple(self.of.removed.weighted(c, None, weight) for c in self.of.columns))
            named = self.of.name(moments, f"moments_{spelled(weight)}", f"X'Dy, D of {shown_column(weight)}")
            value = plus(
                value,
                times(const(-2), Product((named, slopes), "scalar")),
                Product((slopes, gram, slopes), "scalar"),
            )
        shown = f"sum over the rows of {shown_column(weight)} times the squared residual of y on {self.of.listed}"
        return self.of.name(value, f"squares_{spelled(weight)}", shown)

    def trace(self, kernel: Linked | MeanColumn | None, weight: MeanColumn) -> Expr:
        """tr(P D) or tr(P K P D), D the diagonal matrix of a covariate; K may be one as well."""
        if isinstance(kernel, MeanColumn):
            return self._two_diagonals(kernel, weight)
        inside = f"P {shown_link(kernel)} P" if kernel else "P"
        shown = f"tr({inside} D), D the diagonal of {shown_column(weight)}"
        hint = f"trace_{spelled(weight)}"
        if kernel is None:
            value = self.of.removed.weighted_trace(weight)
            if self.of.columns:
                value = minus(value, TraceOf(Product((self.of.inverse(), self._gram(weight)), "matrix")))
            return self._settled(value, self.of.scope.total_of((), weight), hint, shown)
        value = self.of.scope.total_of((), kernel.left, kernel.right, weight)
        if self.of.columns:
            inverse = self.of.inverse()
            for first, second in ((kernel.left, kernel.right), (kernel.right, kernel.left)):
                values = tuple(self.of.scope.total_of(kernel.table, first, weight, c) for c in self.of.columns)
                if all(v == ZERO for v in values):  # of indicators of two levels
                    continue
                shown_totals = f"t: per level of {join_factor(kernel.table)} the totals of {self.of.listed}, weighted"
                weighted = self.of.scope.name(Columns(values), "weighted_totals", shown_totals)
                crossed = Product((Transposed(weighted), self.of.totals(kernel.table, second)), "matrix")
                value = minus(value, TraceOf(Product((inverse, crossed), "matrix")))
            parts = (inverse, self._gram(weight), inverse, self.of.cross(kernel))
            value = plus(value, TraceOf(Product(parts, "matrix")))
        lengths = [self.of.scope.total_of((), c, c, weight) for c in (kernel.left, kernel.right)]
        return self._settled(value, _mean(*lengths), f"{hint}_{self.of.spelled_link(kernel)}", shown)

    def _two_diagonals(self, first: MeanColumn, second: MeanColumn) -> Expr:
        """tr(P C P D)."""
        value = self.of.scope.total_of((), first, second)
        if self.of.columns:
            inverse = self.of.inverse()
            both = TraceOf(Product((inverse, self._gram(first, second)), "matrix"))
            parts = (inverse, self._gram(first), inverse, self._gram(second))
            value = plus(value, times(const(-2), both), TraceOf(Product(parts, "matrix")))
        name = f"trace_{spelled(first)}_by_{spelled(second)}"
        lengths = [self.of.scope.total_of((), c, c) for c in (first, second)]
        shown = f"tr(P C P D), C and D of {shown_column(first)} and {shown_column(second)}"
        return self._settled(value, _mean(*lengths), name, shown)

    def _settled(self, value: Expr, scale: Expr, hint: str, shown: str) -> Expr:
        return self.of.name(value if value == scale else Settled(value, scale), hint, shown)

    def _gram(self, *weights: MeanColumn) -> Expr:
        """X'DX."""
        rows = tuple(
            tuple(self.of.removed.weighted(*in_order(a, b), *weights) for b in self.of.columns) for a in self.of.columns
        )
        hint, shown = "_".join(map(spelled, weights)), " * ".join(map(shown_column, weights))
        return self.of.name(Matrix(rows), f"gram_{hint}", f"X'DX, D of {shown}, of {self.of.listed}")


def _mean(first: Expr, second: Expr) -> Expr:
    """The geometric mean, which bounds a trace by the lengths of its two sides."""
    return first if first == second else Apply("sqrt", times(first, second))
