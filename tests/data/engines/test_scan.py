"""Files that an engine opens itself give the sums of the same rows read into memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import momentalg as ma
from momentalg.data.engines.engine import named
from momentalg.errors import DataError
from tests.data.engines.frames import MODELS, assert_same_sums, base

MODEL = MODELS["a covariate within"]()
ENGINES = pytest.mark.parametrize(
    "engine", [pytest.param(name, marks=pytest.mark.engine(name)) for name in ("polars", "duckdb")]
)


def scanned(path: Any, engine: str, model: ma.Model = MODEL, missing: str = "refuse") -> Any:
    found = named(engine)
    assert found.scan is not None
    return model.sums(found.scan(path, model.resolved.columns), engine=engine, missing=missing)


@pytest.mark.engine("arrow")
@ENGINES
@pytest.mark.parametrize("name", ["rows.parquet", "ROWS.PQ", "rows[1]*.parquet", "rows.feather", "rows.arrow"])
def test_files_of_columns(name, engine, tmp_path):
    path = tmp_path / name
    frame = base()
    (frame.to_feather if name.endswith(("feather", "arrow")) else frame.to_parquet)(path)
    assert_same_sums(MODEL.sums(frame), scanned(path, engine))


@ENGINES
@pytest.mark.parametrize("name", ["rows.csv", "rows[1]?.csv", "rows.csv.gz", "rows.tsv"])
def test_text_in_columns_has_labels_that_are_texts_and_numbers_that_are_numbers(name, engine, tmp_path):
    frame = base(30_000).assign(user=lambda f: np.where(f.index % 2, "01", "1"), x=lambda f: f.index % 5)
    frame["x"] = frame["x"].astype(float)
    frame.loc[29_000, "x"] = 2.5  # the first that is no whole number
    written = frame.assign(x=[f"{v:g}" for v in frame["x"]])
    path = tmp_path / name
    written.to_csv(path, index=False, sep="\t" if "tsv" in name else ",")
    assert_same_sums(MODEL.sums(frame), scanned(path, engine))


@ENGINES
def test_words_for_missing_values_are_those_of_every_engine(engine, tmp_path):
    path = tmp_path / "rows.csv"
    words = ["", "NA", "NaN", "null", "None", "#N/A"]
    path.write_text(
        "user,x,y\n" + "".join(f"u{k % 2},{w},1.5\n{w},{k},2.5\nu{k % 2},{k},{k}\n" for k, w in enumerate(words))
    )
    found = scanned(path, engine, missing="drop")
    assert (found.nobs, found.dropped) == (6, 12)
    with pytest.raises(DataError, match=r"12 of 18 rows have missing values: 'user' \(6\), 'x' \(6\)"):
        scanned(path, engine)


@ENGINES
def test_a_file_that_is_cut_short_or_holds_other_than_it_began_with_is_told(engine, tmp_path):
    path = tmp_path / "rows.parquet"
    base().to_parquet(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match="could not compute the sums"):
        scanned(path, engine)
    text = tmp_path / "rows.csv"
    text.write_text("user,x,y\n" + "u1,1,2\n" * 40_000 + "u1,one,2\n")
    with pytest.raises(DataError, match="could not compute the sums"):
        scanned(text, engine)


@ENGINES
def test_a_first_line_that_looks_like_a_comment_is_the_names_of_columns(engine, tmp_path):
    path = tmp_path / "rows.csv"
    pd.DataFrame({"#user": list("abab"), "x": range(4), "y": [1.0, 3.0, 2.0, 5.0]}).to_csv(path, index=False)
    with pytest.raises(DataError, match="no column 'user'; did you mean '#user'"):
        scanned(path, engine)
