"""Moments of random designs: expectations of products of sizes, by coincidence patterns.

A size counts observations: N_i = sum_j n_ij, and n_ij^2 counts pairs of them. So a product of sizes, summed over levels
or not, is a sum over tuples of *slots*, each an observation in some cell. Under an `Incidence` it is taken apart by

1. which levels of the strata coincide: distinct ones are counted by falling factorials, and are independent;
2. which slots of a stratum hold the same observation: E[n (n - 1) ... (n - m + 1)] for m different ones;
3. the labels that different observations draw: a product of probabilities, whose sums over levels are power sums.

Nothing here knows which law it is; `model.incidence` says what strata and labels each of them has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from fractions import Fraction
from functools import cache, partial
from itertools import count, product
from math import factorial

from momentalg.cumulants.denominators import cancelled
from momentalg.cumulants.design_symbols import COUNT, Moment
from momentalg.cumulants.distinct_levels import over_distinct
from momentalg.cumulants.normal_form import Contradiction, Unifier
from momentalg.cumulants.partitions import Blocks, counted_partitions, falling_factorial, set_partitions
from momentalg.cumulants.polynomial import ONE, Polynomial
from momentalg.cumulants.terms import SIZE, Cell, Entry, Level, What, cell_of
from momentalg.cumulants.totals import DesignTotal, canonical, components, single
from momentalg.errors import UnsupportedError
from momentalg.model.incidence.base import Columns, Incidence, number_within, probability

Totals = frozenset[tuple[DesignTotal, int]]
"""A product of powers of design totals."""

Slot = dict[str, Level]
"""A cell that holds an observation: its level in the columns that are asked for."""


def joint_cumulant(
    products: Sequence[Totals], law: Incidence, empty: frozenset[str], known: bool = False
) -> Polynomial:
    """The joint cumulant of products of design totals, in raw moments of the law's counts.

    `empty` are the columns whose levels may have no observation. Where the counts of all strata are `known`, the result
    is that given them: in design totals, of strata that are levels of one column.
    """
    result = Polynomial()
    for partition in set_partitions(len(products)):
        value = Polynomial.constant((-1) ** (len(partition) - 1) * factorial(len(partition) - 1))
        for block in partition:
            powers: Counter[DesignTotal] = Counter()
            for n in block:
                powers.update(dict(products[n]))
            value = value * expectation(frozenset(powers.items()), law, empty, known)
        result = result + value
    return result


@cache
def expectation(totals: Totals, law: Incidence, empty: frozenset[str], known: bool = False) -> Polynomial:
    """E of a product of powers of sums of products of sizes."""
    result = Polynomial()
    for slots, weight in _placements(law.strata, _slots(totals, law), law, None if known else empty):
        if known:
            value = _over_strata(slots, law, lambda stratum, p: Polynomial.symbol(single(stratum, SIZE), p))
            result = result + weight * over_distinct(value, dict.fromkeys(slot[law.strata[0]] for slot in slots))
        else:
            result = result + weight * _over_strata(slots, law, lambda _, p: _count_power(p, law))
    return result


def _slots(totals: Totals, law: Incidence) -> list[Slot]:
    """The product as slots, with bound levels numbered apart, and a level of every column of the strata."""
    assert all(p > 0 and e.what == SIZE and e.power > 0 for total, p in totals for e in total.entries)
    numbers = count()
    slots: list[Slot] = []
    for total, power in totals:
        for _ in range(power):
            bound = {Level(c, "", n): Level(c, "", next(numbers)) for n, c in enumerate(total.levels)}
            slots += [{v.column: bound.get(v, v) for v in e.cell} for e in total.entries for _ in range(e.power)]
    for slot in slots:
        for column in law.strata:
            slot.setdefault(column, Level(column, "", next(numbers)))
    seen = Counter(level for slot in slots for level in slot.values())
    drawn = {c for some in law.drawn for c in some}
    return [
        {c: v for c, v in slot.items() if c not in drawn or v.free or seen[v] > 1} for slot in slots
    ]  # a label that is summed over on its own is any label


def _placements(
    columns: Sequence[str], slots: list[Slot], law: Incidence, empty: frozenset[str] | None
) -> Iterator[tuple[list[Slot], Polynomial]]:
    """The ways in which levels of the strata coincide, with the number of ways to choose distinct levels for them.

    Without `empty` levels are not chosen: the values of distinct ones are to be summed.
    """
    if not columns:
        yield slots, ONE
        return
    column, *rest = columns
    points = list(dict.fromkeys(slot[column] for slot in slots))
    parent = law.within.get(column)
    owner = {slot[column]: slot[parent] for slot in slots} if parent else {}
    for number, blocks in counted_partitions(_kinds(points, slots, column), [0] * len(points), 1):
        groups = [[points[n] for n in block] for block in blocks]
        if any(sum(p.free for p in group) > 1 or len({owner.get(p) for p in group}) > 1 for group in groups):
            continue
        stands = {p: min(group, key=lambda q: not q.free) for group in groups for p in group}
        weight = Polynomial.constant(number)
        for within in dict.fromkeys(owner.get(p) for p in points if empty is not None):
            chosen = [v for v in dict.fromkeys(stands.values()) if owner.get(v) == within]
            named = sum(v.free for v in chosen)
            weight = weight * _ways(column, len(chosen) - named, named, within is not None, empty or frozenset())
        placed = [{**slot, column: stands[slot[column]]} for slot in slots]
        for result, more in _placements(rest, placed, law, empty):
            yield result, weight * more


def _kinds(points: Sequence[Level], slots: Sequence[Slot], column: str) -> list[Hashable]:
    """Points of one kind are interchangeable: bound, in a single slot, and their slots are alike otherwise."""
    seen = Counter(level for slot in slots for level in slot.values())
    kinds: list[Hashable] = []
    for point in points:
        if point.free or seen[point] > 1:
            kinds.append(point)
            continue
        (slot,) = (s for s in slots if s[column] == point)
        kinds.append(tuple((c, v if v.free or seen[v] > 1 else None) for c, v in sorted(slot.items()) if c != column))
    return kinds


def _ways(column: str, free: int, named: int, nested: bool, empty: frozenset[str]) -> Polynomial:
    """The number of ways to choose so many distinct levels besides the named ones."""
    if not nested:
        return _falling(free, named, lambda p: Polynomial.symbol(levels_symbol(column, empty), p))
    if free and named:
        raise UnsupportedError(
            f"a named level of {column} besides sums over such levels, whose number is random, has no moments of its "
            "own in the sampling law; ask for sums over levels, with ma.over(...), or given=ma.design"
        )
    what = What("value", ((number_within(column), 1),))
    return _falling(free, 0, lambda p: Polynomial.symbol(Moment((((("", what), p),),))))


def levels_symbol(column: str, empty: frozenset[str]) -> DesignTotal:
    """The number of levels of a column; of all of them, where some may have no observation."""
    return single((), What("units", (), (column,))) if column in empty else DesignTotal((column,), ())


def _falling(free: int, taken: int, power: Callable[[int], Polynomial]) -> Polynomial:
    """x (x - 1) ... with `free` factors, the first `taken` left out; `power` gives the powers of x."""
    result = Polynomial()
    for exponent, coefficient in enumerate(falling_factorial(free, taken)):
        result = result + (power(exponent) if exponent else ONE).scale(coefficient)
    return result


def _over_strata(slots: Sequence[Slot], law: Incidence, power: Callable[[Cell, int], Polynomial]) -> Polynomial:
    """The expectation for slots whose strata are told apart: distinct ones are independent; `power` is that of n."""
    strata: dict[Cell, list[Slot]] = {}
    for slot in slots:
        strata.setdefault(cell_of({c: slot[c] for c in law.strata}), []).append(slot)
    labels = [[{c: v for c, v in s.items() if c not in law.strata} for s in inside] for inside in strata.values()]
    if not any(label for inside in labels for label in inside):
        result = ONE
        for stratum, inside in zip(strata, labels, strict=True):
            result = result * power(stratum, len(inside))
        return result
    result = Polynomial()
    options = [list(_coincidences(inside)) for inside in labels]
    for chosen in product(*options):
        value = _labelled(
            [
                [inside[n] for n in block]
                for inside, (_, blocks) in zip(labels, chosen, strict=True)
                for block in blocks
            ],
            law,
        )
        for stratum, (number, blocks) in zip(strata, chosen, strict=True):
            value = value * _falling(len(blocks), 0, partial(power, stratum)).scale(number)
        result = result + value
    return result


def _coincidences(labels: Sequence[Slot]) -> Iterator[tuple[int, Blocks]]:
    """Which slots of a stratum hold the same observation; slots with the same labels are interchangeable."""
    return counted_partitions([tuple(sorted(label.items())) for label in labels], [0] * len(labels), 1)


def _count_power(power: int, law: Incidence) -> Polynomial:
    """E[n^power] of the number of observations of a stratum; n itself, where it is fixed."""
    if not law.strata:
        return Polynomial.symbol(single((), SIZE), power) if power else ONE
    return Polynomial.symbol(Moment((((("", What(COUNT, (), law.strata)), power),),))) if power else ONE


def _labelled(observations: Sequence[Sequence[Slot]], law: Incidence) -> Polynomial:
    """The probability that different observations have the labels of their slots, summed over the bound levels."""
    unifier = Unifier(0)
    try:
        for inside in observations:
            first: Slot = {}
            for slot in inside:
                for column, level in slot.items():
                    unifier.unify(level, first.setdefault(column, level))
    except Contradiction:
        return Polynomial()
    powers: Counter[tuple[Cell, Columns]] = Counter()
    for inside in observations:
        labels = {c: unifier.find(v) for slot in inside for c, v in slot.items()}
        for some in law.drawn:
            asked = tuple(c for c in some if c in labels)
            if asked:
                powers[cell_of({c: labels[c] for c in asked}), asked] += 1
    _sum_out(powers)
    entries = [Entry(cell, What("value", ((probability(columns), 1),)), p) for (cell, columns), p in powers.items()]
    result = ONE
    for levels, part in components({v for e in entries for v in e.cell if not v.free}, entries):
        cell, what, power = part[0]
        found = Polynomial.symbol(canonical(levels, part)) if levels else Polynomial.symbol(single(cell, what), power)
        result = result * found
    return result


def _sum_out(powers: Counter[tuple[Cell, Columns]]) -> None:
    """Probabilities sum to 1, and joint ones to those of the other labels."""
    progress = True
    while progress:
        progress = False
        for level in {v for cell, _ in powers for v in cell if not v.free}:
            touching = [key for key in powers if level in key[0]]
            if len(touching) == 1 and powers[touching[0]] == 1:
                cell, columns = touching[0]
                del powers[cell, columns]
                rest = tuple(c for c in columns if c != level.column)
                if rest:
                    powers[tuple(v for v in cell if v != level), rest] += 1
                progress = True
                break


def readable(polynomial: Polynomial) -> Polynomial:
    """Each parameter's coefficient in raw moments, or in cumulants where shorter: Var(N), not E(N^2) - E(N)^2."""
    result = Polynomial()
    for outside, constant in cancelled(polynomial).split(lambda s: isinstance(s, str)).items():
        other = _in_cumulants(constant)
        shorter = other if len(other.terms) < len(constant.terms) else constant
        result = result + shorter * Polynomial({outside: Fraction(1)})
    return result


def is_law_constant(what: What) -> bool:
    """Whether a value on a level is one that the incidence gives: a probability, or a number of levels within."""
    return what.kind == "value" and what.monomial[0][0].kind == "law"


def _in_cumulants(polynomial: Polynomial) -> Polynomial:
    """Write E[n^p] in the cumulants of n."""

    def value(symbol: object, power: int) -> Polynomial | None:
        if not isinstance(symbol, Moment) or symbol.given or [len(a) for a in symbol.arguments] != [1]:
            return None
        (((who, order),),) = symbol.arguments
        if who[1].kind != COUNT and not is_law_constant(who[1]):
            return None
        result = Polynomial()
        for partition in set_partitions(order):
            term = ONE
            for block in partition:
                term = term * Polynomial.symbol(Moment((((who, 1),),) * len(block)))
            result = result + term
        return result**power

    return polynomial.substitute(value)
