"""The law on two points with mean 0, variance 1 and a given skewness: every moment is exact."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from momentalg.model.distributions.base import Distribution, Law, Size, no_moment
from momentalg.model.distributions.exact import ExactLike, exact

if TYPE_CHECKING:
    import numpy as np

    from momentalg.model.distributions.base import Array


@dataclass(frozen=True, init=False, repr=False)
class TwoPoint(Law):
    """The values are the roots of x^2 = skewness x + 1, hence E[X^p] = skewness E[X^(p-1)] + E[X^(p-2)].

    With skewness 0 it is -1 or 1, with probability 1/2 each, the law of the smallest kurtosis.
    """

    skewness: Fraction

    def __init__(self, skewness: ExactLike = 0) -> None:
        self._set(skewness=exact(skewness, "the skewness of a two-point law"))

    @property
    def parameters(self) -> dict[str, Fraction | None]:
        return {"skewness": self.skewness}

    def raw(self, p: int) -> Fraction:
        if p < 0:
            raise no_moment(self, p, "negative powers of an effect are not offered")
        before, last = Fraction(1), Fraction(0)  # E[X^0], E[X^1]
        for _ in range(p - 1):
            before, last = last, self.skewness * last + before
        return last

    def draw(self, rng: np.random.Generator, size: Size) -> Array:
        import numpy as np

        skewness = float(self.skewness)
        root = float(np.hypot(skewness, 2.0))
        # the root of larger absolute value without cancellation; the product of the roots is -1
        outer = (skewness + (root if skewness >= 0 else -root)) / 2
        inner = -1 / outer
        # mean zero: the value `outer` has probability -inner / (outer - inner)
        drawn: Array = np.where(rng.random(size) < -inner / (outer - inner), outer, inner)
        return drawn

    def describe(self) -> str:
        return f"two-point with skewness {self.skewness}"


DISTRIBUTION = Distribution(
    name="two-point",
    title="Two-point",
    law=TwoPoint,
    roles=("effect", "covariate"),
    examples=(TwoPoint(), TwoPoint(2), TwoPoint("-3/2")),
    default=TwoPoint(),
    source="definition; the recursion of its moments is that of its two values",
)
