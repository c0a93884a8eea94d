"""Cumulants over effects, of what is known given them: the design is known, and the core identity applies once more.

Given the effects of a factor, a conditional moment is a polynomial in their values, such as sum_j n_ij b_j. Taken over
the effects these values are draws again: each is the average, over its level, of an observation that carries it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import reduce
from itertools import count, product

from momentalg.cumulants.design_moments import Known, is_effect
from momentalg.cumulants.identity import joint_cumulant
from momentalg.cumulants.letters import from_letters, to_letters, unfolded
from momentalg.cumulants.polynomial import Polynomial, Powers, times
from momentalg.cumulants.random_view import with_effects_known
from momentalg.cumulants.terms import SIZE, Draw, Entry, Observation, Term
from momentalg.cumulants.totals import DesignTotal
from momentalg.expr.nodes import Variable
from momentalg.model.resolved import ResolvedModel


def cumulant_over_effects(polynomials: Sequence[Polynomial], known: Known, model: ResolvedModel) -> Polynomial:
    """The joint cumulant given the design, and perhaps some effects, of polynomials in the values of others."""
    reduced = with_effects_known(model, known)
    statistics = [list(_terms(from_letters(p, model), known, model, reduced)) for p in polynomials]
    result = Polynomial()
    for picked in product(*statistics):
        outside: Powers = reduce(times, (parameters for parameters, _ in picked))
        value = joint_cumulant([[term] for _, term in picked], reduced)
        result = result + value * Polynomial({outside: Fraction(1)})
    return to_letters(result, model)


def _terms(
    polynomial: Polynomial, known: Known, model: ResolvedModel, reduced: ResolvedModel
) -> Iterator[tuple[Powers, Term]]:
    """The terms of a polynomial, each with its parameters, which are constants."""
    for monomial, coefficient in polynomial.terms.items():
        numbers = count()
        parameters = frozenset((s, p) for s, p in monomial if not isinstance(s, DesignTotal))
        parts = [unfolded(s, p, {}, numbers) for s, p in monomial if isinstance(s, DesignTotal)]
        bound = frozenset(level for _, levels in parts for level in levels)
        observations: list[Observation] = []
        entries: list[Entry] = []
        for entry in (e for found, _ in parts for e in found):
            variable = entry.what.monomial[0][0] if is_effect(entry.what) else None
            if variable is None or variable in known:
                entries.append(entry)
                continue
            carrier = Observation((_draw(variable, model, reduced),), (), entry.cell)
            observations += [carrier] * entry.power
            entries.append(Entry(entry.cell, SIZE, -entry.power))
        yield parameters, Term(coefficient, tuple(observations), tuple(entries), bound)


def _draw(variable: Variable, model: ResolvedModel, reduced: ResolvedModel) -> Draw:
    """The draw that an effect is; terms are numbered among those whose effects are not known."""
    block, coefficient = variable.name.split(":")[:2]
    return Draw("effect", reduced.groups.index(model.groups[int(block)]), int(coefficient))
