"""From factorial moments to raw moments, and from raw moments to cumulants.

Written for any numbers that can be added and multiplied: Fractions, intervals, SymPy expressions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import comb
from typing import Any


@cache
def stirling2(n: int, k: int) -> int:
    """The number of partitions of n things into k non-empty blocks.

    Thing n is either a block of its own, or joins one of the k blocks of the others.
    """
    if n == 0 or k == 0:
        return int(n == k)
    return stirling2(n - 1, k - 1) + k * stirling2(n - 1, k)


def raw_moment(p: int, factorial_moment: Callable[[int], Any]) -> Any:
    """E[N^p] from E[N(N-1)...(N-k+1)], k = 1..p, by N^p = sum_k S(p, k) N(N-1)...(N-k+1)."""
    total = stirling2(p, 1) * factorial_moment(1)
    for k in range(2, p + 1):
        total = total + stirling2(p, k) * factorial_moment(k)
    return total


def cumulant(n: int, moment: Callable[[int], Any]) -> Any:
    """The n-th cumulant from the raw moments 1..n.

    A moment is the sum over set partitions; splitting off the block of the first factor gives
    m_n = sum_k C(n-1, k-1) kappa_k m_(n-k), which is solved for kappa_n.
    """
    moments = {k: moment(k) for k in range(1, n + 1)}
    kappa: dict[int, Any] = {}
    for order in range(1, n + 1):
        value = moments[order]
        for k in range(1, order):
            value = value - comb(order - 1, k - 1) * kappa[k] * moments[order - k]
        kappa[order] = value
    return kappa[n]
