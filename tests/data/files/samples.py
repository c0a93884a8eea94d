"""Small data files, in the formats that are read, and sums compared to the last bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

import momentalg as ma
from momentalg.inference.sums import Sums

ONE_WAY = ma.Model("y ~ 1 + (1 | user)")
CROSSED = ma.Model("y ~ 1 + x + (1 | user) + (1 | item)")
ROWS = "momentalg.data.files.formats.format.ROWS"


def ratings(rows: int = 400, seed: int = 1, levels: int = 20) -> pd.DataFrame:
    """Labels of two factors as texts, a covariate and a response."""
    r = np.random.default_rng(seed)
    user, item = r.integers(0, levels, rows), r.integers(0, 7, rows)
    x = r.normal(size=rows)
    y = 3 + x / 2 + user / 10 - item / 5 + r.normal(size=rows)
    return pd.DataFrame({"user": [f"u{u}" for u in user], "item": [f"i{i}" for i in item], "x": x, "y": y})


def written(frame: pd.DataFrame, path: Path, **options: object) -> Path:
    """Write a frame in the format of the ending."""
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False, **options)
    elif path.suffix in (".feather", ".arrow"):
        frame.to_feather(path, **options)
    else:
        frame.to_csv(path, index=False, sep="\t" if ".tsv" in path.name else ",", **options)
    return path


def split(frame: pd.DataFrame, folder: Path, count: int, ending: str = ".csv", **options: object) -> list[Path]:
    """Write a frame as several files of a folder."""
    folder.mkdir(exist_ok=True)
    size = -(-len(frame) // count)
    return [
        written(frame.iloc[k * size : (k + 1) * size], folder / f"part-{k}{ending}", **options) for k in range(count)
    ]


def bits(sums: Sums) -> dict[str, bytes]:
    """Sums to the last bit."""
    return {
        "rows": str((sums.nobs, sums.dropped)).encode(),
        **{name: np.asarray(values).tobytes() for name, values in sums.table.items()},
    }
