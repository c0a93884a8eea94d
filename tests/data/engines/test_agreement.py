"""All engines give the same sums as the built-in one, and refuse the same data, however awkward these are."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from fractions import Fraction
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import momentalg as ma
from momentalg.errors import DataError, NothingLeftError
from tests.data.engines.frames import MODELS, assert_same_sums, base, kinds, sums

model_of = cache(lambda name: MODELS[name]())
WITHIN = "a covariate within"
CROSSED = "crossed, no replicates"


@kinds()
@pytest.mark.parametrize("name", MODELS)
def test_sums_and_estimates_are_those_of_the_built_in_engine(name, kind):
    model, frame = model_of(name), base()
    own, other = sums(model, frame), sums(model, frame, kind)
    assert_same_sums(own, other)
    first, second = model.fit(own).params, model.fit(other).params
    np.testing.assert_allclose(second, first, rtol=1e-9, atol=1e-9 * np.abs(first).max())


LABELS = {
    "texts": lambda k: f"é\"'{k}",
    "int8": np.int8,
    "uint32": lambda k: np.uint32(2**32 - 1 - int(k)),
    "int64": lambda k: np.int64(2**62 + int(k)),
    "uint64": lambda k: np.uint64(2**63 + int(k)),
    "far apart": lambda k: (-1) ** int(k) * (2**62 + int(k)),
    "negative": lambda k: -10 * int(k),
    "floats": lambda k: int(k) / 4,
    "float32": lambda k: np.float32(int(k) / 10),
    "truth values": lambda k: bool(int(k) % 2),
    "dates": lambda k: dt.date(1969, 12, 28) + dt.timedelta(days=int(k)),
    "times": lambda k: pd.Timestamp(1969, 12, 28, 23, 59, 59, 999999) + pd.Timedelta(seconds=int(k)),
    "categories": lambda k: f"c{k}",
    "zoned times": lambda k: pd.Timestamp("2020-03-29 00:30", tz="Europe/Paris") + pd.Timedelta(minutes=30 * int(k)),
    "decimals": lambda k: Decimal(int(k)) / 8,
}


@kinds("polars", "duckdb", "duckdb, pandas")
@pytest.mark.parametrize("name", [WITHIN, CROSSED])
@pytest.mark.parametrize("labels", LABELS)
def test_labels_of_every_kind(labels, name, kind):
    frame = base(240)
    column = "user" if name == WITHIN else "item"
    numbers = frame["item"] + 3
    frame[column] = [LABELS[labels](k) for k in numbers]
    if labels == "categories":
        frame[column] = pd.Categorical(frame[column], categories=["unused", *sorted(set(frame[column]), reverse=True)])
    own, other = sums(model_of(name), frame), sums(model_of(name), frame, kind)
    assert_same_sums(own, other)
    assert other.nobs == 240


@kinds("polars", "duckdb", "duckdb, pandas")
@pytest.mark.parametrize(
    ("dtype", "largest"), [("int8", 127), ("uint8", 255), ("int16", 32767), ("int32", 100_000), ("uint32", 2**32 - 1)]
)
def test_squares_of_integers_do_not_overflow(dtype, largest, kind):
    frame = base(240)
    whole = largest - frame.index.to_numpy() % 5
    frame["x"], frame["y"] = whole.astype(dtype), whole[::-1].astype(dtype)
    exact = frame.assign(x=whole.astype(float), y=whole[::-1].astype(float))
    assert_same_sums(sums(model_of(WITHIN), exact), sums(model_of(WITHIN), frame, kind))


@kinds("polars", "duckdb", "duckdb, pandas")
def test_numbers_of_float32_and_decimals_are_summed_in_double_precision(kind):
    frame = base(240)
    frame["x"] = frame["x"].astype("float32")
    frame["y"] = [Decimal(round(v * 1000)) / 1000 for v in frame["y"]]
    exact = frame.assign(x=frame["x"].astype(float), y=frame["y"].astype(float))
    assert_same_sums(sums(model_of(WITHIN), exact), sums(model_of(WITHIN), frame, kind))


@kinds("polars", "duckdb")
def test_truth_values_are_numbers_in_a_covariate(kind):
    frame = base(240)
    frame["x"] = frame["x"] > 2
    own = sums(model_of(WITHIN), frame.assign(x=frame["x"].astype(float)))
    assert_same_sums(own, sums(model_of(WITHIN), frame, kind))


def exact_sums(frame: pd.DataFrame, shift: float) -> dict[object, tuple[Fraction, Fraction]]:
    """The sum and the sum of squares of y less a shift, by user, in exact arithmetic."""
    found: dict[object, tuple[Fraction, Fraction]] = {}
    for user, y in zip(frame["user"], frame["y"], strict=True):
        away = Fraction(y) - Fraction(shift)
        first, second = found.get(user, (Fraction(0), Fraction(0)))
        found[user] = first + away, second + away**2
    return found


@kinds()
@pytest.mark.parametrize("order", ["as they come", "sorted by the response"])
def test_far_from_zero_sums_are_those_of_exact_arithmetic(kind, order):
    frame = base(3000)
    frame["y"] += 1e8
    if order == "sorted by the response":  # the first look sees the least of them
        frame["y"] = np.sort(frame["y"] ** 1.0 + np.r_[np.zeros(1500), 1e4 * np.ones(1500)])
    found = sums(model_of("one factor"), frame, kind)
    exact = exact_sums(frame, found.table["shift_y"])
    y = frame["y"] - 1e8
    assert abs(found.table["shift_y"] - 1e8 - y.mean()) < 10 * y.std()
    for k, user in enumerate(found.table["level"]):
        first, second = exact[str(user)]
        assert found.table["sum_y2"][k] == pytest.approx(float(second), rel=1e-12)
        assert found.table["sum_y"][k] == pytest.approx(float(first), abs=1e-12 * float(second) ** 0.5 * 100)


@kinds()
def test_the_order_of_rows_and_how_they_are_cut_do_not_matter(kind):
    frame = base(900)
    for name in (WITHIN, CROSSED):
        model = model_of(name)
        own = sums(model, frame)
        assert_same_sums(own, sums(model, frame.sample(frac=1, random_state=1), kind))
        parts = [frame.iloc[:17], frame.iloc[17:300], frame.iloc[300:]]
        other = sums(model, parts[0], kind) + sums(model, parts[1]) + sums(model, parts[2], kind)
        assert_same_sums(own, other)


def holes(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Frames in which something is missing: null, NaN, and both."""
    r = np.random.default_rng(5)
    gone = {name: r.random(len(frame)) < 0.05 for name in ("user", "item", "x", "y")}
    found = {f"null {name}": frame.assign(**{name: frame[name].mask(where)}) for name, where in gone.items()}
    found["null texts"] = frame.assign(user=frame["user"].astype(object).where(~gone["user"], None))
    found["null whole numbers"] = frame.assign(item=frame["item"].astype("Int64").mask(gone["item"]))
    found["everything"] = frame.assign(**{name: frame[name].mask(where) for name, where in gone.items()})
    found["the first rows"] = frame.assign(x=frame["x"].mask(frame.index < 1500))
    return found


@kinds()
@pytest.mark.parametrize("name", holes(base(12)))
def test_missing_values_are_refused_with_their_counts_or_dropped_and_counted(name, kind):
    frame = holes(base(2000))[name]
    model = ma.Model("y ~ 1 + x + (1 | user) + (1 | item)") if name != "null texts" else model_of(WITHIN)
    model = model_of("slopes, uncorrelated") if name == "everything" else model
    with pytest.raises(DataError) as own:
        model.sums(frame)
    with pytest.raises(DataError) as other:
        sums(model, frame, kind)
    first, second = (re.sub(r", first in row \d+\)", ")", str(error.value)) for error in (own, other))
    assert second == first
    assert_same_sums(model.sums(frame, missing="drop"), sums(model, frame, kind, missing="drop"))


@kinds()
def test_rows_that_are_all_missing_leave_nothing(kind):
    frame = base(50).assign(x=np.nan)
    with pytest.raises(NothingLeftError) as found:
        sums(model_of(WITHIN), frame, kind, missing="drop")
    assert found.value.rows == 50
    with pytest.raises(DataError, match="the data have no rows"):
        sums(model_of(WITHIN), base(50).iloc[:0], kind)


@kinds()
@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        (WITHIN, {"x": np.inf}, "'x' is infinite in 1 rows"),
        (WITHIN, {"y": -np.inf}, "'y' is infinite in 1 rows"),
        ("a covariate of levels", {"Z": np.inf}, "'Z' is infinite in 1 rows"),
        ("functions", {"x": 0.0}, "the sums are not finite: values are too large, or outside the domain"),
        ("functions", {"x": -1.0}, "the sums are not finite: values are too large, or outside the domain"),
        ("functions", {"x": 1e200}, "the sums are not finite: values are too large, or outside the domain"),
        ("weights", {"w": 0.0}, "the weights .w. must be positive, and the least is 0"),
        ("weights", {"w": -1.0}, "the weights .w. must be positive, and the least is -1"),
        ("a covariate of levels", {"Z": 99.0}, "'Z' is declared constant within user, but at '.*' it is both"),
        ("a covariate of levels, crossed", {"Z": 99.0}, "'Z' is declared constant within user, but at '.*' it is both"),
        ("a covariate of levels, crossed", {"Z": -9.0}, "'Z' is declared constant within user, but at '.*' it is both"),
        ("a fixed factor", {"d": "other"}, "'d' holds 'other', which is none of its levels 'a', 'b', 'c'"),
        ("classes of residuals", {"d": "other"}, "'d' holds 'other', which is none of its levels 'a', 'b', 'c'"),
        ("crossed, declared", {"row": 0, "item": 0}, "row:item is declared to have one observation at most, but row 0"),
    ],
)
@pytest.mark.parametrize("at", [5, 2500])
def test_what_the_built_in_engine_refuses_is_refused_in_the_same_words(name, change, words, at, kind):
    model, frame = model_of(name), base(3000)
    frame.loc[at, list(change)] = list(change.values())
    frame = frame.astype({c: "int64" for c in change if c in ("row", "item")})
    with pytest.raises(DataError, match=words):
        sums(model, frame)
    with pytest.raises(DataError, match=words):
        sums(model, frame, kind)


@kinds()
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"y": True}, "the response 'y' holds truth values"),
        ({"y": "2,5"}, "the response 'y' is not numeric: it holds '2,5'"),
        ({"x": 2**53 + 1}, "'x' holds whole numbers beyond 2"),
        ({"y": -(2**53) - 1}, "'y' holds whole numbers beyond 2"),
        ({"x": dt.datetime(2020, 1, 1)}, "the covariate 'x' is not numeric: it holds "),  # noqa: DTZ001
    ],
)
def test_columns_that_are_no_numbers_are_refused(change, words, kind):
    for given_kind in (None, kind):
        with pytest.raises(DataError, match=words):
            sums(model_of(WITHIN), base(30).assign(**change), given_kind)


@kinds()
def test_a_column_that_is_missing_is_named_with_those_that_are_close(kind):
    for given_kind in (None, kind):
        with pytest.raises(DataError, match="the data have no column 'user'; did you mean 'users'"):
            sums(model_of(WITHIN), base(30).rename(columns={"user": "users"}), given_kind)


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """A few rows, of which some may be far from the others, alike, or missing."""
    number = st.one_of(
        st.integers(-4, 4).map(float), st.floats(-1e6, 1e6, allow_subnormal=False), st.just(float("nan")), st.just(1e8)
    )
    rows = st.tuples(st.sampled_from(["a", "b", "ab", "", None]), st.sampled_from([-1, 0, 2**40]), number, number)
    return pd.DataFrame(draw(st.lists(rows, min_size=1, max_size=12)), columns=["user", "row", "x", "y"])


def exact_cells(frame: pd.DataFrame, shifts: dict[str, float]) -> dict[tuple[str, int], dict[str, Fraction]]:
    """The size and the sums of a model of crossed factors and a covariate, cell by cell, in exact arithmetic."""
    found: dict[tuple[str, int], dict[str, Fraction]] = {}
    for user, row, x, y in frame.itertuples(index=False):
        if isinstance(user, str) and x == x and y == y:
            dx, dy = Fraction(x) - Fraction(shifts["x"]), Fraction(y) - Fraction(shifts["y"])
            cell = found.setdefault((user, row), dict.fromkeys(("size", "x", "y", "x_y", "x2", "y2"), Fraction(0)))
            for name, value in (("size", 1), ("x", dx), ("y", dy), ("x_y", dx * dy), ("x2", dx**2), ("y2", dy**2)):
                cell[name] += value
    return found


@kinds("polars", "duckdb")
@given(frame=frames())
def test_sums_of_any_rows_are_those_of_exact_arithmetic(kind, frame):
    model = model_of("crossed with cells")
    frame = frame.rename(columns={"row": "item"})
    try:
        found = sums(model, frame, kind, missing="drop")
    except NothingLeftError:
        assert exact_cells(frame, {"x": 0.0, "y": 0.0}) == {}
        return
    table = found.table
    exact = exact_cells(frame, {"x": table["shift_x"], "y": table["shift_y"]})
    end = "_user_item"
    cells = [tuple(label) for label in table[f"level{end}"].tolist()]
    assert cells == sorted(exact)
    away = {s: max(abs(Fraction(v) - Fraction(table[f"shift_{s}"])) for v in frame[s].dropna()) for s in ("x", "y")}
    size = {"x": away["x"], "y": away["y"], "x_y": away["x"] * away["y"], "x2": away["x"] ** 2, "y2": away["y"] ** 2}
    for k, cell in enumerate(cells):
        assert table[f"size{end}"][k] == exact[cell]["size"]
        for name, largest in size.items():
            assert abs(Fraction(table[f"sum_{name}{end}"][k]) - exact[cell][name]) <= Fraction(1, 10**12) * largest
    assert (found.nobs, found.dropped) == (sum(table[f"size{end}"]), len(frame) - sum(table[f"size{end}"]))


FACTORS = {
    "texts": list("abc"),
    "whole numbers": [3, 1, 2],
    "small numbers": np.array([7, 5, 6], dtype=np.int8),
    "floats": [0.5, 0.25, 2.0],
    "truth values": [True, False, True],
    "categories": pd.Categorical(list("bca"), categories=list("cab")),
}


@kinds()
@pytest.mark.parametrize("labels", FACTORS)
def test_fixed_factors_and_classes_of_every_kind_are_seen_in_the_data(labels, kind):
    frame = base(240)
    frame["d"] = pd.Series(FACTORS[labels]).take(frame["item"].to_numpy() % 3).to_numpy()
    if labels == "categories":
        frame["d"] = pd.Categorical(frame["d"], categories=list("cab"))
    for model in (ma.Model("y ~ 1 + C(d) + (1 | user)"), ma.Model("y ~ 1 + (1 | user)", residual_by="d")):
        own, other = sums(model, frame), sums(model, frame, kind)
        assert other.estimator.model.resolved.coded == own.estimator.model.resolved.coded
        assert_same_sums(own, other)


@kinds()
@pytest.mark.parametrize("levels", [[1, 2, 3], [1.0, 2.0, 3.0], ["1", "2", "3"], [1, 2, 300]])
@pytest.mark.parametrize("dtype", ["int8", "uint64", "float32", "str"])
def test_declared_levels_are_those_of_the_data_or_refused(levels, dtype, kind):
    frame = base(240).assign(d=lambda f: (f["item"] % 3 + 1).astype(dtype))
    model = ma.Model("y ~ 1 + C(d) + (1 | user)", fixed={"d": levels})
    if isinstance(levels[0], str) == (dtype == "str") and 300 not in levels:
        assert_same_sums(sums(model, frame), sums(model, frame, kind))
    else:
        for given_kind in (None, kind):
            with pytest.raises(DataError, match=r"'d' holds .*, which is none of its levels"):
                sums(model, frame, given_kind)


@kinds()
def test_what_is_infinite_where_its_function_is_not_is_refused(kind):
    model, frame = ma.Model("y ~ 1 + exp(x) + (1 | user)"), base(240)
    frame.loc[7, "x"] = -np.inf
    for given_kind in (None, kind):
        with pytest.raises(DataError, match="'x' is infinite in 1 rows"):
            sums(model, frame, given_kind)
