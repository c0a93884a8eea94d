"""The Poisson law of a size: arrivals at a constant rate. A unit may be empty."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import floor
from typing import TYPE_CHECKING, Any

from momentalg.model.distributions.base import Distribution, Size, SizeLaw, given_or_free, in_words
from momentalg.model.distributions.combinatorics import raw_moment
from momentalg.model.distributions.exact import ExactLike, positive
from momentalg.model.distributions.series import PowerSeries

if TYPE_CHECKING:
    import numpy as np

    from momentalg.model.distributions.base import Array


@lru_cache(maxsize=64)  # a series remembers the sum of its weights
def poisson_series(rate: Fraction, first: int) -> PowerSeries:
    """The weights rate^k / k! on first, first + 1, ..."""
    return PowerSeries(lambda k: rate / (k + 1), first, max(first, floor(rate)), Fraction(0))


@dataclass(frozen=True, init=False, repr=False)
class Poisson(SizeLaw):
    """P(N = k) = e^-mean mean^k / k!; its k-th factorial moment is mean^k."""

    mean_size: Fraction | None
    symbol: str

    def __init__(self, mean: ExactLike | None = None, *, symbol: str = "lambda") -> None:
        self._set(mean_size=None if mean is None else positive(mean, "the mean of a Poisson law"), symbol=symbol)

    @property
    def parameters(self) -> dict[str, Fraction | None]:
        return {"mean": self.mean_size}

    @property
    def support_min(self) -> int:
        return 0

    def raw(self, p: int) -> Any:
        rate = given_or_free(self.mean_size, self.symbol)
        return raw_moment(p, lambda k: rate**k)

    def probability(self, k: int) -> Any:
        if self.mean_size is not None:
            return poisson_series(self.mean_size, 0).probability(k)
        import sympy

        rate = given_or_free(None, self.symbol)
        return sympy.exp(-rate) * rate**k / sympy.factorial(k)

    def truncated(self) -> SizeLaw:
        from momentalg.model.distributions.zero_truncated_poisson import ZeroTruncatedPoisson

        return ZeroTruncatedPoisson(self.mean_size, symbol=self.symbol)

    def draw(self, rng: np.random.Generator, size: Size) -> Array:
        return rng.poisson(float(self.mean_size or 0), size)

    def describe(self) -> str:
        return f"Poisson with mean {in_words(self.mean_size, self.symbol)}"


DISTRIBUTION = Distribution(
    name="poisson",
    title="Poisson",
    law=Poisson,
    roles=("size",),
    examples=(Poisson(3), Poisson("1/2"), Poisson(40)),
    free=Poisson(),
    source="Johnson, Kemp and Kotz, Univariate Discrete Distributions, 3rd ed., chapter 4",
)
