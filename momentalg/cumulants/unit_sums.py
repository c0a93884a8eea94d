"""Sums over units: joint cumulants of design totals, over the design of i.i.d. units.

A sum over units runs over their coincidences: m of them alike, m (m - 1) pairs of different ones, and so on; where
something is known of the units, distinct ones are all of them less the coincidences (Moebius inversion).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import count, product
from math import factorial
from typing import Any

from momentalg.cumulants.crossed import crossed_cumulant, random_totals
from momentalg.cumulants.design_moments import (
    NONEMPTY,
    Known,
    Letter,
    Letters,
    cumulant_of_letters,
    entry_variables,
    is_effect,
    is_zero_when_empty,
    multiply_letters,
    size_variable,
)
from momentalg.cumulants.letters import Unit, entries_of, letters_of, to_letters, unit_named, unit_of, units_symbol
from momentalg.cumulants.normal_form import Unifier, normal_form
from momentalg.cumulants.partitions import falling_factorial, set_partitions
from momentalg.cumulants.polynomial import Polynomial, Powers
from momentalg.cumulants.terms import SIZE, Entry, Level, Term, cell_of
from momentalg.cumulants.totals import DesignTotal
from momentalg.errors import UnsupportedError
from momentalg.expr.names import join_factor
from momentalg.model.resolved import ResolvedModel


def design_cumulant(polynomials: Sequence[Polynomial], known: Known, model: ResolvedModel) -> Polynomial:
    """The joint cumulant, over the design given `known`, of polynomials in design variables and parameters."""
    found: list[tuple[Powers, Fraction]] = []
    split, joined = (_units, _over_units) if model.has_unit else (random_totals, crossed_cumulant)
    for picked in product(*(p.terms.items() for p in polynomials)):
        coefficient = Polynomial.constant(1)
        summands: list[tuple[Any, int]] = []  # letters of a product, with bound units numbered from 0; design totals
        realised = False
        for monomial, number in picked:
            fixed, letters, bound, ratio = split(monomial, sum(b for _, b in summands), known, model)
            coefficient = coefficient * fixed.scale(number)
            summands.append((letters, bound))
            realised |= ratio
        value = _realised(picked, polynomials) if realised else coefficient * joined(summands, known, model)
        found.extend(value.terms.items())
    return Polynomial(found)


def _realised(
    picked: Sequence[tuple[frozenset[tuple[object, int]], Fraction]], polynomials: Sequence[Polynomial]
) -> Polynomial:
    """A ratio over the whole sample stays the value it takes in the data; it has no variance in closed form."""
    if len(polynomials) > 1:
        raise UnsupportedError(
            "a ratio over the whole sample, such as a square divided by the number of observations, has no closed "
            "variance over random designs; ask for it given the design, with given=ma.design"
        )
    if any(is_effect(e.what) for s, _ in picked[0][0] if isinstance(s, DesignTotal) for e in s.entries):
        raise UnsupportedError(
            "given the effects, a ratio over the whole sample has no closed expectation over random designs; "
            "condition on the design first, as in via=[N, 'user'], or ask for it given=ma.design"
        )
    return Polynomial([picked[0]])


def _determined(symbol: DesignTotal, known: Known, model: ResolvedModel) -> bool:
    """Whether a design total is a function of what is known of every unit."""
    if symbol == units_symbol(model):
        return True
    for entry in symbol.entries:
        detail = entry.what.detail
        if isinstance(detail, Polynomial):
            inner = [s for s in detail.symbols() if isinstance(s, DesignTotal)]
        elif isinstance(detail, DesignTotal):
            inner = [detail]
        elif not entry_variables(entry, model) <= known:
            return False
        else:
            continue
        if not all(_determined(s, known, model) for s in inner):
            return False
    return bool(symbol.entries) or size_variable(model) in known


def _units(
    monomial: frozenset[tuple[object, int]], start: int, known: Known, model: ResolvedModel
) -> tuple[Polynomial, Letters, int, bool]:
    """Split a monomial into its constants, its letters and its number of bound units; and whether it has a ratio.

    A ratio of what is known is a constant.
    """
    fixed = Polynomial.constant(1)
    letters: list[Letters] = []
    bound = 0
    for symbol, power in monomial:
        if isinstance(symbol, Letter):
            letters.append(frozenset({(symbol, power)}))
        elif not isinstance(symbol, DesignTotal) or symbol == units_symbol(model):
            fixed = fixed * Polynomial.symbol(symbol, power)
        elif power < 0 or any(e.what.kind == "named" for e in symbol.entries):
            if not _determined(symbol, known, model):
                return fixed, frozenset(), 0, True
            fixed = fixed * Polynomial.symbol(symbol, power)
        else:
            for _ in range(power):
                new, width = _sum_letters(symbol, start + bound, model)
                letters.append(new)
                bound += width
    return fixed, multiply_letters(letters), bound, False


def _sum_letters(total: DesignTotal, start: int, model: ResolvedModel) -> tuple[Letters, int]:
    """A design total as a sum over units: the letters of its summand, and how many units it runs over."""
    if not total.levels:  # a total over all observations is the sum of the totals of the units
        letters = [frozenset({(Letter(start, "", total.entries[0].what), 1)})]
        width = 1
    else:
        letters, width = _summand(total, start, model)
    if join_factor(model.unit) in model.may_be_empty:
        positive = {x.unit for part in letters for x, p in part if is_zero_when_empty(x.what, p)}
        apart = set(range(start, start + width)) - positive
        letters += [frozenset({(Letter(unit, "", NONEMPTY), 1)}) for unit in apart]
    return multiply_letters(letters), width


def _summand(total: DesignTotal, start: int, model: ResolvedModel) -> tuple[list[Letters], int]:
    """The letters of a sum over levels of units and, within them, of the factors nested in the unit."""
    inside: dict[Unit, list[Entry]] = {}
    for entry in total.entries:
        unit = unit_of(entry, model)
        if unit is None:
            raise UnsupportedError(_joins_units(entry, model))
        inside.setdefault(unit, []).append(entry)
    places = [level for unit in inside for level in unit]
    if len(set(places)) < len(places):
        raise UnsupportedError(_joins_units(total.entries[0], model))
    alone = {Level(c, "", n) for n, c in enumerate(total.levels) if c in model.unit} - set(places)
    letters = [
        frozenset({pair})
        for number, (unit, entries) in enumerate(inside.items(), start)
        for pair in letters_of(entries, unit, number)
    ]
    return letters, len(inside) + len(alone)


def _joins_units(entry: Entry, model: ResolvedModel) -> str:
    columns = join_factor(tuple(v.column for v in entry.cell)) or "the whole data"
    unknown = [v.column for v in entry.cell if v.column in model.coded and model.coded[v.column] is None]
    if unknown:
        return (
            f"the levels of {unknown[0]} are not known, and labels have no moments before they are: give them, "
            f"fixed={{{unknown[0]!r}: [...]}} or model.with_levels(frame), or ask given the design, given=ma.design"
        )
    return (
        f"levels of {join_factor(model.unit)} are the i.i.d. units, and a total by {columns} joins several of them: "
        "its moments over random designs are not derivable; ask for it given the design, with given=ma.design"
    )


def _over_units(summands: Sequence[tuple[Letters, int]], known: Known, model: ResolvedModel) -> Polynomial:
    """Sum the joint cumulant over all units, by which of the bound units coincide with which."""
    bound = sum(width for _, width in summands)
    named = sorted({x.unit for letters, _ in summands for x, _ in letters if isinstance(x.unit, str)})
    points: list[str | int] = [*named, *range(bound)]
    result = Polynomial()
    for partition in set_partitions(len(points)):
        blocks = [[points[n] for n in block] for block in partition]
        if any(sum(isinstance(p, str) for p in block) > 1 for block in blocks):
            continue  # two names are two units
        stands = {
            p: next((q for q in block if isinstance(q, str)), min(block, key=str)) for block in blocks for p in block
        }
        merged = [
            multiply_letters(frozenset({(x._replace(unit=stands[x.unit]), p)}) for x, p in letters)
            for letters, _ in summands
        ]
        value = cumulant_of_letters(merged, known, model)
        free = [s for s in dict.fromkeys(stands.values()) if isinstance(s, int)]
        result = result + _distinct_units(value, free, named, model)
    return result


def _distinct_units(value: Polynomial, free: list[int], named: Sequence[str], model: ResolvedModel) -> Polynomial:
    """Sum over distinct units, other than the named ones: a count, or design totals where some are known."""
    if not free:
        return value
    if not any(isinstance(s, Letter) and isinstance(s.unit, int) for s in value.symbols()):
        counts = falling_factorial(len(free), len(named))
        number = Polynomial(
            (frozenset({(units_symbol(model), p)}) if p else frozenset(), Fraction(c)) for p, c in enumerate(counts)
        )
        return value * number
    result = Polynomial()
    points: list[str | int] = [*named, *free]
    for partition in set_partitions(len(points)):  # distinct = all, less the coincidences (Moebius)
        blocks = [[points[n] for n in block] for block in partition]
        if any(sum(isinstance(p, str) for p in block) > 1 for block in blocks):
            continue
        sign = 1
        stands: dict[str | int, str | int] = {}
        for block in blocks:
            sign *= (-1) ** (len(block) - 1) * factorial(len(block) - 1)
            stands |= {p: next((q for q in block if isinstance(q, str)), block[0]) for p in block}
        result = result + _unrestricted(value, stands, model).scale(sign)
    return result


def _unrestricted(value: Polynomial, stands: dict[str | int, str | int], model: ResolvedModel) -> Polynomial:
    """Sum letters over the units that `stands` leaves free, without restriction, in normal form."""
    free = [s for s in dict.fromkeys(stands.values()) if isinstance(s, int)]
    numbers = count()
    place: dict[str | int, Unit] = {unit: tuple(Level(c, "", next(numbers)) for c in model.unit) for unit in free}
    result = Polynomial()
    for monomial, coefficient in value.terms.items():
        letters = [(x._replace(unit=stands[x.unit]), p) for x, p in monomial if isinstance(x, Letter)]
        rest = frozenset((s, p) for s, p in monomial if not isinstance(s, Letter))
        entries: list[Entry] = []
        bound = [level for unit in place.values() for level in unit]
        for x, p in letters:
            new, inner = entries_of(x, p, place.get(x.unit) or unit_named(str(x.unit), model), numbers)
            entries += new
            bound += inner
        if len(model.unit) > 1:  # the levels of a unit of several columns belong together
            entries += [Entry(cell_of({v.column: v for v in unit}), SIZE, 0) for unit in place.values()]
        term = Term(Fraction(1), (), tuple(entries), frozenset(bound))
        design = normal_form(term, model, Unifier(next(numbers)))
        if design is not None:
            result = result + to_letters(Polynomial({design: coefficient}), model) * Polynomial({rest: Fraction(1)})
    return result
