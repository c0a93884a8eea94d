"""The simulations of intervals and of the test of normality run, and say what they find; small samples, fixed seeds."""

from __future__ import annotations

import numpy as np
import pytest

from tests.benchmarks import coverage, normality


@pytest.mark.parametrize("law", ["normal", "uniform", "t5", "lognormal"])
def test_laws_have_mean_zero_and_variance_one(law):
    values = coverage.standard(law, np.random.default_rng(1), 400_000)
    assert abs(values.mean()) < 0.01
    assert abs(values.var() - 1) < (0.06 if law == "lognormal" else 0.02)


@pytest.mark.parametrize("law", ["Poisson", "lognormal"])
def test_sizes_are_about_ten(law):
    sizes = coverage.drawn_sizes(law, np.random.default_rng(2), 100_000)
    assert sizes.min() >= 1
    assert 9 < sizes.mean() < 11


def test_intervals_of_100_groups_cover():
    """40 data sets with normal effects: at least 34 intervals of each variance hold it (probability above 0.99)."""
    cell = coverage.Cell(100, "Poisson", "normal", "normal")
    (first, second) = coverage.coverage_rows((cell,), 40, 3, map)
    for row in (first, second):
        assert float(row[4].split(" (")[0]) >= 85
        assert "|" not in row[3].replace("\\|", "")


def test_a_cell_below_its_target_is_said():
    row = ["1000", "Poisson", "normal, normal", coverage._code("var(1|user)"), "88.0 (0.7)"]
    assert coverage.below_target([row]) == [f"{', '.join(row[:4])}: 88.0 (0.7), asked for 93"]
    assert coverage.below_target([[*row[:4], "92.5 (0.8)"]]) == []


def test_standard_errors_stand_side_by_side():
    cell = coverage.Cell(100, "Poisson", "normal", "normal")
    for row in coverage.error_rows((cell,), 4, 4, 200, map):
        for ratio in (row[6], row[8]):  # jackknife and bootstrap over sandwich
            assert 0.9 < float(ratio.split(" (")[0]) < 1.1


def test_rejections_are_counted(monkeypatch):
    monkeypatch.setattr(normality, "CELLS", (coverage.Cell(50, "Poisson", "normal", "lognormal"),))
    (row,) = normality.rows(4, 39, 1)
    assert row[5] == "100.0 (0.0)"
