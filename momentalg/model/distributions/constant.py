"""A size that is the same for every unit: the balanced design."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from momentalg.model.distributions.base import Distribution, Size, SizeLaw, given_or_free, in_words
from momentalg.model.distributions.exact import whole

if TYPE_CHECKING:
    import numpy as np

    from momentalg.model.distributions.base import Array


@dataclass(frozen=True, init=False, repr=False)
class Constant(SizeLaw):
    """N = value with certainty; ``Constant()`` leaves the value free, and takes it to be 1 or more."""

    value: Fraction | None
    symbol: str

    def __init__(self, value: int | None = None, *, symbol: str = "n") -> None:
        given = None if value is None else Fraction(whole(value, "the size of every unit"))
        self._set(value=given, symbol=symbol)

    @property
    def parameters(self) -> dict[str, Fraction | None]:
        return {"value": self.value}

    @property
    def support_min(self) -> Any:
        return given_or_free(self.value, self.symbol)

    def raw(self, p: int) -> Any:
        return given_or_free(self.value, self.symbol) ** p

    def probability(self, k: int) -> Any:
        if self.value is None:
            raise self._needs_values("asked for a probability")
        return Fraction(int(self.value == k))

    def pmf(self, k: int) -> Any:
        return self.probability(k)

    def draw(self, rng: np.random.Generator, size: Size) -> Array:
        import numpy as np

        return np.full(size, int(self.value or 0))

    def describe(self) -> str:
        return f"the constant {in_words(self.value, self.symbol)}"


DISTRIBUTION = Distribution(
    name="constant",
    title="Constant",
    law=Constant,
    roles=("size",),
    examples=(Constant(1), Constant(4)),
    free=Constant(),
    source="definition",
)
