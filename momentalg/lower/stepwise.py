"""In which order equations are solved, and whether closed forms are safe on all data."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from momentalg.expr.nodes import ZERO
from momentalg.moments.expectation import parameters_in

if TYPE_CHECKING:
    from momentalg.moments.equations import MomentEquation

LARGEST = 2


def stages(
    equations: Sequence[MomentEquation], products: Collection[str], known: Collection[str]
) -> Iterator[list[MomentEquation]]:
    """The equations in sets to be solved one after the other.

    `products` are products of parameters that estimates are put in place of. An equation waits until all factors of its
    products are `known`, or solved for. Equations whose products never are come last.
    """
    left, found = list(equations), set(known)
    while left:
        ready = [e for e in left if all(found.issuperset(parameters_in(k)) for k in e.coefficients if k in products)]
        ready = ready or left
        yield ready
        found.update(k for e in ready for k in e.coefficients if k not in products)
        left = [e for e in left if e not in ready]


def is_stepwise(equations: Sequence[MomentEquation], known: Collection[str]) -> bool:
    """Whether the equations are solved one or two at a time, each step with what the steps before it gave.

    A step then divides by its one coefficient, or by the determinant of its two equations, which are zero only when
    all the equations have no single solution. Larger blocks divide by coefficients that vanish on balanced data, where
    the equations are as good as ever: those are solved numerically.
    """
    left, found = list(equations), set(known)
    while left:
        unknown = [{k for k, c in e.coefficients.items() if c != ZERO and k not in found} for e in left]
        step = next((s for s in _sets(len(left)) if len(set().union(*(unknown[n] for n in s))) <= len(s)), None)
        if step is None:
            return False
        found.update(*(unknown[n] for n in step))
        left = [e for n, e in enumerate(left) if n not in step]
    return True


def _sets(count: int) -> list[tuple[int, ...]]:
    return [s for size in range(1, LARGEST + 1) for s in combinations(range(count), size)]
