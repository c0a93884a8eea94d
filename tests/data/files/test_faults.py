"""What goes wrong with files: every fault is an error that names the file and what to do, never a wrong number."""

from __future__ import annotations

import os
import shutil

import pandas as pd
import pytest

import momentalg as ma
from momentalg.data.engines.engine import BUILT_IN
from momentalg.errors import DataError, ModelError, MomentalgError, UnsupportedError
from tests.data.files.samples import CROSSED, ONE_WAY, ROWS, bits, ratings, split, written

arrow = pytest.mark.engine("arrow")


def refused(data: object, said: str, model: ma.Model = ONE_WAY, **options: object) -> None:
    with pytest.raises(MomentalgError, match=said):
        model.sums(data, **options)


@arrow
@pytest.mark.parametrize("ending", [".parquet", ".feather"])
@pytest.mark.parametrize("left", [0, 3, 200, 0.5, 0.9, -1])
def test_a_file_that_is_cut_short_is_refused_before_anything_is_read(tmp_path, monkeypatch, ending, left):
    files = split(ratings(), tmp_path / "y", 2, ending)
    content = files[1].read_bytes()
    files[1].write_bytes(content[: int(left * len(content)) if isinstance(left, float) else left])
    monkeypatch.setattr("momentalg.inference.runs.run.sums_of", None)
    refused(tmp_path / "y", rf"part-1{ending} (cannot be read|is empty).*write or copy it again, or leave it out")


@arrow
def test_a_damaged_page_is_refused_when_it_is_read(tmp_path):
    path = written(ratings(5000), tmp_path / "y.parquet", compression="snappy", use_dictionary=False)
    content = bytearray(path.read_bytes())
    for at in range(200, len(content) // 2, 97):
        content[at] ^= 0xFF
    path.write_bytes(content)
    refused(path, r"y\.parquet cannot be read: it is damaged")


@arrow
@pytest.mark.parametrize("engine", [pytest.param(e, marks=pytest.mark.engine(e)) for e in ("polars", "duckdb")])
def test_files_that_are_opened_together_are_told_apart_where_one_is_damaged(tmp_path, engine):
    frame = ratings(6000)
    (tmp_path / "y").mkdir()
    for k in range(3):
        part = frame.iloc[k::3]
        written(part, tmp_path / "y" / f"part-{k}.parquet", compression="snappy", use_dictionary=False)
    together, alone = ONE_WAY.sums(tmp_path / "y", engine=engine), ONE_WAY.sums(tmp_path / "y")
    assert (together.nobs, len(together.files)) == (6000, 3)
    assert together.table["size"].tolist() == alone.table["size"].tolist()
    path = tmp_path / "y" / "part-1.parquet"
    content = bytearray(path.read_bytes())
    for at in range(200, len(content) // 2, 97):
        content[at] ^= 0xFF
    path.write_bytes(content)
    refused(tmp_path / "y", "part-1.parquet", engine=engine)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "part-1.csv is empty; its first line must name the columns"),
        ("user,y\na,1\na,2,3,4\n", "part-1.csv cannot be read as text in columns"),
        ("user,y\na,1,5\nb,2,5\n", "part-1.csv: its lines have more fields .* decimal commas"),
        ("user,y\na,1\nb,two\n", "part-1.csv: 'y' is not numeric: it holds 'two' in row 1"),
        ("user,y\na,one\nb,two\n", "part-1.csv: the response 'y' is not numeric: it holds 'one'"),
        ("user,z\na,1\n", "part-1.csv: the data have no column 'y'; the columns are: 'user', 'z'"),
        ("user,y,y\na,1,2\n", "part-1.csv: the data have 2 columns called 'y'"),
        ("user;y\na;1\n", r"part-1.csv has one column, 'user;y'; if ';' separates columns: separator=';'"),
        (b"user,y\n\xff\xfe,1\n", "part-1.csv cannot be read as text"),
    ],
)
def test_text_that_is_no_table_is_refused_by_name(tmp_path, content, said):
    files = split(ratings(), tmp_path / "y", 2)
    files[1].write_bytes(content if isinstance(content, bytes) else content.encode())
    refused(tmp_path / "y", said)


def test_a_compressed_file_that_is_cut_short_is_refused(tmp_path):
    path = written(ratings(5000), tmp_path / "y.csv.gz")
    path.write_bytes(path.read_bytes()[:-100])
    refused(path, r"y\.csv\.gz is damaged, or was cut short.*compress or copy it again")
    path.write_bytes(b"user,y\na,1\n")
    refused(path, r"y\.csv\.gz is damaged")


def test_files_without_rows_are_no_data_and_others_beside_them_are(tmp_path):
    frame = ratings()
    split(frame, tmp_path / "y", 2)
    written(frame.iloc[:0], tmp_path / "y" / "part-9.csv")
    assert ONE_WAY.sums(tmp_path / "y").nobs == 400
    refused(tmp_path / "y" / "part-9.csv", "part-9.csv: there is a header and no rows")


@arrow
@pytest.mark.parametrize("engine", [BUILT_IN, pytest.param("polars", marks=pytest.mark.engine("polars"))])
def test_empty_partitions_are_alike_and_no_data(tmp_path, engine):
    """As Spark writes them; they are the same bytes, and count nothing twice."""
    frame = ratings()
    split(frame, tmp_path / "y", 2, ".parquet")
    for k in (7, 8):
        written(frame.iloc[:0], tmp_path / "y" / f"part-{k}.parquet")
    assert ONE_WAY.sums(tmp_path / "y", engine=engine).nobs == 400


def test_the_same_content_twice_is_refused_whatever_it_is_called(tmp_path):
    path = written(ratings(), tmp_path / "y.csv")
    refused([path, path], r"y\.csv and .*y\.csv have the same content, whose rows would count twice; leave one out")
    shutil.copy(path, tmp_path / "other name.csv")
    refused(f"{tmp_path}/*.csv", r"other name\.csv and .*y\.csv have the same content")


@arrow
@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("user", int, r"the labels in 'user' are whole numbers in part-0\.parquet and texts in z\.parquet"),
        ("user", float, r"the labels in 'user' are numbers in part-0\.parquet and texts in z\.parquet"),
        ("x", str, r"the column 'x' holds texts in part-0\.parquet and numbers in z\.parquet"),
        ("x", bool, r"the column 'x' holds truth values in part-0\.parquet and numbers in z\.parquet"),
    ],
)
def test_a_column_that_changes_its_type_is_refused_naming_both_files(tmp_path, monkeypatch, column, values, said):
    frame = ratings().assign(user="1")
    split(frame.assign(**{column: frame[column].astype(values)}), tmp_path / "y", 2, ".parquet")
    written(frame.iloc[:50], tmp_path / "y" / "z.parquet")
    monkeypatch.setattr("momentalg.inference.runs.run.sums_of", None)
    refused(tmp_path / "y", said, CROSSED)


@arrow
def test_numbers_may_be_whole_in_one_file_and_columns_without_values_have_no_type(tmp_path):
    frame = ratings(100).round({"y": 0})
    one = written(frame.iloc[:50].astype({"y": int}), tmp_path / "a.parquet")
    other = written(frame.iloc[50:90], tmp_path / "b.parquet")
    none = written(frame.iloc[90:].assign(user=pd.Series([None] * 10, index=range(90, 100))), tmp_path / "c.parquet")
    assert ONE_WAY.sums([one, other]).nobs == 90
    assert ONE_WAY.sums([one, none, other], missing="drop").dropped == 10


@arrow
def test_labels_of_text_and_of_parquet_files_are_one_kind_or_refused(tmp_path):
    frame = ratings(100)
    text = written(frame.iloc[:50], tmp_path / "a.csv")
    assert ONE_WAY.sums([text, written(frame.iloc[50:], tmp_path / "b.parquet")]).nobs == 100
    numbers = written(frame.assign(user=frame.user.str[1:].astype(int)), tmp_path / "c.parquet")
    refused([text, numbers], r"texts in a\.csv and whole numbers in c\.parquet.*those of text files are texts")


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch):
    path = written(ratings(), tmp_path / "y.csv")
    monkeypatch.setattr(ROWS, 100)

    def grown(now: object) -> None:
        if now.rows == 200:
            with path.open("a") as file:
                file.write("u1,i1,0,0\n")

    refused(path, r"y\.csv changed while it was read.*run again when it is complete", progress=grown)


def test_what_files_cannot_do_is_refused(tmp_path):
    path = written(ratings(), tmp_path / "y.csv")
    refused(ratings(), "a checkpoint is of a run over files", checkpoint=tmp_path / "run")
    for data, options in ((ONE_WAY.sums(path), {}), (path, {"weighting": "kurtosis"})):
        with pytest.raises(DataError, match="a checkpoint"):
            ONE_WAY.fit(data, checkpoint=tmp_path / "run", **options)
    refused(path, "the folder .* does not exist", checkpoint=tmp_path / "no" / "run")
    refused(path, "the checkpoint .* is a folder; name a file", checkpoint=tmp_path)
    refused(path, "no engine 'abacus'", engine="abacus")
    refused(path, "no engine 'DukcDB'; did you mean 'duckdb'\\? There are dask", engine="DukcDB")
    refused(path, "is no checkpoint, or is damaged", checkpoint=path)


# -- interruptions -----------------------------------------------------------------------------------------------------


class Stopping:
    """A listener that interrupts when so many rows are read."""

    def __init__(self, rows: int) -> None:
        self.rows, self.heard = rows, []

    def __call__(self, now: object) -> None:
        self.heard.append(now)
        if now.rows >= self.rows > now.resumed:
            raise KeyboardInterrupt


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three files of 140, 140 and 120 rows, read 50 at a time, some of them missing: a whole piece among them."""
    frame = ratings()
    frame.loc[[3, 141, 399], "y"] = float("nan")
    frame.loc[190:239, "x"] = float("nan")
    monkeypatch.setattr(ROWS, 50)
    split(frame, tmp_path / "y", 3)
    for path in (tmp_path / "y").iterdir():
        os.utime(path, (1e9, 1e9))
    return tmp_path / "y"


def stopped(folder, checkpoint, rows: int, model: ma.Model = CROSSED, **options: object) -> None:
    with pytest.raises(KeyboardInterrupt, match=rf"stopped after \d+ rows, which are in {checkpoint}"):
        model.sums(folder, missing="drop", checkpoint=checkpoint, progress=Stopping(rows), **options)


@pytest.mark.parametrize("model", [ONE_WAY, CROSSED], ids=["one way", "crossed"])
@pytest.mark.parametrize("stops", [[1], [134], [200, 290], list(range(50, 401, 50)), [400]])
def test_a_run_that_goes_on_gives_the_bits_of_one_that_was_not_stopped(folder, tmp_path, model, stops):
    expected = model.sums(folder, missing="drop")
    for rows in stops:
        stopped(folder, tmp_path / "run", rows, model)
    heard = Stopping(10**9)
    found = model.sums(folder, missing="drop", checkpoint=tmp_path / "run", progress=heard)
    assert bits(found) == bits(expected)
    assert found.files == expected.files
    assert heard.heard[0].resumed == heard.heard[0].rows >= stops[-1]
    assert heard.heard[-1].rows == 400
    assert heard.heard[-1].read == heard.heard[-1].size
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "engine", [pytest.param(e, marks=pytest.mark.engine(e)) for e in ("numba", "polars", "duckdb")]
)
def test_a_run_by_another_engine_goes_on_too(folder, tmp_path, engine):
    expected = CROSSED.fit(folder, missing="drop")
    for rows in (100, 200):
        stopped(folder, tmp_path / "run", rows, engine=engine)
    heard = Stopping(10**9)
    found = CROSSED.fit(folder, missing="drop", engine=engine, checkpoint=tmp_path / "run", progress=heard)
    assert 200 <= heard.heard[0].resumed < 300
    assert (found.nobs, found.dropped) == (expected.nobs, expected.dropped)
    assert dict(found.estimates) == pytest.approx(dict(expected.estimates), rel=1e-9)
    assert found.sums.estimator.language == ("numba" if engine == "numba" else "numpy")


def test_a_fit_goes_on_too_and_keeps_the_checkpoint_until_there_are_estimates(folder, tmp_path):
    stopped(folder, tmp_path / "run", 200)
    found = CROSSED.fit(folder, missing="drop", checkpoint=tmp_path / "run")
    assert dict(found.estimates) == dict(CROSSED.fit(folder, missing="drop").estimates)
    assert not (tmp_path / "run").exists()
    singles = written(ratings(60).assign(user=[f"u{k}" for k in range(60)]), tmp_path / "singles.csv")
    with pytest.raises(MomentalgError):
        ONE_WAY.fit(singles, checkpoint=tmp_path / "run")
    heard = Stopping(10**9)
    assert ONE_WAY.sums(singles, checkpoint=tmp_path / "run", progress=heard).nobs == 60
    assert heard.heard[0].resumed == 60


def test_an_interruption_while_equations_are_solved_loses_no_sums(folder, tmp_path, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("momentalg.inference.fit._solved", interrupted)
    with pytest.raises(KeyboardInterrupt, match=f"stopped after 400 rows, which are in {tmp_path / 'run'}"):
        CROSSED.fit(folder, missing="drop", checkpoint=tmp_path / "run")
    assert (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"missing": "refuse"}, "its missing is 'drop', and this run's 'refuse'"),
        ({"statistics": "henderson3"}, "its statistics is|its weighting is 'two-step', and this run's 'none'"),
        ({"weighting": "none"}, "its weighting is 'two-step', and this run's 'none'"),
        pytest.param({"engine": "polars"}, "its engine is 'numpy', and .*'polars'", marks=pytest.mark.engine("polars")),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_and_kept(folder, tmp_path, options, said):
    stopped(folder, tmp_path / "run", 200)
    before = (tmp_path / "run").read_bytes()
    refused(folder, said, CROSSED, checkpoint=tmp_path / "run", **{"missing": "drop", **options})
    refused(folder, "its model is", ONE_WAY, checkpoint=tmp_path / "run", missing="drop")
    assert (tmp_path / "run").read_bytes() == before


def test_a_checkpoint_of_pieces_of_another_size_is_refused(folder, tmp_path, monkeypatch):
    stopped(folder, tmp_path / "run", 200)
    monkeypatch.setattr(ROWS, 60)
    refused(folder, "its rows of a piece is 50", CROSSED, checkpoint=tmp_path / "run", missing="drop")


def changed(folder) -> str:
    (folder / "part-0.csv").write_text((folder / "part-0.csv").read_text().replace("u1,", "u2,", 1))
    return "part-0.csv has changed since"


def touched(folder) -> str:
    os.utime(folder / "part-0.csv", (1e9 + 5, 1e9 + 5))
    return "part-0.csv was written again since"


def vanished(folder) -> str:
    (folder / "part-0.csv").unlink()
    return "part-0.csv is not among the files any more"


def added(folder) -> str:
    written(ratings(seed=9), folder / "part-7.csv")
    return "part-7.csv was not among its files"


def swapped(folder) -> str:
    (folder / "part-0.csv").rename(folder / "part-9.csv")
    return "the files are in another order"


@pytest.mark.parametrize("change", [changed, touched, vanished, added, swapped])
def test_files_that_are_not_what_they_were_are_refused_naming_the_first(folder, tmp_path, change):
    stopped(folder, tmp_path / "run", 200)
    said = change(folder)
    refused(folder, f"is the checkpoint of another run: {said}", CROSSED, checkpoint=tmp_path / "run", missing="drop")


def test_files_may_move_as_they_are(folder, tmp_path):
    expected = CROSSED.sums(folder, missing="drop")
    stopped(folder, tmp_path / "run", 200)
    folder.rename(tmp_path / "elsewhere")
    assert bits(CROSSED.sums(tmp_path / "elsewhere", missing="drop", checkpoint=tmp_path / "run")) == bits(expected)


@pytest.mark.parametrize("left", [0, 10, 0.5, 0.99])
def test_a_damaged_checkpoint_is_refused(folder, tmp_path, left):
    stopped(folder, tmp_path / "run", 200)
    content = (tmp_path / "run").read_bytes()
    (tmp_path / "run").write_bytes(content[: int(left * len(content)) if isinstance(left, float) else left])
    refused(folder, "run is no checkpoint, or is damaged", CROSSED, checkpoint=tmp_path / "run", missing="drop")


def test_a_bit_that_flipped_in_a_checkpoint_is_refused(folder, tmp_path):
    stopped(folder, tmp_path / "run", 200)
    content = bytearray((tmp_path / "run").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "run").write_bytes(content)
    with pytest.raises((DataError, ModelError), match="run"):
        CROSSED.sums(folder, missing="drop", checkpoint=tmp_path / "run")


def test_an_engine_without_its_package_is_refused_before_files_are_read(folder, monkeypatch):
    monkeypatch.setattr("momentalg.data.engines.engine.find_spec", lambda _: None)
    with pytest.raises(UnsupportedError, match=r"pip install 'momentalg\[polars\]'"):
        ONE_WAY.sums(folder, engine="polars")
