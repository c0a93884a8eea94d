"""A fixed factor as a sample: results given the labels, averaged over labels that are i.i.d. from the levels.

    kappa(W_1, ..., W_k | sizes) = sum over partitions of kappa( kappa(W_B | labels) : B )         (total cumulance)

What is inside is the core identity. It is a polynomial in totals of indicators, whose joint cumulants over the labels
are the same identity again: an indicator is a draw that observations share when they are one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fractions import Fraction
from functools import reduce
from itertools import product

from momentalg.cumulants.design_symbols import Moment
from momentalg.cumulants.identity import joint_cumulant
from momentalg.cumulants.label_draws import label_draw
from momentalg.cumulants.level_weights import WEIGHT
from momentalg.cumulants.partitions import set_partitions
from momentalg.cumulants.polynomial import Polynomial, Powers
from momentalg.cumulants.terms import SIZE, Entry, Level, Observation, Term, multiply
from momentalg.cumulants.totals import DesignTotal, single
from momentalg.errors import UnsupportedError
from momentalg.expr.nodes import Monomial
from momentalg.model.resolved import ResolvedModel

Statistic = Sequence[Term]


def sampled_cumulant(statistics: Sequence[Statistic], factors: Collection[str], model: ResolvedModel) -> Polynomial:
    """The joint cumulant given all of the design but the labels of `factors`, which are sampled."""
    result = Polynomial()
    for partition in set_partitions(len(statistics)):
        inner = [joint_cumulant([statistics[n] for n in block], model) for block in partition]
        result = result + over_labels(inner, factors, model)
    return result


def over_labels(results: Sequence[Polynomial], factors: Collection[str], model: ResolvedModel) -> Polynomial:
    """The joint cumulant, over the labels, of results given the labels."""
    result = Polynomial()
    for chosen in product(*(p.split(lambda s: not isinstance(s, DesignTotal)).items() for p in results)):
        statistics = [[term_of(m, c, factors, model) for m, c in design.terms.items()] for _, design in chosen]
        outside = reduce(lambda a, b: a * b, (Polynomial({key: Fraction(1)}) for key, _ in chosen))
        result = result + outside * joint_cumulant(statistics, model)
    return result


def term_of(monomial: Powers, coefficient: Fraction, factors: Collection[str], model: ResolvedModel) -> Term:
    """A product of design totals as a term, in which indicators of sampled labels are draws."""
    result = Term(coefficient)
    for total, power in sorted(monomial, key=repr):
        assert isinstance(total, DesignTotal)
        if total.levels and power > 0:
            bound = frozenset(Level(column, "", number) for number, column in enumerate(total.levels))
            for _ in range(power):
                result = multiply(result, _product(total.entries, 1, factors, model)._replace(bound=bound))
        else:
            result = multiply(result, _product(total.entries, power, factors, model))
    return result


def _product(entries: Sequence[Entry], power: int, factors: Collection[str], model: ResolvedModel) -> Term:
    observations: list[Observation] = []
    kept: list[Entry] = []
    for cell, what, own in entries:
        labels = tuple((v, p) for v, p in what.monomial if model.indicated(v) in factors)
        if any(level.column in factors for level in cell) or (labels and (what.kind != "total" or own * power < 0)):
            raise _refused(factors)
        if what.kind in (WEIGHT, "named") and _depends(what.detail, factors, model):
            raise _refused(factors)
        if labels:
            rest: Monomial = tuple(pair for pair in what.monomial if pair not in labels)
            draws = tuple(label_draw(v, model) for v, _ in labels)
            observations += [Observation(draws, rest, cell)] * (own * power)
        else:
            kept.append(Entry(cell, what, own * power))
    return Term(Fraction(1), tuple(observations), tuple(kept))


def _depends(detail: Polynomial | DesignTotal, factors: Collection[str], model: ResolvedModel) -> bool:
    totals = (
        [detail] if isinstance(detail, DesignTotal) else [s for s in detail.symbols() if isinstance(s, DesignTotal)]
    )
    entries = [e for total in totals for e in total.entries]
    return any(model.indicated(v) in factors for e in entries for v, _ in e.what.monomial) or any(
        level.column in factors for e in entries for level in e.cell
    )


def _refused(factors: Collection[str]) -> UnsupportedError:
    name = next(iter(factors))
    return UnsupportedError(
        f"when the labels of {name!r} are sampled, a statistic has to be a polynomial in totals over them: write the "
        f"total of a level as model.total(model.covariate('{name}[...]') * model.y), and divide by no counts of labels"
    )


def with_shares(polynomial: Polynomial) -> Polynomial:
    """The sample analog: the probability of a level is the share of the observations that have it."""

    def value(symbol: object, power: int) -> Polynomial | None:
        if not isinstance(symbol, Moment):
            return None
        ((((_, what), _),),) = symbol.arguments
        count = Polynomial.symbol(single((), what._replace(kind="total")))
        return (count * Polynomial.symbol(single((), SIZE), -1)) ** power

    return polynomial.substitute(value)
