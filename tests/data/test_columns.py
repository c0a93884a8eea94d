"""Frames in: what is read, what is refused, and that nothing is lost silently."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

import momentalg as ma
from momentalg.data.columns import read_columns
from momentalg.errors import DataError

MODEL = ma.Model("y ~ 1 + x + X + (1 | user)", levels={"X": "user"}).resolved


def frame(**change):
    columns = {
        "user": ["b", "a", "b", "c"],
        "y": [1.5, 2.0, 3.0, 4.0],
        "x": [1, 2, 3, 5],
        "X": [7.0, 8.0, 7.0, 9.0],
        "note": ["not", "read", "at", "all"],
    }
    return pd.DataFrame({**columns, **change})


def test_numbers_become_floats_and_labels_codes_in_order_of_appearance():
    found = read_columns(frame(), MODEL)
    assert set(found.arrays) == {"user", "y", "x", "X"}
    assert found.arrays["x"].dtype == np.float64
    assert list(found.arrays["user"]) == [0, 1, 0, 2]
    assert list(found.labels["user"]) == ["b", "a", "c"]
    assert (found.n, found.dropped) == (4, 0)


def test_categories_are_used_as_they_are():
    labels = pd.Categorical(["b", "a", "b", "c"], categories=["c", "unused", "b", "a"])
    found = read_columns(frame(user=labels), MODEL)
    assert list(found.labels["user"]) == ["c", "unused", "b", "a"]
    assert list(found.arrays["user"]) == [2, 3, 2, 0]


@pytest.mark.parametrize(
    "values",
    [
        np.array([1, 2, 3, 5], dtype=np.int8),
        np.array([1, 2, 3, 5], dtype=np.uint64),
        np.array([1, 2, 3, 5], dtype=np.float32),
        pd.array([1, 2, 3, 5], dtype="Int64"),
        pd.array([1, 2, 3, 5], dtype="Float64"),
        pd.Series([Decimal(1), Fraction(2), 3, 5.0], dtype=object),
    ],
)
def test_numbers_of_any_type_are_read_exactly(values):
    found = read_columns(frame(x=values), MODEL)
    assert found.arrays["x"].dtype == np.float64
    assert list(found.arrays["x"]) == [1, 2, 3, 5]


def test_a_truth_value_is_a_covariate_but_no_response():
    assert list(read_columns(frame(x=[True, False, True, True]), MODEL).arrays["x"]) == [1, 0, 1, 1]
    with pytest.raises(DataError, match=r"response 'y' holds truth values.*astype\(float\)"):
        read_columns(frame(y=[True, False, True, True]), MODEL)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": ["1", "2", "3", "4"]}, "response 'y' is not numeric: it holds '1'"),
        ({"x": ["m", "f", "m", "f"]}, "covariate 'x' is not numeric.*0/1 columns"),
        ({"y": pd.to_datetime(["2020-01-01"] * 4)}, "response 'y' is not numeric"),
        ({"x": [1j, 2, 3, 4]}, "covariate 'x' is not numeric"),
        ({"y": [1.0, np.inf, 2.0, -np.inf]}, "'y' is infinite in 2 rows, first in row 1"),
        ({"x": [2**53 + 1, 1, 1, 1]}, r"beyond 2\*\*53"),
        ({"X": [7.0, 8.0, 6.5, 9.0]}, "constant within user, but at 'b' it is both 7 and 6.5"),
    ],
)
def test_what_cannot_be_read_is_named(change, message):
    with pytest.raises(DataError, match=message):
        read_columns(frame(**change), MODEL)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("y", [1.0, np.nan, 3.0, 4.0]),
        ("x", pd.array([1, None, 3, 5], dtype="Int64")),
        ("x", pd.Series([1.0, None, 3, 5], dtype=object)),
        ("user", ["b", None, "b", "c"]),
        ("user", pd.Categorical(["b", None, "b", "c"])),
        ("user", [1.0, np.nan, 1.0, 2.0]),
    ],
)
def test_missing_values_are_refused_or_dropped_and_counted(column, values):
    with pytest.raises(DataError, match=rf"1 of 4 rows .*'{column}' \(1, first in row 1\); missing='drop'"):
        read_columns(frame(**{column: values}), MODEL)
    found = read_columns(frame(**{column: values}), MODEL, missing="drop")
    assert (found.n, found.dropped) == (3, 1)
    assert list(found.arrays["y"]) == [1.5 if column != "y" else 1.0, 3.0, 4.0]


def test_missing_values_in_columns_that_are_not_read_do_not_matter():
    assert read_columns(frame(note=[None] * 4), MODEL).n == 4


def test_rows_that_are_all_missing_and_other_policies_are_refused():
    with pytest.raises(DataError, match="all 4 rows"):
        read_columns(frame(y=[np.nan] * 4), MODEL, missing="drop")
    with pytest.raises(DataError, match="'refuse' or 'drop', not 'ignore'"):
        read_columns(frame(), MODEL, missing="ignore")


def test_an_unknown_column_comes_with_the_nearest_names():
    data = frame().rename(columns={"x": "x_1", "user": "User"})
    with pytest.raises(DataError, match=r"no column 'user'; did you mean 'User'\? The columns are: 'User'"):
        read_columns(data, MODEL)


def test_duplicate_columns_are_refused_where_they_matter():
    data = pd.concat([frame(), frame()[["note"]]], axis=1)
    assert read_columns(data, MODEL).n == 4
    with pytest.raises(DataError, match="2 columns called 'x'"):
        read_columns(pd.concat([frame(), frame()[["x"]]], axis=1), MODEL)


def test_truth_values_may_be_missing():
    values = pd.array([True, None, False, True], dtype="boolean")
    with pytest.raises(DataError, match="1 of 4 rows have missing values: 'x'"):
        read_columns(frame(x=values), MODEL)
    assert list(read_columns(frame(x=values), MODEL, missing="drop").arrays["x"]) == [1, 0, 1]


def test_labels_that_cannot_be_told_apart_are_refused():
    with pytest.raises(DataError, match="the labels in 'user' cannot be told apart"):
        read_columns(frame(user=[[1], [2], [1], [3]]), MODEL)


def test_empty_frames_and_other_objects_are_refused():
    with pytest.raises(DataError, match="no rows"):
        read_columns(frame().iloc[:0], MODEL)
    with pytest.raises(DataError, match="found int"):
        read_columns(3, MODEL)


def test_a_mapping_of_columns_is_a_frame():
    columns = {name: frame()[name].tolist() for name in ("user", "y", "x", "X")}
    assert read_columns(columns, MODEL).n == 4
    with pytest.raises(DataError, match="differ in length"):
        read_columns({**columns, "y": [1.0]}, MODEL)


@pytest.mark.engine("polars")
def test_polars_frames_eager_and_lazy_are_read_alike():
    import polars as pl

    data = pl.DataFrame({name: frame()[name].tolist() for name in ("user", "y", "x", "X")})
    for found in (read_columns(data, MODEL), read_columns(data.lazy(), MODEL)):
        assert list(found.arrays["user"]) == [0, 1, 0, 2]
        assert list(found.arrays["x"]) == [1, 2, 3, 5]
    missing = data.with_columns(pl.Series("y", [1.0, None, float("nan"), 2.0]))
    assert read_columns(missing, MODEL, missing="drop").dropped == 2


NESTED = ma.Model("y ~ 1 + (1 | batch) + (1 | cask)", assume=ma.nested("cask", "batch"))
CASKS = pd.DataFrame({"y": [1.0, 2, 3, 4, 5, 6], "batch": list("AAABBB"), "cask": list("abbaab")})


def test_labels_that_are_local_to_another_column_get_codes_and_names_of_their_own():
    found = read_columns(CASKS, NESTED.resolved)
    assert found.arrays["cask"].tolist() == [0, 1, 1, 2, 2, 3]
    assert found.labels["cask"].tolist() == ["A:a", "A:b", "B:a", "B:b"]
    assert found.arrays["batch"].tolist() == [0, 0, 0, 1, 1, 1]
    slash = ma.Model("y ~ 1 + (1 | batch / cask)").fit(CASKS).params
    assert NESTED.fit(CASKS).params.to_list() == pytest.approx(slash.to_list())


def test_sums_of_parts_know_local_labels_by_their_whole_names():
    whole = NESTED.fit(CASKS).params
    parts = NESTED.fit(NESTED.sums(CASKS[:3]) + NESTED.sums(CASKS[3:])).params
    assert parts.to_list() == pytest.approx(whole.to_list())


def test_declared_facts_are_checked_on_the_data_and_the_levels_named():
    once = ma.Model("y ~ 1 + (1 | batch) + (1 | cask)", assume=ma.unreplicated("batch:cask"))
    with pytest.raises(DataError, match=r"batch 'A', cask 'b' has 2; 2 cells have more than one"):
        once.fit(CASKS)
    assert once.sums(CASKS.iloc[[0, 1, 3, 5]]).nobs == 4
    constant = ma.Model("y ~ 1 + x + (1 | batch:cask)", levels={"x": "batch:cask"})
    with pytest.raises(DataError, match="'x' is declared constant within batch:cask, but at batch 'B', cask 'a' it is"):
        constant.sums(CASKS.assign(x=[1, 2, 2, 3, 4, 5]))


def test_labels_in_messages_are_plain_ones():
    frame = pd.DataFrame({"a": [1, 1, 2, 2], "b": [1, 1, 1, 2], "x": [1.0, 2.0, 3.0, 3.0], "y": 0.0})
    with pytest.raises(ma.DataError, match=r"but at 1 it is both 1 and 2"):
        ma.Model("y ~ 1 + x + (1 | a)", levels={"x": "a"}).fit(frame)
    with pytest.raises(ma.DataError, match=r"but a 1, b 1 has 2"):
        ma.Model("y ~ 1 + (1 | a) + (1 | b)", assume=[ma.unreplicated("a:b")]).fit(frame)
