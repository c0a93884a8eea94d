"""Results under statsmodels', broom.mixed's and lme4's names: what is in them, where it comes from, what is refused."""

from __future__ import annotations

import math
import pickle
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import momentalg as ma
from momentalg.errors import ModelError, UnsupportedError
from momentalg.inference import covariance as covariances
from tests.inference.fits import DESIGNS, from_dense


@pytest.fixture(scope="module")
def sleepstudy():
    return from_dense("sleepstudy")


def with_covariance(fit, matrix, scores=None, keys=None):
    """A fit whose module has a covariance, as those of weighted moments do."""
    keys = tuple(fit.keys) if keys is None else keys
    kind = "sandwich" if fit.model.resolved.has_unit else "plug-in"
    own = {**vars(fit.sums.estimator.module), "KEYS": keys, "COVARIANCE": kind, "covariance": lambda *_: matrix}
    module = SimpleNamespace(**own)
    if scores is not None:
        module.scores = lambda *_: scores
    return replace(
        fit,
        sums=SimpleNamespace(
            estimator=SimpleNamespace(module=module), table=fit.sums.table, prepared=fit.sums.table, files=()
        ),
    )


def some_covariance(k, seed=0):
    a = np.random.default_rng(seed).normal(size=(k, k + 2))
    return a @ a.T


# -- standard errors -----------------------------------------------------------------------------------------------


def test_classical_fits_have_a_jackknife_over_units():
    """Against refits without each batch, one after the other."""
    model, frame, _ = DESIGNS["dyestuff"]()
    fit = model.fit(frame, statistics="henderson3")
    without = pd.DataFrame(
        [model.fit(frame[frame["Batch"] != b], statistics="henderson3").params for b in sorted(set(frame["Batch"]))]
    )
    m = len(without)
    centred = without - without.mean()
    expected = (m - 1) / m * centred.T @ centred
    assert fit.cov_params().to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-8, abs=1e-9 * expected.max().max())
    assert fit.bse.to_numpy() == pytest.approx(np.sqrt(np.diag(expected)), rel=1e-8)
    assert (fit.covariance.kind, fit.covariance.over, fit.covariance.clusters) == ("jackknife", "Batch", 6)
    assert "cluster jackknife over Batch (conditional and unconditional)" in fit.summary()


def test_the_covariance_of_a_module_comes_first_and_in_the_order_of_the_keys(sleepstudy):
    fit, _, _ = sleepstudy
    matrix = some_covariance(len(fit.keys))
    back = tuple(reversed(fit.keys))
    found = with_covariance(fit, matrix, keys=back)
    assert found.covariance.kind == "sandwich"
    assert found.cov_params().loc[list(back), list(back)].to_numpy() == pytest.approx(matrix)
    assert found.cov_params("jackknife").equals(fit.cov_params())
    assert found.vcov().shape == (2, 2)
    assert found.vcov().loc["Days", "Intercept"] == matrix[back.index("Days"), back.index("Intercept")]
    assert "sandwich over the 18 units of Subject" in found.summary()
    with pytest.raises(UnsupportedError, match="all factors are nested in one unit"):
        found.cov_params("multiway")
    with pytest.raises(ModelError, match="'sandwich', 'plug-in', 'multiway', 'jackknife', 'exact', not 'naive'"):
        found.cov_params("naive")
    with pytest.raises(UnsupportedError, match=r"as fits by classical.*cov_params\('jackknife'\) is what it has"):
        fit.cov_params("sandwich")


def test_crossed_factors_have_a_plug_in_or_multiway_and_the_fewest_levels_count():
    fit, _, _ = from_dense("penicillin")
    found = with_covariance(fit, some_covariance(len(fit.keys)))
    assert (found.covariance.kind, found.covariance.over, found.covariance.clusters) == (
        "plug-in",
        "plate and sample",
        6,
    )
    assert found.df == 5
    assert "plug-in, with the kurtosis of the effects of plate and sample (conditional on which" in found.summary()
    multiway = fit.model.fit(fit.data, statistics="within").cov_params("multiway")
    assert multiway.loc["Intercept", "Intercept"] > 0


def test_a_multiway_variance_below_zero_is_no_standard_error():
    fit, _, _ = from_dense("penicillin")
    found = with_covariance(fit, np.diag([1.0, -0.01, 4.0, 1.0]))
    assert found.bse.isna().tolist() == [False, True, False, False]
    assert "No std.err.:  var(1|plate): the variance of the estimate came out below 0" in found.summary()
    assert "None for var(1|plate): the variance of the estimate" in found.explain()


def test_tails_and_intervals_are_those_of_t_with_units_less_means(sleepstudy):
    fit, _, _ = sleepstudy
    matrix = some_covariance(len(fit.keys), 1) * 4.0
    found = with_covariance(fit, matrix)
    errors, law = np.sqrt(np.diag(matrix)), stats.t(18 - 2)
    assert found.df == 16
    assert found.df_resid == 178
    assert found.bse.to_numpy() == pytest.approx(errors, rel=1e-12)
    assert found.bse_fe.index.tolist() == ["Intercept", "Days"]
    assert found.tvalues.to_numpy() == pytest.approx(found.params.to_numpy() / errors, rel=1e-12)
    tails = 2 * law.sf(abs(found.params.to_numpy() / errors))
    variances = found.params.index.str.startswith("var(")
    assert found.pvalues[~variances].to_numpy() == pytest.approx(tails[~variances], rel=1e-8)
    assert found.pvalues[variances].isna().all()
    for alpha in (0.05, 0.32):
        q = law.ppf(1 - alpha / 2)
        bounds = found.conf_int(alpha)
        for key, error in zip(found.keys, errors, strict=True):
            estimate = found.params[key]
            if key.startswith("var("):
                ends = np.exp(np.log(estimate) + np.array([-1, 1]) * q * error / estimate)
            else:
                ends = estimate + np.array([-1, 1]) * q * error
            assert bounds.loc[key].to_numpy() == pytest.approx(ends, rel=1e-7)
    with pytest.raises(ModelError, match="alpha=5 must lie between 0 and 1"):
        found.conf_int(5)


def test_units_with_an_influence_give_components_bootstrap_t_intervals(sleepstudy):
    fit, _, _ = sleepstudy
    scores = 30 * np.outer((np.arange(18) / 17) ** 3, np.ones(len(fit.keys)))
    scores = scores - scores.mean(axis=0)
    found = with_covariance(fit, scores.T @ scores, scores)
    methods = {key: interval.method for key, interval in found.intervals().items()}
    assert methods["Days"] == "Wald"
    assert methods["var(Days|Subject)"] == methods["var(residual)"] == "bootstrap-t after Hall's transformation"
    low, high = found.conf_int().loc["var(residual)"]
    assert low < found.scale < high
    assert high - found.scale != pytest.approx(found.scale - low, rel=1e-2)  # the influence is skewed


def test_an_interval_that_the_data_do_not_support_warns():
    fit, _, _ = from_dense("dyestuff")
    scores = np.random.default_rng(5).normal(size=(6, 3))
    found = with_covariance(fit, scores.T @ scores, scores - scores.mean(axis=0))
    with pytest.warns(UserWarning, match=r"var\(1\|Batch\), var\(residual\): there are only 6 independent units"):
        found.conf_int()
    assert "Warning:      var(1|Batch), var(residual): there are only 6 independent units" in found.summary()


def test_as_many_means_as_units_leave_no_reference():
    frame = pd.DataFrame({"y": [1.0, 2, 4, 3, 7, 9], "x": [0.0, 1, 0, 2, 1, 1], "u": list("aabbcc")})
    model = ma.Model("y ~ x + I(x^2) + (1 | u)")
    fit = model.fit(frame.assign(x=[0.0, 1, 3, 2, 1, 5]), weighting="none")
    found = with_covariance(
        replace(
            fit,
            sums=SimpleNamespace(estimator=SimpleNamespace(module=SimpleNamespace()), table={}, prepared={}, files=()),
        ),
        np.eye(5),
    )
    assert found.df == 0
    assert found.pvalues.isna().all()
    assert found.conf_int().loc["x"].isna().all()
    assert "none: no more clusters than mean parameters" in found.summary()


# -- tidy tables ---------------------------------------------------------------------------------------------------


def test_tidy_has_the_columns_and_terms_of_broom(sleepstudy):
    fit = with_covariance(sleepstudy[0], some_covariance(6))
    found = fit.tidy(conf_int=True, conf_level=0.9)
    assert found.columns.tolist() == [
        *("effect", "group", "term", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")
    ]
    assert found["term"].tolist() == [
        *("Intercept", "Days", "var__(Intercept)", "cov__(Intercept).Days", "var__Days", "var__Observation")
    ]
    assert found["group"].tolist()[2:] == ["Subject", "Subject", "Subject", "Residual"]
    assert found[["conf_low", "conf_high"]].to_numpy() == pytest.approx(fit.conf_int(0.1).to_numpy())
    dots = fit.tidy(style="broom", effects="fixed")
    assert dots.columns.tolist() == ["effect", "group", "term", "estimate", "std.error", "statistic", "p.value"]
    assert dots["std.error"].to_numpy() == pytest.approx(fit.bse_fe.to_numpy())
    for wrong in ({"effects": "random"}, {"scales": "sd"}, {"style": "R"}):
        with pytest.raises(ModelError, match=f"{next(iter(wrong))}= is of"):
            fit.tidy(**wrong)


def test_standard_deviations_and_correlations_by_the_delta_method(sleepstudy):
    matrix = some_covariance(6, 2)
    fit = with_covariance(sleepstudy[0], matrix)
    found = fit.tidy(effects="ran_pars", scales="sdcor").set_index("term")
    assert found.index.tolist() == ["sd__(Intercept)", "cor__(Intercept).Days", "sd__Days", "sd__Observation"]

    def scale(values):
        v, c, w, e = values[2:]
        return np.array([math.sqrt(v), c / math.sqrt(v * w), math.sqrt(w), math.sqrt(e)])

    at, step = fit.params.to_numpy(), 1e-4
    slope = np.array([(scale(at + step * unit) - scale(at - step * unit)) / (2 * step) for unit in np.eye(6)]).T
    assert found["estimate"].to_numpy() == pytest.approx(scale(at), rel=1e-12)
    assert found["std_error"].to_numpy() == pytest.approx(np.sqrt(np.diag(slope @ matrix @ slope.T)), rel=1e-6)


def test_predicted_effects_as_rows(sleepstudy):
    fit = with_covariance(sleepstudy[0], some_covariance(6))
    found = fit.tidy(effects="ran_vals", conf_int=True)
    long = fit.ranef(condVar=True)
    assert long.columns.tolist() == ["grpvar", "term", "grp", "condval", "condsd"]
    assert len(found) == len(long) == 36
    merged = found.merge(long, left_on=["group", "term", "level"], right_on=["grpvar", "term", "grp"])
    assert len(merged) == 36
    assert merged["estimate"].tolist() == merged["condval"].tolist()
    half = stats.t(16).ppf(0.975) * merged["condsd"]
    assert (merged["estimate"] + half).to_numpy() == pytest.approx(merged["conf_high"].to_numpy())
    covariance = fit.random_effects_cov[long["grp"].iloc[0]]
    assert covariance.loc["1", "1"] == pytest.approx(long["condsd"].iloc[0] ** 2)
    assert fit.random_effects[long["grp"].iloc[0]]["1"] == long["condval"].iloc[0]


def test_effects_of_several_factors_are_by_factor():
    fit, _, _ = from_dense("penicillin")
    assert {name: len(frame) for name, frame in fit.ranef().items()} == {"plate": 24, "sample": 6}
    with pytest.raises(UnsupportedError, match=r"this model has plate, sample: use fit\.ranef"):
        fit.random_effects  # noqa: B018


def test_glance_is_one_row(sleepstudy):
    fit, _, _ = sleepstudy
    row = fit.glance().iloc[0].to_dict()
    assert row["nobs"] == 180
    assert row["df_residual"] == 178
    assert row["ngrps_Subject"] == 18
    assert row["sigma"] == pytest.approx(math.sqrt(fit.params["var(residual)"]))
    assert (row["statistics"], row["weighting"]) == ("within", "none")
    assert "df.residual" in fit.glance("broom")


def test_augment_sets_fitted_values_beside_the_data(sleepstudy):
    fit, frame, _ = sleepstudy
    found = fit.augment()
    assert found.columns.tolist() == [*frame.columns, ".fitted", ".fixed", ".resid"]
    assert (found[".fitted"] + found[".resid"]).to_numpy() == pytest.approx(frame["Reaction"].to_numpy())
    assert found[".fixed"].to_numpy() == pytest.approx(fit.predict(effects=False).to_numpy())
    new = fit.augment(frame.head(3).drop(columns="Reaction"))
    assert new.columns.tolist()[-2:] == [".fitted", ".fixed"]
    assert new[".fitted"].to_numpy() == pytest.approx(fit.fittedvalues.head(3).to_numpy())
    assert fit.augment(frame.head(3)).equals(found.head(3))


# -- lme4's names --------------------------------------------------------------------------------------------------


def test_lme4_s_names(sleepstudy):
    fit, _, _ = sleepstudy
    assert fit.fixef().equals(fit.fe_params)
    assert fit.ngrps() == {"Subject": 18}
    assert fit.sigma**2 == pytest.approx(fit.scale)
    assert fit.fitted().equals(fit.fittedvalues)
    coefficients = fit.coef()["Subject"]
    expected = fit.ranef()["Subject"].to_numpy() + fit.fe_params.to_numpy()
    assert coefficients.columns.tolist() == ["Intercept", "Days"]
    assert coefficients.to_numpy() == pytest.approx(expected)
    table = fit.VarCorr()
    assert table.columns.tolist() == ["grp", "var1", "var2", "vcov", "sdcor"]
    assert table["grp"].tolist() == ["Subject", "Subject", "Subject", "Residual"]
    correlation = fit.params["cov(1,Days|Subject)"] / math.sqrt(table["vcov"][0] * table["vcov"][1])
    assert table["sdcor"].tolist() == pytest.approx([*np.sqrt(table["vcov"][:2]), correlation, fit.sigma])


@pytest.mark.parametrize("name", ["logLik", "AIC", "BIC"])
def test_likelihoods_are_refused_by_name(sleepstudy, name):
    with pytest.raises(UnsupportedError, match=rf"{name} is of a likelihood, and a fit by moments has none.*Compare"):
        getattr(sleepstudy[0], name)()


def test_a_negative_variance_is_kept_flagged_and_has_a_deviation_of_zero():
    frame = ma.datasets.load("Dyestuff2")
    fit = ma.Model("Yield ~ 1 + (1 | Batch)").fit(frame, statistics="henderson3")
    assert fit.params["var(1|Batch)"] < 0
    assert fit.VarCorr()["sdcor"].iloc[0] == 0.0
    row = fit.tidy(scales="sdcor", effects="ran_pars").iloc[0]
    assert (row["estimate"], math.isnan(row["std_error"])) == (0.0, True)
    bounds = {key: interval for key, interval in fit.intervals().items() if key == "var(1|Batch)"}
    assert bounds["var(1|Batch)"].low < fit.params["var(1|Batch)"]
    assert "negative; truncated: 0" in fit.summary()
    assert "Negative: var(1|Batch). That is a legitimate value" in fit.explain()


# -- texts ---------------------------------------------------------------------------------------------------------


def test_a_summary_is_text_html_and_markdown(sleepstudy):
    fit = with_covariance(sleepstudy[0], some_covariance(6))
    found = fit.summary()
    assert repr(found) == str(found) == found.as_text()
    assert pickle.loads(pickle.dumps(found)).as_html() == found.as_html()
    for shown in (found.as_text(), found.as_html(), found.as_markdown()):
        assert all(number in shown for number in ("251.405", "10.4673", "654.941", "t with 16 degrees of freedom"))
    assert found._repr_html_() == fit._repr_html_() == found.as_html()
    assert found._repr_markdown_() == fit._repr_markdown_() == found.as_markdown()
    assert found.as_html().count("<tr>") == 7
    rows = [line for line in found.as_markdown().splitlines() if line.startswith("|")]
    assert len(rows) == 8
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1
    assert "[0.16" in fit.summary(alpha=0.32)


def test_a_summary_without_standard_errors_says_what_gives_them(sleepstudy):
    fit, _, _ = sleepstudy
    sums = replace(fit, data=None)
    assert "none: sums for classical statistics do not give them" in sums.summary()
    assert sums.tidy()["std_error"].isna().all()
    with pytest.raises(UnsupportedError, match="by jackknife, which leaves out one unit after another"):
        sums.tidy(conf_int=True)


def test_many_units_are_not_left_out_for_a_summary_alone(sleepstudy, monkeypatch):
    fit = replace(sleepstudy[0])
    monkeypatch.setattr("momentalg.inference.tables.FREE", 17)
    assert "not computed: fit.bse solves" in fit.summary()
    fit.bse  # noqa: B018
    assert "cluster jackknife" in fit.summary()


def test_a_fit_explains_itself(sleepstudy):
    fit, _, _ = sleepstudy
    text = fit.explain()
    for sentence in (
        "4 equations for var(1|Subject), cov(1,Days|Subject), var(Days|Subject), var(residual)",
        "Mean parameters do not occur in them",
        "None: the equations hold exactly in expectation",
        "180 observations, 18 levels of Subject",
        "None was left out",
        "All parameters of the model are",
        "cluster jackknife over Subject",
        "Conditional and unconditional: they hold where sizes and covariates are given",
    ):
        assert sentence in text
    assert "<dl>" in text.as_html()
    assert "**Weights**" in text.as_markdown()
    unknown = replace(fit, estimates={k: v for k, v in fit.estimates.items() if k != "Days"})
    assert "Not estimated by these statistics: Days" in unknown.explain()


def test_rows_that_were_left_out_are_named():
    model, frame, _ = DESIGNS["sleepstudy"]()
    gaps = frame.astype({"Reaction": float}).set_axis([f"r{n}" for n in range(len(frame))])
    gaps.iloc[[3, 7], gaps.columns.get_loc("Reaction")] = np.nan
    assert "2 with missing values were left out: r3, r7." in model.fit(gaps, missing="drop").explain()
    gaps.iloc[20:40, gaps.columns.get_loc("Days")] = None
    assert "r20, r21, r22, r23, r24, r25, r26, r27 and 12 more." in model.fit(gaps, missing="drop").explain()
    parts = model.fit([gaps.iloc[:30], gaps.iloc[30:]], missing="drop")
    assert "r3, r7, r20" in parts.explain()
    assert parts.residuals(kind="marginal").index.tolist() == [
        f"r{n}" for n in range(180) if n not in (3, 7) and not 20 <= n < 40
    ]
    sums = model.sums(gaps, missing="drop")
    assert "22 with missing values were left out." in model.fit(sums).explain()


def test_weights_are_explained_with_their_first_step(sleepstudy):
    fit, _, _ = sleepstudy
    weighted = with_covariance(fit, some_covariance(6))
    weighted.sums.estimator.module.first_step = lambda _: {"var(residual)": 640.25, "Intercept": 3.0}
    for weighting, sentence in (("two-step", "Two steps: unweighted moments"), ("iterated", "solves REML's equations")):
        system = SimpleNamespace(
            **{
                n: getattr(fit.system, n)
                for n in ("variance", "unknowns", "means", "mean_keys", "targets", "statistics", "plugged_in")
            },
            weighting=weighting,
        )
        text = replace(weighted, system=system).explain()
        assert sentence in text
        assert "first estimates: var(residual) = 640.25." in text
        assert "consistent, and not exactly unbiased" in text
        assert "Generalised least squares" in text


def test_clusters_are_units_or_the_fewest_levels():
    fit, _, _ = from_dense("pastes")
    assert covariances.clusters_of(fit) == ("batch", 10)


def test_a_result_travels_with_its_data():
    model, frame, _ = DESIGNS["sleepstudy"]()
    fit = model.fit(frame)
    travelled = pickle.loads(pickle.dumps(fit))
    assert travelled.predict(effects=False).equals(fit.predict(effects=False))
    assert travelled == fit
