"""Moments of a law on whole numbers whose weights follow a ratio, summed with a bound on what is left out.

With w_(k+1)/w_k known and rational, weights are built from w = 1 at the mode, up and down, so that neither
exponentials nor overflows occur; E[N^p] is the quotient of two sums. Each tail is bounded by a geometric series.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from momentalg.model.distributions.bounded import DOWN, UP, Interval

if TYPE_CHECKING:
    import numpy as np

_NEGLIGIBLE = Decimal(10) ** -40  # of the sum so far; far below the 2e-16 of a float


@dataclass(frozen=True)
class PowerSeries:
    """Weights on first, first + 1, ... with ``ratio(k)`` = w_(k+1) / w_k.

    The ratio is monotone in k with limit `limit` < 1. If `mode` > `first`, it decreases (the weights are log-concave).
    """

    ratio: Callable[[int], Fraction]
    first: int
    mode: int
    limit: Fraction

    def moment(self, p: int) -> Interval:
        """E[N^p]; a negative p needs first >= 1."""
        if p < 0 and self.first < 1:
            raise ZeroDivisionError("a negative power of a law that may be zero")
        return self._sum(p) / self._mass

    def probability(self, k: int) -> Interval:
        """P(N = k)."""
        if k < self.first:
            return Interval.of(0)
        weight = Interval.of(1)
        for j in range(self.mode, k):
            weight = weight * self.ratio(j)
        for j in range(self.mode, k, -1):
            weight = weight / self.ratio(j - 1)
        return weight / self._mass

    @cached_property
    def _mass(self) -> Interval:
        """The sum of the weights."""
        return self._sum(0)

    def sample(self, rng: np.random.Generator, size: int | tuple[int, ...]) -> np.ndarray[Any, Any]:
        """Draw by inversion, from a table of floats whose neglected weights are below 1e-18 of the largest."""
        import numpy as np

        smallest, cumulated = self._table
        drawn = np.searchsorted(cumulated, rng.random(size) * cumulated[-1], side="right")
        values: np.ndarray[Any, Any] = np.minimum(drawn, len(cumulated) - 1) + smallest
        return values

    @cached_property
    def _table(self) -> tuple[int, np.ndarray[Any, Any]]:
        """The smallest number that is drawn, and the sums of the weights from there on."""
        import numpy as np

        up, down = [1.0], [1.0]
        k = self.mode
        while up[-1] > 1e-18:
            up.append(up[-1] * float(self.ratio(k)))
            k += 1
        k = self.mode
        while k > self.first and down[-1] > 1e-18:
            k -= 1
            down.append(down[-1] / float(self.ratio(k)))
        return k, np.cumsum(np.array(down[:0:-1] + up))

    def _sum(self, p: int) -> Interval:
        """The sum of k^p w_k, with w = 1 at the mode."""
        start = Decimal(1)
        total = Interval(_scaled(start, self.mode, p, DOWN), _scaled(start, self.mode, p, UP))
        return total + self._above(p, total.lo) + self._below(p, total.lo)

    def _above(self, p: int, reference: Decimal) -> Interval:
        """The part of the sum beyond the mode."""
        low = high = Decimal(1)
        total_low = total_high = Decimal(0)
        k = self.mode
        while True:
            ratio = self.ratio(k)
            top, bottom = Decimal(ratio.numerator), Decimal(ratio.denominator)
            low = DOWN.divide(DOWN.multiply(low, top), bottom)
            high = UP.divide(UP.multiply(high, top), bottom)
            k += 1
            total_low = DOWN.add(total_low, _scaled(low, k, p, DOWN))
            term = _scaled(high, k, p, UP)
            total_high = UP.add(total_high, term)
            if term > UP.multiply(_NEGLIGIBLE, UP.add(reference, total_low)):
                continue
            # beyond k, terms shrink at least by this factor: the ratio is monotone, (j+1)/j decreases
            growth = Fraction(k + 1, k) ** max(p, 0) * max(self.ratio(k), self.limit)
            if growth < 1:
                tail = UP.multiply(term, Interval.of(growth / (1 - growth)).hi)
                return Interval(total_low, UP.add(total_high, tail))

    def _below(self, p: int, reference: Decimal) -> Interval:
        """The part of the sum before the mode."""
        low = high = Decimal(1)
        total_low = total_high = Decimal(0)
        for k in range(self.mode - 1, self.first - 1, -1):
            ratio = self.ratio(k)
            top, bottom = Decimal(ratio.numerator), Decimal(ratio.denominator)
            low = DOWN.divide(DOWN.multiply(low, bottom), top)
            high = UP.divide(UP.multiply(high, bottom), top)
            total_low = DOWN.add(total_low, _scaled(low, k, p, DOWN))
            total_high = UP.add(total_high, _scaled(high, k, p, UP))
            # before k, weights shrink at least by 1/ratio(k - 1), and j^p is at most max(1, k^p) for j >= 1
            largest = UP.multiply(high, Decimal(max(1, k ** max(p, 0))))
            if k > self.first and self.ratio(k - 1) > 1 and largest < UP.multiply(_NEGLIGIBLE, reference):
                shrink = 1 / self.ratio(k - 1)
                tail = UP.multiply(largest, Interval.of(shrink / (1 - shrink)).hi)
                return Interval(total_low, UP.add(total_high, tail))
        return Interval(total_low, total_high)


def _scaled(weight: Decimal, k: int, p: int, context: Context) -> Decimal:
    """The product of weight and k^p, rounded as the context says."""
    return context.multiply(weight, Decimal(k**p)) if p >= 0 else context.divide(weight, Decimal(k**-p))
