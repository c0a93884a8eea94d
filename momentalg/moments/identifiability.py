"""What equations identify: the rank of their coefficients on a generic design, and what stays confounded.

Coefficients are polynomials in design totals, so their rank is the same for almost all designs; it is found exactly, in
Fractions, on a random unbalanced one. Rank on the user's own data is a matter for the fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from momentalg.errors import NotIdentifiedError
from momentalg.expr.nodes import ZERO
from momentalg.model.resolved import ResolvedModel
from momentalg.moments.constants import Constants
from momentalg.moments.equations import MomentEquation
from momentalg.moments.generic_design import generic_design
from momentalg.moments.rational import Matrix, in_row_space, null_space

SEEDS = (20161, 20162)  # two designs: an accident of one is not one of the other


def coefficient_matrices(
    equations: Sequence[MomentEquation], unknowns: Sequence[str], model: ResolvedModel
) -> list[Matrix]:
    """The coefficients on each generic design: a row for each equation, a column for each unknown."""
    designs = [Constants(generic_design(model, seed), model) for seed in SEEDS]
    return [[[d.value(e.coefficients.get(key, ZERO)) for key in unknowns] for e in equations] for d in designs]


def identifies(matrices: Iterable[Matrix], rows: Sequence[int], target: int, width: int) -> bool:
    """Whether the rows determine one unknown, for some generic design."""
    unit = [Fraction(int(n == target)) for n in range(width)]
    return any(in_row_space([matrix[r] for r in rows], unit) for matrix in matrices)


def needed_equations(matrices: Sequence[Matrix], target: int, width: int) -> tuple[int, ...] | None:
    """Equations that determine one unknown, none of which can be spared; None when all together do not."""
    rows = list(range(len(matrices[0])))
    if not identifies(matrices, rows, target, width):
        return None
    for row in reversed(range(len(matrices[0]))):
        fewer = [r for r in rows if r != row]
        if identifies(matrices, fewer, target, width):
            rows = fewer
    return tuple(rows)


def require_identified(
    matrices: Sequence[Matrix], unknowns: Sequence[str], targets: Sequence[str], advice: str
) -> None:
    """Raise `NotIdentifiedError` unless every target is determined; it names what is confounded and what is not."""
    width = len(unknowns)
    rows = range(len(matrices[0]))
    lost = [t for t in targets if not identifies(matrices, rows, unknowns.index(t), width)]
    if not lost:
        return
    combos = [combination(row, unknowns) for row in estimable(matrices[0], width)]
    raise NotIdentifiedError(
        f"the statistics do not separate {', '.join(lost)}. Estimable: {'; '.join(combos) or 'nothing'}. {advice}"
    )


def estimable(matrix: Matrix, width: int) -> Matrix:
    """The sparse combinations of unknowns that the equations determine: a basis of the row space."""
    kernel = null_space(matrix, width)
    if not kernel:
        return [[Fraction(int(i == j)) for j in range(width)] for i in range(width)]
    return null_space(kernel, width)


def combination(row: Sequence[Fraction], unknowns: Sequence[str]) -> str:
    """A combination in words: ``var(1|user) + var(residual)``, coefficients of the generic design aside."""
    present = [(key, value) for key, value in zip(unknowns, row, strict=True) if value]
    if len({value for _, value in present}) == 1:
        return " + ".join(key for key, _ in present)
    return "a combination of " + ", ".join(key for key, _ in present)
