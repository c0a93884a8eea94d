"""The benchmarks of size: what they measure with is right, and failures are told."""

from __future__ import annotations

import time
from fractions import Fraction

import numpy as np
import pytest

from tests.benchmarks import accuracy, memory, passes
from tests.benchmarks.against_likelihood import Line, ratios
from tests.benchmarks.linear_cost import START_ROWS, Growth
from tests.benchmarks.rows import CROSSED, DESIGNS, ONE_WAY, SLOPES_OF_USERS, Stream, nbytes

needs_proc = pytest.mark.skipif(not memory.measurable(), reason="this system does not tell the peak of memory")


def fifty_megabytes() -> int:
    return memory.peak_of(lambda: [np.ones(6_250_000).sum() for _ in range(3)])[0]


def nothing_for_long() -> None:
    time.sleep(60)


@needs_proc
def test_the_peak_of_memory_is_that_of_what_lives_at_one_time():
    assert memory.in_own_process(fifty_megabytes) == pytest.approx(50e6, rel=0.05)


def test_another_process_gives_results_and_its_errors_and_may_not_take_too_long():
    assert memory.in_own_process(passes.installed, "numpy") is True
    with pytest.raises(RuntimeError, match="TypeError"):
        memory.in_own_process(passes.installed, "numpy", "more")
    with pytest.raises(memory.TookTooLongError, match="nothing_for_long"):
        memory.in_own_process(nothing_for_long, at_most=0.01)


def test_columns_travel_by_files():
    columns = ONE_WAY.data(100)
    with memory.on_disk(columns) as folder:
        found = memory.loaded(folder)
    assert {name: values.tolist() for name, values in found.items()} == {n: v.tolist() for n, v in columns.items()}
    assert nbytes(columns) == 1600


@pytest.mark.parametrize("design", [ONE_WAY, CROSSED, SLOPES_OF_USERS], ids=lambda d: d.name)
def test_passes_by_hand_and_generated_give_what_loops_give(design):
    columns = design.data(300)
    hand, generated = passes.by_hand(design, columns)(), passes.generated(design, columns)()
    suffix = "_user" if len(design.factors) > 1 else ""
    level = sorted(set(columns["user"].tolist()))
    expected = [sum(columns["y"][columns["user"] == k] - columns["y"].mean()) for k in level]
    for found in (hand, generated):
        assert found[f"level{suffix}"].tolist() == level
        moved = found["shift_y"] - columns["y"].mean()
        np.testing.assert_allclose(found[f"sum_y{suffix}"] + moved * found[f"size{suffix}"], expected, atol=1e-10)


@pytest.mark.parametrize("engine", [pytest.param(name, marks=pytest.mark.engine(name)) for name in passes.GROUP_BYS])
@pytest.mark.parametrize("design", [ONE_WAY, CROSSED, SLOPES_OF_USERS], ids=lambda d: d.name)
def test_group_bys_take_the_same_sums(engine, design):
    columns = design.data(300)
    expected, found = passes.by_hand(design, columns)(), passes.GROUP_BYS[engine](design, columns)()
    total = found["total"].item() if engine == "polars" else found["total"][0]
    assert total == pytest.approx(expected["total_y2"])
    for factor in design.factors:
        suffix = f"_{factor}" if len(design.factors) > 1 else ""
        table = found[factor].to_dict(as_series=False) if engine == "polars" else found[factor]
        order = np.argsort(np.asarray(table[factor]))
        sums = [np.asarray(values)[order] for name, values in table.items() if name != factor]
        names = [
            "size",
            *(["sum_x"] if design.slope else []),
            "sum_y",
            *(["sum_x_y", "sum_x2"] if design.slope else []),
        ]
        for name, values in zip(names, sums, strict=True):
            np.testing.assert_allclose(values, expected[f"{name}{suffix}"], atol=1e-9)


def test_crossed_data_have_no_replicates_and_sorted_ones_the_same_levels():
    columns = CROSSED.data(5000)
    assert len(np.unique(columns["user"] * 1000 + columns["item"])) == 5000
    ordered = CROSSED.data(5000, by_user=True)
    assert (np.diff(ordered["user"]) >= 0).all()
    assert np.array_equal(np.sort(columns["user"]), ordered["user"])


@pytest.mark.parametrize("design", DESIGNS.values(), ids=lambda d: d.name)
def test_data_are_of_their_parameters(design):
    fit = design.model.fit(design.data(20_000))
    assert set(design.truth) == set(fit.estimates)
    for key, true in design.truth.items():
        assert abs(fit.estimates[key] - true) < 5 * fit.bse[key]


def test_a_stream_gives_the_same_rows_twice_and_all_of_them():
    stream = Stream(2500, chunk=1000, levels=30)
    first, second = (np.concatenate([c["y"] for c in stream]) for _ in range(2))
    assert len(first) == 2500
    assert np.array_equal(first, second)


def test_sums_of_whole_numbers_give_the_analysis_of_variance():
    groups = [[3, 5, 4], [9, 7], [1, 2, 4, 1]]
    found = accuracy.Exact(
        [len(g) for g in groups], [sum(g) for g in groups], sum(k * k for g in groups for k in g)
    ).components(0.5)
    n, r = 9, 3
    within = sum(sum((k - Fraction(sum(g), len(g))) ** 2 for k in g) for g in groups) / (n - r)
    mean = Fraction(sum(map(sum, groups)), n)
    among = sum(len(g) * (Fraction(sum(g), len(g)) - mean) ** 2 for g in groups)
    between = (among - (r - 1) * within) / (n - Fraction(9 + 4 + 16, n))
    assert found == {"var(1|user)": float(between / 4), "var(residual)": float(within / 4)}


@pytest.mark.parametrize("case", accuracy.CASES, ids=lambda c: c.name)
def test_a_large_mean_takes_nothing_from_components(case):
    found = accuracy.losses(case, 50_000, None)
    assert max(found["not weighted"], found["two-step"]) < accuracy.LIMIT


def test_exponents_leave_out_the_start():
    rows = [10**4, 10**5, 10**6]
    growth = Growth("numpy", 2e-3 + START_ROWS * 1e-8, rows, [2e-3 + n * 1e-8 for n in rows], [0, 0, 0])
    assert growth.exponent() < 0.5
    assert growth.exponent(without_start=True) == pytest.approx(1.0)


def test_ratios_are_of_the_fastest_rival_and_of_gpboost():
    ours = Line("momentalg, two_step", "1", 10**6, 0.1, 0.2, 0.2, 1e6, {"a": 1.0})
    slow = Line("gpboost", "1", 10**6, 8.0, 10.0, 12.0, 4e7, {"a": 1.0})
    fast = Line("glmm", "1", 10**6, 4.0, 4.0, 4.0, 4e7, {"a": 1.0})
    absent = Line("lme4", "", 10**6, failure="left out: not installed")
    said = "\n".join(ratios([ours, slow, fast, absent]))
    assert "full fit, momentalg, two_step: 50.0 (processor 60.0) times faster than GPBoost" in said
    assert "0.025 of its memory" in said
    assert "components, momentalg, two_step: 40.0 times faster than glmm" in said
    assert "left out: not installed" in str(absent)
