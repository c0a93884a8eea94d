"""The lognormal law: skewed, with a heavy right tail, though all moments exist."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from momentalg.model.distributions.base import Distribution, Law, Size
from momentalg.model.distributions.bounded import Interval
from momentalg.model.distributions.exact import ExactLike, exact, positive

if TYPE_CHECKING:
    import numpy as np

    from momentalg.model.distributions.base import Array


@dataclass(frozen=True, init=False, repr=False)
class LogNormal(Law):
    """exp(mu + sigma Z), Z standard normal: E[X^p] = exp(p mu + p^2 sigma^2 / 2), for any p."""

    sigma: Fraction
    mu: Fraction

    def __init__(self, sigma: ExactLike = 1, mu: ExactLike = 0) -> None:
        self._set(sigma=positive(sigma, "the sigma of a lognormal law"), mu=exact(mu, "the mu of a lognormal law"))

    @property
    def parameters(self) -> dict[str, Fraction | None]:
        return {"sigma": self.sigma, "mu": self.mu}

    def raw(self, p: int) -> Interval:
        return Interval.of(p * self.mu + p * p * self.sigma**2 / 2).exp()

    def draw(self, rng: np.random.Generator, size: Size) -> Array:
        return rng.lognormal(float(self.mu), float(self.sigma), size)

    def describe(self) -> str:
        return f"lognormal with mean {self.mu} and standard deviation {self.sigma} of its logarithm"


DISTRIBUTION = Distribution(
    name="lognormal",
    title="Lognormal",
    law=LogNormal,
    roles=("effect", "covariate"),
    examples=(LogNormal("1/2"), LogNormal("1/4", "1/2")),
    default=LogNormal("1/2"),
    source="Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions, vol. 1, chapter 14",
)
