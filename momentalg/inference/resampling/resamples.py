"""`Resamples`: the estimates of every replicate of a bootstrap, and what follows from them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from momentalg.errors import ModelError, UnsupportedError
from momentalg.expr.keys import read_key
from momentalg.inference.reference import quantile, require_alpha
from momentalg.inference.resampling.running import Outcome

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

METHODS = ("percentile", "basic", "normal", "t")
FEW = 0.05  # of replicates that failed: more are said to matter


@dataclass(frozen=True)
class Question:
    """What a bootstrap was asked: two runs with the same question have the same replicates."""

    kind: str
    described: str  # what was drawn, in words
    model: str
    seed: int
    inner: str
    keys: tuple[str, ...]
    fingerprint: str  # of the data, the estimator and what else the draws depend on


@dataclass(frozen=True, repr=False)
class Resamples:
    """Estimates by replicate. Replicates without estimates are counted, with the reason, and never left out unsaid."""

    question: Question
    observed: Mapping[str, float]
    centre: Mapping[str, float]  # what replicates are about: the estimates, or the parameters of the law drawn from
    observed_errors: Mapping[str, float]  # by the formula or jackknife of `inner`; empty where there is none
    outcomes: tuple[Outcome, ...]  # in the order of their numbers

    @property
    def kind(self) -> str:
        """What was resampled: "cluster", "pigeonhole", "residual" or "parametric"."""
        return self.question.kind

    @property
    def seed(self) -> int:
        """The seed; replicate r has the random stream ``SeedSequence(seed, spawn_key=(r,))``."""
        return self.question.seed

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the parameters."""
        return self.question.keys

    @property
    def replicates(self) -> int:
        """The number of replicates, failed ones included."""
        return len(self.outcomes)

    @property
    def failures(self) -> Mapping[int, str]:
        """Why replicates gave no estimates, by number."""
        return {o.number: o.failure for o in self.outcomes if o.failure is not None}

    @property
    def failed(self) -> int:
        """The number of replicates that gave no estimates."""
        return len(self.failures)

    @cached_property
    def estimates(self) -> pd.DataFrame:
        """One row per replicate that gave estimates, by its number; one column per parameter."""
        return self._frame([(o.number, o.estimates) for o in self.outcomes if o.estimates is not None])

    @cached_property
    def errors(self) -> pd.DataFrame:
        """The standard errors within each replicate; no rows where none were asked for."""
        return self._frame([(o.number, o.errors) for o in self.outcomes if o.errors is not None])

    @property
    def bse(self) -> pd.Series[float]:
        """Standard errors: the standard deviations of the replicates."""
        return self._enough().std(ddof=1).rename("std_error")

    def cov_params(self) -> pd.DataFrame:
        """The covariance of the estimates: that of the replicates."""
        return self._enough().cov()

    @property
    def bias(self) -> pd.Series[float]:
        """The mean of the replicates minus what they are about: the estimates, or the parameters of the law drawn from.

        Not a number for components under the pigeonhole bootstrap, whose replicates are about something else.
        """
        import pandas as pd

        centre = pd.Series(dict(self.centre), index=self.estimates.columns)
        found = self._enough().mean() - centre
        return found.where(~self._off_centre, float("nan")).rename("bias")

    def conf_int(self, alpha: float = 0.05, method: str | None = None) -> pd.DataFrame:
        """Confidence intervals at the level 1 - alpha, by key: columns 0 and 1.

        Args:
            alpha: one minus the level.
            method: "percentile": quantiles of the replicates; "basic": these reflected at the estimate; "normal": the
                estimate and standard errors; "t": the bootstrap-t, quantiles of (replicate - estimate)/its standard
                error, for which the bootstrap must have been run with ``inner=`` "formula" or "jackknife". By default
                "percentile"; "normal" for the pigeonhole bootstrap, where all others are not a number for components.

        Source: Davison and Hinkley (1997), Bootstrap Methods and their Application, chapter 5.

        """
        import numpy as np
        import pandas as pd

        method = method or ("normal" if self.kind == "pigeonhole" else "percentile")
        if method not in METHODS:
            raise ModelError(f"method={method!r} is none of {', '.join(METHODS)}")
        require_alpha(alpha)
        values, observed = self._enough(), np.array([self.observed[key] for key in self.keys])
        centre = np.array([self.centre[key] for key in self.keys])
        tails = [alpha / 2, 1 - alpha / 2]
        if method == "normal":
            apart = quantile(1 - alpha / 2) * values.std(ddof=1).to_numpy()
            lower, upper = observed - apart, observed + apart
        elif method == "t":
            lower, upper = self._studentised(tails, observed, centre)
        else:
            lower, upper = np.quantile(values.to_numpy(), tails, axis=0)
            if method == "basic":
                lower, upper = observed + centre - upper, observed + centre - lower
        found = pd.DataFrame({0: lower, 1: upper}, index=values.columns)
        if method != "normal":
            found[self._off_centre.to_numpy()] = float("nan")
        return found

    def summary(self) -> str:
        """A table of estimates, standard errors, biases and intervals, and what there is to say."""
        import pandas as pd

        columns = {"estimate": pd.Series(dict(self.observed)), "std_error": self.bse, "bias": self.bias}
        ends = self.conf_int().set_axis(["lower", "upper"], axis=1)
        table = pd.DataFrame(columns).reindex(list(self.keys)).join(ends)
        lines = [f"{self.kind} bootstrap of {self.question.model}", f"{self.question.described}; seed {self.seed}", ""]
        return "\n".join([*lines, table.to_string(float_format=lambda v: f"{v:.5g}"), "", *self.notes])

    @property
    def notes(self) -> tuple[str, ...]:
        """How many replicates there are, and what failed and why."""
        found = [f"{self.replicates} replicates, {self.failed} of which gave no estimates"]
        for reason, count in Counter(self.failures.values()).most_common():
            found.append(f"  {count}: {reason}")
        if self.failed > FEW * self.replicates:
            found.append("  so many that the others tell of samples in which the estimates exist, not of all")
        if self._off_centre.any():
            found.append(
                "copies of a cell share their residual, so that replicates of components are not about the estimates: "
                "no bias and no percentile intervals, and standard errors too large, most of all of the residual "
                "variance. For components take the jackknife, kind='residual' or kind='parametric'"
            )
        if self.kind == "residual":
            found.append(
                "predicted effects and residuals mix those of a level, and are nearer to the normal law: where tails "
                "are heavy, standard errors of components are too small, of the residual variance by 10 to 20 percent "
                "with exponential residuals. There take the formula's, or kind='cluster' where there are units"
            )
        return tuple(found)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write everything to a file, an .npz archive without pickles; ``bootstrap(..., resume=path)`` goes on."""
        from momentalg.inference.resampling.storing import write

        return write(path, self)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Resamples:
        """Read what `save` wrote. Raises `DataError` for files that are none of this version's."""
        from momentalg.inference.resampling.storing import read

        return read(path)

    def first(self, replicates: int) -> Resamples:
        """The replicates with the numbers 0 to `replicates` - 1."""
        return replace(self, outcomes=tuple(o for o in self.outcomes if o.number < replicates))

    def __repr__(self) -> str:
        if len(self.estimates) < 2:
            return f"<{self.kind} bootstrap of {self.question.model}: {'; '.join(self.notes)}>"
        return self.summary()

    # -- parts ---------------------------------------------------------------------------------------------------

    def _frame(self, rows: list[tuple[int, tuple[float, ...]]]) -> pd.DataFrame:
        import pandas as pd

        index = pd.Index([number for number, _ in rows], name="replicate", dtype=int)
        columns = pd.Index(self.keys, name="parameter")
        return pd.DataFrame([values for _, values in rows], index=index, columns=columns, dtype=float)

    def _enough(self) -> pd.DataFrame:
        if len(self.estimates) < 2:
            raise UnsupportedError(f"too few replicates gave estimates: {'; '.join(self.notes)}")
        return self.estimates

    @property
    def _off_centre(self) -> pd.Series[bool]:
        """The parameters whose replicates are not about the estimates: components, where cells are drawn."""
        import pandas as pd

        is_off = [self.kind == "pigeonhole" and read_key(key).kind != "mean" for key in self.keys]
        return pd.Series(is_off, index=pd.Index(self.keys, name="parameter"), dtype=bool)

    def _studentised(self, tails: list[float], observed: Array, centre: Array) -> tuple[Array, Array]:
        import numpy as np

        if not self.observed_errors or len(self.errors) < 2:
            raise UnsupportedError(
                "the bootstrap-t needs the standard error within each replicate: bootstrap(..., inner='jackknife'), or "
                "inner='formula' where the estimator has one of its own"
            )
        errors = self.errors.to_numpy()
        ratios = (self.estimates.loc[self.errors.index].to_numpy() - centre) / errors
        own = np.array([self.observed_errors[key] for key in self.keys])
        low, high = np.quantile(ratios, tails, axis=0)
        return observed - high * own, observed - low * own
