"""Shrinkage plot: what each level says alone against what is predicted, between no and complete pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from momentalg.inference.canvas import BLUE, DARK, FEW, GREY, PALE, captions, legend, note, panels
from momentalg.inference.level_effects import Chosen, chosen, unpooled
from momentalg.inference.plots.plot import Plot

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

    from momentalg.inference.result import FitResult

    Array = np.ndarray[Any, Any]

FARTHEST = 3.0  # times the outer percentiles


def draw(fit: FitResult, ax: Axes | None = None, by: str | None = None, coefficient: str | None = None) -> Any:
    """A panel for each factor and coefficient: no pooling is the diagonal, complete pooling the horizontal line.

    Across is what a level says alone (`momentalg.inference.level_effects.unpooled`): the mean of its residuals
    y - X b - (effects of other factors), or their slope. Each level has a line from there to 0, with its prediction on
    it; with correlated slopes it need not lie between.
    """
    found = chosen(fit, by, coefficient)
    alone = {one.effects.name: unpooled(fit, one.effects) for one in found}
    drawn, axes = panels(ax, [one.name for one in found], 4.6, 4.3)
    for one, panel in zip(found, axes, strict=True):
        _panel(one, alone[one.effects.name][:, one.at], panel)
    return drawn


def _panel(one: Chosen, alone: Array, axes: Axes) -> None:
    import numpy as np

    known = np.isfinite(alone)
    x, y = alone[known], one.values[known]
    reach = _reach(x)
    counts = {"without estimates of their own": (~known).sum(), "out of the picture": (np.abs(x) > reach).sum()}
    said = "".join(f", {count:,} {words}" for words, count in counts.items() if count)
    captions(axes, f"{len(alone):,} levels{said}", "no pooling: the level alone", f"predicted {one.label}")
    if not known.any():
        note(axes, "no level determines\nthis coefficient alone")
        return
    few = len(x) <= FEW
    ends = np.array([min(x.min(), 0.0), max(x.max(), 0.0)])
    axes.vlines(
        x, np.minimum(x, 0), np.maximum(x, 0), colors=PALE, linewidth=1 if few else 0.4, rasterized=not few, zorder=1
    )
    axes.plot(ends, ends, color=DARK, linewidth=1, linestyle="--", label="no pooling", zorder=2)
    axes.plot(ends, [0, 0], color=GREY, linewidth=1.2, label="complete pooling", zorder=2)
    style = {"s": 20, "edgecolors": "white", "linewidths": 0.5} if few else {"s": 4, "linewidths": 0}
    axes.scatter(x, y, c=BLUE, rasterized=not few, label="partial pooling", zorder=3, **style)
    legend(axes, loc="upper left")
    if counts["out of the picture"]:
        shown = np.abs(x) <= reach
        ends = np.array([min(x[shown].min(), 0.0), max(x[shown].max(), 0.0)])
        limits = ends + 0.05 * np.ptp(ends) * np.array([-1, 1])
        axes.set(xlim=limits, ylim=limits)


def _reach(x: Array) -> float:
    """How far from 0 the picture goes: levels that hardly determine a slope would take all its room."""
    import numpy as np

    return FARTHEST * float(np.abs(np.quantile(x, [0.01, 0.99])).max()) if len(x) else 0.0


PLOT = Plot("shrinkage", "what levels say alone against their predictions: no, partial and complete pooling", draw)
