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
    return model.sums(found.scan([path], model.resolved.columns), engine=engine, missing=missing)


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


@pytest.mark.engine("arrow")
@ENGINES
@pytest.mark.parametrize("column", ["user", "x", "y"])
def test_nan_in_a_parquet_file_is_missing_though_the_statistics_of_the_file_pass_over_it(column, engine, tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    frame = base().assign(user=lambda f: f.index % 20 / 2)
    frame.loc[[3, 300], column] = np.nan
    path = tmp_path / "rows.parquet"
    parquet.write_table(pa.table({n: pa.array(frame[n], from_pandas=False) for n in ("user", "x", "y")}), path)
    with pytest.raises(DataError, match=rf"2 of 600 rows have missing values: '{column}' \(2\)"):
        scanned(path, engine)
    assert_same_sums(MODEL.sums(frame, missing="drop"), scanned(path, engine, missing="drop"))


@pytest.mark.engine("duckdb")
@pytest.mark.engine("arrow")
@pytest.mark.parametrize("column", ["user", "y"])
@pytest.mark.parametrize("missing", ["refuse", "drop"])
def test_a_relation_on_a_file_in_which_duckdb_does_not_see_nan_is_refused(column, missing, tmp_path):
    import duckdb
    import pyarrow as pa
    from pyarrow import parquet

    frame = base().assign(user=lambda f: f.index % 20 / 2)
    frame.loc[[3, 300], column] = np.nan
    path = tmp_path / "rows.parquet"
    parquet.write_table(pa.table({n: pa.array(frame[n], from_pandas=False) for n in ("user", "x", "y")}), path)
    relation = duckdb.connect().read_parquet(str(path))
    with pytest.raises(DataError, match=r"NaN.*statistics of Parquet files|rows have missing values"):
        MODEL.sums(relation, missing=missing)


@ENGINES
@pytest.mark.parametrize("large", [2**53 + 1, -(2**53) - 1, 2**63 - 1, 2**63, 10**20, 10**25])
def test_whole_numbers_in_text_that_floats_do_not_hold_are_refused_by_every_engine(large, engine, tmp_path):
    path = tmp_path / "rows.csv"
    base().assign(y=[large, *range(599)]).to_csv(path, index=False)
    for asked in (engine, "numpy"):
        with pytest.raises(DataError, match=r"whole numbers beyond 2\*\*53"):
            MODEL.sums(path, engine=asked)


@ENGINES
def test_files_without_rows_or_without_a_value_in_a_column_are_passed_over_by_every_engine(engine, tmp_path):
    frame, paths = base(), [tmp_path / f"{k}.csv" for k in range(3)]
    frame.to_csv(paths[0], index=False)
    frame[:0].to_csv(paths[1], index=False)
    frame[:9].assign(y=np.nan).to_csv(paths[2], index=False)
    found = MODEL.sums(paths, engine=engine, missing="drop")
    assert (found.nobs, found.dropped) == (600, 9)
    with pytest.raises(DataError, match=r"2\.csv: 9 of 9 rows have missing values: 'y'"):
        MODEL.sums(paths, engine=engine)


@pytest.mark.parametrize(
    "engine", [pytest.param(name, marks=pytest.mark.engine(name)) for name in ("duckdb", "polars")]
)
def test_a_column_that_one_value_makes_text_is_refused_with_that_value(tmp_path, engine):
    path = tmp_path / "y.csv"
    path.write_text("user,y\n" + "".join(f"u{k % 7},{k / 4}\n" for k in range(50)) + "u1,n/a!\n")
    with pytest.raises(ma.DataError, match=r"the response 'y' is not numeric: it holds 'n/a!' \(String\)"):
        ma.Model("y ~ 1 + (1 | user)").sums(path, engine=engine)
