"""Labels of frames as codes: the same levels whatever the frame, and nothing hashed that is coded already."""

from __future__ import annotations

import datetime as dt

import narwhals as nw
import numpy as np
import pandas as pd
import pytest

import momentalg as ma
from momentalg.data.coding import codes
from momentalg.data.columns import read_columns
from momentalg.data.facts import is_distinct
from momentalg.errors import DataError

TEXTS = ["b", "a", None, "b", "ç", "", "a"]
NUMBERS = [7, 3, None, 7, 10**9, -2, 3]
DAYS = [dt.date(2020, 1, 2), dt.date(1969, 1, 1), None, dt.date(2020, 1, 2)]


def read(series):
    """The labels of a series by its codes, None where missing, and the codes."""
    found, labels = codes(nw.from_native(series, series_only=True))
    return [None if code < 0 else labels[code].item() for code in found.tolist()], found, labels


def frames(values):
    """The same column in every library that is there."""
    polars, arrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    text = any(isinstance(v, str) for v in values)
    yield pd.Series(values, dtype=object)
    yield pd.Series(values, dtype="str" if text else object if isinstance(values[0], dt.date) else "Int64")
    yield polars.Series(values)
    kind = arrow.array(values).type
    yield arrow.chunked_array([arrow.array(values[:3], kind), arrow.array(values[3:], kind)])
    if text:
        yield pd.Series(values, dtype="category")
        yield polars.Series(values, dtype=polars.Categorical)
        yield polars.Series(values, dtype=polars.Enum(["z", *{v for v in values if v is not None}]))
        yield arrow.chunked_array([arrow.array(values)]).dictionary_encode()
        parts = [arrow.array(part, kind).dictionary_encode() for part in (values[:4], values[4:])]
        yield arrow.chunked_array(parts)  # each with a dictionary of its own


@pytest.mark.engine("polars")
@pytest.mark.parametrize("values", [TEXTS, NUMBERS, TEXTS[:2], NUMBERS[:2], [5, 5, 6]], ids=str)
def test_all_frames_have_the_same_labels(values):
    for series in frames(values):
        found, _, labels = read(series)
        assert found == values, type(series)
        assert labels.dtype.kind == ("U" if isinstance(values[0], str) else "i"), type(series)


@pytest.mark.engine("polars")
def test_dates_are_dates_in_all_frames():
    for series in frames(DAYS):
        _, found, labels = read(series)
        assert labels.dtype == "datetime64[us]"
        known = [None if code < 0 else labels[code].astype(dt.date) for code in found.tolist()]
        assert [None if v is None else v.date() for v in known] == DAYS


@pytest.mark.engine("polars")
def test_what_is_coded_already_is_used_as_it_is():
    import polars as pl
    import pyarrow as pa

    numbers = np.array([3, 1, 2, 1], dtype=np.int32)
    for series in (pd.Series(numbers), pl.Series(numbers), pa.chunked_array([numbers])):
        _, found, labels = read(series)
        assert found.dtype == np.int32
        assert labels.tolist() == [0, 1, 2, 3]
    assert np.shares_memory(read(pd.Series(numbers, copy=False))[1], numbers)
    dictionary = pa.DictionaryArray.from_arrays(pa.array(numbers), pa.array(["a", "b", "c", "d"]))
    assert np.shares_memory(read(pa.chunked_array([dictionary]))[1], dictionary.indices.to_numpy())
    category = pd.Series(pd.Categorical(["c", "a"], categories=["c", "b", "a"]))
    assert read(category)[1].tolist() == [0, 2]
    assert read(category)[1].dtype == np.int8


def test_a_dictionary_may_name_a_label_twice_or_hold_null():
    pa = pytest.importorskip("pyarrow")
    twice = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, None], pa.int8()), pa.array(["a", "b", "a"]))
    assert read(pa.chunked_array([twice]))[0] == ["a", "b", "a", None]
    assert read(pa.chunked_array([twice]))[1].tolist() == [0, 1, 0, -1]
    null = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0], pa.int8()), pa.array(["a", None]))
    assert read(pa.chunked_array([null]))[0] == ["a", None, "a"]


@pytest.mark.engine("polars")
def test_categories_of_a_pool_that_other_columns_share_are_those_of_the_column():
    import polars as pl

    others = pl.Series([f"other {k}" for k in range(5000)], dtype=pl.Categorical)
    mine = pl.Series(["x", "y", None, "x"], dtype=pl.Categorical)
    found, numbers, labels = read(mine)
    assert found == ["x", "y", None, "x"]
    assert len(labels) == 2
    assert numbers.max() == 1
    assert len(others) == 5000


@pytest.mark.parametrize(
    "values",
    [
        np.array([2**64 - 1, 0, 2**64 - 1], dtype=np.uint64),
        np.array([-(2**63), 2**63 - 1, 0]),
        np.array([10**12, 10**12 + 5, 10**12]),
        np.array([255, 0, 3], dtype=np.uint8),
        np.array([-128, 127, 0], dtype=np.int8),
        np.array([0.5, -1.0, 0.5]),
        np.array([True, False, True]),
    ],
    ids=str,
)
def test_numbers_of_any_size_are_told_apart(values):
    found, numbers, _ = read(pd.Series(values))
    assert found == values.tolist()
    assert numbers.dtype != np.uint64


def test_labels_that_are_all_missing_are_all_missing():
    assert read(pd.Series([None, None], dtype="Int64"))[0] == [None, None]
    assert read(pd.Series([None, None], dtype="str"))[0] == [None, None]


def test_sums_do_not_depend_on_the_frame():
    """Integers of any width, categories, texts and their order: the labels match, and so do the estimates."""
    random = np.random.default_rng(1)
    a, b = random.integers(0, 9, 200), random.integers(0, 7, 200)
    y = random.normal(size=200) + a - b
    model = ma.Model("y ~ 1 + (1 | a) + (1 | b)")
    expected = model.fit(pd.DataFrame({"a": a, "b": b, "y": y})).params.to_list()
    for change in (lambda v: v.astype(np.int8), lambda v: v + 10**12, lambda v: [f"l{k}" for k in v], pd.Categorical):
        frame = pd.DataFrame({"a": change(a), "b": change(b), "y": y})
        assert model.fit(frame).params.to_list() == pytest.approx(expected, rel=1e-8)


def test_the_columns_of_a_frame_are_not_copied():
    y = np.array([1.0, 2.0, 4.0])
    user = np.array([0, 1, 0])
    found = read_columns({"user": user, "y": y}, ma.Model("y ~ 1 + (1 | user)").resolved)
    assert np.shares_memory(found.arrays["user"], user)
    assert np.shares_memory(found.arrays["y"], y)


def test_combinations_are_told_to_be_distinct():
    a, b = np.array([0, 0, 1], dtype=np.int8), np.array([0, 1, 0], dtype=np.int8)
    assert is_distinct([a, b])
    assert not is_distinct([a, np.zeros(3, dtype=np.int8)])
    assert is_distinct([np.array([1], dtype=np.int8)])
    wide = np.full(3, 120, dtype=np.int8)  # products of narrow codes do not wrap
    assert is_distinct([wide, wide - np.arange(3, dtype=np.int8)])


@pytest.mark.engine("arrow")
def test_encoded_columns_of_arrow_in_pandas_have_each_label_once_and_no_null_among_them():
    import pyarrow as pa

    for labels, wanted in (
        (["a", "b", "a", None], ["b", "a", None]),
        ([1.5, 2.5, 1.5, float("nan")], [2.5, 1.5, None]),
    ):
        encoded = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, 3, 2], pa.int8()), pa.array(labels))
        series = pd.Series(pd.arrays.ArrowExtensionArray(encoded))
        assert read(series)[0] == [wanted[1], *wanted, wanted[1]]


@pytest.mark.engine("arrow")
def test_floats_of_arrow_in_pandas_are_missing_where_they_are_nan_and_zero_has_no_sign():
    import pyarrow as pa

    values = pa.array([0.0, float("nan"), -0.0, None, 2.0])
    assert read(pd.Series(pd.arrays.ArrowExtensionArray(values)))[0] == [0.0, None, 0.0, None, 2.0]


@pytest.mark.engine("polars")
def test_texts_of_polars_that_end_in_nul_are_refused():
    import polars as pl

    frame = pl.DataFrame({"user": ["a", "a\0", "b", "b"] * 3, "y": np.arange(12.0)})
    for data in (frame, frame.lazy(), frame.with_columns(pl.col("user").cast(pl.Categorical)).lazy()):
        with pytest.raises(DataError, match="ends in the character NUL"):
            ma.Model("y ~ 1 + (1 | user)").sums(data)


def test_labels_that_pandas_made_floats_of_are_refused_where_they_may_have_become_one():
    users = pd.Series([2**53, 2**53 + 1, None, 7] * 3)
    with pytest.raises(DataError, match=r"such as 9007199254740992, are floats beyond 2\*\*53"):
        ma.Model("y ~ 1 + (1 | user)").sums({"user": users, "y": np.arange(12.0)}, missing="drop")
    exact = pd.array([2**53, 2**53 + 1, None, 7] * 3, dtype="Int64")
    found = ma.Model("y ~ 1 + (1 | user)").sums({"user": exact, "y": np.arange(12.0)}, missing="drop")
    assert sorted(found.table["level"].tolist()) == [7, 2**53, 2**53 + 1]


@pytest.mark.engine("arrow")
def test_whole_numbers_that_arrow_has_encoded_are_numbers_as_they_are_in_files():
    import pyarrow as pa

    x = pa.array([10, 20, 40] * 8)
    plain = pa.table({"user": list("abcdef") * 4, "x": x, "y": np.sin(np.arange(24.0))})
    encoded = plain.set_column(1, "x", x.dictionary_encode())
    model = ma.Model("y ~ 1 + x + (1 | user)")
    assert dict(model.fit(encoded).params) == dict(model.fit(plain).params)


@pytest.mark.parametrize(
    "labels",
    [
        ["5", 5],
        [True, 2],
        [dt.date(2020, 1, 1), dt.datetime(2020, 1, 1)],  # noqa: DTZ001
        [dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 1, tzinfo=dt.UTC)],  # noqa: DTZ001
        ["a", b"a"],
    ],
    ids=str,
)
def test_labels_of_several_kinds_that_may_mean_the_same_are_refused(labels):
    frame = pd.DataFrame({"user": pd.Series([*labels, labels[0]] * 4, dtype=object), "y": np.arange(12.0)})
    with pytest.raises(DataError, match="the labels in 'user' are of kinds that have no order"):
        ma.Model("y ~ 1 + (1 | user)").sums(frame)


def test_numbers_in_objects_are_numbers_and_nanoseconds_in_objects_are_kept():
    assert read(pd.Series([1, 2.5, 1.0, None], dtype=object))[0] == [1.0, 2.5, 1.0, None]
    assert read(pd.Series([1, 2.5, 1.0], dtype=object))[2].dtype == np.float64
    early, late = (pd.Timestamp("2020-01-01") + pd.Timedelta(k, "ns") for k in (1, 2))
    series = pd.Series([late, early, late], dtype=object)
    _, found, labels = read(series)
    assert labels[found].tolist() == [late.value, early.value, late.value]


@pytest.mark.parametrize(
    "engine", ["numpy", *(pytest.param(name, marks=pytest.mark.engine(name)) for name in ("polars", "duckdb"))]
)
def test_nanoseconds_in_objects_are_kept_by_every_engine(engine):
    times = [pd.Timestamp("2020-01-01") + pd.Timedelta(k % 3, "ns") for k in range(12)]
    frame = pd.DataFrame({"user": pd.Series(times, dtype=object), "y": np.arange(12.0)})
    found = ma.Model("y ~ 1 + (1 | user)").sums(frame, engine=engine)
    assert np.sort(found.table["level"]).tolist() == [t.value for t in times[:3]]
