"""Sums that are added and taken away: what is left is what the rows that are left give, or it is refused."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import momentalg as ma
from momentalg.data.files.marks import Mark
from momentalg.errors import DataError, ModelError, UnsupportedError

DRUGS = list("abc")
MODELS = [
    ma.Model("y ~ 1 + (1 | user)"),
    ma.Model("y ~ 1 + x + (1 | user) + (1 | item)"),
    ma.Model("y ~ 1 + x + drug + (x | user)", fixed={"drug": DRUGS}),
    ma.Model("y ~ 1 + size(user) + X + (0 + x | user)", levels={"X": "user"}),
    ma.Model("y ~ 1 + (1 | user/item)"),
    ma.Model("y ~ 1 + (1 | user)", weights="w"),
    ma.Model("y ~ 1 + (1 | user)", residual_by={"drug": DRUGS}),
]
ONE_WAY = MODELS[0]


def rows(n: int, seed: int, mean: float = 5.0) -> pd.DataFrame:
    """Ratings of 40 users and 12 items about a mean."""
    rng = np.random.default_rng(seed)
    user, item = rng.integers(0, 40, n), rng.integers(0, 12, n)
    frame = pd.DataFrame({"user": user, "item": np.char.add("i", item.astype(str)), "X": user % 7 * 1.5})
    frame["drug"] = rng.choice(DRUGS, n)
    frame["x"], frame["w"] = rng.normal(3, 1, n), rng.uniform(1, 2, n)
    effects = np.random.default_rng(0).normal(size=(2, 40))
    frame["y"] = mean + effects[0][user] + effects[1][item] + frame["x"] / 2 + rng.normal(size=n)
    return frame


def close(found: ma.Sums, expected: ma.Sums, rel: float) -> None:
    """Check that two fits agree, relative to the largest of the second-order parameters for these."""
    model = found.estimator.model
    one, other = model.fit(found).params, model.fit(expected).params
    scale = max(abs(value) for key, value in other.items() if "(" in key and "size" not in key)
    for key in other.index:
        assert one[key] == pytest.approx(other[key], rel=rel, abs=rel * scale), key


# -- adding ------------------------------------------------------------------------------------------------------------


def test_a_file_that_is_in_both_is_refused():
    first, second = ONE_WAY.sums(rows(100, 1)), ONE_WAY.sums(rows(100, 2))
    mark, again, other = Mark(9, "aa", "ratings-2.csv"), Mark(9, "aa", "copy.csv"), Mark(9, "bb", "ratings-3.csv")
    left = replace(first, files=frozenset({mark}))
    with pytest.raises(DataError, match=r"^ratings-2.csv: in both sums; the same rows would count twice"):
        left + replace(second, files=frozenset({mark, other}))
    with pytest.raises(DataError, match=r"^copy.csv and ratings-2.csv: in both"):
        left + replace(second, files=frozenset({again}))
    assert (left + replace(second, files=frozenset({other}))).files == {mark, other}


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (["7", "8", "7", "9"], "texts in one part, such as '7', and numbers in the other, such as 7"),
        ([True, False, True, False], "truth values in one part, such as True, and numbers in the other, such as 7"),
        (pd.date_range("2020-01-01", periods=4), "dates or times in one part, such as '2020-01-01T00:00:00.000000'"),
    ],
)
def test_labels_of_two_kinds_are_refused_with_both_named(labels, words):
    frame = pd.DataFrame({"y": [1.0, 2, 4, 3], "user": [7, 8, 7, 9]})
    one, other = ONE_WAY.sums(frame.assign(user=labels)), ONE_WAY.sums(frame)
    with pytest.raises(DataError, match=f"the levels of 'user' are {words}"):
        one + other
    with pytest.raises(DataError, match=f"the levels of 'user' are {words}"):
        one - other


def test_the_kind_of_each_label_of_a_cell_counts():
    model, frame = MODELS[1], rows(60, 1)
    with pytest.raises(DataError, match=r"'item' are texts .*, such as 'i.*, and numbers in the other, such as 1"):
        model.sums(frame) + model.sums(frame.assign(item=1))


def test_whole_numbers_and_others_are_the_same_labels():
    frame = pd.DataFrame({"y": [1.0, 2, 4, 3], "user": [7, 8, 7, 9]})
    both = ONE_WAY.sums(frame) + ONE_WAY.sums(frame.astype({"user": float}))
    assert both.table["size"].tolist() == [4, 2, 2]


def test_sums_are_of_the_levels_that_a_model_declares():
    """Another reference is another model: it is refused, and never passed over."""
    frame = rows(200, 17)
    seen, ours, theirs = (
        ma.Model("y ~ 1 + drug + (1 | user)", **fixed)
        for fixed in ({}, {"fixed": {"drug": ["a", "b", "c"]}}, {"fixed": {"drug": ["c", "b", "a"]}})
    )
    sums = seen.sums(frame)
    assert seen.fit(sums).params.equals(ours.fit(sums).params)
    with pytest.raises(ModelError, match=r"these sums are of .*\['a', 'b', 'c'\].*; the fit is of .*\['c', 'b', 'a'\]"):
        theirs.fit(sums)


# -- taking away -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.formula)
@pytest.mark.parametrize("mean", [5.0, 1e8])
def test_ten_chunks_added_and_taken_away_leave_the_components(model, mean):
    base = model.sums(rows(2000, 1, mean))
    parts = [model.sums(rows(150, 10 + k, mean)) for k in range(10)]
    found = sum(parts, base)
    for part in parts[::-1]:
        found = found - part
    assert (found.nobs, found.dropped) == (2000, 0)
    close(found, base, 1e-9)


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.formula)
def test_what_is_left_is_what_the_other_rows_give(model):
    frame = rows(2000, 3)
    gone = (frame["user"] < 5) | (np.arange(2000) % 3 == 0)  # some levels vanish, others shrink
    found, expected = model.sums(frame) - model.sums(frame[gone]), model.sums(frame[~gone])
    size = next(name for name in found.table if name.startswith("size"))
    assert found.nobs == expected.nobs == int(found.table[size].sum())
    assert sorted(found.table[size].tolist()) == sorted(expected.table[size].tolist())
    close(found, expected, 1e-11)


def test_the_sums_that_are_left_are_those_of_exact_arithmetic():
    """Sums about the whole's shift, by level, in fractions: to the rounding of the whole."""
    frame = rows(400, 4)
    gone = (frame["user"] % 4 == 0) & (np.arange(400) % 2 == 0) | (frame["user"] == 11)
    left = ONE_WAY.sums(frame) - ONE_WAY.sums(frame[gone])
    shift, stays = Fraction(left.table["shift_y"]), frame[~gone]
    assert set(left.table["level"].tolist()) == set(stays["user"])
    for k, user in enumerate(left.table["level"].tolist()):
        values = [Fraction(y) - shift for y in stays.loc[stays["user"] == user, "y"]]
        assert left.table["size"][k] == len(values)
        assert left.table["sum_y"][k] == pytest.approx(float(sum(values)), abs=1e-12)
        assert left.table["sum_y2"][k] == pytest.approx(float(sum(v**2 for v in values)), abs=1e-12)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-99, 99), st.booleans()), min_size=2, max_size=12))
def test_any_part_is_taken_away(drawn):
    """Levels and sizes exactly, sums about 0 to rounding, whichever rows go."""
    frame = pd.DataFrame(drawn, columns=["user", "y", "goes"])
    stays = frame[~frame["goes"]]
    if len(stays) in (0, len(frame)):
        return
    left = ONE_WAY.sums(frame) - ONE_WAY.sums(frame[frame["goes"]])
    expected = stays.groupby("user")["y"]
    found = pd.DataFrame({name: left.table[name] for name in ("size", "sum_y", "sum_y2")}, index=left.table["level"])
    assert found["size"].to_dict() == expected.size().to_dict()
    shift = left.table["shift_y"]
    assert (found["sum_y"] + shift * found["size"]).to_dict() == pytest.approx(expected.sum().to_dict(), abs=1e-9)
    about_0 = found["sum_y2"] + 2 * shift * found["sum_y"] + shift**2 * found["size"]
    assert about_0.to_dict() == pytest.approx((stays["y"] ** 2).groupby(stays["user"]).sum().to_dict(), abs=1e-7)


def test_the_spread_of_a_slope_that_is_not_shifted_is_taken_away():
    frame = rows(600, 5)
    left = MODELS[3].sums(frame) - MODELS[3].sums(frame[:200])
    x = frame["x"][200:]
    assert left.table["mean_x"] == pytest.approx(x.mean(), rel=1e-13)
    assert left.table["squares_x"] == pytest.approx(((x - x.mean()) ** 2).sum(), rel=1e-12)


def test_digits_go_where_most_is_taken_away():
    """What the page says: the rounding of the whole stays, so that 1 in 1000 has three digits less, and no more."""
    frame = rows(100_000, 6)
    stays = frame[:100]
    found = ONE_WAY.sums(frame) - ONE_WAY.sums(frame[100:])
    close(found, ONE_WAY.sums(stays), 1e-11)
    spread = float((stays["y"] - found.table["shift_y"]).pow(2).sum())
    assert found.table["sum_y2"].sum() == pytest.approx(spread, rel=1e-12)


def test_a_part_far_from_the_whole_is_taken_away():
    """The shifts differ by 10,000 standard deviations."""
    base, far = rows(500, 7), rows(300, 8, 1e4)
    model = ONE_WAY
    close((model.sums(base) + model.sums(far)) - model.sums(far), model.sums(base), 1e-6)
    close((model.sums(base) + model.sums(far)) - model.sums(base), model.sums(far), 1e-6)


def test_rounding_never_makes_squares_negative():
    frame = pd.DataFrame({"y": [0.1, 0.7, 0.3, 0.3, 0.3, 0.2, 0.9], "user": list("aabbbcc")})
    left = ONE_WAY.sums(frame) - ONE_WAY.sums(frame.iloc[[0, 1, 2, 5]])
    assert left.table["level"].tolist() == ["b", "c"]
    assert (left.table["sum_y2"] >= 0).all()


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.formula)
def test_what_is_not_in_cannot_be_taken_away(model):
    frame = rows(1000, 9)
    whole = model.sums(frame)
    strange = frame[:20].assign(user=77, X=1.0)
    with pytest.raises(DataError, match="not in these sums: they have no 'user' 77"):
        whole - model.sums(strange)
    with pytest.raises(DataError, match=r"not in these sums: they have .* rows of .*, and .* are to be taken away"):
        whole - model.sums(pd.concat([frame[frame["user"] == 3]] * 2))
    with pytest.raises(DataError, match="nothing is left"):
        whole - whole
    changed = frame[frame["user"] == 3].assign(y=lambda d: d["y"] + 0.001)
    with pytest.raises(DataError, match=r"not in these sums: of 'user' 3.* there are as many, but the sum of"):
        whole - model.sums(changed)


def test_squares_that_no_rows_can_have_are_refused():
    frame = pd.DataFrame({"y": [1.0, 2, 3, 4, 3, 2], "user": list("aaabbb")})
    with pytest.raises(DataError, match=r"the sum of y\*\*2 that is left for 'user' 'a' would be negative"):
        ONE_WAY.sums(frame) - ONE_WAY.sums(pd.DataFrame({"y": [90.0, 2], "user": list("ab")}))
    with pytest.raises(DataError, match="the spread of y that is left for 'user' 'a' would be negative"):
        ONE_WAY.sums(frame) - ONE_WAY.sums(pd.DataFrame({"y": [3.5, 2], "user": list("ab")}))


def test_totals_over_all_rows_are_taken_away():
    model, frame = MODELS[5], rows(500, 10)
    statistics = {"T": model.total(model.y**2), "G": model.total(model.y) ** 2}
    whole = ma.Model("y ~ 1 + (1 | user)").sums(frame, statistics=statistics)
    left = whole - ma.Model("y ~ 1 + (1 | user)").sums(frame[:100], statistics=statistics)
    expected = ((frame["y"][100:] - left.table["shift_y"]) ** 2).sum()
    assert left.table["total_y2"] == pytest.approx(expected, rel=1e-13)


def test_values_of_levels_have_to_agree():
    model, frame = MODELS[3], rows(500, 11)
    with pytest.raises(DataError, match="'X' has another value at 'user' 5"):
        model.sums(frame) - model.sums(frame[:100].assign(X=lambda d: d["X"] + (d["user"] == 5)))


def test_dropped_rows_and_files_are_taken_away():
    frame = rows(300, 12)
    frame.loc[[3, 250], "y"] = np.nan
    first, second = (ONE_WAY.sums(part, missing="drop") for part in (frame[:200], frame[200:]))
    marks = Mark(9, "aa", "1.csv"), Mark(9, "bb", "2.csv")
    first, second = (replace(s, files=frozenset({m})) for s, m in zip((first, second), marks, strict=True))
    both = first + second
    left = both - second
    assert (left.nobs, left.dropped, left.files) == (199, 1, {marks[0]})
    with pytest.raises(DataError, match=r"2.csv is not one of the files in these sums; .* sums - part.unmarked"):
        left - second
    assert (both - second.unmarked).files == set(marks)  # rows of theirs, and not the file
    with pytest.raises(DataError, match="rows that were dropped: 1 to take away, and 0 in"):
        replace(both, dropped=0) - second


def test_only_sums_of_the_same_model_are_taken_away():
    frame = rows(300, 13)
    with pytest.raises(ModelError, match="different models or statistics"):
        ONE_WAY.sums(frame) - ONE_WAY.sums(frame, weighting="none")
    with pytest.raises(TypeError):
        ONE_WAY.sums(frame) - 1


# -- levels that go ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS[:5], ids=lambda m: m.formula)
def test_users_who_leave(model):
    frame = rows(1500, 14)
    left, stays = model.sums(frame).without("user", [3, 5, 39]), frame[~frame["user"].isin([3, 5, 39])]
    assert left.nobs == len(stays)
    close(left, model.sums(stays), 1e-11)
    if "mean_x" in left.table:
        assert left.table["mean_x"] == pytest.approx(stays["x"].mean(), rel=1e-13)
        assert left.table["squares_x"] == pytest.approx(stays["x"].var(ddof=0) * len(stays), rel=1e-12)


@pytest.mark.parametrize(
    "labels",
    [["b", "c"], pd.date_range("2020-01-01 00:00:00.000000001", periods=2), [True], [2.5, -1.0], [10**19, 2**64 - 1]],
    ids=["text", "nanoseconds", "truth", "floats", "unsigned"],
)
def test_labels_of_every_kind_leave(labels):
    kept = {str: "a", bool: False, float: 7.5, int: 2**63}.get(type(labels[0]), pd.Timestamp("2021-05-05"))
    known = [*labels, kept]
    frame = pd.DataFrame({"y": np.arange(2.0 * len(known)), "user": pd.Series([*known, *known])})
    left = ONE_WAY.sums(frame).without("user", labels)
    assert left.nobs == 2
    assert left.table["size"].tolist() == [2]


def test_cells_and_items_leave():
    model, frame = MODELS[1], rows(1500, 15)
    sums = model.sums(frame)
    close(sums.without("item", "i3"), model.sums(frame[frame["item"] != "i3"]), 1e-11)
    cells = [(3, "i3"), (4, "i1")]
    gone = [cell in cells for cell in zip(frame["user"], frame["item"], strict=True)]
    close(sums.without("user:item", cells), model.sums(frame[~np.array(gone)]), 1e-11)
    assert sums.without("user", []).nobs == sums.nobs


def test_levels_that_cannot_leave():
    frame = rows(500, 16)
    sums = MODELS[1].sums(frame)
    with pytest.raises(DataError, match="there is no 'user' 99 in these sums"):
        sums.without("user", [3, 99])
    with pytest.raises(DataError, match="there is no 'user' 3 and 'item' 'i99'"):
        sums.without("user:item", [(3, "i99")])
    with pytest.raises(DataError, match="is a tuple of 2 labels; found 3"):
        sums.without("user:item", [3])
    with pytest.raises(DataError, match=r"the levels of 'user' are numbers .* texts"):
        sums.without("user", ["3"])
    with pytest.raises(DataError, match="nothing is left"):
        sums.without("user", range(40))
    with pytest.raises(ModelError, match="drug"):
        sums.without("drug", ["a"])
    for model in MODELS[5:]:
        with pytest.raises(UnsupportedError, match=r"over all rows, which does not tell .* sums - model.sums\(rows\)"):
            model.sums(frame).without("user", [3])
    by_margins = ma.Model("y ~ 1 + (1 | user) + (1 | item)")
    tables = by_margins.sums(frame, statistics=["totals"])
    assert len([name for name in tables.table if name.startswith("size")]) >= 1


def test_whole_numbers_beyond_int64_merge_with_those_that_are_not_and_times_with_those_that_fit():
    """As in the last rows of a stream of hashes, none of which may be that large."""
    rows = pd.DataFrame({"g": np.array([2**63 + 5, 3, 2**64 - 1, 3] * 3, dtype="uint64"), "y": np.arange(12.0) ** 2})
    model = ma.Model("y ~ 1 + (1 | g)")
    whole, small = model.sums(rows), rows["g"] < 9
    for added in (
        model.sums(rows[small]) + model.sums(rows[~small]),
        model.sums(rows[~small]) + model.sums(rows[small]),
    ):
        assert added.table["level"].tolist() == sorted(set(rows["g"].tolist()))
        assert model.fit(added).params.to_dict() == pytest.approx(model.fit(whole).params.to_dict())
    assert (whole - model.sums(rows[small])).table["level"].tolist() == [2**63 + 5, 2**64 - 1]
    with pytest.raises(DataError, match="do not merge"):
        model.sums(rows[~small]) + model.sums(rows[small].assign(g=-1))
    fine = rows.assign(g=pd.Timestamp("2020-01-01") + pd.Timedelta(1, "ns"))
    early = rows.assign(g=np.datetime64("1500-01-01", "us"))
    both = model.sums(fine) + model.sums(rows.assign(g=pd.Timestamp("2020-01-01")))
    assert np.diff(both.table["level"].astype("int64")).tolist() == [1]
    with pytest.raises(DataError, match=r"1500-01-01.* of the other has no place"):
        model.sums(fine) + model.sums(early)


def test_parts_without_rows_have_nothing_to_add():
    rows = pd.DataFrame({"g": [1, 1, 2, 2], "x": [1.0, 2.0, 3.0, 5.0], "y": [2.0, 1.0, 5.0, 3.0]})
    model = ma.Model("y ~ 1 + x + (1 | g)")
    assert model.sums([rows[:0], rows, rows[:0]]).nobs == 4
    for nothing in (rows[:0], [rows[:0]], [rows[:0], rows[:0]]):
        with pytest.raises(DataError, match="the data have no rows"):
            model.sums(nothing)
