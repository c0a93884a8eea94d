"""What `import momentalg` costs, in units of `import sympy`; each in fresh processes."""

from __future__ import annotations

from tests.benchmarks.timing import Measurement, interleaved_processes

IMPORT = """
import json, time
start = time.perf_counter()
import {}
print(json.dumps({{"import": time.perf_counter() - start}}))
"""
REPEATS = 9


def measure() -> Measurement:
    """The ratio of the medians of nine."""
    codes = {name: IMPORT.format(name) for name in ("momentalg", "sympy")}
    seconds = {name: taken["import"] for name, taken in interleaved_processes(codes, REPEATS).items()}
    return Measurement(
        what="import momentalg",
        unit="import sympy",
        ratio=seconds["momentalg"] / seconds["sympy"],
        limit=1.3,
        seconds=seconds,
    )
