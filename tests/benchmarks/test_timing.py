"""The benchmarks' own arithmetic: the pass by hand is right, and a failing program is not a fast one."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from momentalg import datasets
from tests.benchmarks.generated_module import by_hand
from tests.benchmarks.timing import Measurement, fresh, interleaved_calls


def test_the_pass_by_hand_gives_the_published_components():
    frame = datasets.load("Dyestuff")
    codes = frame["Batch"].map(ord).to_numpy() - ord("A")
    found = by_hand(codes, frame["Yield"].to_numpy(float))
    assert found == pytest.approx((1764.05, 2451.25), rel=1e-12)


def test_the_pass_by_hand_on_unequal_sizes_equals_exact_arithmetic():
    codes, y = [0, 0, 0, 2, 2, 5], [1, 4, 2, 8, 5, 7]  # levels 1, 3 and 4 are empty
    groups = [[Fraction(v) for c, v in zip(codes, y, strict=True) if c == level] for level in (0, 2, 5)]
    n, r = 6, 3
    within = sum(sum((v - sum(g) / len(g)) ** 2 for v in g) for g in groups) / (n - r)
    grand = Fraction(sum(y), n)
    between = sum(len(g) * (sum(g) / len(g) - grand) ** 2 for g in groups)
    expected = (between - (r - 1) * within) / (n - Fraction(sum(len(g) ** 2 for g in groups), n))
    assert by_hand(np.array(codes), np.array(y, float)) == pytest.approx((float(expected), float(within)), rel=1e-12)


def test_seconds_come_from_the_last_line():
    assert fresh("print('noise'); print('{\"a\": 0.5}')") == {"a": 0.5}


def test_a_failing_program_is_reported():
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        fresh("1 / 0")


def test_calls_alternate_and_the_first_round_is_left_out():
    order: list[str] = []
    medians = interleaved_calls({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, repeats=2)
    assert order == ["a", "b"] * 3
    assert set(medians) == {"a", "b"}


def test_a_ratio_over_its_limit_does_not_hold():
    assert Measurement("x", "y", ratio=1.0, limit=1.0, seconds={}).holds
    assert not Measurement("x", "y", ratio=1.01, limit=1.0, seconds={}).holds
