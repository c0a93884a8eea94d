"""Indicators of the levels of a fixed factor: their own squares, and disjoint.

``drug[b]`` is 1 at the observations of level b, else 0. In a product its power is 1, and with another level's indicator
the product is 0. On a level of drug itself it is a value of that level; and a sum over the levels of drug of something
times that value is the something on the one level b.
"""

from __future__ import annotations

from momentalg.cumulants.terms import Cell, Level, What
from momentalg.expr.monomials import multiply_monomials
from momentalg.expr.nodes import Monomial, Variable
from momentalg.model.resolved import ResolvedModel, root_of

Entries = dict[tuple[Cell, What], int]


def once(monomial: Monomial, model: ResolvedModel) -> Monomial | None:
    """The product with every indicator to the power 1; None where it is 0, of indicators of two levels.

    The square of the root of known weights is the weight.
    """
    if model.weights is not None and dict(monomial).get(root_of(model.weights), 0) > 1:
        whole = ((root_of(model.weights), -2), (Variable("column", model.weights), 1))
        return once(multiply_monomials(monomial, whole), model)
    if not model.coded:
        return monomial
    found = []
    seen: dict[str, object] = {}
    for variable, power in monomial:
        factor = model.indicated(variable)
        if factor is not None and seen.setdefault(factor, variable) != variable:
            return None
        found.append((variable, power if factor is None else 1))
    return tuple(found)


def indicate(entries: Entries, model: ResolvedModel) -> set[Level] | None:
    """Apply the rules to the values among `entries`; return the bound levels that are gone, None where the sum is 0."""
    gone: set[Level] = set()
    seen: dict[tuple[Cell, str], object] = {}
    for cell, what in list(entries):
        factor = model.indicated(what.monomial[0][0]) if what.kind == "value" else None
        if factor is None:
            continue
        entries[cell, what] = 1
        if seen.setdefault((cell, factor), what) != what:
            return None
    for cell, what in list(entries):
        factor = model.indicated(what.monomial[0][0]) if what.kind == "value" else None
        level = next((v for v in cell if v.column == factor and not v.free), None)
        if level is None:
            continue
        restricted = _restrict(entries, (cell, what), level, model)
        if restricted is None:
            return None
        if restricted:
            gone.add(level)
    return gone


def _restrict(entries: Entries, value: tuple[Cell, What], level: Level, model: ResolvedModel) -> bool | None:
    """Replace a sum over the levels of the factor by its one term, where what is summed are totals alone.

    Whether that was done; None where the term is 0, of the total of another level's indicator.
    """
    touching = [key for key in entries if level in key[0] and key != value]
    if not touching or any(
        what.kind != "total"
        or entries[cell, what] <= 0
        or any(model.local_to.get(other.column) == level.column for other in cell)
        for cell, what in touching
    ):
        return False
    restricted = []
    for cell, what in touching:
        monomial = once(multiply_monomials(what.monomial, value[1].monomial), model)
        if monomial is None:
            return None
        place = tuple(other for other in cell if other != level)
        restricted.append(((cell, what), (place, What("total", monomial))))
    del entries[value]
    for old, new in restricted:
        entries[new] = entries.get(new, 0) + entries.pop(old)
    return True
