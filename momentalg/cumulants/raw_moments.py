"""Raw moments: the canonical form of results over random designs, in which equal results are equal."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from math import factorial

from momentalg.cumulants.denominators import cancelled
from momentalg.cumulants.design_moments import cumulant_of_letters, multiply_letters, variables
from momentalg.cumulants.design_symbols import Known, Letter, Letters, Moment
from momentalg.cumulants.homes import at_home
from momentalg.cumulants.partitions import set_partitions
from momentalg.cumulants.polynomial import Polynomial
from momentalg.model.resolved import ResolvedModel


def raw(polynomial: Polynomial, model: ResolvedModel) -> Polynomial:
    """Rewrite every design moment in raw moments E[...]: the canonical form, in which equal results are equal."""

    @cache
    def value(symbol: object, power: int) -> Polynomial | None:
        if isinstance(symbol, Moment):
            return _raw_moment(symbol, "i", model) ** power
        if isinstance(symbol, Letter) and symbol.what.kind == "moment":
            return _raw_moment(symbol.what.detail, symbol.unit, model) ** power
        return None

    return cancelled(at_home(polynomial.substitute(value), model))


def _raw_moment(moment: Moment, unit: str | int, model: ResolvedModel) -> Polynomial:
    products = [frozenset((Letter(unit, o, w), p) for (o, w), p in argument) for argument in moment.arguments]
    known = frozenset(moment.given)
    result = Polynomial()
    for partition in set_partitions(len(products)):
        value = Polynomial.constant((-1) ** (len(partition) - 1) * factorial(len(partition) - 1))
        for block in partition:
            value = value * _raw_expectation(multiply_letters(products[n] for n in block), known, model)
        result = result + value
    return result


def _raw_expectation(product: Letters, known: Known, model: ResolvedModel) -> Polynomial:
    """E[product | known], with the conditional moments inside made raw first."""
    expanded = raw(Polynomial([(frozenset(product), Fraction(1))]), model)
    result = Polynomial()
    for monomial, coefficient in expanded.terms.items():
        letters = frozenset((x, p) for x, p in monomial if isinstance(x, Letter))
        value = Polynomial({monomial - letters: coefficient})
        for unit in sorted({str(x.unit) for x, _ in letters}):
            value = value * _tower(frozenset((x, p) for x, p in letters if str(x.unit) == unit), known, model)
        result = result + value
    return result


def _tower(letters: Letters, known: Known, model: ResolvedModel) -> Polynomial:
    """E[letters | known] for letters of one unit, some of them conditional moments E[g | U], in a unique form.

    Everything is conditioned on the coarsest U first; then a single conditional moment goes back where it came from,
    E[f(U) E[g | U]] = E[f(U) g] (the tower law), and a product of several stays.
    """
    conditional = {
        x: x.what.detail for x, _ in letters if x.what.kind == "moment" and not variables(x.what, model) <= known
    }
    if not conditional:
        return cumulant_of_letters([letters], known, model)
    coarsest = min((moment.given for moment in conditional.values()), key=lambda given: (len(given), given))
    inside = frozenset((x, p) for x, p in letters if variables(x.what, model) <= set(coarsest))
    if inside != letters:
        result = Polynomial()
        for monomial, coefficient in _tower(letters - inside, frozenset(coarsest), model).terms.items():
            new = frozenset((x, p) for x, p in monomial if isinstance(x, Letter))
            value = _tower(multiply_letters([inside, new]), known, model)
            result = result + value * Polynomial({monomial - new: coefficient})
        return result
    if sum(p for x, p in letters if x in conditional) > 1:
        return cumulant_of_letters([letters], known, model)
    ((letter, moment),) = conditional.items()
    opened = frozenset((Letter(letter.unit, o, w), p) for (o, w), p in moment.arguments[0])
    return _tower(multiply_letters([opened, letters - {(letter, 1)}]), known, model)
