"""The geometric law of a size on 1, 2, ...: the trials up to and including the first success."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import factorial
from typing import TYPE_CHECKING, Any

from momentalg.errors import ModelError
from momentalg.model.distributions.base import Distribution, Size, SizeLaw, given_or_free, in_words
from momentalg.model.distributions.combinatorics import raw_moment
from momentalg.model.distributions.exact import ExactLike, positive
from momentalg.model.distributions.series import PowerSeries

if TYPE_CHECKING:
    import numpy as np

    from momentalg.model.distributions.base import Array


@dataclass(frozen=True, init=False, repr=False)
class Geometric(SizeLaw):
    """P(N = k) = p (1-p)^(k-1), k = 1, 2, ...; its k-th factorial moment is k! (1-p)^(k-1) / p^k."""

    p: Fraction | None
    symbol: str

    def __init__(self, p: ExactLike | None = None, *, symbol: str = "p") -> None:
        given = None if p is None else positive(p, "the p of a geometric law")
        if given is not None and given > 1:
            raise ModelError(f"the p of a geometric law must be at most 1; found {given}. The mean size is 1/p")
        self._set(p=given, symbol=symbol)

    @property
    def parameters(self) -> dict[str, Fraction | None]:
        return {"p": self.p}

    @property
    def support_min(self) -> int:
        return 1

    def raw(self, p: int) -> Any:
        success = given_or_free(self.p, self.symbol)
        failure = 1 - success
        if p > 0:
            return raw_moment(p, lambda k: factorial(k) * failure ** (k - 1) / success**k)
        if failure == 0:
            return Fraction(1)
        if self.p is not None:
            return PowerSeries(lambda _: failure, 1, 1, failure).moment(p)
        import sympy

        # sum_k z^k / k^q is the polylogarithm of order q; of order 1, it is -log(1 - z)
        series = -sympy.log(success) if p == -1 else sympy.polylog(-p, failure)
        return success * series / failure

    def probability(self, k: int) -> Any:
        success = given_or_free(self.p, self.symbol)
        return success * (1 - success) ** (k - 1)

    def draw(self, rng: np.random.Generator, size: Size) -> Array:
        return rng.geometric(float(self.p or 1), size)

    def describe(self) -> str:
        return f"geometric on 1, 2, ... with p = {in_words(self.p, self.symbol)}"


DISTRIBUTION = Distribution(
    name="geometric",
    title="Geometric",
    law=Geometric,
    roles=("size",),
    examples=(Geometric("1/3"), Geometric("9/10"), Geometric("1/20"), Geometric(1)),
    free=Geometric(),
    source="Johnson, Kemp and Kotz, Univariate Discrete Distributions, 3rd ed., section 5.2",
)
