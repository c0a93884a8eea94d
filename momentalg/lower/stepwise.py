"""Whether closed forms are safe on all data: whether they divide by nothing that is zero where there is a solution."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from momentalg.expr.nodes import ZERO

if TYPE_CHECKING:
    from momentalg.moments.equations import MomentEquation

LARGEST = 2


def is_stepwise(equations: Sequence[MomentEquation]) -> bool:
    """Whether the equations are solved one or two at a time, each step with what the steps before it gave.

    A step then divides by its one coefficient, or by the determinant of its two equations, which are zero only when
    all the equations have no single solution. Larger blocks divide by coefficients that vanish on balanced data, where
    the equations are as good as ever: those are solved numerically.
    """
    left = list(equations)
    known: set[str] = set()
    while left:
        unknown = [{k for k, c in e.coefficients.items() if c != ZERO and k not in known} for e in left]
        step = next((s for s in _sets(len(left)) if len(set().union(*(unknown[n] for n in s))) <= len(s)), None)
        if step is None:
            return False
        known.update(*(unknown[n] for n in step))
        left = [e for n, e in enumerate(left) if n not in step]
    return True


def _sets(count: int) -> list[tuple[int, ...]]:
    return [s for size in range(1, LARGEST + 1) for s in combinations(range(count), size)]
