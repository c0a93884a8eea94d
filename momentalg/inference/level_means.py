"""Means by level, and of bins: raw, without the mean parameters, and without all of them but those of the size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from momentalg.expr.nodes import LevelColumns, Size, Value, Variable
from momentalg.expr.traversal import walk
from momentalg.inference.prediction import linear_predictor
from momentalg.inference.rows import rows_of
from momentalg.model.resolved import Column, ResolvedModel

if TYPE_CHECKING:
    import numpy as np

    from momentalg.inference.effects import Effects
    from momentalg.inference.result import FitResult

    Array = np.ndarray[Any, Any]

ENOUGH = 50  # points from which there are bins


@dataclass(frozen=True)
class LevelMeans:
    """By level, the mean of y, of X b, and of the part of X b that is due to the size of the level; each (L,)."""

    raw: Array
    predictor: Array
    of_size: Array
    sizes: Array

    @property
    def corrected(self) -> Array:
        """The means of y without the mean parameters, about the mean of all observations: Ybar - xbar'b + mean(X b)."""
        found: Array = self.raw - self.predictor + self._overall(self.predictor)
        return found

    @property
    def but_size(self) -> Array:
        """The means of y - X b, with the part of X b that is due to the size, about its mean over observations."""
        return self.raw - self.predictor + self.size_term

    @property
    def size_term(self) -> Array:
        """What the model says of the size of each level, about its mean over observations; 0 without such a term."""
        found: Array = self.of_size - self._overall(self.of_size)
        return found

    def _overall(self, means: Array) -> float:
        return float((means * self.sizes).sum() / self.sizes.sum())


def level_means(fit: FitResult, effects: Effects) -> LevelMeans:
    """The means over the levels of a factor, in the order of its effects.

    Raises `UnsupportedError` for a fit from sums, which do not hold rows.
    """
    import numpy as np

    count = len(effects.levels)
    totals = np.zeros((4, count))
    by_key = [fit.estimates[key] for key in fit.mean_keys]
    for rows in rows_of(fit, "level means"):
        at = rows.positions(effects.factor, effects.levels)
        size_terms = [is_of_size(column, effects.factor, rows.model) for column in rows.model.mean]
        of_size = rows.mean @ np.where(size_terms, by_key, 0.0)
        parts = (rows.response, linear_predictor(fit, rows, ()), of_size, np.ones(len(at)))
        totals += [np.bincount(at, part, minlength=count) for part in parts]
    raw, predictor, of_size, sizes = totals
    return LevelMeans(raw / sizes, predictor / sizes, of_size / sizes, sizes)


def is_of_size(column: Column, factor: tuple[str, ...], model: ResolvedModel) -> bool:
    """Whether a mean column depends on the size of the levels of a factor alone: size(g), size(g)**2, log(size(g))."""

    def is_size(variable: Variable) -> bool:
        if variable.kind == "size":
            return model.constant_on[variable] == factor
        if variable not in model.definitions:
            return False
        leaves = [n for n in walk(model.definitions[variable]) if isinstance(n, (Size, Value, LevelColumns))]
        return bool(leaves) and all(
            (isinstance(n, Size) and n.by == factor) or (isinstance(n, Value) and is_size(n.variable)) for n in leaves
        )

    return bool(column.monomial) and all(is_size(variable) for variable, _ in column.monomial)


def binned(x: Array, y: Array, most: int = 12) -> Sequence[tuple[float, float, float]]:
    """(mean of x, mean of y, its standard error) of bins of x with equal counts, ties together; none of few points."""
    import numpy as np

    if len(x) < ENOUGH:
        return ()
    edges = np.unique(np.quantile(x, np.linspace(0, 1, min(most, len(x) // 10) + 1), method="lower"))
    bins = np.minimum(np.searchsorted(edges, x, side="right") - 1, max(len(edges) - 2, 0))
    found = [(x[bins == b], y[bins == b]) for b in np.unique(bins)]
    return tuple(
        (float(a.mean()), float(b.mean()), float(b.std(ddof=1) / len(b) ** 0.5)) for a, b in found if len(b) > 1
    )
