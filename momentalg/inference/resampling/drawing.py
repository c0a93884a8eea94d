"""Replicates that draw levels: the cluster bootstrap, the pigeonhole bootstrap, and levels left out in groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from momentalg.errors import UnsupportedError
from momentalg.inference.resampling.cells import FAILURES, Cells, Factor
from momentalg.inference.resampling.running import stream

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

INNER_GROUPS = 20  # that the units of a replicate are left out in, for its own standard errors
INNER = ("none", "formula", "jackknife")


@dataclass(frozen=True)
class DrawnLevels:
    """A replicate draws as many levels of each factor as there are, with replacement, each factor on its own."""

    cells: Cells
    factors: tuple[Factor, ...]
    keys: tuple[str, ...]
    seed: int
    inner: str = "none"

    def counts(self, number: int) -> dict[Factor, Array]:
        """How often each level is drawn in a replicate."""
        import numpy as np

        rng = stream(self.seed, number)
        sizes = {factor: self.cells.level_count(factor) for factor in self.factors}
        return {f: np.bincount(rng.integers(0, m, m), minlength=m) for f, m in sizes.items()}

    def replicate(self, number: int) -> tuple[tuple[float, ...], tuple[float, ...] | None]:
        """The estimates of a replicate, and their standard errors if `inner` says how."""
        drawn = self.cells.resampled(self.counts(number))
        found = drawn.solve()
        return tuple(found[key] for key in self.keys), self.errors(drawn, found)

    def errors(self, cells: Cells, estimates: dict[str, float]) -> tuple[float, ...] | None:
        """The standard errors of the estimates of some cells."""
        if self.inner == "none":
            return None
        if self.inner == "formula":
            return formula_errors(cells, estimates, self.keys)
        groups = cells.levels(self.factors[0]) % INNER_GROUPS
        return jackknife_errors(cells, groups, self.keys)


@dataclass(frozen=True)
class LevelsLeftOut:
    """Replicate g leaves out the g-th group of cells."""

    cells: Cells
    groups: Array  # per cell
    keys: tuple[str, ...]

    def replicate(self, number: int) -> tuple[tuple[float, ...], None]:
        """The estimates without a group."""
        found = self.cells.without(self.groups != number).solve()
        return tuple(found[key] for key in self.keys), None


def formula_errors(cells: Cells, estimates: dict[str, float], keys: tuple[str, ...]) -> tuple[float, ...]:
    """The standard errors that the generated module gives itself."""
    import numpy as np

    module = cells.module
    if not hasattr(module, "covariance"):
        raise UnsupportedError(
            "the estimator of these equations has no standard errors of its own; inner='jackknife' leaves out groups "
            "of units within each replicate"
        )
    variances = dict(zip(module.KEYS, np.diag(module.covariance(dict(cells.sums), estimates)), strict=True))
    if not all(variances.get(key, np.nan) > 0 for key in keys):
        raise ValueError("a standard error of the resample is not positive")
    return tuple(float(variances[key]) ** 0.5 for key in keys)


def jackknife_errors(cells: Cells, groups: Array, keys: tuple[str, ...]) -> tuple[float, ...]:
    """The standard errors by leaving out groups of cells."""
    import numpy as np

    count = int(groups.max()) + 1
    try:
        left = [cells.without(groups != g).solve() for g in range(count)]
    except FAILURES as error:
        raise ValueError(f"without a group of the resample: {error}") from error
    values = np.array([[found[key] for key in keys] for found in left])
    return tuple(np.sqrt((count - 1) * values.var(axis=0)).tolist())
