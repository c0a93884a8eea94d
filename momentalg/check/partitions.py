"""From raw moments to joint cumulants and back, by one recursion over the block of the first argument.

    E[x_1 ... x_k] = sum over subsets B that contain 1 of  kappa(B) E[product of the rest]

which is the sum over all set partitions, summed block by block. Arguments are sorted multisets of anything
comparable; equal arguments are counted once, with a binomial multiplicity.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from fractions import Fraction
from itertools import groupby, product
from math import comb
from typing import Any

Multiset = tuple[Any, ...]
"""A sorted tuple of hashable, comparable things, each as often as it occurs."""


def splits(items: Multiset) -> Iterator[tuple[int, Multiset, Multiset]]:
    """Yield (how many ways, block, rest) for each block that contains the first item of a non-empty multiset."""
    counts = [(value, len(list(same))) for value, same in groupby(items[1:])]
    for chosen in product(*(range(n + 1) for _, n in counts)):
        ways = 1
        block, rest = [items[0]], []
        for (value, n), k in zip(counts, chosen, strict=True):
            ways *= comb(n, k)
            block += [value] * k
            rest += [value] * (n - k)
        yield ways, tuple(sorted(block)), tuple(rest)


class MomentsFromCumulants:
    """Raw moments E[product of items], from a function giving their joint cumulants. Remembers both."""

    def __init__(self, cumulant: Callable[[Multiset], Fraction]) -> None:
        self._cumulant = cumulant
        self._cumulants: dict[Hashable, Fraction] = {}
        self._moments: dict[Hashable, Fraction] = {(): Fraction(1)}

    def __call__(self, items: Multiset) -> Fraction:
        """The raw moment of the sorted multiset `items`."""
        if items not in self._moments:
            total = Fraction(0)
            for ways, block, rest in splits(items):
                if block not in self._cumulants:
                    self._cumulants[block] = self._cumulant(block)
                if kappa := self._cumulants[block]:
                    total += ways * kappa * self(rest)
            self._moments[items] = total
        return self._moments[items]


class CumulantsFromMoments:
    """Joint cumulants kappa(items), from a function giving raw moments. Remembers both."""

    def __init__(self, moment: Callable[[Multiset], Fraction]) -> None:
        self._moment = moment
        self._moments: dict[Hashable, Fraction] = {(): Fraction(1)}
        self._cumulants: dict[Hashable, Fraction] = {}

    def _raw(self, items: Multiset) -> Fraction:
        if items not in self._moments:
            self._moments[items] = self._moment(items)
        return self._moments[items]

    def __call__(self, items: Multiset) -> Fraction:
        """The joint cumulant of the sorted, non-empty multiset `items`."""
        if items not in self._cumulants:
            total = self._raw(items)
            for ways, block, rest in splits(items):
                if rest:
                    total -= ways * self(block) * self._raw(rest)
            self._cumulants[items] = total
        return self._cumulants[items]
