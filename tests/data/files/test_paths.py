"""Which files are meant by paths, folders, patterns and lists, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from momentalg.data.files.datafiles import data_files, is_files
from momentalg.data.files.paths import data_paths
from momentalg.errors import DataError, UnsupportedError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.csv", "a.csv", "year=1/c.csv", "_SUCCESS", ".a.csv.crc", "_temporary/0/z.csv"):
        path = tmp_path / "ratings" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "ratings"


def names(asked: object) -> list[str]:
    return [path.name for path in data_paths(asked)]


def test_a_path_is_a_path_as_text_or_not(folder):
    assert data_paths(folder / "b.csv") == data_paths(str(folder / "b.csv")) == (folder / "b.csv",)
    assert is_files("b.csv")
    assert is_files([Path("b.csv")])
    assert not is_files([])
    assert not is_files([{"y": [1]}])


def test_a_folder_is_all_its_data_in_the_order_of_the_paths(folder):
    assert names(folder) == ["a.csv", "b.csv", "c.csv"]


def test_patterns_are_sorted_and_may_cross_folders(folder):
    assert names(f"{folder}/*.csv") == ["a.csv", "b.csv"]
    assert names(f"{folder}/[!a]*.csv") == ["b.csv"]
    assert names(f"{folder}/year*") == ["c.csv"]
    assert names(f"{folder}/year=*/**/*.csv") == ["c.csv"]


def test_a_list_keeps_its_order(folder):
    assert names([folder / "b.csv", f"{folder}/a*.csv"]) == ["b.csv", "a.csv"]


def test_a_name_with_the_signs_of_patterns_is_a_name(tmp_path):
    (tmp_path / "a[1].csv").touch()
    assert names(tmp_path / "a[1].csv") == ["a[1].csv"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("{}/*.parquet", "no file matches '.*parquet'; .*ratings holds .*a.csv"),
        ("{}/nothing.csv", "nothing.csv: No such file"),
        ("{}/none/*.csv", "there is no folder"),
        ("s3://bucket/y.csv", "files are read by their paths"),
    ],
)
def test_nothing_is_refused_with_what_was_looked_for(folder, asked, said):
    with pytest.raises(DataError, match=said):
        data_paths(asked.format(folder))


def test_a_folder_of_several_formats_is_refused_naming_two_files(folder):
    (folder / "d.parquet").touch()
    with pytest.raises(DataError, match=r"a\.csv \(text in columns\) and d\.parquet \(Parquet\); say which"):
        data_paths(folder)
    assert names([f"{folder}/*.csv", folder / "d.parquet"]) == ["a.csv", "b.csv", "d.parquet"]


def test_a_folder_with_something_else_is_refused_naming_it(folder):
    (folder / "notes.md").touch()
    with pytest.raises(DataError, match=r"holds notes\.md, which is no data file"):
        data_paths(folder)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no files"):
        data_paths(tmp_path)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("y.xlsx", r"model.fit\(pandas.read_excel\('y.xlsx'\)\)"),
        ("y.sums", "model.load_sums"),
        ("y.dat", "separator=','"),
        ("y", "a data file ends in"),
        ("y.parquet.gz", "a data file ends in"),
    ],
)
def test_other_endings_are_refused_with_what_works(tmp_path, name, said):
    (tmp_path / name).touch()
    with pytest.raises(UnsupportedError, match=said):
        data_files(tmp_path / name).formats()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("", "'' is no path; give that of a file"),
        ("-", "'-' is no path: standard input can be read only once"),
        ("s3://bucket/a.parquet", "read by their paths, and not from elsewhere; .* polars.scan_parquet"),
        ("s3://bucket/*.parquet", "read by their paths, and not from elsewhere"),
        ("{}/bb.csv", "No such file or folder; did you mean '.*/b.csv'"),
        ("{}/none/a.csv", "No such file or folder; there is no folder .*none"),
    ],
)
def test_what_is_no_path_of_a_file_says_what_is(folder, asked, said):
    with pytest.raises(DataError, match=said):
        data_paths(asked.format(folder))


def test_a_folder_with_the_signs_of_patterns_says_how_to_write_it(tmp_path):
    (tmp_path / "year[1]").mkdir()
    (tmp_path / "year[1]" / "a.csv").touch()
    with pytest.raises(DataError, match=r"stand for others in a pattern; .* write '.*year\[\[\]1\]' for it"):
        data_paths(tmp_path / "year[1]" / "*.csv")
    assert names(f"{tmp_path}/year[[]1]/*.csv") == ["a.csv"]


def test_a_folder_with_other_things_says_a_pattern_that_is_there(folder):
    (folder / "README.md").touch()
    with pytest.raises(DataError, match=r"holds README\.md, .* as in '.*ratings/\*\.csv'"):
        data_paths(folder)
