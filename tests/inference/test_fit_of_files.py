"""What a fit of files tells: how far it is while it reads, and which files were in it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import momentalg as ma
from momentalg.inference.runs.progress import Progress, listening

MODEL = ma.Model("y ~ 1 + (1 | user)")


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    user = rng.integers(0, 20, 240)
    return pd.DataFrame({"user": user, "y": rng.normal(size=20)[user] + rng.normal(size=240)})


def test_a_fit_says_which_files_are_in_it(tmp_path, frame):
    for k in range(12):
        frame[20 * k : 20 * (k + 1)].to_csv(tmp_path / f"{k:02}.csv", index=False)
    fit = MODEL.fit(tmp_path)
    assert "Observations: 240 from 12 files\n" in str(fit.summary())
    assert "They are from 12 files: 00.csv, 01.csv, 02.csv, " in str(fit.explain())
    assert "08.csv, 09.csv and 2 more.\n" in str(fit.explain())
    one = MODEL.fit(MODEL.sums(tmp_path / "00.csv", missing="drop"))
    assert "Observations: 20 from 00.csv\n" in str(one.summary())
    assert "They are from a file: 00.csv." in str(one.explain())
    assert "from" not in next(line for line in str(MODEL.fit(frame).summary()).splitlines() if "Observations" in line)


def test_the_bar_is_one_line_of_an_ordinary_terminal(monkeypatch, capsys):
    for name, value in {"COLUMNS": "80", "FORCE_COLOR": "1", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    with listening(True) as tell:
        tell(Progress(Path("part-19.parquet"), 19, 20, 2_000_000_000, 0, 34 * 10**9, 34 * 10**9))
    lines = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line) for line in re.split(r"[\r\n]", capsys.readouterr().err)]
    shown = [line for line in lines if "file 20 of 20" in line]
    assert shown
    assert all(line.rstrip().endswith("2,000,000,000 rows") and len(line) <= 80 for line in shown)
