"""The residual and the parametric bootstrap: predictions by dense matrices, draws by the simulator, fits by hand."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

import momentalg as ma
from momentalg.check.simulation import simulation
from momentalg.errors import ModelError, UnsupportedError
from momentalg.inference.resampling import bootstrap, cell_sums
from momentalg.inference.resampling.equations import Asked
from momentalg.inference.resampling.responses import plan_of, predicted

CASES = {
    "y ~ 1 + (1 | a)": {},
    "y ~ 1 + x + (1 + x | a)": {},
    "y ~ 1 + x + (1 | a) + (1 | b)": {},
    "y ~ 1 + x + (1 | a/b)": {},
    "y ~ 1 + (1 + x | a) + (1 | b)": {"weights": "w"},
    "y ~ 1 + x + (1 | a) ": {"residual_by": "c"},
}


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(21)
    a = np.repeat(np.arange(60), rng.integers(2, 9, 60))
    n = len(a)
    found = pd.DataFrame({"a": a, "b": rng.integers(0, 12, n), "x": rng.normal(size=n), "c": rng.choice(["f", "m"], n)})
    found["w"] = rng.choice([0.5, 1.0, 2.0], n)
    slopes, effects = rng.normal(size=60), rng.exponential(size=60)
    noise = rng.normal(size=n) * np.where(found["c"] == "m", 2.0, 1.0) / np.sqrt(found["w"])
    found["y"] = 1 + found["x"] * (1 + slopes[a]) + effects[a] + rng.normal(size=12)[found["b"]] + noise
    return found


def plan(model, frame, kind, seed=1, effects=None):
    return plan_of(model, frame, kind, seed, effects, Asked(), "refuse")[0]


def dense(fit, frame):
    """The predicted effects of each block, G Z' V^-1 (y - X b), from matrices of all rows."""
    model = fit.model.resolved
    values = {(): np.ones(len(frame)), "x": frame["x"].to_numpy()}
    variance = np.zeros(len(frame))
    for key in fit.keys:
        if key == "var(residual)":
            variance += fit.params[key] / (frame["w"] if model.weights else 1)
        elif key.startswith("var(residual["):
            variance += fit.params[key] * (frame["c"] == key[len("var(residual[") : -2])
    blocks = []
    for block in model.groups:
        codes = frame.groupby(list(block.factor)).ngroup()
        order = codes.to_numpy()
        names = [str(c.key) for c in block.coefficients]
        covariates = np.stack([values["x"] if name == "x" else values[()] for name in names], axis=1)
        matrix = np.array([[fit.params[model.cumulant_key(block, (p, q))] for q in names] for p in names])
        z = np.zeros((len(frame), order.max() + 1, len(names)))
        z[np.arange(len(frame)), order] = covariates
        blocks.append((z.reshape(len(frame), -1), np.kron(np.eye(order.max() + 1), matrix), len(names), order))
    v = np.diag(variance) + sum(z @ g @ z.T for z, g, *_ in blocks)
    mean = sum(
        fit.params[k] * (values[()] if k == "Intercept" else values["x"]) for k in ("Intercept", "x") if k in fit.params
    )
    left = np.linalg.solve(v, frame["y"] - mean)
    return [((g @ z.T @ left).reshape(-1, q), order) for z, g, q, order in blocks], left * np.sqrt(variance)


@pytest.mark.parametrize("formula", CASES)
def test_predictions_are_blups_centred_and_reflated(formula, frame):
    model = ma.Model(formula, **CASES[formula])
    fit = model.fit(frame)
    assert not fit.negative, "the case is meant to have an interior solution"
    made = plan(fit, frame, "residual")
    effects, residuals = predicted(made.laws, made.rows, frame["y"].to_numpy())
    expected, left = dense(fit, frame)
    for (block, found), (blup, order) in zip(effects, expected, strict=True):
        names = [str(c.key) for c in block.coefficients]
        matrix = [[fit.params[fit.model.resolved.cumulant_key(block, (p, q))] for q in names] for p in names]
        assert found.mean(axis=0) == pytest.approx(np.zeros(len(names)), abs=1e-9)
        assert found.T @ found / len(found) == pytest.approx(np.array(matrix), rel=1e-7, abs=1e-9)
        centred = (blup - blup.mean(axis=0))[order]
        found = found[made.rows.level(block.factor, fit.model.resolved)]
        move = np.linalg.lstsq(centred, found, rcond=None)[0]  # one matrix moves all of them, symmetric and positive
        assert centred @ move == pytest.approx(found, abs=1e-6)
        assert move == pytest.approx(move.T, abs=1e-5)
        assert (np.linalg.eigvalsh(move) > 0).all()
    about = left - left.mean()
    assert residuals == pytest.approx(about / np.sqrt((about**2).mean()), abs=1e-6)


@pytest.mark.parametrize("kind", ["residual", "parametric"])
@pytest.mark.parametrize("formula", CASES)
def test_a_replicate_is_the_fit_of_the_responses_that_were_drawn(formula, kind, frame):
    fit = ma.Model(formula, **CASES[formula]).fit(frame)
    found = bootstrap(fit, frame, kind, replicates=3, seed=6)
    made = plan(fit, frame, kind, 6)
    for number, row in found.estimates.iterrows():
        again = fit.model.fit(frame.assign(y=made.draw(number)))
        assert row.to_numpy() == pytest.approx(again.params.to_numpy(), rel=1e-9, abs=1e-9)
    assert found.centre == pytest.approx(dict(fit.params), rel=1e-9)


def test_residual_draws_are_the_predictions_themselves(frame):
    fit = ma.Model("y ~ 1 + (1 | a)").fit(frame)
    made = plan(fit, frame, "residual", 3)
    drawn = made.draw(0) - fit.params["Intercept"]
    ((_, effects),), scale = made.effects, np.sqrt(fit.params["var(residual)"])
    possible = np.sort((effects + scale * made.residuals).ravel())  # each sum of a prediction and a residual
    nearest = np.abs(possible[np.clip(np.searchsorted(possible, drawn), 1, len(possible) - 1)] - drawn)
    nearest = np.minimum(nearest, np.abs(possible[np.clip(np.searchsorted(possible, drawn) - 1, 0, None)] - drawn))
    assert nearest.max() < 1e-9
    assert len(np.unique(np.round(drawn, 9))) > 100


@pytest.mark.parametrize("effects", [None, {"a": "exponential", "residual": "uniform"}])
def test_parametric_draws_are_those_of_the_simulator_of_checks(effects, frame):
    fit = ma.Model("y ~ 1 + x + (1 + x | a)").fit(frame)
    made = plan(fit, frame, "parametric", 9, effects)
    drawn = simulation(fit.model, parameters=made.laws.parameters, design=frame, effects=effects, seed=9)
    assert made.draw(4) == pytest.approx(drawn.columns(4)["y"], rel=1e-12)


def test_a_negative_estimate_is_drawn_from_as_zero_and_the_bias_counted_from_there():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"a": np.repeat(np.arange(40), 5), "y": rng.normal(size=200)})
    means = frame.groupby("a")["y"].transform("mean")
    frame["y"] -= 0.9 * (means - frame["y"].mean())  # less between the levels than there would be by chance
    fit = ma.Model("y ~ 1 + (1 | a)").fit(frame)
    assert fit.negative == ("var(1|a)",)
    for kind in ("residual", "parametric"):
        found = bootstrap(fit, frame, kind, replicates=400, seed=2)
        assert found.centre["var(1|a)"] == 0
        assert abs(found.bias["var(1|a)"]) < 4 * found.bse["var(1|a)"] / 20
        assert found.bias["var(1|a)"] == pytest.approx(found.estimates["var(1|a)"].mean())


def test_both_agree_with_each_other_where_effects_are_normal():
    rng = np.random.default_rng(5)
    a = np.repeat(np.arange(300), rng.poisson(6, 300) + 1)
    frame = pd.DataFrame({"a": a, "y": rng.normal(size=300)[a] + rng.normal(size=len(a))})
    fit = ma.Model("y ~ 1 + (1 | a)").fit(frame)
    residual, parametric = (bootstrap(fit, frame, kind, replicates=800, seed=3) for kind in ("residual", "parametric"))
    ratio = residual.bse / parametric.bse
    assert ratio.to_numpy() == pytest.approx(np.ones(3), abs=0.2)  # 4 errors of a ratio, and the sample's own kurtosis
    assert (residual.bias.abs() < 4 * residual.bse / np.sqrt(800)).all()


def test_processes_and_data_make_no_difference_that_they_should_not(frame):
    fit = ma.Model("y ~ 1 + x + (1 | a)").fit(frame)
    for kind in ("residual", "parametric"):
        assert bootstrap(fit, frame, kind, replicates=60) == bootstrap(fit, frame, kind, replicates=60, workers=2)


@pytest.mark.parametrize("kind", ["residual", "parametric"])
def test_a_plan_travels_to_another_process(kind, frame):
    made = plan(ma.Model("y ~ 1 + (1 + x | a) + (1 | b)"), frame, kind)
    assert pickle.loads(pickle.dumps(made)).replicate(3) == made.replicate(3)


def test_rows_are_needed(frame):
    fit = ma.Model("y ~ 1 + (1 | a)").fit(frame)
    with pytest.raises(UnsupportedError, match="which sums and parts do not hold"):
        bootstrap(fit, cell_sums(fit, frame), "residual")
    with pytest.raises(UnsupportedError, match="which sums and parts do not hold"):
        bootstrap(fit, [frame, frame], "parametric")
    with pytest.raises(ModelError, match="inner='jackknife' goes with kind='cluster'"):
        bootstrap(fit, frame, "residual", inner="jackknife")
    with pytest.raises(ModelError, match="effects= goes with kind='parametric'"):
        bootstrap(fit, frame, "residual", effects={"a": "normal"})
    exact = frame.assign(y=frame["a"] * 1.0)
    with pytest.raises(UnsupportedError, match="needs a positive residual variance"):
        bootstrap(ma.Model("y ~ 1 + (1 | a)"), exact, "residual", weighting="none")


def test_predicted_residuals_have_lighter_tails_than_residuals_and_it_is_said():
    """Pairs of exponential residuals: what the two predicted ones are mixtures of is nearer to the normal law."""
    rng = np.random.default_rng(4)
    a = np.repeat(np.arange(4000), 2)
    residuals = rng.exponential(size=len(a))
    data = pd.DataFrame({"a": a, "y": rng.exponential(size=4000)[a] + residuals})
    fit = ma.Model("y ~ 1 + (1 | a)").fit(data)
    drawn = plan(fit, data, "residual").residuals
    excess = [np.mean((v - v.mean()) ** 4) / np.var(v) ** 2 - 3 for v in (residuals, drawn)]
    assert excess[1] < 0.6 * excess[0]
    assert "standard errors of components are too small" in "\n".join(
        bootstrap(fit, data, kind="residual", replicates=2).notes
    )
