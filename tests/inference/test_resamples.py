"""What a bootstrap gives: intervals, notes, files, and runs that are interrupted and taken up again."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pandas as pd
import pytest

import momentalg as ma
from momentalg.errors import DataError, ModelError, MomentalgError, UnsupportedError
from momentalg.inference import resampling
from momentalg.inference.resampling import Resamples
from momentalg.inference.resampling.drawing import DrawnLevels
from momentalg.inference.resampling.equations import Asked, cells_of

MODEL = ma.Model("y ~ 1 + (1 | a)")
bootstrap = partial(resampling.bootstrap, weighting="none")  # which is quick


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(31)
    a = np.repeat(np.arange(40), rng.integers(2, 7, 40))
    return pd.DataFrame(
        {"a": a, "b": rng.integers(0, 9, len(a)), "y": rng.normal(size=40)[a] + rng.normal(size=len(a))}
    )


@pytest.fixture(scope="module")
def found(frame):
    return bootstrap(MODEL, frame, replicates=200, seed=7, inner="jackknife")


def test_what_it_says_follows_from_the_replicates(found, frame):
    values, observed = found.estimates.to_numpy(), MODEL.fit(frame, weighting="none").params.to_numpy()
    about = values - values.mean(axis=0)
    assert values.shape == (200, 3)
    assert found.cov_params().to_numpy() == pytest.approx(about.T @ about / 199)
    assert found.bse.to_numpy() == pytest.approx(np.sqrt((about**2).sum(axis=0) / 199))
    assert found.bias.to_numpy() == pytest.approx(values.mean(axis=0) - observed)
    low, high = np.quantile(values, [0.05, 0.95], axis=0)
    assert found.conf_int(0.1).to_numpy() == pytest.approx(np.stack([low, high], axis=1))
    assert found.conf_int(0.1, "basic").to_numpy() == pytest.approx(
        np.stack([2 * observed - high, 2 * observed - low], axis=1)
    )
    apart = 1.6448536269514722 * found.bse.to_numpy()
    assert found.conf_int(0.1, "normal").to_numpy() == pytest.approx(
        np.stack([observed - apart, observed + apart], axis=1)
    )
    assert list(found.conf_int().columns) == [0, 1]
    assert (found.kind, found.seed, found.replicates, found.failed) == ("cluster", 7, 200, 0)


def test_the_bootstrap_t_uses_the_standard_error_within_each_replicate(found, frame):
    errors, observed = found.errors.to_numpy(), MODEL.fit(frame, weighting="none").params.to_numpy()
    ratios = (found.estimates.to_numpy() - observed) / errors
    low, high = np.quantile(ratios, [0.025, 0.975], axis=0)
    own = np.array([found.observed_errors[key] for key in found.keys])
    expected = np.stack([observed - high * own, observed - low * own], axis=1)
    assert found.conf_int(method="t").to_numpy() == pytest.approx(expected)
    # the inner error of the data themselves: 20 groups, level k in group k mod 20
    refits = [MODEL.fit(frame[frame["a"] % 20 != g], weighting="none").params.to_numpy() for g in range(20)]
    assert own == pytest.approx(np.sqrt(19 * np.var(refits, axis=0)), rel=1e-9)


def test_inner_errors_by_formula_are_those_of_the_module_for_each_resample(frame, monkeypatch):
    _, _, cells = cells_of(MODEL, frame, Asked(weighting="none"))
    with pytest.raises(UnsupportedError, match="has no standard errors of its own"):
        bootstrap(MODEL, frame, replicates=10, inner="formula")

    def covariance(sums, estimates):  # in another order of the keys, and of numbers that tell resamples apart
        return np.diag([1 / sums["size"].sum(), (sums["size"] ** 2).sum(), estimates["Intercept"] ** 2])

    monkeypatch.setattr(cells.module, "covariance", covariance, raising=False)
    monkeypatch.setattr(cells.module, "KEYS", ("var(residual)", "var(1|a)", "Intercept"), raising=False)
    found = bootstrap(MODEL, frame, replicates=10, inner="formula", seed=4)
    sizes = frame.groupby("a").size().to_numpy()
    plan = DrawnLevels(cells, (("a",),), found.keys, 4)
    for number, row in found.errors.iterrows():
        drawn = np.repeat(sizes, plan.counts(number)[("a",)])
        own = [abs(found.estimates.loc[number, "Intercept"]), (drawn**2).sum() ** 0.5, drawn.sum() ** -0.5]
        assert row.to_numpy() == pytest.approx(own)
    assert found.observed_errors["var(residual)"] == pytest.approx(len(frame) ** -0.5)


def test_weighted_equations_have_standard_errors_of_their_own(frame):
    fit = MODEL.fit(frame, weighting="two-step")
    found = resampling.bootstrap(fit, frame, replicates=3, seed=4, inner="formula")
    assert dict(found.observed_errors) == pytest.approx(dict(fit.bse), rel=1e-9)
    _, _, cells = cells_of(fit, frame)
    for number, row in found.errors.iterrows():
        counts = DrawnLevels(cells, (("a",),), found.keys, 4).counts(number)[("a",)]
        parts = [frame[frame["a"] == a].assign(a=100 * a + k) for a, times in enumerate(counts) for k in range(times)]
        again = MODEL.fit(pd.concat(parts), weighting="two-step")
        assert row.to_numpy() == pytest.approx(again.bse.to_numpy(), rel=1e-9)
        assert found.estimates.loc[number].to_numpy() == pytest.approx(again.params.to_numpy(), rel=1e-9)


def test_without_inner_errors_there_is_no_bootstrap_t(frame):
    plain = bootstrap(MODEL, frame, replicates=10)
    assert plain.errors.empty
    with pytest.raises(UnsupportedError, match="inner='jackknife'"):
        plain.conf_int(method="t")
    with pytest.raises(ModelError, match="method='bca' is none of percentile, basic, normal, t"):
        plain.conf_int(method="bca")
    with pytest.raises(ModelError, match="alpha=95 must lie between 0 and 1"):
        plain.conf_int(95)


def test_the_pigeonhole_bootstrap_gives_components_no_percentiles(frame):
    found = bootstrap(ma.Model("y ~ 1 + (1 | a) + (1 | b)"), frame, "pigeonhole", replicates=100)
    assert found.bias.isna().tolist() == [False, True, True, True]
    assert found.conf_int(method="percentile").isna().any(axis=1).tolist() == [False, True, True, True]
    assert found.conf_int().equals(found.conf_int(method="normal"))
    assert found.conf_int().notna().all(axis=None)
    assert "copies of a cell share their residual" in found.summary()


def test_what_is_saved_is_read_again(found, tmp_path):
    path = found.save(tmp_path / "run.npz")
    again = Resamples.load(path)
    assert again == found
    assert again.conf_int(method="t").equals(found.conf_int(method="t"))
    assert repr(again) == found.summary()


def test_failures_are_saved_too(tmp_path):
    short = pd.DataFrame({"a": [0, 0, 1, 2], "y": [1.0, 3.0, 4.0, 8.0]})
    found = bootstrap(MODEL, short, replicates=50)
    again = Resamples.load(found.save(tmp_path / "run.npz"))
    assert 0 < found.failed < 50
    assert again == found


def test_a_run_is_taken_up_where_it_was_interrupted(frame, tmp_path, monkeypatch):
    path, whole = tmp_path / "run.npz", bootstrap(MODEL, frame, replicates=90, seed=3)
    replicate, done = DrawnLevels.replicate, []

    def interrupted(plan, number):
        if len(done) == 60:
            raise KeyboardInterrupt
        done.append(number)
        return replicate(plan, number)

    monkeypatch.setattr(DrawnLevels, "replicate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bootstrap(MODEL, frame, replicates=90, seed=3, resume=path)
    assert 0 < len(Resamples.load(path).outcomes) < 90
    done.clear()
    assert bootstrap(MODEL, frame, replicates=90, seed=3, resume=path) == whole
    assert 0 < len(done) < 60  # only what was missing
    done.clear()
    assert bootstrap(MODEL, frame, replicates=90, seed=3, resume=path) == whole
    assert bootstrap(MODEL, frame, replicates=40, seed=3, resume=path) == whole.first(40)
    assert done == []
    monkeypatch.undo()
    more = bootstrap(MODEL, frame, replicates=120, seed=3, resume=path, workers=2)
    assert more == bootstrap(MODEL, frame, replicates=120, seed=3)
    assert len(Resamples.load(path).outcomes) == 120


@pytest.mark.parametrize("kind", ["residual", "parametric"])
def test_runs_with_new_responses_are_taken_up_too(kind, frame, tmp_path):
    bootstrap(MODEL, frame, kind, replicates=30, seed=3, resume=tmp_path / "run.npz")
    more = bootstrap(MODEL, frame, kind, replicates=60, seed=3, resume=tmp_path / "run.npz")
    assert more == bootstrap(MODEL, frame, kind, replicates=60, seed=3)


def test_a_file_of_another_run_is_refused(frame, tmp_path):
    path = tmp_path / "run.npz"
    bootstrap(MODEL, frame, replicates=10, seed=3, resume=path)
    with pytest.raises(ModelError, match="they differ in seed, 3 and 4"):
        bootstrap(MODEL, frame, replicates=10, seed=4, resume=path)
    with pytest.raises(ModelError, match="they differ in kind, 'cluster' and 'parametric'"):
        bootstrap(MODEL, frame, "parametric", replicates=10, seed=3, resume=path)
    with pytest.raises(ModelError, match="they differ in the data or the estimator"):
        bootstrap(MODEL, frame.assign(y=frame["y"] + (frame.index == 3)), replicates=10, seed=3, resume=path)
    with pytest.raises(ModelError, match="they differ in the data or the estimator"):
        bootstrap(MODEL, frame, replicates=10, seed=3, resume=path, statistics="within")
    with pytest.raises(MomentalgError, match="does not exist; make it first"):
        bootstrap(MODEL, frame, resume=tmp_path / "nowhere" / "run.npz")


def test_files_that_are_not_understood_are_refused(found, tmp_path):
    path = tmp_path / "run.npz"
    with pytest.raises(DataError, match="there is no file"):
        Resamples.load(path)
    path.write_text("no archive")
    with pytest.raises(DataError, match="is no file of resamples, or is damaged"):
        Resamples.load(path)
    np.savez(path, other=np.arange(3))
    with pytest.raises(DataError, match="is no file of resamples"):
        Resamples.load(path)
    found.save(path)
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    settings = json.loads(str(arrays["settings"]))
    np.savez(path, **{**arrays, "settings": np.array(json.dumps({**settings, "version": 2}))})
    with pytest.raises(DataError, match="is of version 2 of the format, and this momentalg reads 1"):
        Resamples.load(path)
    np.savez(path, **{**arrays, "estimates": arrays["estimates"][:-1]})
    with pytest.raises(DataError, match="is damaged"):
        Resamples.load(path)
    np.savez(path, **{**arrays, "estimates": arrays["estimates"][:, :-1]})
    with pytest.raises(DataError, match="is damaged"):
        Resamples.load(path)
