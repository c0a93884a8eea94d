"""Runs all benchmarks: a table on the screen, and the figures in the JSON file that is named."""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks import (
    crossed_time,
    derive_time,
    efficiency,
    engines,
    generated_module,
    growth,
    import_time,
    sympy_expansion,
)

BENCHMARKS = (import_time, derive_time, crossed_time, growth, sympy_expansion, generated_module, engines, efficiency)


def main(target: Path) -> int:
    """Measure, print and write; the exit code says whether every ratio is within its limit."""
    results = []
    print(f"{'what':56} {'in units of':14} {'ratio':>7} {'limit':>6}")
    for benchmark in BENCHMARKS:
        measured = benchmark.measure()
        for result in measured if isinstance(measured, list) else [measured]:
            results.append(result)
            mark = "" if result.holds else "  over the limit"
            print(f"{result.what:56} {result.unit:14} {result.ratio:7.3f} {result.limit:6.2f}{mark}", flush=True)
    settings = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        **{name: version(name) for name in ("numpy", "sympy")},
    }
    report = {"settings": settings, "results": [{**asdict(r), "holds": r.holds} for r in results]}
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    partial.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    partial.replace(target)
    print(f"written: {target}")
    return 0 if all(r.holds for r in results) else 1


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.benchmarks build/bench.json")
    sys.exit(main(Path(sys.argv[1])))
