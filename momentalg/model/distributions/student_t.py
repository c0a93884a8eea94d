"""Student's t law: symmetric, with heavy tails; moments exist below the degrees of freedom."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from momentalg.errors import ModelError
from momentalg.model.distributions.base import Distribution, Law, Size, no_moment
from momentalg.model.distributions.exact import ExactLike, positive

if TYPE_CHECKING:
    import numpy as np

    from momentalg.model.distributions.base import Array


@dataclass(frozen=True, init=False, repr=False)
class StudentT(Law):
    """E[X^p] = E[X^(p-2)] df (p-1) / (df - p) for even p < df; a variance needs df > 2."""

    df: Fraction

    def __init__(self, df: ExactLike = 10) -> None:
        self._set(df=positive(df, "the degrees of freedom of a t law"))
        if self.df <= 2:
            raise ModelError(f"a t law needs more than 2 degrees of freedom to have a variance; found {self.df}")

    @property
    def parameters(self) -> dict[str, Fraction | None]:
        return {"df": self.df}

    def raw(self, p: int) -> Fraction:
        if p < 0:
            raise no_moment(self, p, "its density does not vanish at zero")
        if p >= self.df:
            raise no_moment(self, p, f"a t law has moments of order below its degrees of freedom, {self.df}")
        if p % 2:
            return Fraction(0)
        value = Fraction(1)
        for order in range(2, p + 1, 2):
            value = value * self.df * (order - 1) / (self.df - order)
        return value

    def draw(self, rng: np.random.Generator, size: Size) -> Array:
        return rng.standard_t(float(self.df), size)

    def describe(self) -> str:
        return f"t with {self.df} degrees of freedom"


DISTRIBUTION = Distribution(
    name="t",
    title="Student's t",
    law=StudentT,
    roles=("effect", "covariate"),
    examples=(StudentT(), StudentT("41/2")),
    default=StudentT(),
    source="Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions, vol. 2, chapter 28",
)
