"""Residual plot: conditional residuals against fitted values, with their mean along the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from momentalg.inference.canvas import BLUE, DARK, FEW, GREY, MANY, ORANGE, captions, legend, panels, text_of
from momentalg.inference.level_means import binned
from momentalg.inference.plots.plot import Plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from momentalg.inference.result import FitResult


def draw(fit: FitResult, ax: Axes | None = None) -> Any:
    """Each observation's y - X b - Z u against X b + Z u; with 50 observations or more, means over bins of equal count.

    Of more than 20,000 observations every so many are drawn; the means are of all.
    """
    import numpy as np

    fitted, residuals = fit.fittedvalues.to_numpy(), fit.resid.to_numpy()
    drawn, (axes,) = panels(ax, ["residual"], 5.2, 4.0)
    response, count = text_of(fit.model.resolved.response), len(residuals)
    shown = np.unique(np.linspace(0, count - 1, min(count, MANY)).astype(int))
    few = count <= FEW
    drawn_part = f", {len(shown):,} drawn" if len(shown) < count else ""
    captions(axes, f"{count:,} observations{drawn_part}", f"fitted {response}", f"residual of {response}")
    axes.axhline(0.0, color=GREY, linewidth=0.8, zorder=1)
    style = {"s": 16, "facecolors": "none", "edgecolors": BLUE} if few else {"s": 4, "c": BLUE, "linewidths": 0}
    axes.scatter(fitted[shown], residuals[shown], rasterized=not few, zorder=2, **style)  # type: ignore[arg-type]
    if bins := binned(fitted, residuals):
        at, means, errors = (np.array(column) for column in zip(*bins, strict=True))
        axes.errorbar(at, means, 2 * errors, fmt="-D", color=DARK, mfc=ORANGE, ms=5, lw=1.2, zorder=3, label=MEANS)
        legend(axes)
    return drawn


MEANS = "means of bins ± 2 standard errors"
PLOT = Plot("residuals", "conditional residuals against fitted values", draw)
