"""The parameters that a plan takes for true, and the models that can be planned without a pilot."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from momentalg.errors import ModelError, UnsupportedError
from momentalg.expr.keys import read_key
from momentalg.model.distributions.exact import exact
from momentalg.model.keys import canonical_key
from momentalg.model.resolved import ResolvedModel

Factor = tuple[str, ...]
Errors = dict[str, float]
"""Standard errors by key; infinite where a design does not identify the parameter."""


@dataclass(frozen=True)
class Truth:
    """Variance components and fourth cumulants by key; the latter are 0, as of normal effects, where not given."""

    model: ResolvedModel
    values: Mapping[str, float]

    def __getitem__(self, key: str) -> float:
        return self.values.get(key, 0.0)

    @property
    def residual(self) -> float:
        """The residual variance."""
        return self.values["var(residual)"]

    def variance(self, factor: Factor) -> float:
        """The variance of the intercepts of a factor."""
        return self.values[self._key(factor, 2)]

    def kurtosis(self, factor: Factor | None) -> float:
        """The fourth cumulant of a factor's intercepts; of the residual without a factor."""
        return self["k4(residual)"] if factor is None else self[self._key(factor, 4)]

    def key(self, factor: Factor | None) -> str:
        """The key of the variance of a factor's intercepts, or of the residual."""
        return "var(residual)" if factor is None else self._key(factor, 2)

    def _key(self, factor: Factor, order: int) -> str:
        block = next(b for b in self.model.groups if b.factor == factor)
        return self.model.cumulant_key(block, ("1",) * order)

    @property
    def normal(self) -> bool:
        """Whether no fourth cumulant is given."""
        return not any(read_key(key).order == 4 for key in self.values if read_key(key).kind != "mean")


def truth(model: ResolvedModel, components: tuple[str, ...], parameters: Mapping[str, Any]) -> Truth:
    """Read parameters: all variance components, and perhaps ``k4(1|user)``, ``k4(residual)``; means do not matter.

    Raises `ModelError` for components that are missing, variances that are negative, and a residual variance of 0.
    """
    values = {canonical_key(model, key): float(exact(value, key)) for key, value in parameters.items()}
    missing = [key for key in components if key not in values]
    if missing:
        raise ModelError(f"a plan needs all variance components; missing: {', '.join(missing)}")
    for key in components:
        if key.startswith("var(") and (values[key] < 0 or (key.startswith("var(residual") and values[key] == 0)):
            raise ModelError(f"{key} must be {'positive' if 'residual' in key else '0 or more'}; found {values[key]:g}")
    for key, value in values.items():
        if key.startswith("k4(") and not math.isfinite(value):
            raise ModelError(f"{key} must be finite")
    return Truth(model, values)


def require_intercepts(model: ResolvedModel, asked: str) -> None:
    """Raise `UnsupportedError` unless the model has one mean, random intercepts and one residual variance."""
    plain = [c.key for c in model.mean] == ["Intercept"] and model.weights is None and not model.residual_by
    if not plain or any([c.key for c in b.coefficients] != ["1"] for b in model.groups) or model.responses:
        raise UnsupportedError(
            f"{asked} is planned for an intercept and random intercepts; covariates, slopes, weights and classes of "
            "residuals need their joint distribution: give a pilot, design=frame, whose units stand for the population"
        )
