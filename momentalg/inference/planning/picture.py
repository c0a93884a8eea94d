"""The picture of a plan: what reaching the target costs, and how many levels it needs, by one number of the design."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from momentalg.errors import UnsupportedError
from momentalg.inference.canvas import BLUE, DARK, ORANGE, WIDE, captions, legend, logarithmic, panels, text_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from momentalg.inference.planning.result import Plan, PlannedDesign


def draw(plan: Plan, against: str, ax: Axes | None) -> Any:
    """Levels on the left scale, cost on the right; the cheapest design of each value of `against`.

    Raises `UnsupportedError` for an `against` that is no number of the designs.
    """
    known = plan.best.numbers
    if against not in known:
        raise UnsupportedError(f"against= is one of {', '.join(map(repr, known))}; found {against!r}")
    cheapest: dict[Any, PlannedDesign] = {}
    for design in plan.designs:  # the cheapest first
        cheapest.setdefault(design.numbers.get(against), design)
    chosen = list(cheapest.values())
    numeric = all(isinstance(value, (int, float)) for value in cheapest)
    if numeric:
        chosen.sort(key=lambda design: design.numbers[against])
    x = [d.numbers[against] if numeric else text_of(repr(d.numbers[against]), 24) for d in chosen]
    at = x[chosen.index(cheapest[known[against]])]
    drawn, (axes,) = panels(ax, ["trade-off"], 5.4, 4.0)
    name = f"levels({plan.column})"
    levels = [d.numbers[name] for d in chosen]
    needed = text_of(f"{name} needed")
    lines = axes.plot(x, levels, "o-" if numeric else "o", color=BLUE, label=f"{needed} (left)")
    x_name = {"size": "observations in each cell"}.get(against, text_of(against))
    captions(
        axes, ", ".join(f"se({text_of(key)}) ≤ {value:g}" for key, value in plan.target_se.items()), x_name, needed
    )
    if max(levels) > WIDE * min(levels):
        logarithmic(axes, "y")
    axes.margins(x=0.05 if numeric else 0.2)
    right = axes.twinx()
    lines += right.plot(
        x, [d.cost for d in chosen], "s--" if numeric else "s", color=ORANGE, mfc="none", ms=9, label="cost (right)"
    )
    right.set_ylabel("cost")
    label = f"cheapest: {plan.best.cost:g}"
    lines += right.plot([at], [plan.best.cost], "o", color=DARK, mfc="none", ms=16, mew=1.6, label=label)
    legend(right, handles=lines, loc="upper center")
    return drawn
