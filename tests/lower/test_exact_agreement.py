"""Generated code against exact rational arithmetic on the same rows, which reads the statistics on another road."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentalg.errors import NotIdentifiedError
from tests.lower.systems import FORMULAS, MEAN_FREE, NOT_MEAN_FREE, exact_estimates, module, solution

SIZES = (5, 4, 3, 2, 1)


def rows(
    offset: float, covariate_offset: float = 0.0, seed: int = 3
) -> tuple[list[str], np.ndarray, dict[str, np.ndarray]]:
    """Unbalanced rows; noise in eighths, so that adding 1e8 is exact."""
    random = np.random.default_rng(seed)
    labels = [chr(97 + i) for i, size in enumerate(SIZES) for _ in range(size)]
    codes = np.repeat(np.arange(len(SIZES)), SIZES)
    y = offset + (random.integers(-40, 40, len(codes)) + 8 * random.integers(-8, 8, len(SIZES))[codes]) / 8
    x = covariate_offset + random.integers(1, 33, len(codes)) / 4
    level = covariate_offset + random.permutation(len(SIZES))[codes] + 1.0
    return labels, y, {"x": x, "X": level}


def agree(found: dict[str, float], exact: dict[str, float], tolerance: float = 1e-10) -> None:
    assert set(found) == set(exact)
    for key, value in exact.items():
        assert found[key] == pytest.approx(value, rel=tolerance, abs=1e-300), key


@pytest.mark.parametrize(("statistics", "means"), MEAN_FREE)
@pytest.mark.parametrize("name", FORMULAS)
def test_mean_free_statistics_agree(name, statistics, means):
    labels, y, covariates = rows(offset=3.0)
    loaded = module(name, statistics, means).load()
    found = loaded.solve(loaded.accumulate({"user": labels, "y": y, **covariates}))
    agree(found, exact_estimates(solution(name, statistics, means), labels, y, covariates), 1e-9)


@pytest.mark.parametrize("name", ["intercept", "size", "level", "row", "products"])
@pytest.mark.parametrize(("statistics", "means"), MEAN_FREE)
def test_a_response_far_from_zero_loses_no_digits(name, statistics, means):
    labels, y, covariates = rows(offset=1e8)
    loaded = module(name, statistics, means).load()
    found = loaded.solve(loaded.accumulate({"user": labels, "y": y, **covariates}))
    agree(found, exact_estimates(solution(name, statistics, means), labels, y, covariates))


@pytest.mark.parametrize("name", ["level", "row"])
def test_covariates_far_from_zero_lose_no_digits(name):
    labels, y, covariates = rows(offset=1e8, covariate_offset=1e7)
    loaded = module(name).load()
    found = loaded.solve(loaded.accumulate({"user": labels, "y": y, **covariates}))
    agree(found, exact_estimates(solution(name), labels, y, covariates))


@pytest.mark.parametrize("name", ["intercept", "size", "level", "row", "inverse size"])
@pytest.mark.parametrize(("statistics", "means"), NOT_MEAN_FREE)
def test_statistics_with_means_are_mapped_back_from_the_shift(name, statistics, means):
    """They are not invariant to a shift; the estimates are those of the unshifted response all the same."""
    labels, y, covariates = rows(offset=50.0)
    loaded = module(name, statistics, means).load()
    found = loaded.solve(loaded.accumulate({"user": labels, "y": y, **covariates}))
    agree(found, exact_estimates(solution(name, statistics, means), labels, y, covariates), 1e-8)


@pytest.mark.parametrize(("statistics", "means"), NOT_MEAN_FREE)
def test_statistics_with_means_keep_their_digits_too(statistics, means):
    labels, y, _ = rows(offset=1e8)
    loaded = module("intercept", statistics, means).load()
    found = loaded.solve(loaded.accumulate({"user": labels, "y": y}))
    agree(found, exact_estimates(solution("intercept", statistics, means), labels, y))


def test_the_estimates_do_not_depend_on_where_the_shift_was_taken():
    """The shift of merged sums is that of the larger part; the estimates with it are those of one pass."""
    labels, y, _ = rows(offset=1e8)
    loaded = module("intercept", "pairs", "products").load()
    at_once = loaded.solve(loaded.accumulate({"user": labels, "y": y}))
    parts = [loaded.accumulate({"user": labels[k::2], "y": y[k::2]}) for k in range(2)]
    assert parts[0]["shift_y"] != parts[1]["shift_y"]
    agree(loaded.solve(loaded.combine(*parts)), at_once, 1e-9)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(-8, 8), st.integers(-5, 5)), min_size=6, max_size=14))
def test_any_small_design_agrees_or_is_refused_by_both(table):
    """An undeclared covariate may be constant on levels, or everywhere; levels may have one row or be one only."""
    labels = [f"u{a}" for a, _, _ in table]
    y, x = [float(b) for _, b, _ in table], [float(c) for _, _, c in table]
    loaded = module("row").load()
    try:
        exact = exact_estimates(solution("row"), labels, y, {"x": x})
    except NotIdentifiedError:
        with pytest.raises(ValueError, match="do not separate"):
            loaded.solve(loaded.accumulate({"user": labels, "y": y, "x": x}))
        return
    found = loaded.solve(loaded.accumulate({"user": labels, "y": y, "x": x}))
    for key, value in exact.items():
        assert found[key] == pytest.approx(value, rel=1e-8, abs=1e-8), key
