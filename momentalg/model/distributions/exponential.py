"""The exponential law: skewness 2 and excess kurtosis 6, far from normal."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import factorial
from typing import TYPE_CHECKING

from momentalg.model.distributions.base import Distribution, Law, Size, no_moment
from momentalg.model.distributions.exact import ExactLike, positive

if TYPE_CHECKING:
    import numpy as np

    from momentalg.model.distributions.base import Array


@dataclass(frozen=True, init=False, repr=False)
class Exponential(Law):
    """E[X^p] = p! scale^p. As an effect it is centred at zero and scaled, like every law."""

    scale: Fraction

    def __init__(self, scale: ExactLike = 1) -> None:
        self._set(scale=positive(scale, "the scale of an exponential law"))

    @property
    def parameters(self) -> dict[str, Fraction | None]:
        return {"scale": self.scale}

    def raw(self, p: int) -> Fraction:
        if p < 0:
            raise no_moment(self, p, "its density does not vanish at zero")
        return factorial(p) * self.scale**p

    def draw(self, rng: np.random.Generator, size: Size) -> Array:
        return rng.exponential(float(self.scale), size)

    def describe(self) -> str:
        return f"exponential with mean {self.scale}"


DISTRIBUTION = Distribution(
    name="exponential",
    title="Exponential",
    law=Exponential,
    roles=("effect", "covariate"),
    examples=(Exponential(), Exponential("3/2")),
    default=Exponential(),
    source="definition",
)
