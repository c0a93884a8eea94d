"""The normal law."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import comb, prod
from typing import TYPE_CHECKING

from momentalg.model.distributions.base import Distribution, Law, Size, no_moment
from momentalg.model.distributions.exact import ExactLike, exact, positive

if TYPE_CHECKING:
    import numpy as np

    from momentalg.model.distributions.base import Array


@dataclass(frozen=True, init=False, repr=False)
class Normal(Law):
    """Mean and variance; E[(X - mean)^(2k)] = 1 3 5 ... (2k-1) variance^k."""

    centre: Fraction
    spread: Fraction

    def __init__(self, mean: ExactLike = 0, variance: ExactLike = 1) -> None:
        self._set(
            centre=exact(mean, "the mean of a normal law"), spread=positive(variance, "the variance of a normal law")
        )

    @property
    def parameters(self) -> dict[str, Fraction | None]:
        return {"mean": self.centre, "variance": self.spread}

    def raw(self, p: int) -> Fraction:
        if p < 0:
            raise no_moment(self, p, "its density does not vanish at zero")
        return sum(
            (
                comb(p, k) * self.centre ** (p - k) * prod(range(1, k, 2)) * self.spread ** (k // 2)
                for k in range(0, p + 1, 2)
            ),
            Fraction(0),
        )

    def draw(self, rng: np.random.Generator, size: Size) -> Array:
        return rng.normal(float(self.centre), float(self.spread) ** 0.5, size)

    def describe(self) -> str:
        return f"normal with mean {self.centre} and variance {self.spread}"


DISTRIBUTION = Distribution(
    name="normal",
    title="Normal",
    law=Normal,
    roles=("effect", "covariate"),
    examples=(Normal(), Normal("1/2", 3)),
    default=Normal(),
    source="definition",
)
