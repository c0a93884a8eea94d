"""The residuals from the mean of a model with one factor, by level: what higher cumulants are estimated from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from momentalg.errors import UnsupportedError
from momentalg.inference.cumulant_equations import LevelMoments, level_moments
from momentalg.inference.prediction import residuals
from momentalg.inference.rows import Rows, rows_of

if TYPE_CHECKING:
    import numpy as np

    from momentalg.inference.result import FitResult

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class LevelResiduals:
    """y - X b by row, ordered by level; the first row of each level; theta = var(effects)/var(residual) of the fit."""

    name: str  # of the factor
    values: Array
    starts: Array
    theta: float

    @cached_property
    def moments(self) -> LevelMoments:
        """Sizes, means and moments within levels."""
        return level_moments(self.values, self.starts)


def level_residuals(fit: FitResult, what: str) -> LevelResiduals:
    """The residuals from the fitted mean, of a model with a random intercept of one factor.

    Raises `UnsupportedError` for other models, by name and with what works for them, and for a fit without its rows.
    """
    _require_one_factor(fit, what)
    (block,) = fit.model.resolved.groups
    order, starts = rows_by_level(fit, rows_of(fit, what))
    values = residuals(fit, "observation", "marginal").to_numpy()
    between, within = (fit.estimates[f"var({of})"] for of in (f"1|{block.name}", "residual"))
    theta = max(between, 0.0) / within if within > 0 else 0.0
    return LevelResiduals(block.name, values[order], starts, theta)


def rows_by_level(fit: FitResult, parts: list[Rows]) -> tuple[Array, Array]:
    """What orders the rows by the levels of the one factor of a model, and where in that order each level starts."""
    import numpy as np

    (block,) = fit.model.resolved.groups
    levels, _ = fit.level_sizes[block.factor]
    at = np.concatenate([rows.positions(block.factor, levels) for rows in parts])
    order = np.argsort(at, kind="stable")
    return order, np.flatnonzero(np.diff(at[order], prepend=-1))


def _require_one_factor(fit: FitResult, what: str) -> None:
    model = fit.model.resolved
    found = None
    slopes = [block.name for block in model.groups if any(column.monomial for column in block.coefficients)]
    if slopes:
        found = f"the effects of {slopes[0]} have slopes"
    elif len(model.groups) != 1:
        found = f"this one has {len(model.groups)} group terms"
    elif model.residual_by:
        found = f"residuals by {', '.join(model.residual_by)} have cumulants by class"
    elif model.weights:
        found = f"the residual has the known weights {model.weights}"
    elif model.responses:
        found = "a covariate has effects that go with those of the response"
    elif model.goes_with or model.known_effects:
        found = "the effects go with other variables, or are conditioned on"
    if found is None:
        return
    constant = not any(c.monomial for c in model.mean)
    advice = (
        "model.fit(frame, statistics='third_moments') and 'fourth_moments' estimate them, with .bse by jackknife"
        if not slopes and constant and not (model.residual_by or model.weights)
        else "leave that out, or take the residuals fit.resid and the effects fit.ranef(), whose cumulants are shrunken"
    )
    raise UnsupportedError(f"{what} are for a random intercept of one factor, and {found}; {advice}")
