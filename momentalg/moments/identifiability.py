"""What equations identify: the rank of their coefficients on a generic design, and what stays confounded.

Coefficients are polynomials in design totals, so their rank is the same for almost all designs with the declared facts;
it is found exactly, on random unbalanced ones. A design constant that the facts, or the data at hand, make zero may be
what the rank is lost by; it is named by its formula.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

from momentalg.errors import NotIdentifiedError
from momentalg.expr.names import join_factor
from momentalg.expr.nodes import ZERO
from momentalg.expr.notation import Notation
from momentalg.expr.text import text
from momentalg.model.resolved import ResolvedModel
from momentalg.moments.confounding import SEEDS
from momentalg.moments.constants import Constants
from momentalg.moments.equations import MomentEquation
from momentalg.moments.expectation import expectation
from momentalg.moments.generic_design import generic_design
from momentalg.moments.rational import Matrix, inverse, null_space

if TYPE_CHECKING:
    from momentalg.moments.system import MomentSystem

NEGLIGIBLE = 1e-9  # beside the other coefficients of an equation and of an unknown: rounding


@dataclass(frozen=True)
class Identification:
    """The coefficients of equations on generic designs: a row for each equation, a column for each unknown."""

    equations: tuple[MomentEquation, ...]
    unknowns: tuple[str, ...]
    model: ResolvedModel

    @cached_property
    def matrices(self) -> tuple[Matrix, ...]:
        """The coefficients on each of the designs."""
        designs = [Constants(generic_design(self.model, seed), self.model) for seed in SEEDS]
        return tuple(
            [[d.value(e.coefficients.get(key, ZERO)) for key in self.unknowns] for e in self.equations] for d in designs
        )

    @cached_property
    def _inverses(self) -> tuple[Matrix, ...]:
        found = (inverse(matrix, len(self.unknowns)) for matrix in self.matrices)
        return tuple(matrix for matrix in found if matrix is not None)

    def determines(self, target: str, rows: Sequence[int] | None = None) -> bool:
        """Whether equations determine an unknown, on some generic design: no vector that they annul holds it."""
        if rows is None and self._inverses:
            return True
        place, width = self.unknowns.index(target), len(self.unknowns)
        chosen = range(len(self.equations)) if rows is None else rows
        return any(not any(v[place] for v in null_space([m[r] for r in chosen], width)) for m in self.matrices)

    def needed(self, target: str) -> tuple[int, ...]:
        """Equations that determine an unknown, none of which can be spared; none when all together do not."""
        rows = list(range(len(self.equations)))
        if self._inverses:  # as many equations as unknowns: those that the unknown is a combination of
            place = self.unknowns.index(target)
            return tuple(r for r in rows if any(found[place][r] for found in self._inverses))
        if not self.determines(target):
            return ()
        for row in reversed(range(len(self.equations))):
            fewer = [r for r in rows if r != row]
            if self.determines(target, fewer):
                rows = fewer
        return tuple(rows)

    def require(self, targets: Sequence[str], advice: str) -> None:
        """Raise `NotIdentifiedError` unless every target is determined; it names what is confounded and what is not."""
        lost = [t for t in targets if not self.determines(t)]
        if lost:
            combinations = [combination(row, self.unknowns) for row in estimable(self.matrices[0], len(self.unknowns))]
            raise NotIdentifiedError(
                f"the statistics do not separate {', '.join(lost)}. Estimable: {'; '.join(combinations) or 'nothing'}. "
                f"{self._zeros()}{advice}"
            )

    def _zeros(self) -> str:
        """The design constants that declared facts make zero, in a sentence."""
        facts = ", ".join(f"ma.unreplicated({join_factor(by)!r})" for by in sorted(self.model.unreplicated))
        if not facts:
            return ""
        free, notation = replace(self.model, unreplicated=frozenset()), Notation.of(self.model)
        named = [
            f"{text(node, notation)}, of {key} in {e.name}"
            for e in self.equations
            for key, node in expectation(e.statistic, free).items()
            if key in self.unknowns and e.coefficients.get(key, ZERO) == ZERO
        ]
        return f"By {facts} these design constants are zero: {'; '.join(named)}. " if named else ""


def vanishing(system: MomentSystem, values: Mapping[str, Mapping[str, float]], rows: int = 1) -> tuple[str, ...]:
    """The design constants that are zero on data but not in general: ``n - r[beta], of var(residual) in U[b]``.

    `values` are the coefficients on the data, by the equation's name and the unknown, as in
    ``system.coefficients(frame).to_dict("index")``; `rows` is their number. A system that is identified in general and
    singular on data lacks what these constants, or dependent ones, multiply.
    """
    notation, found = Notation.of(system.model), []
    present = _in_units({e.name: dict(values.get(e.name, {})) for e in system.variance}, rows)
    for equation in system.variance:
        numbers = present[equation.name]
        for key, node in equation.coefficients.items():
            if key in numbers and numbers[key] <= NEGLIGIBLE and node != ZERO:
                found.append(f"{text(node, notation)}, of {key} in {equation.name}")
    return tuple(found)


def _in_units(values: Mapping[str, Mapping[str, float]], rows: int) -> dict[str, dict[str, float]]:
    """The sizes of coefficients when equations and unknowns are in units that make the largest of each 1.

    A coefficient of the variance of a slope is 10^12 times as large where x is in millions, and no reason to call
    others zero. Ruiz (2001), RAL-TR-2001-034, on the scaling of rows and columns.
    """
    left = {name: {key: abs(float(v)) for key, v in row.items()} for name, row in values.items()}
    for row in left.values():
        rounding = max(1e-12 * rows, 1e-15 * max(row.values(), default=0.0))
        row.update({key: 0.0 for key, value in row.items() if value <= rounding})
    for _ in range(10):
        tallest: dict[str, float] = {}
        for row in left.values():
            for key, value in row.items():
                tallest[key] = max(tallest.get(key, 0.0), value)
        for row in left.values():
            widest = max(row.values(), default=0.0)
            row.update({key: value / (widest * tallest[key]) ** 0.5 for key, value in row.items() if value})
    return left


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
