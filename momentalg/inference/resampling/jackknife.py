"""`jackknife`: units left out in turn; for crossed factors the multiway jackknife.

V = (g-1)/g sum over groups of (estimate without the group - their mean)^2. For crossed factors, with V_s the same over
the cells of a set s of them, V = sum over the sets that are not empty of (-1)^(|s|+1) V_s: levels of each factor are
left out, and what pairs of them count twice is taken off again, as two-way and multiway clustering do (Cameron,
Gelbach and Miller 2011, J. Bus. Econ. Stat. 29, 238-249).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from momentalg.errors import UnsupportedError
from momentalg.expr.names import join_factor
from momentalg.inference.intervals import FEWEST
from momentalg.inference.reference import quantile, require_alpha
from momentalg.inference.resampling.bootstrap import estimates_of
from momentalg.inference.resampling.drawing import LevelsLeftOut
from momentalg.inference.resampling.equations import Asked, cells_of, data_of
from momentalg.inference.resampling.factors import outermost, sets_of, unit
from momentalg.inference.resampling.running import Outcome, require_count, run, stream
from momentalg.inference.result import keys_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from momentalg.inference.result import FitResult
    from momentalg.model.model import Model

    Array = np.ndarray[Any, Any]

MOST = 500  # estimates; with more levels than these, groups of levels are left out


@dataclass(frozen=True)
class LeftOut:
    """The estimates without each group of levels of a factor, or of the cells of several."""

    name: str
    levels: int
    groups: int
    sign: int  # in the sum over sets of factors
    outcomes: tuple[Outcome, ...]

    @property
    def described(self) -> str:
        """What was left out, in words."""
        if self.groups == self.levels:
            return f"each of {self.levels} levels of {self.name}"
        return f"{self.groups} groups of the {self.levels} levels of {self.name}, drawn by the seed"

    @cached_property
    def values(self) -> Array:
        """One row per group that left estimates."""
        import numpy as np

        return np.array([o.estimates for o in self.outcomes if o.estimates is not None])

    def covariance(self) -> Array:
        """V_s; where some groups left no estimates, the others stand for them."""
        import numpy as np

        if len(self.values) < 2:
            raise UnsupportedError(f"fewer than two estimates are left where {self.described} are left out")
        centred = self.values - self.values.mean(axis=0)
        spread = np.einsum("gi,gj->ij", centred, centred) / (len(self.values) - 1)
        found: Array = (self.groups - 1) ** 2 / self.groups * spread
        return found


@dataclass(frozen=True, repr=False)
class Jackknife:
    """Standard errors, covariances and biases by leaving out units. Groups without estimates are counted."""

    model: str
    keys: tuple[str, ...]
    observed: Mapping[str, float]
    left_out: tuple[LeftOut, ...]  # one, or for crossed factors one for each set of them, single ones first
    seed: int

    @property
    def units(self) -> str:
        """What was left out, by name: "user", or of crossed factors "user and item"."""
        factors = len(self.left_out).bit_length()  # their sets that are not empty are one fewer than a power of 2
        return " and ".join(part.name for part in self.left_out[:factors])

    @property
    def covariance(self) -> pd.DataFrame:
        """The covariance matrix of the estimates, in the order of `keys`.

        Of crossed factors it is a difference, and with few levels perhaps no matrix of covariances: see `notes`.
        """
        import pandas as pd

        index = pd.Index(self.keys, name="parameter")
        total = sum(part.sign * part.covariance() for part in self.left_out)
        return pd.DataFrame(total, index=index, columns=index)

    def cov_params(self) -> pd.DataFrame:
        """The covariance matrix of the estimates, under statsmodels' name."""
        return self.covariance

    @property
    def bse(self) -> pd.Series[float]:
        """Standard errors; not a number where the variance of crossed factors came out negative."""
        import numpy as np
        import pandas as pd

        variances = np.diag(self.covariance)
        errors = np.sqrt(np.where(variances >= 0, variances, np.nan))
        return pd.Series(errors, index=self.covariance.index, name="std_error")

    @property
    def bias(self) -> pd.Series[float]:
        """The estimate's bias, (g-1)(mean of the estimates without a group - estimate); signs as in the variance."""
        import pandas as pd

        total: Any = 0.0
        for part in self.left_out:
            if len(part.values) < 2:
                part.covariance()  # which says so
            own = part.values.mean(axis=0) - [self.observed[key] for key in self.keys]
            total = total + part.sign * (part.groups - 1) * own
        return pd.Series(total, index=pd.Index(self.keys, name="parameter"), name="bias")

    def conf_int(self, alpha: float = 0.05) -> pd.DataFrame:
        """Intervals estimate -+ t * standard error, by key: columns 0 and 1.

        t is the quantile with one degree of freedom fewer than there are groups, of the factor with fewest.
        """
        import pandas as pd

        require_alpha(alpha)
        apart = quantile(1 - alpha / 2, min(len(part.values) for part in self.left_out) - 1) * self.bse
        observed = pd.Series(dict(self.observed)).reindex(list(self.keys))
        return pd.DataFrame({0: observed - apart, 1: observed + apart}).rename_axis(index="parameter")

    @cached_property
    def estimates(self) -> pd.DataFrame:
        """The estimates without each group, by what was left out and the group's number."""
        import pandas as pd

        rows = [(part.name, o.number, o.estimates) for part in self.left_out for o in part.outcomes if o.estimates]
        index = pd.MultiIndex.from_tuples([(name, number) for name, number, _ in rows], names=["left_out", "group"])
        return pd.DataFrame([values for *_, values in rows], index=index, columns=pd.Index(self.keys, name="parameter"))

    @property
    def failures(self) -> Mapping[tuple[str, int], str]:
        """Why there are no estimates without a group, by what was left out and its number."""
        return {(p.name, o.number): o.failure for p in self.left_out for o in p.outcomes if o.failure is not None}

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out, and what there is to say."""
        import numpy as np

        found = [f"left out: {part.described}" for part in self.left_out]
        found += [f"no estimates without group {n} of {name}: {why}" for (name, n), why in self.failures.items()]
        if self.failures:
            found.append("errors and biases are from the other groups: too small for an estimate that rests on these")
        if np.isnan(self.bse).any():
            found.append("the variance of some estimates came out negative: there are too few levels for this method")
        fewest = min(self.left_out, key=lambda part: part.groups)
        if len(self.left_out) > 1 and fewest.groups < FEWEST:
            found.append(
                f"a multiway variance is a difference, and with {fewest.groups} levels of {fewest.name} it may be far "
                "too small without being negative"
            )
        return tuple(found)

    def summary(self) -> str:
        """A table of estimates, standard errors and biases, and what there is to say."""
        import pandas as pd

        table = pd.DataFrame({"estimate": pd.Series(dict(self.observed)), "std_error": self.bse, "bias": self.bias})
        lines = [f"jackknife of {self.model}", "", table.reindex(list(self.keys)).to_string(), "", *self.notes]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return self.summary()


def jackknife(
    of: FitResult | Model,
    data: Any = None,
    *,
    by: str | None = None,
    groups: int = MOST,
    seed: int = 1,
    workers: int = 1,
    progress: bool = False,
    statistics: Any = None,
    means: str | None = None,
    weighting: str | None = None,
    missing: str = "refuse",
) -> Jackknife:
    """Leave out units in turn; of crossed factors the levels of each, and their cells (the multiway jackknife).

    Args:
        of: a `FitResult`, or a `Model` with the `statistics` and `means` that it is to be fitted by.
        data: the frame, a list of frames, or sums by cells; a fit that keeps its data needs none.
        by: leave out the levels of this factor of a crossed model alone, as if all else were fixed.
        groups: the most estimates to make of each; where there are more levels, that many random groups of them are
            left out in turn, which the result says.
        seed: of those groups.
        workers: the number of processes.
        progress: show a progress bar where there is a terminal.
        statistics: what the moment equations of a `Model` are made of; a fit has its own.
        means: how they treat the mean parameters, likewise.
        weighting: how they are weighted, likewise.
        missing: "refuse" or "drop" rows with missing values.

    Raises:
        NotIdentifiedError: data whose own estimates do not exist.

    """
    require_count("groups", groups, 2)
    require_count("the seed", seed, 0)
    data, missing = data_of(of, data, missing)
    model, system, cells = cells_of(of, data, Asked(statistics, means, weighting), missing)
    observed = estimates_of(cells)
    keys = keys_of(model, system, observed)
    factors = (unit(model.resolved, by),) if by is not None else outermost(model.resolved)
    found = []
    for place, (columns, sign) in enumerate(sets_of(factors)):
        name, level = join_factor(columns), cells.levels(columns)
        count = int(level.max()) + 1
        if count < 2:
            raise UnsupportedError(f"there is one level only of {name}, and nothing is left without it")
        group = level if count <= groups else (stream(seed, place).permutation(count) % groups)[level]
        outcomes: list[Outcome] = []
        run(LevelsLeftOut(cells, group, keys), range(min(count, groups)), workers, progress, outcomes.append)
        ordered = tuple(sorted(outcomes, key=lambda o: o.number))
        found.append(LeftOut(name, count, min(count, groups), sign, ordered))
    return Jackknife(repr(model), keys, {key: observed[key] for key in keys}, tuple(found), seed)
