"""Which covariates a solution uses, and which of them may be taken about a shift.

A covariate may be shifted when it occurs in spaces alone (least squares and projections), and every one of these
spaces is closed under its shift. Where it stands for itself, as in the total of x*y of an equation, it is not. Where it
is the slope of a group term, the covariances of the effects change with it: they are mapped back when the equations of
all of them are those of statistics that are closed under its shift, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement, product
from typing import TYPE_CHECKING

from momentalg.expr.columns import is_kernel, level_columns, monomials
from momentalg.expr.nodes import Column, LevelColumns, Monomial, Node, Projected, Trace, Value, Variable
from momentalg.expr.traversal import walk
from momentalg.lower.columns import closed_under_shift, lower_powers
from momentalg.lower.symbols import leaves
from momentalg.model.resolved import ResolvedModel
from momentalg.statistics.projection import spanned

if TYPE_CHECKING:
    from momentalg.moments.solution import Solution


FARTHEST = 30_000
"""Standard deviations from 0 of a slope's covariate that leave five digits of the components, or more."""

FARTHEST_TWICE = 1_000
"""The same where digits are lost twice: errors grow as the cube, 4e-6 here, 2e-3 at 10,000 and 0.2 at 30,000."""


def shifted_covariates(solution: Solution, least_squares: bool) -> frozenset[Variable]:
    """The covariates that may be shifted; `least_squares` tells whether the mean parameters are fitted by it."""
    model = solution.system.model
    columns = tuple(c.monomial for c in model.mean)
    shifted = frozenset(v for m in columns for v, _ in m if model.indicated(v) is None)
    if least_squares:
        shifted &= _closed(columns, (), shifted, model)
    for node in _parts(solution, least_squares):
        if isinstance(node, Value):
            shifted -= {node.variable, *leaves(model, node.variable)}
        elif isinstance(node, Projected | Trace):
            shifted &= _closed(monomials(node.columns), level_columns(node.columns), shifted, model)
            if isinstance(node, Trace) and node.of and not is_kernel(node.of):
                shifted -= {v for v, _ in node.of}
    linked = {v for node in _parts(solution, least_squares) for m in _linked(node) for v, _ in m}
    return shifted - {v for v in linked & shifted if not _moves_back(v, solution)}


def _moves_back(variable: Variable, solution: Solution) -> bool:
    """Whether the equations are those of a space of statistics that a shift of a slope's covariate leaves as it is.

    Then the solution moves with the covariances of the effects, which are those of the effects in the new coordinates.
    """
    model = solution.system.model
    solved = {key for e in solution.equations for key in e.coefficients}
    for block in model.groups:
        own = [c.monomial for c in block.coefficients]
        if any(v == variable for m in own for v, _ in m):
            names = [str(c.key) for c in block.coefficients]
            keys = {model.cumulant_key(block, pair) for pair in combinations_with_replacement(names, 2)}
            if variable not in closed_under_shift(own, lambda _: False) or not keys <= solved:
                return False
    kernels = [e.statistic for e in solution.equations if any(_linked(part) for part in walk(e.statistic))]
    found = {_unordered(node) for node in kernels if isinstance(node, Projected)}
    return len(found) == len(kernels) and all(moved in found for node in found for moved in _lowered(node, variable))


Form = tuple[tuple[Column, ...], tuple[str, ...], frozenset[Monomial]]
"""What tells y'P Z_c Z_d' P y: the columns of P, the factor, and c and d in any order."""


def _unordered(node: Projected) -> Form:
    if is_kernel(node.kernel):
        return node.columns, node.kernel[0].factor, frozenset(c.monomial for c in node.kernel)
    return node.columns, (), frozenset((node.kernel or (),))


def _lowered(form: Form, variable: Variable) -> Iterator[Form]:
    """The forms that appear when the covariate is shifted."""
    columns, factor, monomials = form
    choices = [lower_powers(m, variable) for m in monomials]
    both = [*choices, *choices] if len(choices) == 1 else choices
    for first, second in product(*both):
        yield columns, factor, frozenset((first, second))


def covariates_used(solution: Solution, least_squares: bool) -> tuple[Variable, ...]:
    """The covariates of the mean columns, of statistics and of design constants, in order."""
    used = [v for c in solution.system.model.mean for v, _ in c.monomial]
    for node in _parts(solution, least_squares):
        if isinstance(node, Value):
            used.append(node.variable)
        elif isinstance(node, Projected | Trace):
            found = (*monomials(node.columns), *(c.monomial for c in level_columns(node.columns)), *_linked(node))
            used += [v for m in found for v, _ in m]
    return tuple(dict.fromkeys(used))


def slope_limits(model: ResolvedModel) -> dict[Variable, int]:
    """How many standard deviations from 0 the columns x of slopes x**k z may lie, where z is a column of the model too.

    With x = m + d, m large, the column of x is m times that of 1 but for d: what the latter leaves of the former, and
    the equations that rest on it, are differences of numbers (m/d)**2 times as large. Where the factor has z as a
    coefficient too, and x is a mean column or the two are correlated, such differences are taken of differences.
    """
    means = {frozenset(c.monomial) for c in model.mean}
    slopes = [(block, frozenset(c.monomial)) for block in model.groups for c in block.coefficients]
    columns, own = means | {m for _, m in slopes}, {(block.factor, m) for block, m in slopes}
    in_means = {v for m in means for v, _ in m}
    found: dict[Variable, int] = {}
    for block, monomial in slopes:
        for v, exponent in monomial:
            rest = monomial - {(v, exponent)}
            if v.kind == "column" and rest in columns:
                twice = (block.factor, rest) in own and (v in in_means or len(block.coefficients) > 1)
                found[v] = min(found.get(v, FARTHEST), FARTHEST_TWICE if twice else FARTHEST)
    return found


def _linked(node: Node) -> tuple[Monomial, ...]:
    """The covariates of the kernels of a statistic or a trace."""
    if not isinstance(node, Projected | Trace):
        return ()
    found = (node.kernel, node.of) if isinstance(node, Trace) else (node.kernel,)
    return tuple(m for of in found if of for m in ([c.monomial for c in of] if is_kernel(of) else [of]))


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
    columns: tuple[Monomial, ...], levels: tuple[LevelColumns, ...], shifted: frozenset[Variable], model: ResolvedModel
) -> frozenset[Variable]:
    """The covariates of `shifted` whose shift leaves the space of the columns, and of those of levels, as it is."""
    closed = closed_under_shift(columns, lambda m: spanned(m, levels, model))
    found = closed | (shifted - {v for m in columns for v, _ in m})
    for factor in dict.fromkeys(c.factor for c in levels):
        own = [c.monomial for c in levels if c.factor == factor]
        found &= closed_under_shift(own, lambda _: False) | (shifted - {v for m in own for v, _ in m})
    return found
