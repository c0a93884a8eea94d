"""Two-step fits, the default: the analysis of variance where data are balanced; splits, orders, origins and units."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import momentalg as ma
from tests.benchmarks.simulated_designs import DESIGNS

SEEDS = st.integers(0, 2**32 - 1)
SPREADS = st.sampled_from([0.0, 0.3, 2.0])  # of the effects; with the first, variances are often negative


def components(formula, frame, **options):
    """The estimates of the default fit that are of variances."""
    fit = ma.Model(formula).fit(frame, **options)
    assert fit.system.weighting == "two-step"
    return {key: value for key, value in fit.estimates.items() if key.startswith(("var(", "cov("))}


def assert_close(found, expected, tolerance=1e-9, scale=None):
    """Each estimate within `tolerance` of the greatest, or of `scale`."""
    assert set(found) == set(expected)
    scale = max(map(abs, expected.values())) if scale is None else scale
    assert {k: (found[k], v) for k, v in expected.items() if not abs(found[k] - v) <= tolerance * scale} == {}


# Balanced data: the estimates are the mean squares' closed forms, whatever the weights.


def one_way(table):
    """From a table of levels by observations."""
    within = table.var(axis=1, ddof=1).mean()
    return {"var(1|a)": table.mean(axis=1).var(ddof=1) - within / table.shape[1], "var(residual)": within}


def two_way(table):
    """From a table of a by b, one observation in each."""
    rows, columns = table.mean(axis=1), table.mean(axis=0)
    rest = table - rows[:, None] - columns + table.mean()
    residual = (rest**2).sum() / ((len(rows) - 1) * (len(columns) - 1))
    return {
        "var(1|a)": rows.var(ddof=1) - residual / len(columns),
        "var(1|b)": columns.var(ddof=1) - residual / len(rows),
        "var(residual)": residual,
    }


def two_way_with_cells(table):
    """From a table of a by b by replicates."""
    within = table.var(axis=2, ddof=1).mean()
    found = two_way(table.mean(axis=2))
    return found | {"var(1|a:b)": found["var(residual)"] - within / table.shape[2], "var(residual)": within}


def nested(table):
    """From a table of a by b in a by replicates."""
    within = table.var(axis=2, ddof=1).mean()
    cells = table.mean(axis=2)
    between = cells.var(axis=1, ddof=1).mean()
    return {
        "var(1|a)": cells.mean(axis=1).var(ddof=1) - between / table.shape[1],
        "var(1|a:b)": between - within / table.shape[2],
        "var(residual)": within,
    }


def slopes(table, x):
    """From a table of levels by observations at the same x: the least squares of each level, and their spread."""
    design = np.column_stack([np.ones_like(x), x])
    each, rest, _, _ = np.linalg.lstsq(design, table.T)
    residual = rest.sum() / (len(table) * (len(x) - 2))
    g = np.cov(each) - residual * np.linalg.inv(design.T @ design)
    return {"var(1|a)": g[0, 0], "cov(1,x|a)": g[0, 1], "var(x|a)": g[1, 1], "var(residual)": residual}


def frame_of(table):
    """A row per entry, in another order."""
    frame = pd.DataFrame({name: index.ravel() for name, index in zip("abr", np.indices(table.shape), strict=False)})
    return frame.assign(y=table.ravel()).sample(frac=1, random_state=1)


def test_dyestuff():
    frame = ma.datasets.load("Dyestuff")
    found = components("Yield ~ 1 + (1 | Batch)", frame)
    expected = one_way(np.array([part for _, part in frame.groupby("Batch")["Yield"]], dtype=float))
    assert_close(found, {"var(1|Batch)": expected["var(1|a)"], "var(residual)": expected["var(residual)"]})
    assert list(found.values()) == pytest.approx([1764.05, 2451.25], abs=1e-9)


def test_dyestuff2_is_negative():
    found = components("Yield ~ 1 + (1 | Batch)", ma.datasets.load("Dyestuff2"))
    assert list(found.values()) == pytest.approx([-1.32191, 14.9459], abs=5e-5)


def test_penicillin():
    frame = ma.datasets.load("Penicillin")
    found = components("diameter ~ 1 + (1 | plate) + (1 | sample)", frame)
    expected = two_way(frame.pivot_table(index="plate", columns="sample", values="diameter").to_numpy())
    keys = {"var(1|plate)": "var(1|a)", "var(1|sample)": "var(1|b)", "var(residual)": "var(residual)"}
    assert_close(found, {key: expected[other] for key, other in keys.items()})
    assert list(found.values()) == pytest.approx([0.716908, 3.730918, 0.302415], abs=5e-7)


def test_pastes():
    frame = ma.datasets.load("Pastes")
    found = components("strength ~ 1 + (1 | batch/cask)", frame)
    table = frame.sort_values(["batch", "cask"])["strength"].to_numpy().reshape(10, 3, 2)
    expected = nested(table)
    keys = {"var(1|batch)": "var(1|a)", "var(1|batch:cask)": "var(1|a:b)", "var(residual)": "var(residual)"}
    assert_close(found, {key: expected[other] for key, other in keys.items()})
    assert list(found.values()) == pytest.approx([1.65731, 8.43367, 0.678], abs=5e-6)


def test_sleepstudy():
    frame = ma.datasets.load("sleepstudy").sort_values(["Subject", "Days"])
    found = components("Reaction ~ Days + (Days | Subject)", frame)
    expected = slopes(frame["Reaction"].to_numpy().reshape(18, 10), np.arange(10.0))
    assert_close(list_to(found), list_to(expected))
    keys = ["var(1|Subject)", "var(Days|Subject)", "cov(1,Days|Subject)", "var(residual)"]
    assert [found[key] for key in keys] == pytest.approx([612.090, 35.0717, 9.60433, 654.941], rel=2e-6)


def list_to(estimates):
    """The same by the place of a key among the components."""
    return dict(enumerate(estimates.values()))


@given(SEEDS, st.integers(2, 8), st.integers(2, 6), SPREADS)
def test_balanced_one_way(seed, levels, size, spread):
    random = np.random.default_rng(seed)
    table = spread * random.standard_exponential((levels, 1)) + random.standard_normal((levels, size))
    assert_close(components("y ~ 1 + (1 | a)", frame_of(table)), one_way(table))


@given(SEEDS, st.integers(2, 6), st.integers(2, 6), SPREADS)
def test_balanced_two_way(seed, rows, columns, spread):
    random = np.random.default_rng(seed)
    table = spread * (random.standard_exponential((rows, 1)) + random.standard_normal(columns))
    table = table + random.standard_normal((rows, columns))
    expected = two_way(table)
    assume(expected["var(residual)"] > 1e-3 * np.var(table))  # of one degree of freedom in a table of two by two
    assert_close(components("y ~ 1 + (1 | a) + (1 | b)", frame_of(table)), expected)


@given(SEEDS, st.integers(2, 5), st.integers(2, 5), st.integers(2, 4), SPREADS)
def test_balanced_with_cells(seed, rows, columns, size, spread):
    random = np.random.default_rng(seed)
    table = spread * (random.standard_exponential((rows, 1, 1)) + random.standard_normal((rows, columns, 1)))
    table = table + random.standard_normal((rows, columns, size))
    found = components("y ~ 1 + (1 | a) + (1 | b) + (1 | a:b)", frame_of(table))
    assert_close(found, two_way_with_cells(table))
    assert_close(components("y ~ 1 + (1 | a/b)", frame_of(table)), nested(table))


@given(SEEDS, st.integers(3, 8), st.integers(3, 7), SPREADS)
def test_balanced_slopes(seed, levels, size, spread):
    random = np.random.default_rng(seed)
    x = random.normal(5, 1, size)
    table = spread * random.standard_normal((levels, 1)) + spread * random.standard_normal((levels, 1)) * x
    table = table + random.standard_normal((levels, size))
    frame = frame_of(table).rename(columns={"b": "at"})
    found = components("y ~ x + (1 + x | a)", frame.assign(x=x[frame["at"]]))
    assert_close(found, slopes(table, x))


# Unbalanced data: what must not matter does not.

FORMULAS = [
    "y ~ 1 + (1 | a)",
    "y ~ 1 + x + size(a) + (1 | a)",
    "y ~ 1 + (1 | a/b)",
    "y ~ 1 + x + (1 + x | a)",
    "y ~ 1 + x + (1 + x | a) + (1 | a:b)",
    "y ~ 1 + x + (1 + x || a)",
    "y ~ 1 + (1 | a) + (1 | b)",
    "y ~ 1 + x + (1 + x | a) + (1 | b)",
]
CORRELATED = [formula for formula in FORMULAS if "||" not in formula]


def unbalanced(seed, spread, origin=0.0):
    """Rows in seven levels of a, crossed with four of b; x about `origin`."""
    random = np.random.default_rng(seed)
    a = np.repeat(np.arange(7), 3 + random.poisson(4, 7))
    b = random.integers(0, 4, len(a))
    x = random.standard_normal(len(a))
    y = (
        2
        + x
        + spread * (random.standard_normal(7)[a] + random.standard_normal(7)[a] * x + random.standard_normal(4)[b])
    )
    return pd.DataFrame({"a": a, "b": b, "x": x + origin, "y": y + random.standard_normal(len(a))})


def scales(estimates):
    """By key, the size of what an estimate is one of: components, or coefficients of the mean."""
    kinds = {key: key.startswith(("var(", "cov(")) for key in estimates}
    return {key: max(abs(estimates[k]) for k in kinds if kinds[k] == kinds[key]) for key in estimates}


def assert_same(found, expected, tolerance):
    scale = scales(expected)
    assert {k: (found[k], v) for k, v in expected.items() if not abs(found[k] - v) <= tolerance * scale[k]} == {}


def is_definite(estimates):
    g = [[estimates["var(1|a)"], estimates["cov(1,x|a)"]], [estimates["cov(1,x|a)"], estimates["var(x|a)"]]]
    return bool(np.linalg.eigvalsh(g)[0] > 0)


@pytest.mark.parametrize("formula", FORMULAS)
@given(seed=SEEDS, spread=SPREADS, origin=st.sampled_from([0.0, 10.0]))
def test_any_split_and_any_order_of_rows(formula, seed, spread, origin):
    frame = unbalanced(seed, spread, origin)
    model = ma.Model(formula)
    expected = model.fit(frame).estimates
    random = np.random.default_rng(seed + 1)
    part = random.integers(0, 4, len(frame))
    parts = [frame[part == k] for k in random.permutation(4) if (part == k).any()]
    total = model.sums(parts[0])
    for more in parts[1:]:
        total = model.sums(more) + total
    assert_same(model.fit(total).estimates, expected, 1e-9)
    assert_same(model.fit(frame.iloc[random.permutation(len(frame))]).estimates, expected, 1e-9)


def test_splits_where_the_first_step_is_not_definite():
    """The first step's matrix of the effects is replaced by the nearest that is: nearest whatever the shifts."""
    model, indefinite = ma.Model("y ~ 1 + x + (1 + x | a)"), 0
    for seed in range(12):
        frame = unbalanced(seed, 0.2, 20.0)
        whole = model.sums(frame)
        indefinite += not is_definite(whole.estimator.module.first_step(whole.table))
        parts = [frame[frame["x"] < 20], frame[frame["x"] >= 20]]  # parts whose means, and so shifts, are far apart
        merged = model.sums(parts[0]) + model.sums(parts[1])
        assert_same(model.fit(merged).estimates, model.fit(whole).estimates, 1e-9)
    assert indefinite >= 4


@pytest.mark.parametrize("formula", FORMULAS)
@given(seed=SEEDS, spread=SPREADS)
def test_origin_and_unit_of_the_response(formula, seed, spread):
    frame = unbalanced(seed, spread)
    expected = dict(ma.Model(formula).fit(frame).estimates)
    found = ma.Model(formula).fit(frame.assign(y=1000 - 3 * frame["y"])).estimates
    moved = {key: value * (9 if key.startswith(("var(", "cov(")) else -3) for key, value in expected.items()}
    moved["Intercept"] += 1000
    assert_same(found, moved, 1e-9)


@pytest.mark.parametrize("formula", [f for f in CORRELATED if "x" in f])
@given(seed=SEEDS, spread=SPREADS)
def test_origin_and_unit_of_a_covariate(formula, seed, spread):
    """With x = c + d t the slope of t is d times that of x, and the intercept gains c times the slope."""
    frame = unbalanced(seed, spread)
    c, d = 7.0, 0.25
    expected = dict(ma.Model(formula).fit(frame.assign(x=c + d * frame["x"])).estimates)
    found = dict(ma.Model(formula).fit(frame).estimates)
    moved = dict(expected)
    moved["Intercept"] = expected["Intercept"] + c * expected["x"]
    moved["x"] = d * expected["x"]
    if "var(x|a)" in expected:
        one, both, slope = (expected[key] for key in ("var(1|a)", "cov(1,x|a)", "var(x|a)"))
        moved |= {
            "var(1|a)": one + 2 * c * both + c**2 * slope,
            "cov(1,x|a)": d * (both + c * slope),
            "var(x|a)": d**2 * slope,
        }
    assert_same(found, moved, 1e-7)  # where 7 + x/4 is far from 0, var(1|a) is a difference of great numbers


def test_weights_are_renewed_where_the_first_step_is_far_off():
    """Slopes and very unequal sizes: weights at the first step lead much farther from REML than the fit is."""
    design = next(d for d in DESIGNS if d.name == "slopes, 1000 users of power-law sizes")
    model, frame = ma.Model(design.formula), pd.DataFrame(design.data(1))
    sums = model.sums(frame)
    once = sums.estimator.module.solve(sums.table, turns=1)
    thrice = sums.estimator.module.solve(sums.table, turns=3)
    found = model.fit(sums).estimates
    reml = model.fit(frame, weighting="iterated").estimates
    assert abs(once["var(x|user)"] - reml["var(x|user)"]) > 0.03
    assert abs(found["var(x|user)"] - reml["var(x|user)"]) < 1e-4
    assert found == thrice  # whose weights are within a standard error of what they lead to


def test_weights_are_not_renewed_where_the_first_step_is_near():
    frame = unbalanced(1, 2.0)
    for formula in ("y ~ 1 + (1 | a)", "y ~ 1 + (1 | a/b)", "y ~ 1 + (1 | a) + (1 | b)"):
        sums = ma.Model(formula).sums(frame)
        module = sums.estimator.module
        assert module.TURNS > 1
        assert module.solve(sums.table) == module.solve(sums.table, turns=1) == module.solve(sums.table, turns=2)
