"""The tables and texts of a fit: tidy, glance, augment, summary, explain, and what a session or a notebook shows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from momentalg.inference import explanation, tables, tidying
from momentalg.inference.plots.plot import plot
from momentalg.inference.tables import Text

if TYPE_CHECKING:
    import pandas as pd

    from momentalg.inference.result import FitResult


class Views:
    """What shows a fit; `FitResult` has all of them."""

    @property
    def _fit(self) -> FitResult:
        return cast("FitResult", self)

    def tidy(
        self,
        conf_int: bool = False,
        conf_level: float = 0.95,
        effects: Iterable[str] = ("fixed", "ran_pars"),
        scales: str = "vcov",
        style: str = "python",
    ) -> pd.DataFrame:
        """One row per parameter, with broom.mixed's columns: `momentalg.inference.tidying.tidy`."""
        return tidying.tidy(self._fit, conf_int, conf_level, effects, scales, style)

    def glance(self, style: str = "python") -> pd.DataFrame:
        """One row for the fit: `momentalg.inference.tidying.glance`."""
        return tidying.glance(self._fit, style)

    def augment(self, data: Any = None) -> pd.DataFrame:
        """The data with .fitted, .resid and .fixed beside them: `momentalg.inference.tidying.augment`."""
        return tidying.augment(self._fit, data)

    def summary(self, alpha: float = 0.05) -> Text:
        """The fit as a table; a text that notebooks show as HTML: ``as_text``, ``as_html``, ``as_markdown``."""
        return tables.summary(self._fit, alpha)

    def summary_parts(self, alpha: float = 0.05) -> tables.Parts:
        """What a summary says, for other views of it: facts by name, the head of the table, its rows."""
        return tables.parts(self._fit, alpha)

    def explain(self) -> Text:
        """What was fitted and how: equations, weights, rows left out, what is not identified, standard errors."""
        return explanation.explain(self._fit)

    def plot(self, kind: str, ax: Any = None, **options: Any) -> Any:
        """A picture: "caterpillar", "shrinkage", "quantiles", "residuals", "densities", "sizes", "pooling".

        Drawn on the matplotlib Axes `ax`, which is returned; without it on a new figure, which is returned, shows
        itself in a notebook and has ``savefig``. pyplot is not used. Options choose panels, such as ``by="user"``,
        ``coefficient="x"``: `momentalg.inference.plots`. Needs matplotlib.
        """
        return plot(self._fit, kind, ax, **options)

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self.summary().as_html()

    def _repr_markdown_(self) -> str:
        return self.summary().as_markdown()
