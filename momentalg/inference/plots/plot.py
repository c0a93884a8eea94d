"""`Plot`: one picture of a fit under its name, and `plot`, which finds it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from momentalg.catalogue import discover
from momentalg.errors import ModelError
from momentalg.inference.canvas import require_matplotlib

if TYPE_CHECKING:
    from momentalg.inference.result import FitResult


@dataclass(frozen=True)
class Plot:
    """A picture: its name, what it shows, and the function (fit, ax, ...) that draws it."""

    name: str
    about: str
    draw: Callable[..., Any]

    @property
    def options(self) -> tuple[str, ...]:
        """The names of what may be chosen, beside `ax`."""
        return tuple(inspect.signature(self.draw).parameters)[2:]


def plot(fit: FitResult, kind: str, ax: Any, **options: Any) -> Any:
    """Draw the picture called `kind`: on `ax`, which is returned, or on a new figure, which is returned.

    Raises:
        ModelError: no such picture or option, or an option that the model does not have.
        UnsupportedError: no matplotlib, or rows that a fit from sums does not hold.

    """
    require_matplotlib()
    known = discover("momentalg.inference.plots", "PLOT")
    if kind not in known:
        listed = "; ".join(f"{name!r}: {found.about}" for name, found in known.items())
        raise ModelError(f"there is no picture {kind!r} of a fit; there is {listed}")
    found = known[kind]
    if wrong := [name for name in options if name not in found.options]:
        allowed = ", ".join(f"{name}=" for name in found.options)
        raise ModelError(f"the picture {kind!r} has no option {wrong[0]}=; it has ax=, {allowed}")
    return found.draw(fit, ax, **options)
