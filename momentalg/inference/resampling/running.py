"""Running many replicates: in this process or in several, each replicate with a random stream of its own.

The stream of replicate r is the r-th child of the seed, ``SeedSequence(seed, spawn_key=(r,))``. So the numbers are the
same whatever the number of processes, and wherever a run was interrupted and taken up again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from momentalg.errors import ModelError
from momentalg.inference.resampling.cells import FAILURES

if TYPE_CHECKING:
    import numpy as np

BATCH = 25  # replicates that a process is given at a time, at most


@dataclass(frozen=True)
class Outcome:
    """What one replicate gave: estimates and, if asked for, their standard errors; or why it gave none."""

    number: int
    estimates: tuple[float, ...] | None = None
    errors: tuple[float, ...] | None = None
    failure: str | None = None


class Plan(Protocol):
    """What a replicate does. It is pickled where there are several processes."""

    def replicate(self, number: int) -> tuple[tuple[float, ...], tuple[float, ...] | None]:
        """The estimates of a replicate, and their standard errors if these are asked for."""


def stream(seed: int, *key: int) -> np.random.Generator:
    """The random stream of a replicate, or of another purpose that `key` numbers."""
    import numpy as np

    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def require_count(what: str, value: object, least: int) -> int:
    """A whole number that is not too small."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ModelError(f"{what} must be a whole number of {least} or more; found {value!r}")
    return value


def run(plan: Plan, numbers: Sequence[int], workers: int, progress: bool, keep: Callable[[Outcome], None]) -> None:
    """Run replicates and hand each outcome to `keep`, in any order; `progress` is shown on a terminal only."""
    require_count("workers", workers, 1)
    with _shown(len(numbers), progress) as advance:
        for outcomes in _batches(plan, numbers, workers):
            for outcome in outcomes:
                keep(outcome)
            advance(len(outcomes))


def _batches(plan: Plan, numbers: Sequence[int], workers: int) -> Iterator[list[Outcome]]:
    if workers == 1 or len(numbers) < 2:
        yield from (_outcomes(plan, [number]) for number in numbers)
        return
    size = min(BATCH, -(-len(numbers) // (4 * workers)))
    parts = [numbers[k : k + size] for k in range(0, len(numbers), size)]
    with ProcessPoolExecutor(min(workers, len(parts)), initializer=_begin, initargs=(plan,)) as pool:
        waiting = [pool.submit(_own, part) for part in parts]
        try:
            for done in as_completed(waiting):
                yield done.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _outcomes(plan: Plan, numbers: Iterable[int]) -> list[Outcome]:
    found = []
    for number in numbers:
        try:
            estimates, errors = plan.replicate(number)
        except FAILURES as error:
            found.append(Outcome(number, failure=str(error)))
        else:
            found.append(Outcome(number, estimates, errors))
    return found


_mine: list[Plan] = []  # the plan of a worker process


def _begin(plan: Plan) -> None:
    _mine[:] = [plan]


def _own(numbers: Sequence[int]) -> list[Outcome]:
    return _outcomes(_mine[0], numbers)


@contextmanager
def _shown(total: int, progress: bool) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal; nothing elsewhere."""
    if not progress or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("resampling"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("resampling", total=total)
        yield lambda count: bar.advance(task, count)
