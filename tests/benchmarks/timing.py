"""Timing by ratios: both sides in one run, alternating, so that a busy machine slows both."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Measurement:
    """One benchmark: how long `what` takes in units of `unit`, and the most it may take."""

    what: str
    unit: str
    ratio: float
    limit: float
    seconds: Mapping[str, float]  # the medians behind the ratio, and their parts
    notes: Mapping[str, object] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether the ratio is within its limit."""
        return self.ratio <= self.limit


def fresh(code: str) -> dict[str, float]:
    """Run `code` in a new interpreter; its last line of output is a JSON object of seconds."""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(f"the timed code failed:\n{run.stderr}")
    return dict(json.loads(run.stdout.splitlines()[-1]))


def interleaved_processes(codes: Mapping[str, str], repeats: int) -> dict[str, dict[str, float]]:
    """The median of each of the seconds that each code prints, over `repeats` rounds of fresh processes."""
    for code in codes.values():
        fresh(code)  # writes the bytecode and fills the disk's cache
    rounds = [{name: fresh(code) for name, code in codes.items()} for _ in range(repeats)]
    return {name: {part: median(r[name][part] for r in rounds) for part in rounds[0][name]} for name in codes}


def interleaved_calls(
    calls: Mapping[str, Callable[[], object]], repeats: int, clock: Callable[[], float] = time.process_time
) -> dict[str, float]:
    """The median of the processor's seconds of each call, over `repeats` rounds after one to warm up.

    The processor's time, and not the clock's, because on a shared machine the clock also counts the others' work. Calls
    that differ in how many cores they use are compared by `time.perf_counter`.
    """
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(repeats + 1):
        for name, call in calls.items():
            start = clock()
            call()
            if number:
                seconds[name].append(clock() - start)
    return {name: median(taken) for name, taken in seconds.items()}
