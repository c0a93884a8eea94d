"""How second-order systems grow with the number of crossed factors: the exponent of a power law, from two to eight.

One system is the expectations of Gao and Owen's statistics, given any design, with every step derived and verified, and
its solution for the components.
"""

from __future__ import annotations

import numpy as np

from tests.benchmarks.crossed_time import EXPECTATIONS, code
from tests.benchmarks.timing import Measurement, interleaved_processes

FACTORS = range(2, 9)
REPEATS = 5


def measure() -> Measurement:
    """The slope of log time on log number of factors, by least squares over the medians."""
    codes = {str(k): code(tuple("abcdfghk"[:k]), EXPECTATIONS, "gao_owen") for k in FACTORS}
    taken = interleaved_processes(codes, REPEATS)
    seconds = {name: parts["all"] for name, parts in taken.items()}
    slope = np.polyfit(np.log(list(FACTORS)), np.log(list(seconds.values())), 1)[0]
    return Measurement(
        what="systems of 2 to 8 crossed factors: exponent of the time",
        unit="power law",
        ratio=float(slope),
        limit=3.0,
        seconds=seconds,
    )
