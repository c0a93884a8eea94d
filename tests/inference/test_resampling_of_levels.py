"""The jackknife and the bootstraps of levels, from tables, against fits of frames that are made by hand."""

from __future__ import annotations

import io
import pickle
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import momentalg as ma
from momentalg.errors import ModelError, NotIdentifiedError, UnsupportedError
from momentalg.inference.resampling import bootstrap, cell_sums, jackknife
from momentalg.inference.resampling.drawing import DrawnLevels, LevelsLeftOut
from momentalg.inference.resampling.equations import cells_of
from momentalg.inference.resampling.factors import crossed, unit

MODELS = {
    "y ~ 1 + (1 | a)": {},
    "y ~ 1 + x + (1 + x | a)": {},
    "y ~ 1 + x + (x || a)": {},
    "y ~ 1 + z + size(a) + (1 | a)": {"levels": {"z": "a"}},
    "y ~ 1 + x + (1 | a/b)": {},
    "y ~ 1 + z + (1 | a/b)": {"levels": {"z": "a"}},
    "y ~ 1 + (1 | a) + (1 | b)": {"assume": [ma.nested("b", "a")]},
    "y ~ 1 + d + (1 | a)": {},
    "y ~ 0 + x + (1 | a)": {},
    "y ~ 1 + (1 | a:b)": {},
}
CROSSED = {
    "y ~ 1 + (1 | a) + (1 | b)": {},
    "y ~ 1 + x + z + (1 | a) + (1 | b)": {"levels": {"z": "a"}},
    "y ~ 1 + (1 | a) + (1 | b) + (1 | a:b)": {},
    "y ~ 1 + x + (1 + x | a) + (1 | b)": {},
}


WEIGHTINGS = ("none", "two-step")


def refit(fit, frame):
    """The same model by the same equations."""
    return fit.model.fit(frame, weighting=fit.weighting).params.to_numpy()


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(11)
    a = np.repeat([f"u{k}" for k in range(14)], rng.integers(4, 12, 14))
    found = pd.DataFrame({"a": a, "b": rng.integers(0, 5, len(a)), "x": rng.normal(size=len(a))})
    found["z"] = found["a"].map(dict(zip(np.unique(a), rng.normal(size=14), strict=True)))
    found["d"] = rng.choice(["low", "mid", "high"], len(a))
    found["y"] = 2 + found["x"] + found["a"].map(dict(zip(np.unique(a), rng.normal(size=14), strict=True)))
    found["y"] += rng.normal(size=len(a)) + rng.normal(size=5)[found["b"]]
    return found.sample(frac=1, random_state=3).reset_index(drop=True)


def drawn_frame(frame, columns, counts):
    """The rows of a resample: each row once for each combination of copies of its levels, under labels of their own."""
    rows = []
    for _, row in frame.iterrows():
        copies = [{}]
        for column in columns:
            times = counts[column][row[column]]
            copies = [{**c, column: f"{row[column]}#{k}"} for c in copies for k in range(times)]
        rows += [{**row.to_dict(), **copy} for copy in copies]
    return pd.DataFrame(rows)


def of_levels(frame, column, counts):
    return dict(zip(np.unique(frame[column]), counts.tolist(), strict=True))


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("formula", MODELS)
def test_the_jackknife_is_that_of_fits_without_a_unit(formula, weighting, frame):
    model = ma.Model(formula, **MODELS[formula])
    fit = model.fit(frame, weighting=weighting)
    found = jackknife(fit, frame)
    units = frame["a"] if formula != "y ~ 1 + (1 | a:b)" else frame["a"] + " " + frame["b"].astype(str)
    refits = np.array([refit(fit, frame[units != unit]) for unit in np.unique(units)])
    assert found.estimates.to_numpy() == pytest.approx(refits, rel=1e-9, abs=1e-9)
    g = len(refits)
    about = refits - refits.mean(axis=0)
    assert found.covariance.to_numpy() == pytest.approx((g - 1) / g * about.T @ about, rel=1e-8, abs=1e-10)
    assert found.bias.to_numpy() == pytest.approx((g - 1) * (refits.mean(axis=0) - fit.params.to_numpy()), abs=1e-8)
    assert list(found.covariance.index) == list(found.keys) == list(fit.keys)
    assert found.left_out[0].groups == found.left_out[0].levels == g


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("formula", CROSSED)
def test_the_multiway_jackknife_is_that_of_fits_without_levels_and_cells(formula, weighting, frame):
    fit = ma.Model(formula, **CROSSED[formula]).fit(frame, weighting=weighting)
    total = np.zeros((len(fit.keys),) * 2)
    sides = [frame["a"], frame["b"], frame["a"] + " " + frame["b"].astype(str)]
    for labels, sign in zip(sides, (1, 1, -1), strict=True):
        refits = np.array([refit(fit, frame[labels != unit]) for unit in np.unique(labels)])
        about = refits - refits.mean(axis=0)
        total += sign * (len(refits) - 1) / len(refits) * about.T @ about
    found = jackknife(fit, frame)
    assert found.covariance.to_numpy() == pytest.approx(total, rel=1e-7, abs=1e-9)
    assert found.units == "a and b"
    one = jackknife(fit, frame, by="b")
    assert (one.units, len(one.left_out), one.left_out[0].levels) == ("b", 1, 5)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("formula", [f for f in MODELS if f != "y ~ 1 + (1 | a:b)"])
def test_a_cluster_replicate_is_the_fit_of_the_rows_that_were_drawn(formula, weighting, frame):
    model = ma.Model(formula, **MODELS[formula])
    fit = model.fit(frame, weighting=weighting)
    found = bootstrap(fit, frame, replicates=3, seed=5)
    resolved, system, cells = cells_of(fit, frame)
    plan = DrawnLevels(cells, (unit(resolved.resolved, None),), found.keys, 5)
    for number, row in found.estimates.iterrows():
        counts = plan.counts(number)[plan.factors[0]]
        drawn = drawn_frame(frame, ["a"], {"a": of_levels(frame, "a", counts)})
        assert row.to_numpy() == pytest.approx(refit(fit, drawn), rel=1e-9, abs=1e-9)
        assert system is fit.system
    assert found.failed == 0
    assert dict(found.observed) == pytest.approx(dict(fit.params), rel=1e-12)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("formula", CROSSED)
def test_a_pigeonhole_replicate_is_the_fit_of_the_cells_that_were_drawn(formula, weighting, frame):
    fit = ma.Model(formula, **CROSSED[formula]).fit(frame, weighting=weighting)
    found = bootstrap(fit, frame, "pigeonhole", replicates=3, seed=8)
    model, _, cells = cells_of(fit, frame)
    plan = DrawnLevels(cells, crossed(model.resolved), found.keys, 8)
    for number, row in found.estimates.iterrows():
        counts = {f[0]: of_levels(frame, f[0], c) for f, c in plan.counts(number).items()}
        drawn = drawn_frame(frame, ["a", "b"], counts)
        assert row.to_numpy() == pytest.approx(refit(fit, drawn), rel=1e-8, abs=1e-8)


def test_sums_by_cells_of_parts_serve_as_the_frame_does(frame):
    fit = ma.Model("y ~ 1 + x + (1 | a/b)").fit(frame)
    parts = cell_sums(fit, frame[:50]) + cell_sums(fit, frame[50:])
    one, two = (bootstrap(fit, data, replicates=20, seed=2) for data in (frame, parts))
    assert two.estimates.to_numpy() == pytest.approx(one.estimates.to_numpy(), rel=1e-10)
    listed = cell_sums(fit, [frame[:50], frame[50:]])
    assert jackknife(fit, listed).bse.to_numpy() == pytest.approx(jackknife(fit, frame).bse.to_numpy(), rel=1e-10)
    with pytest.raises(ModelError, match="not by cells"):
        bootstrap(fit.model.fit(frame, weighting="none"), fit.model.sums(frame, weighting="none"))
    other = ma.Model("y ~ 1 + (1 | a)").fit(frame)
    with pytest.raises(ModelError, match="the resamples are of"):
        bootstrap(other, parts)


def test_a_fit_that_keeps_its_data_needs_none(frame):
    model = ma.Model("y ~ 1 + d + (1 | a)")
    fit = model.fit(frame)
    given = bootstrap(fit, frame, replicates=10)
    assert bootstrap(replace(fit, data=frame, sums=None), replicates=10) == given
    by_cells = cell_sums(model, frame)
    kept = bootstrap(replace(fit, data=None, sums=by_cells), replicates=10)
    assert kept.estimates.to_numpy() == pytest.approx(given.estimates.to_numpy())
    assert jackknife(model, by_cells).bse.to_numpy() == pytest.approx(jackknife(fit, frame).bse.to_numpy())
    with pytest.raises(ModelError, match="not by cells"):
        bootstrap(model.fit(model.sums(frame, weighting="none")))
    with pytest.raises(ModelError, match="which this fit does not keep"):
        bootstrap(replace(fit, data=None, sums=None))
    assert (
        bootstrap(model.fit(model.sums(frame)), replicates=10) == given
    )  # the sums of weighted equations are by cells
    holes = frame.assign(y=frame["y"].where(frame.index > 3))
    dropped = replace(model.fit(holes, missing="drop"), data=holes, missing="drop")
    assert bootstrap(dropped, replicates=10).estimates.to_numpy() == pytest.approx(
        bootstrap(model, frame[4:], replicates=10).estimates.to_numpy()
    )


def test_the_same_seed_gives_the_same_numbers_in_any_number_of_processes(frame):
    model = ma.Model("y ~ 1 + (1 | a)")
    alone = bootstrap(model, frame, replicates=60, seed=4)
    several = bootstrap(model, frame, replicates=60, seed=4, workers=2)
    assert alone == several
    assert not alone.estimates.equals(bootstrap(model, frame, replicates=60, seed=5).estimates)
    assert jackknife(model, frame, groups=5, workers=2).estimates.equals(jackknife(model, frame, groups=5).estimates)


def test_a_plan_travels_to_another_process(frame):
    fit = ma.Model("y ~ 1 + z + (1 | a) + (1 | b)", levels={"z": "a"}).fit(frame)
    model, _, cells = cells_of(fit, frame)
    plan = DrawnLevels(cells, crossed(model.resolved), fit.keys, 1)
    assert pickle.loads(pickle.dumps(plan)).replicate(3) == plan.replicate(3)
    left = LevelsLeftOut(cells, cells.levels(("a",)), fit.keys)
    assert pickle.loads(pickle.dumps(left)).replicate(3) == left.replicate(3)


def test_levels_that_leave_nothing_to_estimate_are_counted_with_the_reason():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": [0, 0, 0, 1, 1, 1, 2, 2, 2], "y": rng.normal(size=9)})
    found = bootstrap(ma.Model("y ~ 1 + (1 | a)"), frame, replicates=200, seed=1, weighting="none")
    # each unit thrice is one draw of 27 for each unit, whose copies are three levels: that is estimable;
    assert found.failed == 0
    short = frame.iloc[[0, 1, 3, 6]]  # only the first level has two rows: without it there is no residual variance
    found = bootstrap(ma.Model("y ~ 1 + (1 | a)"), short, replicates=300, seed=1, weighting="none")
    assert pytest.approx(found.failed, abs=4 * (300 * 8 / 27 * 19 / 27) ** 0.5) == 300 * (2 / 3) ** 3
    assert len(found.estimates) == 300 - found.failed == 300 - len(found.failures)
    assert "every level of a has one row" in next(iter(found.failures.values()))
    assert "every level of a has one row" in found.summary()
    assert "so many that the others" in found.summary()
    left = jackknife(ma.Model("y ~ 1 + (1 | a)"), short, weighting="none")
    assert list(left.failures) == [("a", 0)]
    assert "no estimates without group 0 of a" in left.summary()
    assert "from the other groups" in left.summary()
    apart = left.estimates["Intercept"].to_numpy()  # a mean of three levels less one: 2 of 3 groups stand for all
    assert left.bse["Intercept"] == pytest.approx((2**2 / 3 * np.var(apart, ddof=1)) ** 0.5)


def test_many_levels_are_left_out_in_groups_and_the_result_says_so(frame):
    model = ma.Model("y ~ 1 + (1 | a)")
    found = jackknife(model, frame, groups=7, seed=3, weighting="none")
    assert "7 groups of the 14 levels of a" in found.summary()
    assert len(found.estimates) == 7
    mean = frame["y"].mean()
    # the Intercept of these statistics is the mean of all rows: a group's estimate is a mean over 12 of 14 levels
    sizes, totals = (frame.groupby("a")["y"].agg(how) for how in ("size", "sum"))
    from momentalg.inference.resampling.running import stream

    group = stream(3, 0).permutation(14) % 7
    means = [totals.to_numpy()[group != g].sum() / sizes.to_numpy()[group != g].sum() for g in range(7)]
    assert found.estimates["Intercept"].to_numpy() == pytest.approx(means)
    assert found.bias["Intercept"] == pytest.approx(6 * (np.mean(means) - mean))


def test_what_cannot_be_resampled_is_refused_with_the_nearest_thing_that_works(frame):
    two = ma.Model("y ~ 1 + (1 | a) + (1 | b)")
    with pytest.raises(UnsupportedError, match="kind='pigeonhole' resamples the levels of all of them"):
        bootstrap(two, frame)
    with pytest.raises(UnsupportedError, match="kind='cluster' resamples them"):
        bootstrap(ma.Model("y ~ 1 + (1 | a)"), frame, "pigeonhole")
    with pytest.raises(UnsupportedError, match="resample whole levels of 'a'"):
        bootstrap(ma.Model("y ~ 1 + (1 | a/b)"), frame, by="a:b")
    with pytest.raises(UnsupportedError, match="by='q' is no factor"):
        jackknife(two, frame, by="q")
    with pytest.raises(UnsupportedError, match="share the column 'b'"):
        bootstrap(ma.Model("y ~ 1 + (1 | a:b) + (1 | b:d)", fixed={}), frame, "pigeonhole")
    with pytest.raises(ModelError, match="kind='rows' is none of"):
        bootstrap(two, frame, "rows")
    with pytest.raises(ModelError, match="replicates must be a whole number of 2 or more"):
        bootstrap(two, frame, "pigeonhole", replicates=1)
    with pytest.raises(ModelError, match="by= goes with kind='cluster'"):
        bootstrap(two, frame, "pigeonhole", by="a")
    with pytest.raises(ModelError, match="crossed factors have none of"):
        bootstrap(two, frame, "pigeonhole", inner="jackknife")
    with pytest.raises(NotIdentifiedError, match="the data themselves have no estimates"):
        bootstrap(ma.Model("y ~ 1 + (1 | a)"), frame.drop_duplicates("a"))
    with pytest.raises(ModelError, match="resampling needs data"):
        bootstrap(two)


def test_one_crossed_factor_may_be_drawn_alone(frame):
    fit = ma.Model("y ~ 1 + (1 | a) + (1 | b)").fit(frame)
    found = bootstrap(fit, frame, by="a", replicates=2, seed=3)
    model, _, cells = cells_of(fit, frame)
    plan = DrawnLevels(cells, (unit(model.resolved, "a"),), found.keys, 3)
    drawn = drawn_frame(frame, ["a"], {"a": of_levels(frame, "a", plan.counts(0)[("a",)])})
    assert found.estimates.loc[0].to_numpy() == pytest.approx(refit(fit, drawn), rel=1e-9)


def test_on_a_terminal_a_bar_is_shown(frame, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    bootstrap(ma.Model("y ~ 1 + (1 | a)"), frame, replicates=30, progress=True)
    assert "30/30" in sys.stderr.getvalue()


def test_nothing_is_printed_where_there_is_no_terminal(frame, capfd):
    bootstrap(ma.Model("y ~ 1 + (1 | a)"), frame, replicates=30, progress=True)
    assert capfd.readouterr() == ("", "")
