"""What is a frame, and what is said of what is none: the nearest thing that works."""

from __future__ import annotations

import sqlite3
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import momentalg as ma

MODEL = ma.Model("rating ~ 1 + (1 | user)")


@pytest.fixture
def frame(tmp_path, monkeypatch) -> pd.DataFrame:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    user = rng.integers(0, 20, 300)
    frame = pd.DataFrame({"user": user, "rating": rng.normal(size=20)[user] + rng.normal(size=300)})
    frame.to_csv("a.csv", index=False)
    return frame


def arrow_dataset() -> Any:
    """The rows as a data set of Arrow, which reads them as they are needed."""
    from pyarrow import dataset

    return dataset.dataset("a.csv", format="csv")


@pytest.mark.engine("arrow")
def test_batches_of_arrow_are_frames(frame):
    import pyarrow as pa

    expected = MODEL.fit(frame).params
    batches = pa.Table.from_pandas(frame).to_batches(max_chunksize=70)
    assert len(batches) == 5
    for data in (batches, iter(batches), arrow_dataset().to_batches(batch_size=50)):
        np.testing.assert_allclose(MODEL.fit(data).params, expected, rtol=1e-12)


@pytest.mark.usefixtures("frame")
@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(
            arrow_dataset,
            r"FileSystemDataset; give its batches, data\.to_batches\(\)",
            marks=pytest.mark.engine("arrow"),
        ),
        (lambda: sqlite3.connect(":memory:"), r"found Connection; of a database give a query's result"),
        (lambda: StringIO("user,rating\n"), "an open file, which may be read only once; give its path"),
        (lambda: iter(["a.csv"]), r"an iterator of paths; give a list of them: model\.fit\(list\(paths\)\)"),
        (lambda: Path().glob("*.csv"), "an iterator of paths"),
        (lambda: [pd.read_csv("a.csv"), "a.csv"], "found str; paths are taken by model.fit and model.sums, one or a"),
    ],
)
def test_what_is_no_frame_says_what_to_give(data, said):
    with pytest.raises(ma.DataError, match=said):
        MODEL.fit(data())
