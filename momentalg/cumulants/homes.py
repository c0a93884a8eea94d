"""The home of a nested level: sums over what one level lies in have one term each, and multiply term by term.

For an item j of one user only, (sum_i f_ij) (sum_i g_ij) = sum_i f_ij g_ij: the sums run over the user of j.
"""

from __future__ import annotations

from fractions import Fraction

from momentalg.cumulants.letters import from_letters, to_letters
from momentalg.cumulants.normal_form import Unifier, normal_form
from momentalg.cumulants.polynomial import Polynomial, Powers, times
from momentalg.cumulants.terms import Term
from momentalg.cumulants.totals import DesignTotal, levels_of
from momentalg.model.resolved import ResolvedModel


def at_home(polynomial: Polynomial, model: ResolvedModel) -> Polynomial:
    """Products of sums over the home of one free level, declared with ``ma.nested``, as one sum, or at that home."""
    if not model.local_to:
        return polynomial
    plain = from_letters(polynomial, model)
    joined = Polynomial((_joined(monomial, model), number) for monomial, number in plain.terms.items())
    return polynomial if joined == plain else to_letters(joined, model)


def _joined(monomial: Powers, model: ResolvedModel) -> Powers:
    totals = [(s, p) for s, p in monomial if isinstance(s, DesignTotal)]
    over = [(s, p) for s, p in totals if p > 0 and _is_over_home(s, model)]
    nested = {v for s, _ in over for v in levels_of(s) if v.free}
    beside = [(s, p) for s, p in totals if over and not s.levels and nested & set(levels_of(s))]
    if sum(p for _, p in over) + len(beside) < 2:
        return monomial
    entries = [e._replace(power=e.power * p) for s, p in beside for e in s.entries]
    number = 0
    for total, power in over:
        for _ in range(power):
            for e in total.entries:
                cell = tuple(v if v.free else v._replace(number=v.number + number) for v in e.cell)
                entries.append(e._replace(cell=cell))
            number += len(total.levels)
    bound = frozenset(v for e in entries for v in e.cell if not v.free)
    term = Term(Fraction(1), entries=tuple(entries), bound=bound)
    found = normal_form(term, model, Unifier(term.next_number))
    return monomial if found is None else times(monomial - {*over, *beside}, found)


def _is_over_home(total: DesignTotal, model: ResolvedModel) -> bool:
    """Whether all that is summed over are levels that free ones of the same entries lie in."""
    return bool(total.levels) and all(
        {v.column for v in e.cell if not v.free} <= model.closure(v.column for v in e.cell if v.free)
        for e in total.entries
    )
