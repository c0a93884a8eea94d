"""Order statistics of the standard normal law: where points of a quantile plot are expected, and how far they stray."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def expected(ranks: Array, count: int) -> Array:
    """The normal quantiles of (i - 3/8)/(n + 1/4) for ranks i from 1 (Blom 1958), nearly the expectations."""
    return _normal((ranks - 0.375) / (count + 0.25))


def band(ranks: Array, count: int, level: float) -> tuple[Array, Array]:
    """Between which values the order statistics of n independent normal observations lie, each with this probability.

    The i-th smallest of n uniform observations is Beta(i, n + 1 - i); its quantiles are taken from the normal law
    (Abramowitz and Stegun 1964, 26.5.22), within 0.06 of the answer at most, at the ends exactly, 1 - (1 - p)^(1/n).
    """
    tail = (1 - level) / 2
    low = _normal(_beta(tail, ranks, count))
    return low, -_normal(_beta(tail, count + 1 - ranks, count))


def _beta(p: float, ranks: Array, count: int) -> Array:
    """The p-quantile of Beta(i, n + 1 - i)."""
    import numpy as np

    a, b = ranks.astype(float), count + 1.0 - ranks
    y = -NormalDist().inv_cdf(p)  # of the upper tail
    below, above = 1 / (2 * a - 1), 1 / (2 * b - 1)
    h, third = 2 / (below + above), (y * y - 3) / 6
    w = y * np.sqrt(h + third, where=h + third > 0, out=np.zeros_like(a)) / h
    w -= (above - below) * (third + 5 / 6 - 2 / (3 * h))
    found: Array = a / (a + b * np.exp(2 * w))
    found[ranks == 1] = 1 - (1 - p) ** (1 / count)
    found[ranks == count] = p ** (1 / count)
    return found


def _normal(p: Array) -> Array:
    import numpy as np

    inverse = NormalDist().inv_cdf
    return np.array([inverse(float(value)) for value in p])
