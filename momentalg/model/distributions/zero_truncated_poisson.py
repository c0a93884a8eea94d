"""The Poisson law of a size given that the unit was seen: N given N >= 1."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from momentalg.model.distributions.base import Distribution, Size, SizeLaw, given_or_free, in_words
from momentalg.model.distributions.exact import ExactLike, positive
from momentalg.model.distributions.poisson import Poisson, poisson_series

if TYPE_CHECKING:
    import numpy as np

    from momentalg.model.distributions.base import Array


@dataclass(frozen=True, init=False, repr=False)
class ZeroTruncatedPoisson(SizeLaw):
    """P(N = k) = rate^k / (k! (e^rate - 1)), k = 1, 2, ...

    `rate` is the mean of the Poisson law before truncation, not E[N] = rate / (1 - e^-rate).
    """

    rate: Fraction | None
    symbol: str

    def __init__(self, rate: ExactLike | None = None, *, symbol: str = "lambda") -> None:
        self._set(rate=None if rate is None else positive(rate, "the rate of a Poisson law"), symbol=symbol)

    @property
    def parameters(self) -> dict[str, Fraction | None]:
        return {"rate": self.rate}

    @property
    def support_min(self) -> int:
        return 1

    def raw(self, p: int) -> Any:
        if self.rate is not None:
            return poisson_series(self.rate, 1).moment(p)
        import sympy

        rate = given_or_free(None, self.symbol)
        if p > 0:
            return Poisson(symbol=self.symbol).raw(p) / (1 - sympy.exp(-rate))
        # sum_k rate^k / (k! k^q), k = j + 1: each 1/(j + 1) is (1)_j / (2)_j, and 1/(j + 1)! is 1/(2)_j
        q = -p
        return rate * sympy.hyper([1] * (q + 1), [2] * (q + 1), rate) / (sympy.exp(rate) - 1)

    def probability(self, k: int) -> Any:
        if self.rate is not None:
            return poisson_series(self.rate, 1).probability(k)
        import sympy

        rate = given_or_free(None, self.symbol)
        return rate**k / (sympy.factorial(k) * (sympy.exp(rate) - 1))

    def draw(self, rng: np.random.Generator, size: Size) -> Array:
        import numpy as np

        # the first arrival given that there is one, by inversion; then the arrivals that follow it
        rate = float(self.rate or 0)
        first = -np.log1p(rng.random(size) * np.expm1(-rate))
        drawn: Array = 1 + rng.poisson(np.maximum(rate - first, 0.0))
        return drawn

    def describe(self) -> str:
        return f"Poisson with rate {in_words(self.rate, self.symbol)}, given N >= 1"


DISTRIBUTION = Distribution(
    name="zero-truncated poisson",
    title="Zero-truncated Poisson",
    law=ZeroTruncatedPoisson,
    roles=("size",),
    examples=(ZeroTruncatedPoisson(3), ZeroTruncatedPoisson("1/10"), ZeroTruncatedPoisson(50)),
    free=ZeroTruncatedPoisson(),
    source="Johnson, Kemp and Kotz, Univariate Discrete Distributions, 3rd ed., section 4.10",
)
