"""What one pass accumulates: sums of products of row symbols, per level or over all rows, and nothing else.

Sums are taken about shifts. When two sets of sums meet, one is re-centred: with d = old shift - new shift,
(s + d)^p is expanded, so that what a sum needs for this is kept beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from math import comb, prod

from momentalg.lower.arrays import Expr, Ref, SumLevels, const, plus, power, times
from momentalg.lower.ir import Accumulator, Powers, Quantity


def multiply(first: Powers, second: Powers) -> Powers:
    """The product of two products of powers."""
    found = dict(first)
    for name, exponent in second:
        found[name] = found.get(name, 0) + exponent
    return tuple(sorted((name, e) for name, e in found.items() if e))


def label(powers: Powers) -> str:
    """A name part for a product of powers: x2_y for x**2 * y."""
    return "_".join(name + (str(e) if e > 1 else "") for name, e in powers)


def formula(powers: Powers) -> str:
    """A product of powers as it is written."""
    return " * ".join(name + (f"**{e}" if e > 1 else "") for name, e in powers) or "1"


class Accumulators:
    """Collects the sums that are asked for; `finish` completes them with what re-centring needs."""

    def __init__(self, shifted: Iterable[str]) -> None:
        self.shifted = frozenset(shifted)
        self._levels: dict[Powers, None] = {}
        self._totals: dict[Powers, None] = {}

    def per_level(self, powers: Powers) -> Ref:
        """The sum over the rows of each level; the size of the level for the empty product."""
        self._levels[powers] = None
        return Ref(f"sum_{label(powers)}" if powers else "size", "levels")

    def total(self, powers: Powers) -> Ref:
        """The sum over all rows; their number for the empty product."""
        self._totals[powers] = None
        return Ref(f"total_{label(powers)}" if powers else "n")

    def finish(self) -> tuple[tuple[Accumulator, ...], tuple[Quantity, ...]]:
        """The accumulators, and the totals that are sums of per-level ones."""
        self._levels[()] = None
        for powers in list(self._levels):
            self._levels.update(dict.fromkeys(self._divisors(powers)))
        kept = dict(self._totals)
        for powers in list(self._totals):
            kept.update(dict.fromkeys(self._divisors(powers)))
        order = sorted(self._levels, key=_order)
        found = [self._accumulator(p, per_level=True) for p in order if p]
        found += [self._accumulator(p, per_level=False) for p in sorted(kept, key=_order) if p not in self._levels]
        derived = [
            Quantity(
                self.total(p).name,
                SumLevels(self.per_level(p)),
                f"total of {formula(p)}" if p else "the number of rows",
            )
            for p in sorted({*self._totals, ()}, key=_order)
            if p in self._levels
        ]
        return tuple(found), tuple(derived)

    def _divisors(self, powers: Powers) -> list[Powers]:
        """The products that appear when the shifted symbols of `powers` are moved."""
        choices = [[(n, k) for k in (range(e + 1) if n in self.shifted else (e,))] for n, e in powers]
        return [tuple((n, k) for n, k in choice if k) for choice in product(*choices)]

    def _accumulator(self, powers: Powers, per_level: bool) -> Accumulator:
        terms: list[Expr] = []
        exponents = dict(powers)
        for kept in sorted(self._divisors(powers), key=_order, reverse=True):
            below = dict(kept)
            moved = {n: e - below.get(n, 0) for n, e in exponents.items()}
            weight = const(prod(comb(e, moved[n]) for n, e in exponents.items()))
            moves = [power(Ref(f"move_{n}"), d) for n, d in moved.items() if d]
            if per_level:
                part: Expr = Ref(f"sum_{label(kept)}" if kept else "size", "levels")
            elif kept in self._levels:
                part = SumLevels(Ref(f"sum_{label(kept)}" if kept else "size", "levels"))
            else:
                part = Ref(f"total_{label(kept)}")
            terms.append(times(weight, *moves, part))
        name = ("sum_" if per_level else "total_") + label(powers)
        return Accumulator(name, powers, per_level, plus(*terms), formula(powers))


def _order(powers: Powers) -> tuple[int, Powers]:
    return sum(e for _, e in powers), powers
