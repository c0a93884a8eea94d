"""Slopes on a covariate far from 0: beside the intercepts of the same levels, their columns are told apart by rounding.

With x = m + d, m large, the columns of x are m times those of 1, but for d: what the latter leave of the former, and
the equations that rest on it, are differences of numbers (m/d)^2 times as large. Where a fit takes x about its mean
this is no matter; where it cannot, because the model with x - m is another one, floats do not hold the answer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from momentalg.errors import DataError
from momentalg.lower.identifiers import identifier
from momentalg.model.resolved import ResolvedModel

if TYPE_CHECKING:
    import numpy as np

FARTHEST = 3e4  # standard deviations from 0: the square of this leaves seven of the sixteen digits of a float


def require_centred(model: ResolvedModel, arrays: Mapping[str, np.ndarray[Any, Any]], sums: Collection[str]) -> None:
    """Raise `DataError` for a slope's covariate that is far from 0 and that the fit does not take about a shift."""
    for name in slopes_beside_intercepts(model):
        if name not in arrays or f"shift_{identifier(name)}" in sums:
            continue
        mean, deviation = float(arrays[name].mean()), float(arrays[name].std())
        if 0 < deviation < abs(mean) / FARTHEST and deviation > 1e-12 * abs(mean):
            raise DataError(
                f"{name!r} is {abs(mean) / deviation:.0e} standard deviations from 0, too far for its slope to be told "
                f"from the intercept in floats: subtract a constant, frame.assign(**{{{name!r}: frame[{name!r}] - "
                f"frame[{name!r}].mean()}}). In a block such as (1 + {name} | g) the model is the same; for || it is "
                "another one, about the origin that you choose"
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
