"""Size plot: the number of observations of each level against its mean, with what the model says of sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from momentalg.inference.canvas import (
    BLUE,
    DARK,
    FEW,
    GREY,
    ORANGE,
    WIDE,
    captions,
    legend,
    logarithmic,
    panels,
    text_of,
)
from momentalg.inference.level_effects import Chosen, of_factors
from momentalg.inference.level_means import binned, is_of_size, level_means
from momentalg.inference.plots.plot import Plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from momentalg.inference.result import FitResult


def draw(fit: FitResult, ax: Axes | None = None, by: str | None = None) -> Any:
    """A panel for each factor: does size matter?

    Up are the levels' means of y - X b, not shrunken, since shrinkage would pull small levels to 0 whatever their sizes
    mean. A term of the model in the size alone, such as size(user), stays in, and is drawn as a line. With 50 levels or
    more there are the means of bins of sizes.
    """
    found = of_factors(fit, by)
    drawn, axes = panels(ax, [one.effects.name for one in found], 5.0, 4.0)
    for one, panel in zip(found, axes, strict=True):
        _panel(one, panel)
    return drawn


def _panel(one: Chosen, axes: Axes) -> None:
    import numpy as np

    fit, effects = one.fit, one.effects
    means, model = level_means(fit, effects), fit.model.resolved
    sizes, y = means.sizes, means.but_size
    keys = [key for c, key in zip(model.mean, fit.mean_keys, strict=True) if is_of_size(c, effects.factor, model)]
    few = len(y) <= FEW
    axes.axhline(0.0, color=GREY, linewidth=0.8, zorder=1)
    style = {"s": 20, "facecolors": "none", "edgecolors": BLUE} if few else {"s": 4, "c": BLUE, "linewidths": 0}
    axes.scatter(sizes, y, rasterized=not few, zorder=2, label="levels", **style)  # type: ignore[arg-type]
    if bins := binned(sizes, y):
        at, middle, errors = (np.array(column) for column in zip(*bins, strict=True))
        axes.errorbar(at, middle, 2 * errors, fmt="D", color=DARK, mfc=ORANGE, ms=5, lw=1.2, zorder=4, label=MEANS)
    if keys:
        each, first = np.unique(sizes, return_index=True)
        said = ", ".join(f"{text_of(key)} = {fit.estimates[key]:.3g}" for key in keys)
        axes.plot(each, means.size_term[first], color=DARK, linewidth=1.4, zorder=3, label=said)
    _scale(axes, float(sizes.min()), float(sizes.max()))
    factor, response = text_of(effects.name), text_of(model.response)
    left_out = ", covariates removed" if len(model.mean) > 1 + len(keys) else ""
    captions(
        axes,
        f"{len(y):,} levels" + ("" if keys else f", size({factor}) not in the model"),
        f"observations of a level of {factor}",
        f"mean of {response}\n(deviation{left_out})",
    )
    legend(axes)


def _scale(axes: Axes, low: float, high: float) -> None:
    """Sizes that differ by much on a logarithmic scale, with plain numbers; whole numbers on any."""
    from matplotlib.ticker import MaxNLocator

    if high > WIDE * low:
        logarithmic(axes, "x")
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlim(low - max(1, 0.06 * (high - low)), high + max(1, 0.06 * (high - low)))


MEANS = "means of bins ± 2 standard errors"
PLOT = Plot("sizes", "sizes of levels against their means, with the model's term of the size", draw)
