"""Which covariates a solution uses, and which of them may be taken about a shift.

A covariate may be shifted when it occurs in spaces alone (least squares and projections), and every one of these
spaces is closed under its shift. Where it stands for itself, as in the total of x*y of an equation, it is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from momentalg.expr.columns import monomials
from momentalg.expr.nodes import Monomial, Node, Projected, Trace, Value, Variable
from momentalg.expr.traversal import walk
from momentalg.lower.columns import closed_under_shift
from momentalg.lower.symbols import leaves
from momentalg.model.resolved import ResolvedModel

if TYPE_CHECKING:
    from momentalg.moments.solution import Solution


def shifted_covariates(solution: Solution, least_squares: bool) -> frozenset[Variable]:
    """The covariates that may be shifted; `least_squares` tells whether the mean parameters are fitted by it."""
    model = solution.system.model
    columns = tuple(c.monomial for c in model.mean)
    shifted = frozenset(v for m in columns for v, _ in m)
    if least_squares:
        shifted &= _closed(columns, False, shifted, model)
    for node in _parts(solution, least_squares):
        if isinstance(node, Value):
            shifted -= {node.variable, *leaves(model, node.variable)}
        elif isinstance(node, Projected | Trace):
            spanned = monomials(node.columns)
            shifted &= _closed(spanned, len(spanned) < len(node.columns), shifted, model)
    return shifted


def covariates_used(solution: Solution, least_squares: bool) -> tuple[Variable, ...]:
    """The covariates of the mean columns, of statistics and of design constants, in order."""
    used = [v for c in solution.system.model.mean for v, _ in c.monomial]
    for node in _parts(solution, least_squares):
        if isinstance(node, Value):
            used.append(node.variable)
        elif isinstance(node, Projected | Trace):
            used += [v for m in monomials(node.columns) for v, _ in m]
    return tuple(dict.fromkeys(used))


def _parts(solution: Solution, least_squares: bool) -> Iterator[Node]:
    """All parts of the equations and assignments that are computed as they stand."""
    nodes = [node for e in solution.equations for node in (e.statistic, *e.coefficients.values())]
    nodes += [a.value for a in solution.variance or ()]
    if not least_squares:
        nodes += [node for e in solution.system.common for node in (e.statistic, *e.coefficients.values())]
        nodes += [a.value for a in solution.common or ()]
    for node in nodes:
        yield from walk(node)


def _closed(
    columns: tuple[Monomial, ...], off_levels: bool, shifted: frozenset[Variable], model: ResolvedModel
) -> frozenset[Variable]:
    """The covariates of `shifted` whose shift leaves the space of `columns` as it is."""

    def spanned(monomial: Monomial) -> bool:
        """Whether a monomial is constant on the levels, whose indicators are among the columns."""
        below = [leaf for v, _ in monomial for leaf in leaves(model, v)]
        factor = model.groups[0].factor
        return off_levels and all(v.kind == "size" or model.constant_on.get(v) == factor for v in below)

    return closed_under_shift(columns, spanned) | (shifted - {v for m in columns for v, _ in m})
