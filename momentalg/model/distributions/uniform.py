"""The uniform law on an interval: symmetric, with tails lighter than the normal law's."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from momentalg.errors import ModelError
from momentalg.model.distributions.base import Distribution, Law, Size, no_moment
from momentalg.model.distributions.exact import ExactLike, exact

if TYPE_CHECKING:
    import numpy as np

    from momentalg.model.distributions.base import Array


@dataclass(frozen=True, init=False, repr=False)
class Uniform(Law):
    """Density 1/(high - low) on [low, high]: E[X^p] = (high^(p+1) - low^(p+1)) / ((p+1) (high - low))."""

    low: Fraction
    high: Fraction

    def __init__(self, low: ExactLike = 0, high: ExactLike = 1) -> None:
        self._set(low=exact(low, "the lower end of a uniform law"), high=exact(high, "the upper end of a uniform law"))
        if self.low >= self.high:
            raise ModelError(f"a uniform law needs low < high; found low = {self.low}, high = {self.high}")

    @property
    def parameters(self) -> dict[str, Fraction | None]:
        return {"low": self.low, "high": self.high}

    def raw(self, p: int) -> Fraction:
        if p < 0:
            raise no_moment(self, p, "negative powers of a continuous covariate are not offered")
        return (self.high ** (p + 1) - self.low ** (p + 1)) / ((p + 1) * (self.high - self.low))

    def draw(self, rng: np.random.Generator, size: Size) -> Array:
        return rng.uniform(float(self.low), float(self.high), size)

    def describe(self) -> str:
        return f"uniform on [{self.low}, {self.high}]"


DISTRIBUTION = Distribution(
    name="uniform",
    title="Uniform",
    law=Uniform,
    roles=("effect", "covariate"),
    examples=(Uniform(), Uniform(-2, "5/2")),
    default=Uniform(),
    source="definition",
)
