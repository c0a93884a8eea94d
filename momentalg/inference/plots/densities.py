"""Density plot: how the means of levels are spread, as they are and without what covariates explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from momentalg.inference.canvas import BLUE, FEW, ORANGE, captions, legend, panels, text_of
from momentalg.inference.level_effects import Chosen, of_factors
from momentalg.inference.level_means import level_means
from momentalg.inference.plots.plot import Plot

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

    from momentalg.inference.result import FitResult

    Array = np.ndarray[Any, Any]

POINTS = 256
EQUAL = 1e-12  # relative differences up to which means are equal, but for rounding


def draw(fit: FitResult, ax: Axes | None = None, by: str | None = None) -> Any:
    """A panel for each factor: kernel densities of Ybar_i, and of Ybar_i - xbar_i'b about the mean of all observations.

    The kernel is normal; its bandwidth is Silverman's, 0.9 min(sd, IQR/1.349) L^(-1/5), for L levels. Without
    covariates the two are one.
    """
    found = of_factors(fit, by)
    drawn, axes = panels(ax, [one.effects.name for one in found], 5.0, 3.6)
    for one, panel in zip(found, axes, strict=True):
        _panel(one, panel)
    return drawn


def _panel(one: Chosen, axes: Axes) -> None:
    model = one.fit.model.resolved
    means = level_means(one.fit, one.effects)
    curves = [("level means", means.raw, ORANGE, "--")]
    if any(column.monomial for column in model.mean):
        curves.append(("corrected for covariates", means.corrected, BLUE, "-"))
    for n, (label, values, colour, style) in enumerate(curves):
        curve = density(values)
        if curve is None:
            axes.axvline(values.mean(), color=colour, linestyle=style, linewidth=1.6, label=f"{label}, all equal")
        else:
            axes.plot(*curve, color=colour, linestyle=style, linewidth=1.6, label=label)
        if len(values) <= FEW:
            below = [-0.035 - 0.05 * n] * len(values)
            at = axes.get_xaxis_transform()
            axes.plot(values, below, "|", color=colour, ms=7, transform=at, clip_on=False)
    axes.set_ylim(bottom=0)
    if len(means.raw) <= FEW:
        axes.tick_params(axis="x", pad=4 + 7 * len(curves))
    x_name = f"mean of {text_of(model.response)} by {text_of(one.effects.name)}"
    captions(axes, f"{len(means.raw):,} levels", x_name, "density")
    legend(axes)


def density(values: Array) -> tuple[Array, Array] | None:
    """The kernel density of L values at 256 places, three bandwidths beyond both ends; None of equal values."""
    import numpy as np

    if np.ptp(values) <= EQUAL * np.abs(values).max():
        return None
    low, high = np.quantile(values, [0.25, 0.75])
    spread = float(values.std(ddof=1))
    width = 0.9 * (min(spread, float(high - low) / 1.349) or spread) * len(values) ** -0.2
    x = np.linspace(values.min() - 3 * width, values.max() + 3 * width, POINTS)
    height = np.array([np.exp(-0.5 * ((at - values) / width) ** 2).mean() for at in x])
    return x, height / (width * np.sqrt(2 * np.pi))


PLOT = Plot("densities", "densities of level means, raw and corrected for covariates", draw)
