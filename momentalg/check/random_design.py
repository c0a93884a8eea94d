"""Unconditional cumulants by brute force: over every design that i.i.d. units with a finite joint law can have.

Raw moments are averaged over the designs, E[Q R] = sum of p(design) E[Q R | design], each from `enumeration`; the
cumulants come from the averaged raw moments at the end. The law of total variance is not used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from momentalg.check.enumeration import Enumeration
from momentalg.check.laws import designs, read_atoms, sample_of
from momentalg.check.parameters import ParameterValues
from momentalg.check.partitions import CumulantsFromMoments, Multiset
from momentalg.check.scope import unit_scope
from momentalg.expr import nodes as n
from momentalg.model.resolved import ResolvedModel


def law_cumulant(
    statistics: Sequence[n.Node],
    law: Sequence[Mapping[str, Any]],
    resolved: ResolvedModel,
    parameters: Mapping[str, Fraction | int | str],
    units: int = 1,
    at: Mapping[str, int] | None = None,
) -> Fraction:
    """The exact unconditional joint cumulant of statistics of `units` i.i.d. units.

    `law` has one mapping per atom of a unit's design, as ``{"p": "1/2", "size(user)": 2, "X": 1, "x": [0, 1]}``. The
    default level and ``i`` are unit 0, other free levels the units 1, 2, ... in order of appearance, or as in `at`.
    Raises `AssumptionError` for a division by a size that may be zero.
    """
    values = ParameterValues(resolved, parameters)
    distinct = list(dict.fromkeys(statistics))
    scope = unit_scope(distinct, resolved.unit, units, at)
    parts = []
    for probability, atoms in designs(read_atoms(law), units):
        enumeration = Enumeration(sample_of(resolved, atoms), resolved, values)
        parts.append((probability, enumeration, [enumeration.polynomial(s, scope) for s in distinct]))

    def moment(items: Multiset) -> Fraction:
        return sum((p * e.moment(polynomials[i] for i in items) for p, e, polynomials in parts), Fraction(0))

    return CumulantsFromMoments(moment)(tuple(sorted(distinct.index(s) for s in statistics)))
