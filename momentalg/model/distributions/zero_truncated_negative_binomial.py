"""The negative binomial law of a size given that the unit was seen: N given N >= 1."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from momentalg.errors import UnsupportedError
from momentalg.model.distributions.base import Distribution, Size, SizeLaw
from momentalg.model.distributions.exact import ExactLike
from momentalg.model.distributions.negative_binomial import NegativeBinomial, negative_binomial_series

if TYPE_CHECKING:
    import numpy as np

    from momentalg.model.distributions.base import Array


@dataclass(frozen=True, init=False, repr=False)
class ZeroTruncatedNegativeBinomial(SizeLaw):
    """P(N = k | N >= 1); `mean` and `shape` are those before truncation: P(N = 0) = (shape/(shape + mean))^shape."""

    whole: NegativeBinomial

    def __init__(
        self,
        mean: ExactLike | None = None,
        shape: ExactLike | None = None,
        *,
        symbols: tuple[str, str] = ("m", "r"),
    ) -> None:
        self._set(whole=NegativeBinomial(mean, shape, symbols=symbols))

    @property
    def parameters(self) -> dict[str, Fraction | None]:
        return self.whole.parameters

    @property
    def support_min(self) -> int:
        return 1

    def raw(self, p: int) -> Any:
        mean, shape = self.whole.mean_size, self.whole.shape
        if mean is not None and shape is not None:
            if p > 0 and shape.denominator == 1:
                return self.whole.raw(p) / (1 - self.whole.probability(0))
            return negative_binomial_series(mean, shape, 1).moment(p)
        if p < 0:
            raise UnsupportedError(
                f"E[N^{p}] of {self!r} has no closed form in its free parameters ({', '.join(self.free)}): give values"
            )
        return self.whole.raw(p) / (1 - self.whole.probability(0))

    def probability(self, k: int) -> Any:
        return self.whole.probability(k) / (1 - self.whole.probability(0))

    def draw(self, rng: np.random.Generator, size: Size) -> Array:
        mean, shape = self.whole.mean_size, self.whole.shape
        assert mean is not None
        assert shape is not None
        return negative_binomial_series(mean, shape, 1).sample(rng, size)

    def describe(self) -> str:
        return f"{self.whole.describe()}, given N >= 1"


DISTRIBUTION = Distribution(
    name="zero-truncated negative binomial",
    title="Zero-truncated negative binomial",
    law=ZeroTruncatedNegativeBinomial,
    roles=("size",),
    examples=(ZeroTruncatedNegativeBinomial(4, 2), ZeroTruncatedNegativeBinomial("5/2", "1/3")),
    free=ZeroTruncatedNegativeBinomial(),
    source="Johnson, Kemp and Kotz, Univariate Discrete Distributions, 3rd ed., section 5.11",
)
