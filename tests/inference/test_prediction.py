"""Predicted effects, fitted values, predictions and residuals against dense mixed-model equations and statsmodels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import momentalg as ma
from momentalg.errors import DataError, ModelError, UnsupportedError
from tests.inference.fits import DESIGNS, classes, from_dense


@pytest.fixture(scope="module", params=DESIGNS)
def case(request):
    return from_dense(request.param)


@pytest.fixture(scope="module")
def sleepstudy():
    return from_dense("sleepstudy")


def means(fit):
    return fit.fe_params.to_numpy()


def dense_fitted(fit, equations):
    u, _ = equations.at(means(fit))
    return equations.x @ means(fit), sum(columns_times(equations.factors[name], values) for name, values in u.items())


def columns_times(factor, values):
    levels, of_row, columns, _ = factor
    return np.array([columns[n] @ values[levels.index(label)] for n, label in enumerate(of_row)])


def test_fitted_values_and_residuals_are_those_of_dense_equations(case):
    fit, _, equations = case
    mean, effects = dense_fitted(fit, equations)
    assert fit.fittedvalues.to_numpy() == pytest.approx(mean + effects, rel=1e-9)
    assert fit.predict(effects=False).to_numpy() == pytest.approx(mean, rel=1e-9)
    assert fit.resid.to_numpy() == pytest.approx(equations.y - mean - effects, abs=1e-9 * np.abs(equations.y).max())
    assert fit.residuals(kind="marginal").to_numpy() == pytest.approx(equations.y - mean, abs=1e-9 * equations.y.max())


def test_fitted_values_are_indexed_as_the_data(case):
    fit, frame, _ = case
    assert fit.fittedvalues.index.equals(frame.index)
    shuffled = frame.sample(frac=1, random_state=2)
    assert fit.predict(shuffled).loc[frame.index].to_numpy() == pytest.approx(fit.fittedvalues.to_numpy(), rel=1e-12)


def test_predictions_need_neither_the_response_nor_what_holds_for_the_data_alone(case):
    fit, frame, _ = case
    response = fit.model.resolved.response
    expected = fit.fittedvalues.iloc[:4].to_numpy()
    head = frame.head(4)
    assert fit.predict(head.drop(columns=response)).to_numpy() == pytest.approx(expected, rel=1e-12)
    assert fit.predict(head.assign(**{response: np.nan})).to_numpy() == pytest.approx(expected, rel=1e-12)
    columns = {name: head[name].tolist() for name in head if name != response}
    assert fit.predict(columns).to_numpy() == pytest.approx(expected, rel=1e-12)


@pytest.mark.engine("polars")
def test_frames_of_other_libraries(sleepstudy):
    import polars as pl

    fit, frame, _ = sleepstudy
    other = pl.from_pandas(frame)
    for found in (fit.predict(other), fit.predict(other.lazy()), replace(fit, data=other).fittedvalues):
        assert found.to_numpy() == pytest.approx(fit.fittedvalues.to_numpy(), rel=1e-12)
        assert found.index.tolist() == list(range(len(frame)))
    assert fit.augment(other)[".fitted"].tolist() == fit.fittedvalues.tolist()


def test_a_frame_without_labels_has_predictions_without_effects(sleepstudy):
    fit, _frame, _ = sleepstudy
    expected = means(fit)[0] + means(fit)[1] * np.array([0.0, 20.0])
    assert fit.predict(pd.DataFrame({"Days": [0, 20]}), effects=False).tolist() == pytest.approx(expected)
    with pytest.raises(DataError, match="no column 'Subject'"):
        fit.predict(pd.DataFrame({"Days": [0, 20]}))


def test_new_levels_have_the_mean_of_the_population(case):
    fit, frame, _ = case
    for block in fit.model.resolved.groups:
        column = block.factor[-1]
        new = frame.assign(
            **{
                column: "new"
                if frame[column].dtype.kind == "O" or str(frame[column].dtype) in ("str", "category", "string")
                else -1
            }
        )
        if "size(Litter)" in fit.params:
            new["size(Litter)"] = 7.0
            mean = means(fit) @ np.vstack([np.ones(len(new)), np.full(len(new), 7.0), new["sex"] == "Male"])
            assert fit.predict(new).to_numpy() == pytest.approx(mean, rel=1e-12)
            continue
        others = [b.name for b in fit.model.resolved.groups if column not in b.factor]
        found = fit.predict(new).to_numpy()
        assert found == pytest.approx(fit.predict(frame, effects=others).to_numpy(), rel=1e-12)
    assert fit.predict(frame, effects=[]).equals(fit.predict(frame, effects=False))


def test_one_new_level_among_seen_ones(sleepstudy):
    fit, _frame, equations = sleepstudy
    u, _ = equations.at(means(fit))
    seen = equations.factors["Subject"][0][3]
    found = fit.predict(pd.DataFrame({"Days": [2.0, 2.0], "Subject": [seen, type(seen)(99999)]}))
    x = np.array([1.0, 2.0])
    assert found.tolist() == pytest.approx([x @ (means(fit) + u["Subject"][3]), x @ means(fit)], rel=1e-12)


def test_the_size_of_a_new_level_is_asked_for_and_that_of_a_seen_one_known():
    fit, frame, _ = from_dense("rats")
    one = frame[frame["Litter"] == 5].head(1)
    assert fit.predict(one).iloc[0] == pytest.approx(
        fit.fittedvalues[one.index[0]], rel=1e-12
    )  # not of a litter of one
    with pytest.raises(DataError, match=r"Litter 77 \(row 0\) was not in the fit: give the sizes in a column called"):
        fit.predict(one.assign(Litter=77))


def test_labels_of_another_kind_are_no_new_levels(sleepstudy):
    fit, frame, _ = sleepstudy
    other = frame["Subject"].astype(str) if frame["Subject"].dtype.kind == "i" else np.arange(len(frame))
    with pytest.raises(DataError, match="no level would be known"):
        fit.predict(frame.assign(Subject=other))


def test_labels_without_an_order_are_refused():
    frame = pd.DataFrame({"y": [1.0, 2, 4, 3, 7, 9, 2, 1], "u": [2, 2, "a", "a", 1, 1, "b", "b"]})
    with pytest.raises(DataError, match="kinds that have no order"):
        ma.Model("y ~ 1 + (1 | u)").fit(frame)


def test_unknown_levels_of_a_fixed_factor_are_refused():
    fit, frame, _ = from_dense("rats")
    with pytest.raises(DataError, match="none of its levels"):
        fit.predict(frame.assign(sex="unknown"))


def test_rows_with_missing_values_are_refused_or_left_out_as_in_the_fit(sleepstudy):
    fit, frame, _ = sleepstudy
    new = frame.head(3).astype({"Days": float})
    new.iloc[1, list(new.columns).index("Days")] = np.nan
    with pytest.raises(DataError, match="missing values"):
        fit.predict(new)
    found = replace(fit, missing="drop").predict(new)
    assert found.index.tolist() == [frame.index[0], frame.index[2]]


def test_functions_of_covariates_are_those_of_the_formula():
    rng = np.random.default_rng(3)
    g = np.repeat(np.arange(6), [4, 8, 10, 11, 13, 14])
    frame = pd.DataFrame({"x": rng.uniform(1, 3, 60), "g": g, "k": rng.choice(["a", "b"], 60)})
    frame["y"] = frame["x"] + rng.normal(size=60)
    model = ma.Model("y ~ log(x) + I(1/(1+x)) + I(1/size(g)):x + C(k):x + (1 | g)")
    fit = model.fit(frame)
    x, b, size = frame["x"], frame["k"] == "b", frame.groupby("g")["x"].transform("size")
    columns = {
        "Intercept": 1.0,
        "log(x)": np.log(x),
        "I(1/(1+x))": 1 / (1 + x),
        "x:I(1/size(g))": x / size,
        "x:k[a]": (1 - b) * x,
        "x:k[b]": b * x,
    }
    kept = {key: values for key, values in columns.items() if key in fit.mean_keys}
    assert sorted(kept) == sorted(fit.mean_keys)
    expected = sum(fit.params[key] * values for key, values in kept.items())
    assert fit.predict(frame, effects=False).to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-9)
    with pytest.raises(DataError, match="has no value in row 0"):
        fit.predict(frame.head(2).assign(x=-1.0), effects=False)


def test_means_of_residuals_by_level(case):
    fit, _frame, equations = case
    mean, effects = dense_fitted(fit, equations)
    for name, (_, of_row, _, _) in equations.factors.items():
        for kind, residuals in (("marginal", equations.y - mean), ("conditional", equations.y - mean - effects)):
            expected = pd.Series(residuals).groupby(pd.Series(list(map(str, of_row)))).mean()
            found = fit.residuals(name, kind)
            found.index = [str(label) for label in found.index]
            expected.index.name = None
            tolerance = 1e-9 * np.abs(equations.y).max()
            assert found.sort_index().to_numpy() == pytest.approx(expected.sort_index().to_numpy(), abs=tolerance)


def test_shrinkage_times_a_level_s_own_estimate_is_the_prediction():
    for design in ("dyestuff", "sleepstudy"):
        fit, _frame, equations = from_dense(design)
        ((name, (levels, of_row, columns, _g)),) = equations.factors.items()
        u, _ = equations.at(means(fit))
        found = fit.shrinkage()[name]
        left = equations.y - equations.x @ means(fit)
        for n, level in enumerate(levels):
            own = np.array([label == level for label in of_row])
            estimate = np.linalg.lstsq(columns[own], left[own], rcond=None)[0]
            if design == "dyestuff":
                count, theta = own.sum(), fit.params["var(1|Batch)"] / fit.params["var(residual)"]
                assert found[level] == pytest.approx(count * theta / (1 + count * theta), rel=1e-12)
            matrix = np.atleast_2d(found.loc[level])
            assert matrix @ estimate == pytest.approx(u[name][n], rel=1e-9)


def test_known_weights_shrink_by_their_total():
    fit, frame, _ = from_dense("known_weights")
    weight = frame.groupby("g")["w"].sum() * fit.params["var(1|g)"] / fit.params["var(residual)"]
    assert fit.shrinkage()["g"].to_numpy() == pytest.approx((weight / (1 + weight)).to_numpy(), rel=1e-12)
    with pytest.raises(UnsupportedError, match="with known weights or classes of residuals, need the rows"):
        replace(fit, data=None).shrinkage()


def test_shrinkage_of_an_intercept_needs_no_rows():
    fit, _, _ = from_dense("dyestuff")
    pd.testing.assert_series_equal(replace(fit, data=None).shrinkage()["Batch"], fit.shrinkage()["Batch"])


def test_effects_without_variance_are_zero():
    frame = ma.datasets.load("Dyestuff2")
    fit = ma.Model("Yield ~ 1 + (1 | Batch)").fit(frame)
    assert fit.params["var(1|Batch)"] < 0
    assert (fit.ranef()["Batch"] == 0).all().all()
    assert (fit.ranef(condVar=True)["condsd"] == 0).all()
    assert (fit.shrinkage()["Batch"] == 0).all()
    assert fit.fittedvalues.tolist() == pytest.approx([frame["Yield"].mean()] * 30)


def test_shrinkage_of_several_factors_is_the_reliability():
    fit, _, equations = from_dense("penicillin")
    _, errors = equations.at(means(fit))
    for name, found in fit.shrinkage().items():
        expected = 1 - errors[name][:, 0, 0] / fit.params[f"var(1|{name})"]
        assert found.to_numpy() == pytest.approx(expected, rel=1e-9)


def test_a_variance_truncated_at_zero_shrinks_altogether():
    fit, _, _ = from_dense("dyestuff")
    zero = {**fit.truncated, "var(1|Batch)": 0.0}
    assert (replace(fit, truncated=zero).shrinkage()["Batch"] == 0).all()


@pytest.mark.parametrize(
    "ask", [lambda f: f.resid, lambda f: f.fittedvalues, lambda f: f.augment(), lambda f: f.predict()]
)
def test_sums_hold_no_rows_and_say_what_to_do(sleepstudy, ask):
    fit, frame, _ = sleepstudy
    with pytest.raises(UnsupportedError, match=r"fit from a frame or a list of frames.*fit\.predict\(frame\)"):
        ask(replace(fit, data=None))
    assert replace(fit, data=None).predict(frame).equals(fit.fittedvalues.rename("predicted"))


def test_several_frames_are_their_rows_one_after_the_other(sleepstudy):
    fit, frame, _ = sleepstudy
    parts = replace(fit, data=[frame.iloc[:70], frame.iloc[70:]])
    assert parts.fittedvalues.equals(fit.fittedvalues)
    assert parts.residuals("Subject").equals(fit.residuals("Subject"))
    assert parts.augment().equals(fit.augment())


def test_what_does_not_exist_is_refused_by_name(sleepstudy):
    fit, frame, _ = sleepstudy
    with pytest.raises(ModelError, match="'Batch' is no factor with effects"):
        fit.predict(frame, effects="Batch")
    with pytest.raises(ModelError, match="'marginal' or 'conditional', not 'scaled'"):
        fit.residuals(kind="scaled")
    with pytest.raises(ModelError, match="'Batch' is no factor"):
        fit.residuals("Batch")


@pytest.mark.parametrize("design", DESIGNS)
def test_modules_predict_what_henderson_s_equations_do(design):
    """The weighted module at its own estimates, whose means are by generalised least squares."""
    model, frame, dense = DESIGNS[design]()
    fit = model.fit(frame)
    assert fit.sums is not None
    b, u, errors = dense(fit).henderson()
    assert means(fit) == pytest.approx(b, rel=1e-9)
    for name, found in fit.effects.items():
        scale = np.abs(u[name]).max()
        assert found.levels.tolist() == dense(fit).factors[name][0]
        assert found.predictions == pytest.approx(u[name], abs=1e-9 * scale)
        assert found.covariances == pytest.approx(errors[name], abs=1e-9 * np.abs(errors[name]).max())


def test_classes_of_residuals_weight_the_rows():
    model, frame, dense = classes()
    for data in (frame, [frame.iloc[:50], frame.iloc[50:]]):
        fit = model.fit(data)
        _, u, errors = dense(fit).henderson()
        assert fit.weighting == "none"
        assert fit.effects["g"].predictions == pytest.approx(u["g"], abs=1e-9)
        assert fit.effects["g"].covariances == pytest.approx(errors["g"], abs=1e-9)
    columns = dense(fit).factors["g"]
    expected = frame["y"] - dense(fit).x @ means(fit) - columns_times(columns, u["g"])
    assert fit.resid.to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-9)
    with pytest.raises(UnsupportedError, match=r"estimated below 0.*fit without residual_by="):
        replace(fit, estimates={**fit.estimates, "var(residual[north])": -1.0}).ranef()


@pytest.mark.engine("statsmodels")
@pytest.mark.parametrize(
    ("design", "groups", "settings"),
    [
        ("sleepstudy", "Subject", {"re_formula": "~Days"}),
        ("dyestuff", "Batch", {}),
        ("penicillin", None, {"vc_formula": {"plate": "0+C(plate)", "sample": "0+C(sample)"}, "re_formula": "0"}),
    ],
)
def test_blups_and_fitted_values_are_those_of_statsmodels(design, groups, settings):
    """On whole, balanced data moments are REML's estimates, to what its optimiser leaves."""
    from statsmodels.formula.api import mixedlm

    fit, frame, _ = from_dense(design, whole=True)
    fixed = {"sleepstudy": "Reaction ~ Days", "dyestuff": "Yield ~ 1", "penicillin": "diameter ~ 1"}[design]
    of = np.zeros(len(frame)) if groups is None else frame[groups]
    theirs = mixedlm(fixed, frame, groups=of, **settings).fit(reml=True)
    scale = fit.sigma
    assert fit.fittedvalues.to_numpy() == pytest.approx(theirs.fittedvalues.to_numpy(), abs=2e-3 * scale)
    found = theirs.random_effects
    if groups is None:
        (all_of_them,) = found.values()
        ours = pd.concat([effects["1"] for effects in fit.ranef().values()])
        assert ours.to_numpy() == pytest.approx(all_of_them.to_numpy(), abs=2e-3 * scale)
        return
    for level, effects in fit.random_effects.items():
        assert effects.to_numpy() == pytest.approx(found[level].to_numpy(), abs=2e-3 * scale)
    assert theirs.random_effects_cov.keys() == fit.random_effects_cov.keys()
