"""The core identity: the joint cumulant of statistics given the design.

    kappa(W_1, ..., W_k | design) = sum over the indecomposable partitions of the draws of
                                    sum over the choices for each block of
                                    the product of the cumulants chosen  *  a sum over the design

(Leonov and Shiryaev 1959). A block of one draw of the response is a mean column. A block of two or more picks one
independent group of effects, with one of its coefficients for each draw, and makes the observations share the level of
its factor; or it picks the residual, and makes them one observation. With one statistic all partitions are
indecomposable, and the result is the expectation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache, reduce
from itertools import combinations_with_replacement, product
from math import factorial, prod
from typing import NamedTuple

from momentalg.cumulants.choices import Choice, choices
from momentalg.cumulants.denominators import cancelled
from momentalg.cumulants.normal_form import Contradiction, Unifier, close_nesting, normal_form
from momentalg.cumulants.partitions import Blocks, counted_partitions
from momentalg.cumulants.polynomial import Polynomial, Powers, times
from momentalg.cumulants.terms import (
    OBSERVATION,
    Draw,
    Entry,
    Level,
    Observation,
    Term,
    cell_of,
    multiply,
)
from momentalg.expr.monomials import multiply_monomials
from momentalg.expr.nodes import Monomial
from momentalg.model.resolved import ResolvedModel

Statistic = Sequence[Term]
ONE = Fraction(1)
REMEMBERED = 4  # draws: variances of squares have terms in common; results of higher degree are large, and rarely asked


class Slot(NamedTuple):
    """One draw: which statistic and which observation of the combined term carry it."""

    statistic: int
    observation: int
    draw: Draw


class Contribution(NamedTuple):
    """What one partition with one choice contributes: coefficient * parameters * design.

    `blocks` are the statistics whose draws are together, by number; `shares` the columns of what each block shares:
    a factor's, `OBSERVATION` for one residual, none for a mean.
    """

    parameters: Powers
    design: Powers
    coefficient: Fraction
    blocks: tuple[tuple[int, ...], ...]
    shares: tuple[tuple[str, ...], ...]


def joint_cumulant(statistics: Sequence[Statistic], model: ResolvedModel) -> Polynomial:
    """The joint cumulant of the statistics given the design; the expectation when there is one statistic.

    It is multilinear and symmetric: products of the same terms, in whatever order, are counted together.
    """
    weights: dict[frozenset[tuple[Term, int]], Fraction] = {}
    picked: dict[frozenset[tuple[Term, int]], tuple[Term, ...]] = {}
    for terms in product(*statistics):
        bare = tuple(term._replace(coefficient=ONE) for term in terms)
        key = frozenset(Counter(bare).items())
        weights[key] = weights.get(key, Fraction(0)) + prod(term.coefficient for term in terms)
        picked.setdefault(key, bare)
    found: list[tuple[Powers, Fraction]] = []
    for key, weight in weights.items():
        draws = sum(len(o.draws) for term in picked[key] for o in term.observations)
        value = _remembered(picked[key], model) if draws <= REMEMBERED else _of_bare(picked[key], model)
        found.extend((powers, number * weight) for powers, number in value)
    return cancelled(Polynomial(found))


def _of_bare(terms: tuple[Term, ...], model: ResolvedModel) -> tuple[tuple[Powers, Fraction], ...]:
    """The joint cumulant of single terms with coefficient 1."""
    found = Polynomial((times(c.parameters, c.design), c.coefficient) for c in _of_terms(terms, model))
    return tuple(found.terms.items())


@lru_cache(maxsize=1024)
def _remembered(terms: tuple[Term, ...], model: ResolvedModel) -> tuple[tuple[Powers, Fraction], ...]:
    return _of_bare(terms, model)


def contributions(statistics: Sequence[Statistic], model: ResolvedModel) -> Iterator[Contribution]:
    """The terms of the joint cumulant, one by one; equal ones are not put together."""
    for terms in product(*statistics):
        yield from _of_terms(terms, model)


def _of_terms(terms: Sequence[Term], model: ResolvedModel) -> Iterator[Contribution]:
    whole = reduce(multiply, terms)
    owner = [n for n, term in enumerate(terms) for _ in term.observations]
    slots = [Slot(owner[n], n, draw) for n, o in enumerate(whole.observations) for draw in o.draws]
    if len(terms) > 1 and {slot.statistic for slot in slots} != set(range(len(terms))):
        return  # a statistic without a draw is a constant given the design
    kinds = [_kind(slot, whole.observations) for slot in slots]
    for number, blocks in counted_partitions(kinds, [slot.statistic for slot in slots], len(terms)):
        alike = [tuple(kinds[s] for s in block) for block in blocks]
        yield from _partition(whole, slots, blocks, alike, whole.coefficient * number, model)


def _kind(slot: Slot, observations: Sequence[Observation]) -> Hashable:
    """Draws of one kind are interchangeable: the same observation, or observations alike in everything."""
    carrier = observations[slot.observation]
    return (slot.statistic, carrier if len(carrier.draws) == 1 else slot.observation, slot.draw)


def _partition(
    whole: Term,
    slots: Sequence[Slot],
    blocks: Blocks,
    alike: Sequence[Hashable],
    coefficient: Fraction,
    model: ResolvedModel,
) -> Iterator[Contribution]:
    options = [list(choices([slots[s].draw for s in block], model)) for block in blocks]
    owners = tuple(tuple(slots[s].statistic for s in block) for block in blocks)
    for number, chosen in counted_choices(options, alike):
        design = _realise(whole, slots, blocks, chosen, model)
        if design is not None:
            parameters: Powers = frozenset(Counter(choice.key for choice in chosen if choice.key is not None).items())
            for choice in chosen if model.responses else ():
                parameters = times(parameters, choice.loading)
            shares = tuple(choice.share for choice in chosen)
            yield Contribution(parameters, design, coefficient * number, owners, shares)


def counted_choices(
    options: Sequence[Sequence[Choice]], alike: Sequence[Hashable]
) -> Iterator[tuple[int, tuple[Choice, ...]]]:
    """One option for each block; picks alike but for an exchange of `alike` blocks once, with their number."""
    places: dict[Hashable, list[int]] = {}
    for place, kind in enumerate(alike):
        places.setdefault(kind, []).append(place)
    if len(places) == len(alike):
        yield from ((1, chosen) for chosen in product(*options))
        return
    order = [place for same in places.values() for place in same]
    counted = (  # by their places among the options: two of these may say the same
        combinations_with_replacement(list(enumerate(options[same[0]])), len(same)) for same in places.values()
    )
    for picked in product(*counted):
        repeats = [Counter(place for place, _ in some).values() for some in picked]
        number = prod(factorial(sum(counts)) // prod(map(factorial, counts)) for counts in repeats)
        chosen = dict(zip(order, (choice for some in picked for _, choice in some), strict=True))
        yield number, tuple(chosen[place] for place in range(len(order)))


def _realise(
    whole: Term, slots: Sequence[Slot], blocks: Blocks, chosen: Sequence[Choice], model: ResolvedModel
) -> Powers | None:
    """The sum over the design that a choice leaves, in normal form; None when it is empty."""
    unifier = Unifier(whole.next_number)
    covariates = [o.covariates for o in whole.observations]
    same = list(range(len(covariates)))  # observations that the residual has made one
    for block, choice in zip(blocks, chosen, strict=True):
        for s, added in zip(block, choice.covariates, strict=True):
            if added:
                carrier = slots[s].observation
                covariates[carrier] = multiply_monomials(covariates[carrier], added)
        if choice.share == (OBSERVATION,):
            target = same[slots[block[0]].observation]
            merged = {same[slots[s].observation] for s in block}
            same = [target if n in merged else n for n in same]
    try:
        cells = close_nesting([o.cell for o in whole.observations], model, unifier)
        levels: list[dict[str, Level]] = [{level.column: level for level in cell} for cell in cells]
        for n, representative in enumerate(same):
            if n != representative:
                _share(levels, [representative, n], {level.column for level in cells[n]}, unifier)
        for block, choice in zip(blocks, chosen, strict=True):
            if choice.share and choice.share != (OBSERVATION,):
                carriers = [same[slots[s].observation] for s in block]
                _share(levels, carriers, choice.share, unifier, introduce=True)
    except Contradiction:
        return None
    carried: dict[int, Monomial] = {}
    for n, representative in enumerate(same):
        carried[representative] = multiply_monomials(carried.get(representative, ()), covariates[n])
    kept = tuple(Observation((), carried[n], unifier.resolve(cell_of(levels[n]))) for n in sorted(carried))
    entries = tuple(Entry(unifier.resolve(e.cell), e.what, e.power) for e in whole.entries)
    return normal_form(Term(ONE, kept, entries, whole.bound), model, unifier)


def _share(
    levels: list[dict[str, Level]],
    carriers: Sequence[int],
    columns: Sequence[str] | set[str],
    unifier: Unifier,
    introduce: bool = False,
) -> None:
    """Give the carriers one common level of each column, a new one when none of them has any."""
    for column in sorted(columns):
        present = [levels[n][column] for n in carriers if column in levels[n]]
        common = present[0] if present else unifier.fresh(column) if introduce else None
        if common is None:
            continue
        for other in present[1:]:
            unifier.unify(common, other)
        for n in carriers:
            levels[n][column] = common
