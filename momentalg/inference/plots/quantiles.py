"""Quantile plot: standardised predicted effects, and residuals, against those of a normal law."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from momentalg.errors import ModelError
from momentalg.inference.canvas import BLUE, DARK, FEW, PALE, captions, legend, note, panels, text_of, thinned
from momentalg.inference.effects import residual_variances
from momentalg.inference.level_effects import Chosen, chosen
from momentalg.inference.order_statistics import band, expected
from momentalg.inference.plots.plot import Plot
from momentalg.inference.rows import rows_of

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

    from momentalg.inference.result import FitResult

    Array = np.ndarray[Any, Any]

RESIDUAL = "residual"


def draw(
    fit: FitResult,
    ax: Axes | None = None,
    by: str | None = None,
    coefficient: str | None = None,
    level: float = 0.95,
) -> Any:
    """A panel for each factor and coefficient, and one for the residuals, which ``by="residual"`` asks for alone.

    A predicted effect is divided by its own standard deviation, root of var(effect) less the variance of its error of
    prediction, since predictions of small levels are shrunken more; residuals y - X b - Z u by the root of their
    variance, then of their mean square. The band holds each point with probability `level` if the law is normal.
    Without rows, of a fit from sums, there is no panel for residuals unless it is asked for.
    """
    if not 0 < level < 1:
        raise ModelError(f"level= is a probability between 0 and 1, not {level}")
    only = by == RESIDUAL and RESIDUAL not in fit.effects
    effects = [] if only else chosen(fit, by, coefficient)
    residual = only or (by is None and coefficient is None and fit.data is not None)
    names = [*(one.name for one in effects), *([RESIDUAL] if residual else [])]
    drawn, axes = panels(ax, names, 4.2, 4.0)
    for one, panel in zip(effects, axes, strict=False):
        values, y = _standardised(one), f"standardised {one.label}"
        captions(panel, f"{len(one.values):,} levels", "normal quantile", y)
        _panel(values, panel, level, one.nothing or "no effect is predicted from data")
    if residual:
        values, y = _residuals(fit), f"standardised residual of {text_of(fit.model.resolved.response)}"
        captions(axes[-1], f"{len(values):,} observations", "normal quantile", y)
        _panel(values, axes[-1], level, "there is no residual variance")
    return drawn


def _standardised(one: Chosen) -> Array:
    """Predicted effects over their standard deviations; those that are 0 whatever the data are, are left out."""
    import numpy as np

    variance = one.variance - one.standard_errors**2
    known = variance > 1e-9 * one.variance
    found: Array = one.values[known] / np.sqrt(variance[known])
    return found


def _residuals(fit: FitResult) -> Array:
    """Conditional residuals, divided by the root of their variance in the model, then of their mean square."""
    import numpy as np

    residuals = fit.resid.to_numpy()
    variances = np.concatenate([residual_variances(fit, rows) for rows in rows_of(fit, "residuals")])
    scaled = residuals / np.sqrt(variances) if (variances > 0).all() else residuals
    size = float(np.sqrt(np.mean(scaled**2)))
    found: Array = scaled / size if size > 0 else np.zeros_like(scaled)
    return found


def _panel(values: Array, axes: Axes, level: float, nothing: str) -> None:
    import numpy as np

    if not values.any():
        note(axes, nothing)
        return
    count = len(values)
    ranks = thinned(count) + 1
    x = expected(ranks, count)
    few = count <= FEW
    axes.fill_between(
        x, *band(ranks, count, level), color=PALE, linewidth=0, label=f"{100 * level:g} %, point by point"
    )
    axes.plot(x[[0, -1]], x[[0, -1]], color=DARK, linewidth=1, label="normal law")
    style = {"s": 16, "facecolors": "none", "edgecolors": BLUE} if few else {"s": 5, "c": BLUE, "linewidths": 0}
    axes.scatter(x, np.sort(values)[ranks - 1], rasterized=not few, zorder=3, **style)  # type: ignore[arg-type]
    legend(axes, loc="upper left")


PLOT = Plot("quantiles", "standardised effects and residuals against normal quantiles", draw)
