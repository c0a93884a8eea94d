"""Pooling plot: the mean squared error of lambda Ybar + (1 - lambda) mu, split into variance and squared bias."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from momentalg.errors import ModelError, UnsupportedError
from momentalg.inference.canvas import BLUE, DARK, GREY, ORANGE, captions, legend, panels, text_of
from momentalg.inference.effects import sizes_of
from momentalg.inference.level_effects import label_of, of_factors
from momentalg.inference.plots.plot import Plot
from momentalg.moments.pooling import PoolingValues

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from momentalg.inference.effects import Effects
    from momentalg.inference.result import FitResult


def draw(
    fit: FitResult,
    ax: Axes | None = None,
    by: str | None = None,
    size: int | None = None,
    level: Any = None,
) -> Any:
    """A panel for each factor, at the truncated estimates: `momentalg.moments.pooling`.

    For a level of `size` observations where its size is all that matters (one factor, no slopes), or for the `level`
    of the data with this label; by default for a level of the median size.
    """
    if size is not None and level is not None:
        raise ModelError("give the size= of a level or a level= of the data, not both")
    found = [one.effects for one in of_factors(fit, by)]
    drawn, axes = panels(ax, [effects.name for effects in found], 5.0, 4.0)
    for effects, panel in zip(found, axes, strict=True):
        values, of = _values(fit, effects, size, level)
        y = f"mean squared error\n(unit of {text_of(fit.model.resolved.response)}, squared)"
        captions(panel, of, "λ, the weight of the level's own mean\n(0: complete pooling, 1: no pooling)", y)
        _panel(values, panel)
    return drawn


def _values(fit: FitResult, effects: Effects, size: int | None, level: Any) -> tuple[PoolingValues, str]:
    """The numbers of one level, and which level it is."""
    import numpy as np

    name, parameters, sizes = text_of(effects.name), dict(fit.truncated), sizes_of(fit, effects)
    pooling = fit.model.pooling(effects.name)
    simple = len(fit.model.resolved.columns) == 1 and effects.coefficients == ("1",) and not fit.model.resolved.weights
    if size is not None or (level is None and simple):
        n = round(float(np.median(sizes))) if size is None else size
        return pooling.evaluate(parameters, size=n), f"a level of {name} with {n:,} observation{'s' * (n > 1)}"
    if fit.data is None or isinstance(fit.data, (list, tuple)):
        raise UnsupportedError(
            f"what pooling does to a level of {effects.name} depends on the rows of the data: fit from one frame "
            "in memory, model.fit(frame)"
        )
    at = int(np.argsort(sizes, kind="stable")[(len(sizes) - 1) // 2]) if level is None else _position(effects, level)
    label = effects.levels[at]
    labels = label if isinstance(label, tuple) else (label,)
    place = dict(zip(effects.factor, labels, strict=True))
    found = pooling.evaluate(parameters, data=fit.data, at=place)
    n = int(sizes[at])
    return found, f"{name} {label_of(label)}, {n:,} observation{'s' * (n > 1)}"


def _position(effects: Effects, level: Any) -> int:
    if level not in effects.levels:
        raise ModelError(f"level={level!r} is no level of {effects.name} in the data of the fit")
    return list(effects.levels).index(level)


def _panel(values: PoolingValues, axes: Axes) -> None:
    import numpy as np

    noise, signal = float(values.noise), float(values.signal)
    if noise + signal <= 0:
        raise UnsupportedError("a level's mean has neither noise nor signal at these estimates; pooling has no error")
    known = PoolingValues(noise, signal)
    x = np.linspace(0, 1, 201)
    axes.plot(x, known.mse(x), color=DARK, linewidth=2, label="mean squared error")
    axes.plot(x, known.variance(x), color=BLUE, linewidth=1.5, linestyle="--", label="variance")
    axes.plot(x, known.bias2(x), color=ORANGE, linewidth=1.5, linestyle=":", label="squared bias")
    best = known.minimiser
    axes.axvline(best, color=GREY, linewidth=0.8, zorder=1)
    label = f"least: {known.partial:.3g} at λ = {best:.3f}"
    axes.plot([best], [known.partial], "o", ms=8, mfc="white", mec=DARK, mew=1.6, label=label, clip_on=False, zorder=4)
    axes.set_xlim(0, 1)
    axes.set_ylim(bottom=0)
    legend(axes)


PLOT = Plot("pooling", "mean squared error by the weight of a level's own mean: variance, squared bias, minimum", draw)
