"""What the tests of clusters share: rows with labels of many kinds, the same fit by two engines, and counted loads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import momentalg as ma
from tests.data.engines.frames import assert_same_sums


def frame_of(n: int) -> pd.DataFrame:
    """Rows with labels and numbers of many kinds; levels of `text` and `date` differ."""
    r = np.random.default_rng(n)
    text, date = r.integers(0, 20, n), r.integers(0, 15, n)
    x = r.normal(size=n)
    return pd.DataFrame(
        {
            "text": [f"ü{k}" for k in text],
            "whole": r.integers(-5, 7, n) * 10**12,
            "small": r.integers(0, 9, n).astype("int16"),
            "date": np.datetime64("1969-12-25", "us") + date * np.timedelta64(86_400_000_000, "us"),
            "category": pd.Categorical([f"c{k}" for k in text], [f"c{k}" for k in reversed(range(25))]),
            "truth": r.random(n) < 0.4,
            "drug": r.choice(["a", "b", "c"], n),
            "x": x,
            "single": x.astype("float32"),
            "large": (100_000 + 50 * text + r.integers(-99, 99, n)).astype("int32"),
            "y": 2 + x + r.normal(size=20)[text] + 0.5 * r.normal(size=15)[date] + r.normal(size=n),
        }
    )


def assert_same_fit(model: ma.Model, frame: pd.DataFrame, data: Any, missing: str = "refuse") -> None:
    """Sums of a frame in memory and of the same rows elsewhere agree to 1e-12, estimates to 1e-9."""
    own, other = (model.fit(rows, missing=missing) for rows in (frame, data))
    assert_same_sums(own.sums, other.sums)
    assert (own.nobs, own.dropped) == (other.nobs, other.dropped)
    np.testing.assert_allclose(other.params, own.params, rtol=1e-9, atol=1e-9 * np.abs(own.params).max())


def loads(folder: Path, partition: int) -> int:
    """How often this was called before for a partition, in whatever process."""
    number = 0
    while True:
        try:
            os.close(os.open(folder / f"{partition}-{number}", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            number += 1
        else:
            return number
