"""What all pictures share: figures without pyplot, panels, colours that greyscale keeps apart, harmless texts."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from momentalg.errors import ModelError, UnsupportedError
from momentalg.expr.escape import escape_latex, escape_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    Canvas = tuple[Any, list[Axes]]

DARK, BLUE, ORANGE, GREY, PALE = "#1a1a1a", "#0072b2", "#d55e00", "#8c8c8c", "#d9d9d9"
"""Colours that colour-blind readers tell apart; lines and marks differ in more than colour, for greyscale."""

SMALL = 8  # points, of the text in legends, notes and labels of levels
LONGEST = 40  # characters of a name; more are cut
WIDE = 10  # largest over smallest of positive numbers from which a scale is logarithmic
FEW = 300  # points up to which each stands out, with its own tick or line
MANY = 20_000  # points of one picture; of more, those in the middle are drawn in part


def require_matplotlib() -> None:
    """Raise `UnsupportedError` where matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401, ICN001
    except ImportError as error:
        raise UnsupportedError(
            "pictures need matplotlib, which is not installed: pip install 'momentalg[plot]'"
        ) from error


def panels(ax: Axes | None, names: Sequence[str], width: float = 4.8, height: float = 4.0) -> Canvas:
    """What is returned to the user, and the Axes of each panel: those of a new figure, or the given one.

    Without `ax` a figure of as many panels as there are names, `width` by `height` inches each, in rows of up to three.
    Raises `ModelError` where one Axes is given for several panels.
    """
    require_matplotlib()
    if ax is not None:
        if len(names) > 1:
            raise ModelError(
                f"ax= is one panel, and this picture has {len(names)}: {', '.join(names)}; choose one by by= and "
                "coefficient=, or leave ax= out"
            )
        return ax, [ax]
    from momentalg.inference.picture import Picture

    columns = min(3, len(names))
    rows = math.ceil(len(names) / columns)
    figure = Picture(figsize=(width * columns, height * rows), layout="constrained")
    return figure, [figure.add_subplot(rows, columns, n + 1) for n in range(len(names))]


def text_of(name: object, longest: int = LONGEST) -> str:
    """A user's text as matplotlib draws it, letter by letter: no mathematics between dollars, no commands of TeX."""
    from matplotlib import rcParams

    shown = escape_text(str(name))
    shown = shown if len(shown) <= longest else shown[: longest - 1] + "…"
    return escape_latex(shown) if rcParams["text.usetex"] else shown.replace("$", r"\$")


def captions(axes: Axes, title: str, x: str, y: str = "") -> None:
    """A title at the left and the names of both axes, broken into lines that fit a panel."""
    axes.set_title(_lines(title, 58), loc="left", fontsize="medium")
    axes.set_xlabel(_lines(x, 50))
    axes.set_ylabel(_lines(y, 44))


def _lines(text: str, width: int) -> str:
    return "\n".join(textwrap.fill(line, width, break_on_hyphens=False) for line in text.split("\n"))


def note(axes: Axes, text: str) -> None:
    """Say in the middle of a panel why there is nothing in it."""
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes, color=DARK)
    axes.set_xticks([])
    axes.set_yticks([])


def legend(axes: Axes, **options: Any) -> None:
    """A legend where it hides least, or where `options` say."""
    axes.legend(fontsize=SMALL, framealpha=0.9, **options)


def logarithmic(axes: Axes, which: str) -> None:
    """A logarithmic scale of the axis "x" or "y", with plain numbers at 1, 2 and 5 times powers of ten."""
    from matplotlib.ticker import LogLocator, NullFormatter

    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:,.7g}")
    axis.set_minor_formatter(NullFormatter())


def thinned(count: int, most: int = MANY) -> Any:
    """Which of `count` sorted points to draw, as indices: all, or both ends and every so many in between."""
    import numpy as np

    if count <= most:
        return np.arange(count)
    end = most // 8
    middle = np.linspace(end, count - 1 - end, most - 2 * end).astype(int)
    return np.unique(np.concatenate([np.arange(end), middle, np.arange(count - end, count)]))
