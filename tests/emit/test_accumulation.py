"""The pass over the rows of a generated module: blocks, memory, rounding, and labels of every kind."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest

import momentalg as ma
from tests.lower.systems import module

CROSSED = ma.Model("y ~ 1 + (1 | user) + (1 | item)", assume=[ma.unreplicated("user:item")])
SLOPES = "y ~ 1 + x + (1 + x | user)"


def by_label(labels, values):
    """The sum of the values of each label, each rounded once."""
    return {label: math.fsum(values[labels == label].tolist()) for label in np.unique(labels).tolist()}


def columns(rows=1000, levels=30, seed=1):
    random = np.random.default_rng(seed)
    user = random.integers(0, levels, rows)
    return {"user": user, "x": random.normal(size=rows) + 2, "y": random.normal(size=rows) + user}


@pytest.mark.parametrize("order", ["as drawn", "sorted", "in runs"])
@pytest.mark.parametrize(("block", "span"), [(7, 20), (64, 64), (1000, 10**6)])
def test_sums_do_not_depend_on_blocks_nor_on_the_order_of_rows(order, block, span):
    loaded, data = module(SLOPES, "within").load(), columns()
    loaded.BLOCK, loaded.SPAN = block, span
    place = {
        "as drawn": np.arange(1000),
        "sorted": np.argsort(data["user"], kind="stable"),
        "in runs": np.lexsort([data["user"], data["user"] % 3]),
    }[order]
    data = {name: values[place] for name, values in data.items()}
    sums = loaded.accumulate(data)
    x, y = (data[name] - sums[f"shift_{name}"] for name in ("x", "y"))
    for name, product in {"sum_x": x, "sum_y": y, "sum_x_y": x * y, "sum_x2": x * x}.items():
        expected = by_label(data["user"], product)
        assert dict(zip(sums["level"].tolist(), sums[name].tolist(), strict=True)) == pytest.approx(expected, rel=1e-12)
    assert sums["total_y2"] == pytest.approx(math.fsum((y * y).tolist()), rel=1e-14)
    assert sums["size"].tolist() == np.bincount(data["user"]).tolist()
    assert sums["size"].dtype == np.int64


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int16, np.int32, np.uint32, np.int64, np.uint64])
def test_codes_of_any_width_are_read_as_they_are(kind):
    data = columns()
    loaded = module("intercept").load()
    wide, narrow = loaded.accumulate(data), loaded.accumulate({**data, "user": data["user"].astype(kind)})
    assert all(np.array_equal(wide[name], narrow[name]) for name in wide)


def test_memory_is_of_levels_and_blocks_and_not_of_rows():
    rows = 2_000_000
    random = np.random.default_rng(1)
    data = {
        "user": random.integers(0, 20_000, rows).astype(np.int32),
        "item": random.integers(0, 2_000, rows).astype("i4"),
    }
    data["y"] = random.normal(size=rows)
    loaded = CROSSED.moment_equations().estimator().load()
    tracemalloc.start()
    loaded.accumulate(data)
    extra = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert extra < 0.1 * sum(values.nbytes for values in data.values())


def test_rounding_does_not_grow_with_the_rows_of_a_level():
    """One row after the other, these sums would be off by 3e-11."""
    random = np.random.default_rng(1)
    user = random.integers(0, 2, 2**22)
    y = np.where(user == 0, 0.1, -0.3)
    sums = module("intercept").load().accumulate({"user": user, "y": y})
    expected = by_label(user, y - sums["shift_y"])
    assert dict(zip((0, 1), sums["sum_y"].tolist(), strict=True)) == pytest.approx(expected, rel=2e-12)


TEXTS = ["", "a", "aa", "b", "a" * 40, "a" * 39 + "b", "é", "名前", "\U0001f600", "a b", "A"]
LABELS = {
    "texts": np.array(TEXTS),
    "one text": np.array(["same"]),
    "texts of another byte order": np.array(TEXTS).astype(np.array(TEXTS).dtype.newbyteorder(">")),
    "objects": np.array(TEXTS, dtype=object),
    "large numbers": np.array([10**15, 10**15 + 3, 10**15 + 7]),
    "negative numbers": np.array([-128, -3, 127], dtype=np.int8),
    "the smallest and the largest": np.array([-(2**63), 0, 2**63 - 1]),
    "the end of the numbers": np.array([2**63 - 2, 2**63 - 1]),
    "beyond int64": np.array([2**64 - 1, 2**64 - 2, 1], dtype=np.uint64),
    "floats": np.array([0.5, -1.5, 1e300]),
    "dates": np.array(["2020-01-01", "1969-12-31"], dtype="datetime64[D]"),
    "truth values": np.array([True, False]),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_any_kind_are_told_apart_and_sorted(kind):
    known, random = LABELS[kind], np.random.default_rng(1)
    place = np.append(np.arange(len(known)), random.integers(0, len(known), 100))
    labels, y = known[place], random.normal(size=len(place))
    sums = module("intercept").load().accumulate({"user": labels, "y": y})
    assert sums["level"].tolist() == sorted(known.tolist())
    expected = by_label(labels, y - sums["shift_y"])
    assert sums["sum_y"].tolist() == pytest.approx([expected[label] for label in sums["level"].tolist()], rel=1e-12)


@pytest.mark.parametrize("kinds", [("texts", "large numbers"), ("negative numbers", "objects"), ("dates", "floats")])
def test_combinations_of_labels_are_told_apart_and_sorted(kinds):
    random, rows = np.random.default_rng(1), 200
    user, item = (LABELS[kind][random.integers(0, len(LABELS[kind]), rows)] for kind in kinds)
    y = random.normal(size=rows)
    loaded = ma.Model("y ~ 1 + (1 | user:item)").moment_equations().estimator().load()
    whole = loaded.accumulate({"user": user, "item": item, "y": y})
    cells = sorted(set(zip(user.tolist(), item.tolist(), strict=True)))
    assert whole["level_user_item" if "level_user_item" in whole else "level"].tolist() == cells
    parts = [loaded.accumulate({"user": user[k::3], "item": item[k::3], "y": y[k::3]}) for k in range(3)]
    merged = loaded.combine(loaded.combine(parts[0], parts[1]), parts[2])
    for name, values in whole.items():
        if name.startswith(("level", "size")):
            assert np.array_equal(merged[name], values)
    assert loaded.solve(merged) == pytest.approx(loaded.solve(whole), rel=1e-10)


def test_many_columns_with_many_labels_each_are_numbered_together():
    """Seven columns of a thousand labels have 10**21 combinations, which is beyond any whole number of a machine."""
    random, rows = np.random.default_rng(1), 3000
    names = [f"c{k}" for k in range(7)]
    base = [random.permutation(1000)[random.integers(0, 40, rows)] for _ in names[:2]]
    data = {name: base[k % 2] for k, name in enumerate(names)} | {"y": random.normal(size=rows)}
    loaded = ma.Model(f"y ~ 1 + (1 | {':'.join(names)})").moment_equations().estimator().load()
    plain = ma.Model("y ~ 1 + (1 | c0:c1)").moment_equations().estimator().load()
    found, expected = loaded.accumulate(data), plain.accumulate(data)
    sizes = [next(v for k, v in sums.items() if k.startswith("size")) for sums in (found, expected)]
    assert sorted(sizes[0].tolist()) == sorted(sizes[1].tolist())
    assert list(loaded.solve(found).values()) == pytest.approx(list(plain.solve(expected).values()), rel=1e-10)


@pytest.mark.parametrize("of_text", [False, True])
def test_levels_are_merged_by_label_whatever_their_order(of_text):
    loaded, random = module("intercept").load(), np.random.default_rng(1)
    parts = []
    for labels in ([5, 1, 9], [9, 2], [1, 2, 5, 9], [7], [0, 1]):
        level = np.array(labels)
        table = {
            "size": np.array([2] * len(labels)),
            "sum_y": random.normal(size=len(labels)),
            "total_y2": 3.0,
            "shift_y": 0.0,
        }
        parts.append({**table, "level": level.astype(str) if of_text else level})
    total = parts[0]
    for part in parts[1:]:
        total = loaded.combine(total, part)
    expected = {}
    for part in parts:
        for label, value in zip(part["level"].tolist(), part["sum_y"], strict=True):
            expected[label] = expected.get(label, 0.0) + value
    assert total["level"].tolist() == sorted(expected)
    assert dict(zip(total["level"].tolist(), total["sum_y"].tolist(), strict=True)) == pytest.approx(expected)
    assert total["size"].sum() == 2 * sum(len(part["level"]) for part in parts)
