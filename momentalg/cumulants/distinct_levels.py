"""Sums over distinct levels: sums over all levels, less the coincidences (Moebius inversion)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import factorial

from momentalg.cumulants.partitions import set_partitions
from momentalg.cumulants.polynomial import Polynomial
from momentalg.cumulants.terms import SIZE, Entry, Level
from momentalg.cumulants.totals import DesignTotal, single


def over_distinct(value: Polynomial, levels: Iterable[Level]) -> Polynomial:
    """A polynomial in the sizes of distinct levels of one column, summed over the bound ones among them."""
    points = list(levels)
    result = Polynomial()
    for partition in set_partitions(len(points)):
        blocks = [[points[n] for n in block] for block in partition]
        if any(sum(p.free for p in block) > 1 for block in blocks):
            continue
        sign = 1
        for block in blocks:
            sign *= (-1) ** (len(block) - 1) * factorial(len(block) - 1)
        stands = {p: min(block, key=lambda q: not q.free) for block in blocks for p in block}
        for monomial, coefficient in value.terms.items():
            powers: Counter[Level] = Counter()
            product = Polynomial.constant(coefficient * sign)
            for symbol, power in monomial:
                level = _level(symbol, points)
                if level is None:
                    product = product * Polynomial.symbol(symbol, power)
                else:
                    powers[stands[level]] += power
            for level, power in powers.items():
                product = product * _summed(level, power)
            result = result + product
    return result


def _level(symbol: object, points: list[Level]) -> Level | None:
    """The level whose size a symbol is."""
    if not isinstance(symbol, DesignTotal) or symbol.levels or symbol.entries[0].what != SIZE:
        return None
    (level,) = symbol.entries[0].cell
    return level if level in points else None


def _summed(level: Level, power: int) -> Polynomial:
    """N_i^p of a named level, sum_i N_i^p of a bound one; sum_i N_i is the number of observations."""
    if level.free:
        return Polynomial.symbol(single((level,), SIZE), power)
    if power == 1:
        return Polynomial.symbol(single((), SIZE))
    cell = (Level(level.column, "", 0),)
    return Polynomial.symbol(DesignTotal((level.column,), (Entry(cell, SIZE, power),)))
