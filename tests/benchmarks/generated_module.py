"""The generated module against a pass written by hand that takes the same sums about a shift."""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path
from types import ModuleType

import numpy as np

import momentalg as ma
from tests.benchmarks.timing import Measurement, interleaved_calls

ROWS, LEVELS, REPEATS = 1_000_000, 20_000, 21


def generated() -> ModuleType:
    """The module that momentalg writes for the one-way model, imported from a file as a user would."""
    module = ma.Model("y ~ 1 + (1 | user)").moment_equations().estimator(backend="numpy")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "one_way_estimator.py"
        module.write(str(path))
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
    return loaded


def by_hand(user: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Both variance components by the analysis of variance: what a careful person writes for integer codes."""
    shift = y.mean()
    centred = y - shift
    size = np.bincount(user)
    total = np.bincount(user, weights=centred)
    squares = float(centred @ centred)
    occupied = size > 0
    size, total = size[occupied].astype(float), total[occupied]
    if not np.isfinite(squares):
        raise ValueError("the response is not finite")
    n, r = size.sum(), len(size)
    between = float((total**2 / size).sum())
    residual = (squares - between) / (n - r)
    return (between - total.sum() ** 2 / n - (r - 1) * residual) / (n - (size**2).sum() / n), residual


def measure() -> Measurement:
    """The ratio of the medians, on a million rows, after checking that both give the same estimates."""
    random = np.random.default_rng(1)
    user = random.integers(0, LEVELS, ROWS)
    y = 3.0 + random.standard_exponential(LEVELS)[user] + random.standard_normal(ROWS)
    module, columns = generated(), {"y": y, "user": user}
    estimates = module.solve(module.accumulate(columns))
    expected = by_hand(user, y)
    found = (estimates["var(1|user)"], estimates["var(residual)"])
    if not np.allclose(found, expected, rtol=1e-10):
        raise RuntimeError(f"the generated module gives {found}, the pass by hand {expected}")
    calls = {
        "generated": lambda: module.solve(module.accumulate(columns)),
        "by hand": lambda: by_hand(user, y),
    }
    seconds = interleaved_calls(calls, REPEATS)
    return Measurement(
        what="generated module, 10^6 rows",
        unit="pass by hand",
        ratio=seconds["generated"] / seconds["by hand"],
        limit=1.15,
        seconds=seconds,
        notes={"rows": ROWS, "levels": LEVELS},
    )
