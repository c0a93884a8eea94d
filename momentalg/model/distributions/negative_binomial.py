"""The negative binomial law of a size: a Poisson law whose rate is itself gamma distributed. A unit may be empty."""

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
def negative_binomial_series(mean: Fraction, shape: Fraction, first: int) -> PowerSeries:
    """The weights on first, first + 1, ...: w_(k+1)/w_k = (shape + k) q / (k + 1), q = mean/(mean + shape)."""
    q = mean / (mean + shape)
    mode = floor((shape - 1) * mean / shape) if shape > 1 else 0
    return PowerSeries(lambda k: (shape + k) * q / (k + 1), first, max(first, mode), q)


@dataclass(frozen=True, init=False, repr=False)
class NegativeBinomial(SizeLaw):
    """Mean m and shape r: Var N = m + m^2/r; the k-th factorial moment is m^k (1 + 1/r) ... (1 + (k-1)/r)."""

    mean_size: Fraction | None
    shape: Fraction | None
    symbols: tuple[str, str]

    def __init__(
        self,
        mean: ExactLike | None = None,
        shape: ExactLike | None = None,
        *,
        symbols: tuple[str, str] = ("m", "r"),
    ) -> None:
        self._set(
            mean_size=None if mean is None else positive(mean, "the mean of a negative binomial law"),
            shape=None if shape is None else positive(shape, "the shape of a negative binomial law"),
            symbols=symbols,
        )

    @property
    def parameters(self) -> dict[str, Fraction | None]:
        return {"mean": self.mean_size, "shape": self.shape}

    @property
    def support_min(self) -> int:
        return 0

    def raw(self, p: int) -> Any:
        mean, shape = self._values()

        def factorial_moment(k: int) -> Any:
            value = mean**k
            for j in range(1, k):
                value = value * (1 + j / shape)
            return value

        return raw_moment(p, factorial_moment)

    def probability(self, k: int) -> Any:
        mean, shape = self._values()
        if self.mean_size is not None and self.shape is not None and self.shape.denominator != 1:
            return negative_binomial_series(self.mean_size, self.shape, 0).probability(k)
        value = (shape / (shape + mean)) ** (int(shape) if self.shape is not None and not self.free else shape)
        for j in range(k):
            value = value * (shape + j) * mean / ((j + 1) * (mean + shape))
        return value

    def truncated(self) -> SizeLaw:
        from momentalg.model.distributions.zero_truncated_negative_binomial import ZeroTruncatedNegativeBinomial

        return ZeroTruncatedNegativeBinomial(self.mean_size, self.shape, symbols=self.symbols)

    def draw(self, rng: np.random.Generator, size: Size) -> Array:
        mean, shape = self._values()
        drawn: Array = rng.poisson(rng.gamma(float(shape), float(mean / shape), size))
        return drawn

    def describe(self) -> str:
        mean, shape = in_words(self.mean_size, self.symbols[0]), in_words(self.shape, self.symbols[1])
        return f"negative binomial with mean {mean} and shape {shape}"

    def _values(self) -> tuple[Any, Any]:
        return given_or_free(self.mean_size, self.symbols[0]), given_or_free(self.shape, self.symbols[1])


DISTRIBUTION = Distribution(
    name="negative binomial",
    title="Negative binomial",
    law=NegativeBinomial,
    roles=("size",),
    examples=(NegativeBinomial(4, 2), NegativeBinomial("5/2", "1/3"), NegativeBinomial(30, "21/2")),
    free=NegativeBinomial(),
    source="Johnson, Kemp and Kotz, Univariate Discrete Distributions, 3rd ed., chapter 5",
)
