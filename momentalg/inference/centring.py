"""Slopes on a covariate far from 0: beside the intercepts of the same levels, their columns are told apart by rounding.

With x = m + d, m large, the columns of x are m times those of 1, but for d: what the latter leave of the former, and
the equations that rest on it, are differences of numbers (m/d)^2 times as large. Where a fit takes x about its mean
this is no matter; where it cannot, because the model with x - m is another one, floats do not hold the answer.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from momentalg.errors import DataError
from momentalg.lower.identifiers import identifier
from momentalg.model.mapping import FrozenMapping
from momentalg.model.resolved import ResolvedModel

if TYPE_CHECKING:
    import numpy as np

FARTHEST = 3e4  # standard deviations from 0: the square of this leaves seven of the sixteen digits of a float


@dataclass(frozen=True)
class Spread:
    """Where the values of a covariate lie: their number, their mean and the sum of squares about it."""

    n: int
    mean: float
    squares: float

    def __add__(self, other: Spread) -> Spread:
        """Both together: the squares gain what lies between the two means."""
        n, apart = self.n + other.n, other.mean - self.mean
        squares = self.squares + other.squares + apart**2 * self.n * other.n / n
        return Spread(n, self.mean + apart * other.n / n, squares)


def spreads(
    model: ResolvedModel, arrays: Mapping[str, np.ndarray[Any, Any]], sums: Collection[str]
) -> Mapping[str, Spread]:
    """Where the covariates of slopes lie that the fit does not take about a shift, by column."""
    found: dict[str, Spread] = {}
    for name in slopes_beside_intercepts(model):
        if name in arrays and f"shift_{identifier(name)}" not in sums:
            values = arrays[name]
            mean = float(values.mean())
            found[name] = Spread(len(values), mean, float(((values - mean) ** 2).sum()))
    return FrozenMapping(found)


def require_centred(found: Mapping[str, Spread]) -> None:
    """Raise `DataError` for the covariate of a slope that is far from 0, and not constant."""
    for name, spread in found.items():
        mean, deviation = abs(spread.mean), math.sqrt(spread.squares / spread.n)
        if 0 < deviation < mean / FARTHEST and deviation > 1e-12 * mean:
            raise DataError(
                f"{name!r} is {mean / deviation:.0e} standard deviations from 0, too far for its slope to be told "
                f"from the intercept in floats: subtract a constant, frame.assign(**{{{name!r}: frame[{name!r}] - "
                f"frame[{name!r}].mean()}}), the same one in all parts. In a block such as (1 + {name} | g) the model "
                "is the same; for || it is another one, about the origin that you choose"
            )


def slopes_beside_intercepts(model: ResolvedModel) -> tuple[str, ...]:
    """The columns x of coefficients x z whose factor has a coefficient z as well."""
    found: dict[str, None] = {}
    for factor in dict.fromkeys(block.factor for block in model.groups):
        own = {frozenset(c.monomial) for block in model.groups if block.factor == factor for c in block.coefficients}
        for monomial in own:
            for variable, power in monomial:
                if variable.kind == "column" and power == 1 and monomial - {(variable, power)} in own:
                    found[variable.name] = None
    return tuple(found)
