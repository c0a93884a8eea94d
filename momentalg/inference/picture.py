"""`Picture`: a matplotlib figure that no window manager knows of, and that shows itself in notebooks.

This module imports matplotlib; `momentalg.inference.canvas` imports it when the first picture is asked for.
"""

from __future__ import annotations

import io

from matplotlib.figure import Figure


class Picture(Figure):
    """A figure outside pyplot: nothing to close, no backend needed; ``picture.savefig("effects.png")``."""

    def _repr_png_(self) -> bytes:
        """What a notebook shows, also where pyplot was never imported."""
        found = io.BytesIO()
        self.savefig(found, format="png")
        return found.getvalue()
