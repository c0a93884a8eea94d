"""What is counted while replicates of a simulation run, and what it says in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from momentalg.check.responses import Responses
from momentalg.check.verdict import CheckRow
from momentalg.errors import CheckError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Estimator = Callable[[dict[str, Any]], Mapping[str, float]]


@dataclass(frozen=True)
class Replicate:
    """One data set."""

    number: int
    columns: dict[str, Array]
    empty: int
    largest: int


@dataclass
class Tally:
    """The estimates and what happened beside them."""

    replicates: int
    allowed: int
    seed: int
    plugged_in: tuple[str, ...] = ()
    weighted: bool = False
    estimates: list[dict[str, float]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    empty: int = 0
    singletons: int = 0

    def add(self, replicate: Replicate, estimator: Estimator) -> None:
        """Estimate, and count; raises `CheckError` where more replicates fail than are allowed to."""
        self.empty += replicate.empty
        self.singletons += replicate.largest <= 1
        try:
            self.estimates.append(_estimates(estimator, replicate))
        except Exception as error:
            self.failures.append(f"replicate {replicate.number}: {error}")
            if len(self.failures) > self.allowed:
                raise CheckError(_failure(replicate, self.seed, error, self.allowed)) from error

    def rows(self, responses: Responses) -> tuple[CheckRow, ...]:
        """The mean of the estimates of each parameter beside the truth."""
        import numpy as np

        estimates = self.estimates

        if len(estimates) < 2:
            raise CheckError(
                f"{len(estimates)} replicates gave estimates; at least 2 are needed to judge the estimator"
            )
        keys = list(estimates[0])
        for found in estimates:
            if set(found) != set(keys):
                differing = ", ".join(sorted(set(found) ^ set(keys)))
                raise CheckError(f"the estimator does not estimate the same parameters in every replicate: {differing}")
        rows = []
        for key in keys:
            values = np.array([found[key] for found in estimates])
            truth, mean = responses.truth(key), float(values.mean())
            error = float(values.std(ddof=1)) / len(values) ** 0.5
            rows.append(CheckRow(key, truth, mean, error, _z(truth, mean, error)))
        return tuple(rows)

    def notes(self) -> Iterator[str]:
        """What else there is to say."""
        if self.empty:
            yield (
                f"{self.empty} units were drawn empty ({self.empty / self.replicates:.3g} per replicate) and left out, "
                "as empty units are not observed"
            )
        if self.singletons:
            yield f"in {self.singletons} replicates no unit had two observations"
        if self.failures:
            yield (
                f"{len(self.failures)} replicates failed and were left out, so that the rows are conditional on no "
                f"failure; the first: {self.failures[0]}"
            )
        if self.plugged_in:
            yield (
                f"estimates are put in place of {', '.join(self.plugged_in)}, which is consistent, and biased: with "
                "many replicates the bias shows; it falls with more levels"
            )
        if self.weighted:
            yield (
                "weights are estimated, which is consistent, and not exactly unbiased: with many replicates the bias "
                "may show; it falls with more levels"
            )


def _estimates(estimator: Estimator, replicate: Replicate) -> dict[str, float]:
    """The estimates of one replicate, as finite floats."""
    if not replicate.largest:
        raise CheckError("no unit has an observation")
    found = {key: float(value) for key, value in estimator(replicate.columns).items()}
    wrong = [f"{key} = {value}" for key, value in found.items() if value - value != 0]
    if wrong:
        raise CheckError(f"estimates are not finite: {', '.join(wrong)}")
    return found


def _z(truth: float, mean: float, error: float) -> float:
    """How many Monte-Carlo errors the mean is off; where the estimates do not vary, only rounding is forgiven."""
    if error > 1e-14 * max(abs(truth), abs(mean)):
        return (mean - truth) / error
    return 0.0 if abs(mean - truth) <= 1e-9 * max(1.0, abs(truth)) else float("inf") * (1 if mean > truth else -1)


def _failure(replicate: Replicate, seed: int, error: Exception, allowed: int) -> str:
    again = f"numpy.random.SeedSequence({seed}, spawn_key=({replicate.number},))"
    limit = f" ({allowed} failures are allowed)" if allowed else ""
    return (
        f"the estimator failed on replicate {replicate.number}{limit}: {type(error).__name__}: {error}. Its random "
        f"stream is {again}; momentalg.check.simulation.simulation(...).columns({replicate.number}) gives its data. "
        "To count such replicates and go on, pass allow_failures=True or a number"
    )
