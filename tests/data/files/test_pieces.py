"""Every format gives the same rows, in the same pieces, from wherever a run goes on; and the same sums as a frame."""

from __future__ import annotations

import gzip

import narwhals as nw
import numpy as np
import pandas as pd
import pytest

import momentalg as ma
from momentalg.data.files.datafiles import DataFiles, data_files, read
from momentalg.data.files.formats import columnar
from momentalg.errors import DataError, UnsupportedError
from tests.data.files.samples import CROSSED, ONE_WAY, ROWS, ratings, split, written

NAMES = ("user", "y")
ENDINGS = [
    ".csv",
    ".tsv",
    ".csv.gz",
    pytest.param(".parquet", marks=pytest.mark.engine("arrow")),
    pytest.param(".feather", marks=pytest.mark.engine("arrow")),
]


def rows(files: DataFiles, start: int = 0) -> list[list[tuple]]:
    found = []
    for piece in files.pieces(0, ONE_WAY.resolved, NAMES, start):
        frame = nw.from_native(piece.frame)
        found.append(list(zip(*(frame[name].to_list() for name in NAMES), strict=True)))
    return found


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("size", [1, 7, 64, 100, 1000])
def test_pieces_are_the_rows_cut_at_multiples_whatever_comes_before(tmp_path, monkeypatch, ending, size):
    frame = ratings(100)
    options = {"row_group_size": 30} if ending == ".parquet" else {"chunksize": 30} if ending == ".feather" else {}
    files = data_files(written(frame, tmp_path / f"y{ending}", **options))
    monkeypatch.setattr(ROWS, size)
    whole = list(frame[list(NAMES)].itertuples(index=False, name=None))
    expected = [whole[k : k + size] for k in range(0, 100, size)]
    assert rows(files) == expected
    for start in {1, len(expected) // 2, len(expected)}:
        assert rows(files, start) == expected[start:]


@pytest.mark.parametrize("ending", ENDINGS)
def test_shares_grow_to_one(tmp_path, monkeypatch, ending):
    files = data_files(written(ratings(100), tmp_path / f"y{ending}"))
    monkeypatch.setattr(ROWS, 30)
    shares = [piece.share for piece in files.pieces(0, ONE_WAY.resolved, NAMES)]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    if "row" in ending or ending == ".parquet":
        assert shares == pytest.approx([0.3, 0.6, 0.9, 1])


@pytest.mark.engine("polars")
@pytest.mark.engine("arrow")
@pytest.mark.parametrize("ending", [".parquet", ".feather"])
def test_polars_reads_the_same_where_pyarrow_is_absent(tmp_path, monkeypatch, ending):
    files = data_files(written(ratings(100), tmp_path / f"y{ending}"))
    monkeypatch.setattr(ROWS, 30)
    expected = rows(files), files.opened(CROSSED.resolved, ("user", "x", "y")), rows(files, 2)
    monkeypatch.setattr(columnar, "find_spec", lambda name: None if name == "pyarrow" else object())
    assert (rows(files), files.opened(CROSSED.resolved, ("user", "x", "y")), rows(files, 2)) == expected
    monkeypatch.setattr(columnar, "find_spec", lambda _: None)
    with pytest.raises(UnsupportedError, match=r"pip install 'momentalg\[arrow\]'"):
        rows(files)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_fit_of_files_is_that_of_their_rows(tmp_path, monkeypatch, ending):
    frame = ratings()
    expected = CROSSED.fit(frame)
    split(frame, tmp_path / "ratings", 3, ending)
    monkeypatch.setattr(ROWS, 37)
    for asked in (tmp_path / "ratings", f"{tmp_path}/ratings/*{ending}", sorted((tmp_path / "ratings").iterdir())):
        found = CROSSED.fit(asked)
        assert dict(found.estimates) == pytest.approx(dict(expected.estimates), rel=1e-9)
        assert (found.nobs, dict(found.n_groups)) == (400, dict(expected.n_groups))
        assert found.data is None
        assert {mark.name for mark in found.sums.files} == {f"part-{k}{ending}" for k in range(3)}


@pytest.mark.engine("arrow")
@pytest.mark.parametrize("encoded", [False, True])
@pytest.mark.parametrize("labels", ["texts", "whole numbers"])
def test_labels_of_parquet_may_be_encoded_and_are_of_their_own_kind(tmp_path, monkeypatch, encoded, labels):
    frame = ratings()
    if labels != "texts":
        frame["user"] = frame.user.str[1:].astype(int)
    expected = ONE_WAY.sums(frame)
    if encoded:
        frame["user"] = frame.user.astype("category")
    written(frame, tmp_path / "y.parquet", row_group_size=60)
    monkeypatch.setattr(ROWS, 90)
    found = ONE_WAY.sums(tmp_path / "y.parquet")
    level = next(name for name in found.table if name.startswith("level"))
    assert sorted(found.table[level].tolist()) == sorted(expected.table[level].tolist())
    assert found.table[level].dtype == expected.table[level].dtype


def test_a_small_file_stays_in_memory_with_the_fit_for_what_sums_do_not_tell(tmp_path):
    frame = ratings()
    fit = ONE_WAY.fit(written(frame, tmp_path / "y.csv"), statistics="henderson3")
    assert dict(fit.bse) == pytest.approx(dict(ONE_WAY.fit(frame, statistics="henderson3").bse))


def test_labels_of_text_files_are_text_in_every_piece(tmp_path, monkeypatch):
    frame = pd.DataFrame({"user": ["1", "2", "1", "x", "2", "x", "01", "01"], "y": [1, 2, 3.5, 4, 5, 6, 7, 8]})
    written(frame, tmp_path / "y.csv")
    monkeypatch.setattr(ROWS, 3)
    fit = ONE_WAY.fit(tmp_path / "y.csv")
    assert dict(fit.n_groups) == {"user": 4}
    assert dict(fit.estimates) == pytest.approx(dict(ONE_WAY.fit(frame).estimates))


@pytest.mark.parametrize("ending", [".csv", pytest.param(".parquet", marks=pytest.mark.engine("arrow"))])
def test_levels_of_fixed_factors_are_seen_in_all_files(tmp_path, monkeypatch, ending):
    """A level that only the last piece of the last file has, in a column that is a factor since it holds texts."""
    frame = ratings(300)
    frame["drug"] = ["b"] * 150 + ["a"] * 140 + ["c"] * 10
    model = ma.Model("y ~ 1 + drug + x + (1 | user)")
    expected = model.fit(frame)
    monkeypatch.setattr(ROWS, 20)
    split(frame, tmp_path / "parts", 3, ending)
    found = model.fit(tmp_path / "parts")
    assert found.keys == expected.keys
    assert dict(found.estimates) == pytest.approx(dict(expected.estimates), rel=1e-8)


def test_missing_values_are_refused_or_dropped_and_counted_over_pieces_and_files(tmp_path, monkeypatch):
    frame = ratings(300)
    frame.loc[100:199, "y"] = np.nan  # a whole file
    frame.loc[[5, 207], "user"] = None
    split(frame, tmp_path / "y", 3)
    monkeypatch.setattr(ROWS, 30)
    with pytest.raises(DataError, match=r"part-0\.csv: 1 of 30 rows"):
        ONE_WAY.fit(tmp_path / "y")
    found = ONE_WAY.fit(tmp_path / "y", missing="drop")
    assert (found.nobs, found.dropped) == (198, 102)
    assert dict(found.estimates) == pytest.approx(dict(ONE_WAY.fit(frame, missing="drop").estimates))
    frame["y"] = np.nan
    split(frame, tmp_path / "none", 2)
    with pytest.raises(DataError, match="all 300 rows have missing values"):
        ONE_WAY.fit(tmp_path / "none", missing="drop")


def test_the_row_of_an_error_is_counted_from_the_piece_that_it_names(tmp_path, monkeypatch):
    frame = ratings(100)
    frame.loc[77, "y"] = np.inf
    path = written(frame, tmp_path / "y.csv")
    monkeypatch.setattr(ROWS, 50)
    with pytest.raises(DataError, match=r"y\.csv: 'y' is infinite in 1 rows, first in row 27.*counted from 50"):
        ONE_WAY.fit(path)


def test_one_frame_of_a_file(tmp_path):
    frame = ratings(50)
    (tmp_path / "y.csv.gz").write_bytes(gzip.compress(frame.to_csv(index=False).encode()))
    assert read(tmp_path / "y.csv.gz", ONE_WAY.resolved)["y"].to_list() == pytest.approx(frame.y.to_list())
    assert list(read(tmp_path / "y.csv.gz", ONE_WAY.resolved, design_only=True).columns) == ["user"]


@pytest.mark.parametrize("engine", [pytest.param(e, marks=pytest.mark.engine(e)) for e in ("polars", "duckdb")])
@pytest.mark.parametrize("ending", [".csv", ".tsv", ".parquet", ".feather"])
def test_engines_that_open_files_themselves_give_the_same_sums(tmp_path, engine, ending):
    frame = ratings(300)
    frame.loc[5, "y"] = np.nan
    frame["user"] = frame.user.str[1:]  # texts that look like whole numbers
    split(frame, tmp_path / "y", 3, ending)
    expected = CROSSED.sums(tmp_path / "y", missing="drop")
    found = CROSSED.sums(tmp_path / "y", missing="drop", engine=engine, checkpoint=tmp_path / "run")
    assert (found.nobs, found.dropped, found.files) == (299, 1, expected.files)
    assert found.table.keys() == expected.table.keys()
    assert dict(CROSSED.fit(found).estimates) == pytest.approx(dict(CROSSED.fit(expected).estimates), rel=1e-9)
