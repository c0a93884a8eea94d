"""Parameter values by key, for the oracles: mean coefficients, joint cumulants of effects, and products of means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import combinations_with_replacement

from momentalg.errors import AssumptionError
from momentalg.model.resolved import GroupBlock, ResolvedModel

HIGHEST_ORDER = 8


def cumulant_keys(model: ResolvedModel) -> Iterator[tuple[str, int | None, tuple[str, ...]]]:
    """Yield (key, position of the block or None for the residual, coefficients) for orders two to eight."""
    for order in range(2, HIGHEST_ORDER + 1):
        for key, _ in model.residual_cumulants(order):
            if key is not None:
                yield key, None, ("1",) * order
        for position, block in enumerate(model.groups):
            names = [str(c.key) for c in block.coefficients]
            for chosen in combinations_with_replacement(names, order):
                yield model.cumulant_key(block, chosen), position, chosen


class ParameterValues:
    """Exact parameter values of a model. A value that is asked for and missing is an error, never zero."""

    def __init__(self, model: ResolvedModel, values: Mapping[str, Fraction | int | str]) -> None:
        self._model = model
        self._values = {key: Fraction(value) for key, value in values.items()}
        means = [str(c.key) for c in model.mean if c.key is not None]
        self._products = {f"{a}**{k}": (a,) * k for a in means for k in range(2, HIGHEST_ORDER + 1)}
        self._products |= {f"{a}*{b}": (a, b) for a in means for b in means if a != b}

    def __call__(self, key: str) -> Fraction:
        """The value of a key, or of a product of two mean parameters."""
        if key in self._values:
            return self._values[key]
        if key in self._products:
            value = Fraction(1)
            for factor in self._products[key]:
                value *= self(factor)
            return value
        raise AssumptionError(f"the parameter {key!r} is needed and has no value; given are {sorted(self._values)}")

    def mean(self, key: str | None) -> Fraction:
        """The coefficient of a mean column; an offset's is 1."""
        return Fraction(1) if key is None else self(key)

    def cumulant(self, block: GroupBlock | None, coefficients: tuple[str, ...]) -> Fraction:
        """The joint cumulant of effects of `block` (None: the residual) with these coefficients."""
        return self(self._model.cumulant_key(block, coefficients))
