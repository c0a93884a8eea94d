"""Effects as pictures show them: those of one coefficient of one factor, and what they would be without pooling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from momentalg.errors import ModelError
from momentalg.inference.canvas import text_of
from momentalg.inference.effects import Effects, covariance_of_effects, design_of, level_products, residual_variances
from momentalg.inference.prediction import linear_predictor
from momentalg.inference.rows import rows_of

if TYPE_CHECKING:
    import numpy as np

    from momentalg.inference.result import FitResult

    Array = np.ndarray[Any, Any]

SINGULAR = 1e-9  # of a scaled matrix: below it a level alone does not determine its coefficients


@dataclass(frozen=True)
class Chosen:
    """One coefficient of the effects of one factor: a panel of a picture."""

    fit: FitResult
    effects: Effects
    at: int

    @property
    def coefficient(self) -> str:
        """The coefficient's key; "1" is the intercept."""
        return self.effects.coefficients[self.at]

    @property
    def name(self) -> str:
        """The panel's name in messages: as in lme4, (coefficient | factor)."""
        return f"({self.coefficient} | {self.effects.name})"

    @property
    def key(self) -> str:
        """The key of the variance."""
        return f"var({self.coefficient}|{self.effects.name})"

    @property
    def values(self) -> Array:
        """The predicted effects, shape (L,)."""
        found: Array = self.effects.predictions[:, self.at]
        return found

    @property
    def standard_errors(self) -> Array:
        """Of the errors of prediction, shape (L,)."""
        found: Array = self.effects.standard_errors()[:, self.at]
        return found

    @property
    def variance(self) -> float:
        """The variance of the effects as predictions take it: 0 where it is estimated below 0."""
        return float(covariance_of_effects(self.fit, self.effects)[self.at, self.at])

    @property
    def label(self) -> str:
        """What an axis of these effects is called, with its unit."""
        response, factor = text_of(self.fit.model.resolved.response), text_of(self.effects.name)
        if self.coefficient == "1":
            return f"effect of {factor} on {response}"
        slope = text_of(self.coefficient)
        return f"effect of {factor} on the slope\n({response} per {slope})"

    @property
    def nothing(self) -> str:
        """Why the panel would be empty; "" where it is not."""
        if self.variance > 0:
            return ""
        return f"{text_of(self.key)} is estimated\nat or below 0: all effects\nare predicted to be 0"


def chosen(fit: FitResult, by: str | None, coefficient: str | None) -> list[Chosen]:
    """The coefficients of the factors that are asked for; all of them for None. "Intercept" is "1".

    Raises `ModelError` for a factor or a coefficient that the model does not have.
    """
    known = fit.effects
    if by is not None and by not in known:
        raise ModelError(f"by={by!r} is no factor with effects in {fit.model.formula!r}; there is {', '.join(known)}")
    every = [Chosen(fit, e, at) for name, e in known.items() if by in (None, name) for at in range(len(e.coefficients))]
    if coefficient is None:
        return every
    wanted = "1" if coefficient == "Intercept" else coefficient
    found = [one for one in every if one.coefficient == wanted]
    if not found:
        raise ModelError(f"coefficient={coefficient!r} has no effects; there is {', '.join(one.name for one in every)}")
    return found


def of_factors(fit: FitResult, by: str | None) -> list[Chosen]:
    """The first coefficient of each factor, or of the one that is asked for."""
    return [one for one in chosen(fit, by, None) if one.at == 0]


def unpooled(fit: FitResult, effects: Effects) -> Array:
    """What each level says alone, shape (L, q): least squares of y - X b - (effects of other factors) on its Z.

    For an intercept it is the mean of these residuals over the level, Ybar_i - xbar_i'b. Predictions are these times
    the shrinkage of the level. Not a number for a level that does not determine its coefficients (a slope from one
    value of its covariate). Raises `UnsupportedError` for a fit from sums, which do not hold rows.
    """
    import numpy as np

    others = [found.factor for found in fit.effects.values() if found.factor != effects.factor]
    count, q = effects.predictions.shape
    left, right = np.zeros((count, q, q)), np.zeros((count, q))
    for rows in rows_of(fit, "level means"):
        at, z = design_of(effects, rows)
        rest = rows.response - linear_predictor(fit, rows, others)
        variances = residual_variances(fit, rows)
        weights = 1.0 / variances if (variances > 0).all() else np.ones(len(rest))
        left += level_products(at, z, z, weights, count)
        right += level_products(at, z, rest[:, None], weights, count)[:, :, 0]
    scale = np.sqrt(np.diagonal(left, axis1=1, axis2=2))
    safe = np.where(scale > 0, scale, 1.0)
    scaled = left / safe[:, :, None] / safe[:, None, :]
    regular = (scale > 0).all(axis=1) & (np.linalg.eigvalsh(scaled)[:, 0] > SINGULAR)
    found = np.full((count, q), np.nan)
    found[regular] = np.linalg.solve(scaled[regular], (right / safe)[regular][:, :, None])[:, :, 0] / safe[regular]
    return found


def label_of(level: Any) -> str:
    """The label of a level as a picture shows it; of an intersection, its parts with a colon."""
    return text_of(":".join(map(str, level)) if isinstance(level, tuple) else level, 24)
