"""Caterpillar plot: the predicted effects of all levels, sorted, each with its interval of prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from momentalg.inference.canvas import BLUE, DARK, GREY, PALE, SMALL, captions, note, panels
from momentalg.inference.level_effects import Chosen, chosen, label_of
from momentalg.inference.plots.plot import Plot
from momentalg.inference.reference import quantile, require_alpha

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from momentalg.inference.result import FitResult

LABELLED = 60  # levels up to which each has its name
TALLEST = 12.0  # inches


def draw(
    fit: FitResult,
    ax: Axes | None = None,
    by: str | None = None,
    coefficient: str | None = None,
    alpha: float = 0.05,
) -> Any:
    """A panel for each factor and coefficient; intervals as in ``fit.tidy(effects="ran_vals", conf_int=True)``."""
    require_alpha(alpha)
    found = chosen(fit, by, coefficient)
    most = max(len(one.values) if len(one.values) <= LABELLED else 0 for one in found)
    labels = [label_of(level) for one in found if len(one.values) <= LABELLED for level in one.effects.levels]
    width = 4.4 + 0.07 * max(map(len, labels), default=0)
    drawn, axes = panels(ax, [one.name for one in found], width, min(TALLEST, max(4.0, 1.2 + 0.19 * most)))
    for one, panel in zip(found, axes, strict=True):
        _panel(one, panel, alpha)
    return drawn


def _panel(one: Chosen, axes: Axes, alpha: float) -> None:
    import numpy as np

    count = len(one.values)
    few = count <= LABELLED
    order = np.argsort(one.values, kind="stable")
    values, at = one.values[order], np.arange(count)
    reach = quantile(1 - alpha / 2, one.fit.df) * one.standard_errors[order]
    known = bool(np.isfinite(reach).all())
    marked = "filled" if few else "dark"
    intervals = f", {100 * (1 - alpha):g} % intervals, {marked} where 0 is outside" if known else ""
    if one.nothing:
        captions(axes, f"{count:,} levels", one.label)
        note(axes, one.nothing)
        return
    captions(axes, f"{count:,} levels{intervals}", one.label, "" if few else "levels, sorted by their effect")
    apart = np.abs(values) > reach  # the interval does not hold 0
    axes.axvline(0.0, color=GREY, linewidth=0.8, zorder=1)
    axes.hlines(
        at,
        values - reach,
        values + reach,
        colors=np.where(apart, BLUE, GREY if few else PALE).tolist(),
        linewidth=1.4 if few else 0.6,
        rasterized=not few,
        zorder=2,
    )
    if few:
        axes.scatter(values, at, s=18, c=np.where(apart, BLUE, "white").tolist(), edgecolors=BLUE, zorder=3)
        axes.set_yticks(at, [label_of(one.effects.levels[n]) for n in order], fontsize=SMALL)
        axes.set_ylim(-0.8, count - 0.2)
    else:
        axes.scatter(values, at, s=1.5, c=DARK, linewidths=0, rasterized=True, zorder=3)
        axes.set_yticks([])
        axes.margins(y=0.01)


PLOT = Plot("caterpillar", "predicted effects (BLUPs) with intervals, sorted", draw)
