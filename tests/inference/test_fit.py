"""Fits of published data against published answers; sums; what is refused and how."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pandas as pd
import pytest

import momentalg as ma
from momentalg.errors import DataError, ModelError, NothingLeftError, NotIdentifiedError, UnsupportedError

DYESTUFF = "Yield ~ 1 + (1 | Batch)"
RATS = "weight ~ size(Litter) + (1 | Litter)"


@pytest.fixture(scope="module")
def dyestuff():
    return ma.datasets.load("Dyestuff")


@pytest.fixture(scope="module")
def rats():
    return ma.datasets.load("RatPupWeight")


@pytest.mark.parametrize("statistics", [None, "henderson1", "henderson3"])
def test_dyestuff_by_analysis_of_variance(dyestuff, statistics):
    """Davies and Goldsmith 1972; ANOVA gives 1764.05 and 2451.25."""
    fit = ma.Model(DYESTUFF).fit(dyestuff, statistics=statistics)
    assert fit.params.to_dict() == pytest.approx(
        {"Intercept": 1527.5, "var(1|Batch)": 1764.05, "var(residual)": 2451.25}, rel=1e-9
    )
    assert (fit.nobs, dict(fit.n_groups), fit.dropped) == (30, {"Batch": 6}, 0)
    assert fit.fe_params.index.tolist() == ["Intercept"]
    assert fit.vcomp.index.tolist() == ["var(1|Batch)", "var(residual)"]


@pytest.mark.parametrize(
    ("data", "formula", "levels", "answers"),
    [
        # Davies and Goldsmith 1972, table 6.6; published analyses agree with the analysis of variance to all digits
        (
            "Penicillin",
            "diameter ~ 1 + (1 | plate) + (1 | sample)",
            {"plate": 24, "sample": 6},
            {"var(1|plate)": 0.716908, "var(1|sample)": 3.730918, "var(residual)": 0.302415},
        ),
        # Davies and Goldsmith 1972, section 6.5
        (
            "Pastes",
            "strength ~ 1 + (1 | batch/cask)",
            {"batch": 10, "batch:cask": 30},
            {"var(1|batch)": 1.65731, "var(1|batch:cask)": 8.43367, "var(residual)": 0.678},
        ),
        # Belenky et al. 2003; the maximum of the restricted likelihood is where the moments are, as data are balanced
        (
            "sleepstudy",
            "Reaction ~ Days + (Days | Subject)",
            {"Subject": 18},
            {
                "var(1|Subject)": 612.090,
                "var(Days|Subject)": 35.0717,
                "cov(1,Days|Subject)": 9.60433,
                "var(residual)": 654.941,
            },
        ),
    ],
)
def test_balanced_data_have_the_published_answers(data, formula, levels, answers):
    frame = ma.datasets.load(data)
    fit = ma.Model(formula).fit(frame)
    assert {key: fit.params[key] for key in answers} == pytest.approx(answers, rel=5e-6)
    assert dict(fit.n_groups) == levels
    half = frame.sample(frac=0.5, random_state=1).index
    model = ma.Model(formula)
    merged = model.fit(model.sums(frame.loc[half]) + model.sums(frame.drop(half)))
    assert merged.params.to_dict() == pytest.approx(fit.params.to_dict(), rel=1e-9)


def test_penicillin_and_pastes_to_all_digits_by_mean_squares():
    """Cell by cell, with sums of squares written out: what every textbook does on balanced data."""
    frame = ma.datasets.load("Penicillin")
    wide = frame.pivot_table(index="plate", columns="sample", values="diameter").to_numpy()
    plates, samples = wide.shape
    rows, columns = wide.mean(axis=1), wide.mean(axis=0)
    left = wide - rows[:, None] - columns + wide.mean()
    residual = (left**2).sum() / ((plates - 1) * (samples - 1))
    expected = [(rows.var(ddof=1) - residual / samples), columns.var(ddof=1) - residual / plates, residual]
    fit = ma.Model("diameter ~ 1 + (1 | plate) + (1 | sample)").fit(frame)
    assert fit.vcomp.tolist() == pytest.approx(expected, rel=1e-9)
    cells = ma.datasets.load("Pastes").groupby(["batch", "cask"])["strength"]
    within, means = cells.var(ddof=1).mean(), cells.mean().unstack()
    between = means.var(axis=1, ddof=1).mean() - within / 2
    batches = means.mean(axis=1).var(ddof=1) - (between + within / 2) / means.shape[1]
    fit = ma.Model("strength ~ 1 + (1 | batch/cask)").fit(ma.datasets.load("Pastes"))
    assert fit.vcomp.tolist() == pytest.approx([batches, between, within], rel=1e-9)


def test_slopes_on_balanced_data_are_those_of_each_subject():
    """Each subject's own line: the covariance of the coefficients less that of their errors."""
    frame = ma.datasets.load("sleepstudy")
    wide = frame.pivot_table(index="Subject", columns="Days", values="Reaction")
    x = np.column_stack([np.ones(wide.shape[1]), wide.columns.to_numpy(float)])
    coefficients = np.linalg.lstsq(x, wide.to_numpy().T, rcond=None)[0]
    residual = ((wide.to_numpy().T - x @ coefficients) ** 2).sum() / (len(wide) * (len(x) - 2))
    effects = np.cov(coefficients) - residual * np.linalg.inv(x.T @ x)
    fit = ma.Model("Reaction ~ Days + (Days | Subject)").fit(frame)
    expected = [effects[0, 0], effects[0, 1], effects[1, 1], residual]
    keys = ["var(1|Subject)", "cov(1,Days|Subject)", "var(Days|Subject)", "var(residual)"]
    assert fit.params[keys].tolist() == pytest.approx(expected, rel=1e-9)


def test_a_design_total_that_is_zero_need_not_stop_the_fit():
    """Labels of b that are nested in those of a: the sum of squares within b says nothing of a, but another does."""
    frame = ma.datasets.load("Pastes")
    nested = ma.Model("strength ~ 1 + (1 | batch/cask)").fit(frame).params.tolist()
    assert ma.Model("strength ~ 1 + (1 | batch) + (1 | sample)").fit(frame).params.tolist() == pytest.approx(nested)


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("y ~ 1 + (1 | user) + (1 | item)", r"one level of item, so that var\(1\|item\) is confounded with the mean"),
        ("y ~ 1 + (1 | user) + (1 | item)", r"Zero on these data: .*of var\(1\|item\) in RSS"),
        ("y ~ 1 + (1 | user) + (1 | row)", r"only var\(1\|row\) \+ var\(residual\), the sum alone; for both, some"),
        ("y ~ 1 + (1 | user) + (1 | row)", r"or leave the term out, as in ma.Model\('y ~ 1 \+ \(1 \| user\)'\).fit"),
        ("y ~ 1 + (1 | user) + (1 | twin)", r"do not separate .*as in ma.Model\('y ~ 1 \+ \(1 \| user\)'\).fit"),
    ],
)
def test_what_data_of_several_factors_do_not_separate_is_named(formula, message):
    frame = SIX.assign(item="one", row=np.arange(6), twin=SIX["user"].str.upper())
    with pytest.raises(NotIdentifiedError, match=message):
        ma.Model(formula).fit(frame)


def test_fixed_factors_are_seen_in_the_data_or_declared(rats):
    seen = ma.Model("weight ~ 1 + C(sex) + (1 | Litter)").fit(rats)
    declared = ma.Model("weight ~ 1 + sex + (1 | Litter)", fixed={"sex": ["Female", "Male"]}).fit(rats)
    by_hand = ma.Model("weight ~ 1 + male + (1 | Litter)").fit(rats.assign(male=rats["sex"] == "Male"))
    assert seen.params.tolist() == pytest.approx(by_hand.params.tolist(), rel=1e-12)
    assert declared.params.tolist() == pytest.approx(by_hand.params.tolist(), rel=1e-12)
    with pytest.raises(DataError, match="none of its levels"):
        ma.Model("weight ~ 1 + sex + (1 | Litter)", fixed={"sex": ["Female", "male"]}).fit(rats)


def test_dyestuff2_has_a_negative_component_that_is_shown():
    """Box and Tiao 1973."""
    fit = ma.Model(DYESTUFF).fit(ma.datasets.load("Dyestuff2"))
    table = fit.variance_components
    assert table.loc["var(1|Batch)", "estimate"] == pytest.approx(-1.32191, abs=5e-6)
    assert table.loc["var(residual)", "estimate"] == pytest.approx(14.9459, abs=5e-5)
    assert table["negative"].tolist() == [True, False]
    assert table["truncated"].tolist() == [0.0, table.loc["var(residual)", "estimate"]]
    assert fit.truncated["var(1|Batch)"] == 0.0
    assert fit.negative == ("var(1|Batch)",)
    assert "negative; truncated: 0" in fit.summary()


def test_larger_litters_have_lighter_pups(rats):
    """Litter size as covariate cuts the variance between litters from 0.232 to 0.182 (Henderson III)."""
    without = ma.Model("weight ~ 1 + (1 | Litter)").fit(rats, statistics="henderson3")
    with_size = ma.Model(RATS).fit(rats, statistics="henderson3")
    assert without.params["var(1|Litter)"] == pytest.approx(0.232, abs=5e-4)
    assert with_size.params["var(1|Litter)"] == pytest.approx(0.182, abs=5e-4)
    assert with_size.params["size(Litter)"] < 0


@pytest.mark.parametrize(("formula", "expected"), [("weight ~ 1 + (1 | Litter)", 0.195), (RATS, 0.176)])
def test_minque0_on_litters(rats, formula, expected):
    assert ma.Model(formula).fit(rats, statistics="minque0").params["var(1|Litter)"] == pytest.approx(
        expected, abs=5e-4
    )


@pytest.mark.parametrize(
    ("statistics", "means"),
    [(s, m) for s in ("henderson1", "unweighted_means", "totals", "pairs") for m in (None, "plug-in")]
    + [("minque0", None)],
)
def test_balanced_data_give_one_answer_whatever_the_statistics(dyestuff, statistics, means):
    """All of these are the analysis of variance on balanced data, except that plugged-in means are biased."""
    fit = ma.Model(DYESTUFF).fit(dyestuff, statistics=statistics, means=means)
    assert fit.params["Intercept"] == pytest.approx(1527.5, rel=1e-12)
    if means is None or statistics in ("henderson1", "unweighted_means"):
        assert fit.params["var(1|Batch)"] == pytest.approx(1764.05, rel=1e-9)
        assert fit.params["var(residual)"] == pytest.approx(2451.25, rel=1e-9)


# -- sums ----------------------------------------------------------------------------------------------------------


def test_sums_of_parts_give_the_fit_of_the_whole(rats):
    model = ma.Model("weight ~ 1 + Lsize + sexed + (1 | Litter)", levels={"Lsize": "Litter"})
    data = rats.assign(sexed=(rats["sex"] == "Male"))
    whole = model.fit(data)
    parts = [data.iloc[k::3] for k in range(3)]
    merged = model.fit(model.sums(parts[2]) + model.sums(parts[0]) + model.sums(parts[1]))
    assert merged.params.to_dict() == pytest.approx(whole.params.to_dict(), rel=1e-11)
    assert model.fit(parts).params.to_dict() == pytest.approx(whole.params.to_dict(), rel=1e-11)
    assert (merged.nobs, merged.n_groups) == (whole.nobs, whole.n_groups)
    travelled = pickle.loads(pickle.dumps(model.sums(parts[0]))) + model.sums(parts[1])  # as from another process
    assert travelled.nobs == len(parts[0]) + len(parts[1])


def test_sums_say_what_they_are_of(dyestuff):
    model = ma.Model(DYESTUFF)
    shown = "<Sums for ma.Model('Yield ~ 1 + (1 | Batch)') with henderson3"
    assert repr(model.sums(dyestuff, "henderson3")) == f"{shown}: 30 observations>"
    assert repr(model.sums(dyestuff)) == f"{shown}, weighting='two-step': 30 observations>"


def test_sums_of_different_models_do_not_add(dyestuff):
    first, second = ma.Model(DYESTUFF), ma.Model("Yield ~ 0 + (1 | Batch)")
    with pytest.raises(ModelError, match="do not add"):
        first.sums(dyestuff) + second.sums(dyestuff)
    with pytest.raises(ModelError, match="the fit is of"):
        second.fit(first.sums(dyestuff))
    with pytest.raises(ModelError, match="these sums are of"):
        first.fit(first.sums(dyestuff), statistics="minque0")
    with pytest.raises(TypeError):
        first.sums(dyestuff) + 1
    with pytest.raises(DataError, match="no parts"):
        first.fit([])


def test_sums_know_what_was_dropped(dyestuff):
    data = dyestuff.astype({"Yield": float})
    data.loc[3, "Yield"] = np.nan
    model = ma.Model(DYESTUFF)
    with pytest.raises(DataError, match="missing='drop'"):
        model.fit(data)
    fit = model.fit(data, missing="drop")
    assert (fit.nobs, fit.dropped) == (29, 1)
    assert "1 with missing values dropped" in fit.summary()
    both = model.sums(data, missing="drop") + model.sums(data, missing="drop")
    assert (both.nobs, both.dropped) == (58, 2)


def test_labels_that_do_not_sort_together_are_a_data_error(dyestuff):
    model = ma.Model(DYESTUFF)
    with pytest.raises(DataError, match="do not merge"):
        model.sums(dyestuff) + model.sums(dyestuff.assign(Batch=1))


# -- what is not identified, and what is not there yet -------------------------------------------------------------


def test_singletons_identify_the_sum_alone_and_the_advice_runs():
    frame = pd.DataFrame({"y": [1.0, 2.0, 4.0], "user": ["a", "b", "c"]})
    with pytest.raises(NotIdentifiedError, match=r"only var\(1\|user\) \+ var\(residual\)") as caught:
        ma.Model("y ~ 1 + (1 | user)").fit(frame)
    assert "frame['y'].var()" in str(caught.value)
    assert frame["y"].var() > 0


def test_one_level_is_confounded_with_the_mean():
    frame = pd.DataFrame({"y": [1.0, 2.0, 4.0], "user": ["a", "a", "a"]})
    with pytest.raises(NotIdentifiedError, match="one level of user"):
        ma.Model("y ~ 1 + (1 | user)").fit(frame)


@pytest.mark.parametrize("labels", [["a"] * 5, list("abcde")])
def test_the_residual_variance_that_the_advice_gives_is_that_of_least_squares(labels):
    """The advice is the one line of code between "alone: " and the next semicolon; it is checked as written."""
    frame = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0, 7.0], "x": [0.0, 1.0, 1.0, 3.0, 2.0], "user": labels})
    with pytest.raises(NotIdentifiedError) as caught:
        ma.Model("y ~ 1 + x + (1 | user)").fit(frame)
    code = "np.linalg.lstsq(np.column_stack([np.ones(len(frame)), frame['x']]), frame['y'], rcond=None)[1]"
    assert f"alone: {code} / (len(frame) - 2); " in str(caught.value)
    columns = np.column_stack([np.ones(len(frame)), frame["x"]])
    residuals = frame["y"] - columns @ np.linalg.solve(columns.T @ columns, columns.T @ frame["y"])
    found = np.linalg.lstsq(columns, frame["y"], rcond=None)[1] / (len(frame) - 2)
    assert found[0] == pytest.approx(float((residuals**2).sum()) / 3)


SIX = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0, 7.0, 5.0], "user": list("aabbcc"), "x": [1.0, 2.0, 3.0, 5.0, 4.0, 6.0]})


@pytest.mark.parametrize(
    ("formula", "levels", "confounded", "works"),
    [
        ("y ~ 1 + x + c + (1 | user)", {}, "do not separate Intercept, c:", "y ~ 1 + x + (1 | user)"),
        ("y ~ 1 + x + size(user) + (1 | user)", {}, "do not separate Intercept, size(user):", "y ~ 1 + x + (1 | user)"),
        ("y ~ 1 + z + x + w + (1 | user)", {}, "do not separate x, w:", "y ~ 1 + z + x + (1 | user)"),
        (
            "y ~ 1 + X + V + (1 | user)",
            {"X": "user", "V": "user"},
            "do not identify var(1|user):",
            "y ~ 1 + X + (1 | user)",
        ),
    ],
)
def test_what_is_confounded_is_named_and_the_advice_runs(formula, levels, confounded, works):
    level = SIX["user"].map({"a": 1.0, "b": 2.0, "c": 5.0})
    frame = SIX.assign(c=3.0, z=[0.0, 1.0, 0.0, 0.0, 1.0, 1.0], w=1 - 2 * SIX["x"], X=level, V=level**2)
    with pytest.raises(NotIdentifiedError) as caught:
        ma.Model(formula, levels=levels).fit(frame)
    assert confounded in str(caught.value)
    model = ma.Model(works, levels={name: on for name, on in levels.items() if name in works})
    assert f"as in {model!r}.fit(frame)" in str(caught.value)
    assert set(model.fit(frame).params.index) == set(model.parameters)


def test_sums_that_do_not_separate_the_parameters_say_where_to_look():
    model = ma.Model("y ~ 1 + x + w + (1 | user)")
    with pytest.raises(NotIdentifiedError, match=r"model\.fit\(frame\), which tries simpler models"):
        model.fit(model.sums(SIX.assign(w=2 * SIX["x"])))


def test_products_of_means_that_are_not_separated_are_left_to_the_default_statistics():
    frame = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0], "user": list("aabb"), "x": [0.0, 0.0, 0.0, 1.0]})
    model = ma.Model("y ~ 1 + x + (1 | user)")
    with pytest.raises(NotIdentifiedError, match="by henderson3, which is free of the means"):
        model.fit(frame, statistics="totals")
    assert set(model.fit(frame).params.index) == set(model.parameters)


@pytest.mark.parametrize(
    "ask", [lambda f: f.bse, lambda f: f.conf_int(), lambda f: f.cov_params(), lambda f: f.pvalues]
)
def test_sums_for_classical_statistics_have_no_standard_errors_and_say_what_has(dyestuff, ask):
    model = ma.Model(DYESTUFF)
    fit = model.fit(model.sums(dyestuff, "henderson3"))
    with pytest.raises(UnsupportedError, match=r"fit from the data, model\.fit\(frame\), or by weighted moments"):
        ask(fit)


# -- tables --------------------------------------------------------------------------------------------------------


def test_tables_hold_the_estimates(dyestuff):
    fit = ma.Model(DYESTUFF).fit(dyestuff)
    assert fit.tidy()["estimate"].tolist() == fit.params.tolist()
    assert fit.tidy()["effect"].tolist() == ["fixed", "ran_pars", "ran_pars"]
    for shown in (fit.summary(), repr(fit), fit._repr_html_(), fit._repr_markdown_()):
        assert all(number in shown for number in ("1527.5", "1764.05", "2451.25"))


def test_names_cannot_break_the_tables(dyestuff):
    name = "<script>|\n"
    data = dyestuff.rename(columns={"Batch": name})
    fit = ma.Model(response="Yield", group=ma.Group(name)).fit(data)
    assert "<script>" not in fit._repr_html_()
    rows = [line for line in fit._repr_markdown_().splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1
    assert len(fit.summary().splitlines()) == len(ma.Model(DYESTUFF).fit(dyestuff).summary().splitlines())


def test_results_cannot_be_changed(dyestuff):
    fit = ma.Model(DYESTUFF).fit(dyestuff)
    with pytest.raises(AttributeError):
        fit.nobs = 3
    with pytest.raises(TypeError):
        fit.estimates["Intercept"] = 0.0


def test_sums_are_of_a_model_and_statistics_however_they_were_asked_for(dyestuff):
    model = ma.Model(DYESTUFF)
    parts = [model.sums(part, weighting="none") for part in (dyestuff[:11], dyestuff[11:])]
    assert model.fit(sum(parts), statistics="henderson3").params.equals(model.fit(parts[0] + parts[1]).params)
    with pytest.raises(ModelError, match=r"with henderson3; the fit is of .* with pairs"):
        model.fit(parts[0], statistics="pairs")
    with pytest.raises(TypeError):
        parts[0] + 1


def test_labels_that_floats_would_confuse_do_not_merge():
    model = ma.Model("y ~ 1 + (1 | user)")
    y = [1.0, 2.0, 4.0, 3.0]
    whole = model.sums(pd.DataFrame({"y": y, "user": [2**53, 2**53, 2**53 + 1, 2**53 + 1]}))
    with pytest.raises(DataError, match="beyond 2"):
        whole + model.sums(pd.DataFrame({"y": y, "user": [1.0, 1.0, 2.0, 2.0]}))
    assert model.fit(whole + whole).n_groups == {"user": 2}


def test_a_statistic_of_one_level_is_no_equation():
    model = ma.Model("y ~ 1 + (1 | user)")
    statistics = [model.total(model.y, by="user") ** 2, model.total(model.y**2)]
    with pytest.raises(ma.StatisticError, match=r"as in ma\.over\('user', \.\.\.\)"):
        model.moment_equations(statistics)


@pytest.mark.parametrize("term", ["log(x)", "I(1/(x-2))", "exp(x)", "log(X)", "I(1/(size(user)-2))"])
def test_a_function_without_a_value_on_the_data_is_refused_without_a_warning(term):
    """Functions of rows while they are read, functions of levels when the equations are solved."""
    model = ma.Model(f"y ~ 1 + {term} + (1 | user)", levels={"X": "user"} if "X" in term else None)
    frame = SIX.assign(x=[2.0, -1.0, 1e4, 0.0, 1.0, 5.0], X=[-1.0, -1.0, 2.0, 2.0, 3.0, 3.0])
    with pytest.raises(DataError, match="outside the domain of a function"):
        model.fit(frame)


@pytest.mark.parametrize("term", ["I(log(size(user)-1))", "I(log(x-1000))", "I(log(1-x))", "I(1/(size(user)-2))"])
def test_functions_that_have_no_value_on_small_numbers_are_tested_on_others(term):
    model = ma.Model(f"y ~ 1 + {term} + (1 | user)")
    module = model.moment_equations().estimator()
    loaded = module.load()
    test = module.ir.self_test
    columns = {name: np.array([row.values[k] for row in test.rows]) for k, name in enumerate(test.columns[1:])}
    found = loaded.solve(loaded.accumulate({**columns, "user": np.array([row.labels[0] for row in test.rows])}))
    assert found == pytest.approx({key: float(value) for key, value in test.exact}, rel=1e-7)


def test_a_function_that_nothing_small_has_a_value_for_is_refused_by_name():
    with pytest.raises(UnsupportedError, match="make a column of it"):
        ma.Model("y ~ 1 + I(log(size(user)-1000)) + (1 | user)").moment_equations().estimator()


def test_a_fit_travels_between_processes(dyestuff):
    fit = ma.Model(DYESTUFF).fit(dyestuff)
    assert pickle.loads(pickle.dumps(fit)).summary() == fit.summary()


def test_a_part_whose_rows_are_all_dropped_is_counted(rats):
    whole = rats.astype({"weight": float})
    whole.loc[whole.index[:40], "weight"] = np.nan
    parts = [whole.iloc[:30], whole.iloc[30:100], whole.iloc[100:]]
    merged = ma.Model(RATS).fit(parts, missing="drop")
    together = ma.Model(RATS).fit(whole, missing="drop")
    assert (merged.nobs, merged.dropped) == (together.nobs, together.dropped) == (282, 40)
    assert merged.params.to_dict() == pytest.approx(together.params.to_dict(), rel=1e-12)
    with pytest.raises(NothingLeftError, match="all 30 rows have missing values") as caught:
        ma.Model(RATS).fit([whole.iloc[:10], whole.iloc[10:30]], missing="drop")
    assert caught.value.rows == 30


def test_a_negative_covariance_is_no_negative_variance():
    """Days counted backwards: the intercept moves to the last day, and the covariance changes its sign."""
    data = ma.datasets.load("sleepstudy")
    data["Days"] = 9 - data["Days"]
    fit = ma.Model("Reaction ~ 1 + Days + (1 + Days | Subject)").fit(data)
    covariance = "cov(1,Days|Subject)"
    assert fit.params[covariance] == pytest.approx(-(9.60433 + 9 * 35.0717), rel=1e-5)
    assert fit.negative == ()
    assert not fit.variance_components.loc[covariance, "negative"]
    assert fit.variance_components.loc[covariance, "truncated"] == fit.params[covariance]
    assert fit.tidy()["term"].to_list()[2:] == [
        "var__(Intercept)", "cov__(Intercept).Days", "var__Days", "var__Observation"
    ]  # fmt: skip


def test_advice_leaves_a_fixed_factor_out_as_a_whole_and_keeps_what_else_the_model_says() -> None:
    """Simpler models are tried once each: they once led back to the same model, without end."""
    frame = pd.DataFrame({"a": [0, 0, 0, 1, 1, 1, 2, 2, 2], "b": [0, 1, 2] * 3, "w": [1.0, 2.0, 1.0] * 3})
    frame["y"] = [1.0, 5.0, 2.0, 4.0, 3.0, 8.0, 0.0, 2.0, 7.0]
    with pytest.raises(ma.NotIdentifiedError, match=r"only var\(1\|a:b\) \+ var\(residual\).*") as found:
        ma.Model("y ~ 1 + C(a) + (1 | a:b) + (1 | b)").fit(frame)
    assert "ma.Model('y ~ 1 + C(a) + (1 | b)', fixed={'a': [0, 1, 2]}).fit(frame)" in str(found.value)
    doubled = frame.assign(v=2 * frame["w"])
    with pytest.raises(ma.NotIdentifiedError) as found:
        ma.Model("y ~ 1 + w + v + (1 | a)", weights="w").fit(doubled)
    assert "ma.Model('y ~ 1 + w + (1 | a)', weights='w').fit(frame)" in str(found.value)


@pytest.mark.parametrize("value", [1.0, 0.1, 1 / 3, 1000 / 7])
def test_a_level_with_one_value_of_a_covariate_has_no_slope_of_its_own(value: float) -> None:
    """Swamy's moments divide by N sum x^2 - (sum x)^2 of each level, which rounding would make a tiny number."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"g": np.repeat(range(5), 6), "x": rng.normal(size=30), "y": rng.normal(size=30)})
    model = ma.Model("y ~ 1 + x + (1 + x | g)")
    assert np.isfinite(model.fit(frame, "swamy").params).all()
    frame.loc[frame["g"] == 2, "x"] = value
    with pytest.raises(NotIdentifiedError, match=r"divide by zero on some level.*\.fit\(frame\), by within"):
        model.fit(frame, "swamy")


def test_parts_with_levels_of_their_own_and_labels_of_two_kinds_are_refused_with_what_to_do() -> None:
    frame = pd.DataFrame({"a": [1, 1, 2, 2, 3, 3], "b": [0, 1, 0, 1, 1, 0], "y": [1.0, 2.0, 4.0, 3.0, 7.0, 5.0]})
    model = ma.Model("y ~ 1 + C(a) + (1 | b)")
    with pytest.raises(ModelError, match=r"declare the levels of all parts for 'a', in fixed= or residual_by="):
        model.sums(frame[:4]) + model.sums(frame[2:])
    mixed = frame.assign(a=[1, 1, 2, 2, "x", "x"])
    for formula in ("y ~ 1 + (1 | a)", "y ~ 1 + (1 | a) + (1 | b)"):
        with pytest.raises(DataError, match=r"the labels in 'a' are of kinds that have no order.*astype"):
            ma.Model(formula).fit(mixed)


@pytest.mark.parametrize(("statistics", "order"), [("third_moments", 3), ("fourth_moments", 4)])
def test_cumulants_of_higher_order_are_parameters_of_a_fit_that_estimates_them(statistics: str, order: int) -> None:
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"u": rng.integers(0, 8, 60), "b": rng.integers(0, 5, 60), "y": rng.exponential(size=60)})
    model = ma.Model("y ~ 1 + (1 | u) + (1 | b)")
    fit = model.fit(frame, statistics)
    higher = [f"k{order}({place})" for place in ("1|u", "1|b", "residual")]
    assert fit.params.index.to_list() == [*model.parameters, *higher]
    assert dict(fit.params) == pytest.approx({key: fit.estimates[key] for key in fit.params.index})
    assert fit.vcomp.index.to_list() == [k for k in model.parameters if k != "Intercept"]
    assert fit.variance_components.index.to_list() == fit.vcomp.index.to_list()
    assert fit.fe_params.index.to_list() == ["Intercept"]
    assert fit.tidy()["term"].to_list()[4:] == [f"k{order}__(Intercept)"] * 2 + [f"k{order}__Observation"]
    assert all(key in fit.summary() for key in higher)


def _slopes() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    x = rng.normal(size=40)
    columns = {"a": np.arange(40) % 5, "one": np.arange(40), "x": x, "x2": 2 * x, "x0": 2.0}
    return pd.DataFrame(columns | {"y": rng.normal(size=40)})


@pytest.mark.parametrize(
    "formula", ["y ~ 1 + (1 + x0 | a)", "y ~ 1 + x0 + (1 + x0 | a)", "y ~ x + (1 | a) + (0 + x0 | a)"]
)
def test_a_slope_on_a_constant_is_left_out_by_the_advice_and_the_constant_is_named(formula: str) -> None:
    with pytest.raises(NotIdentifiedError, match="there is x0 with one value in all rows; leave out") as caught:
        ma.Model(formula).fit(_slopes())
    assert "more rows" not in str(caught.value)
    works = re.search(r"as in ma\.Model\('(.*)'\)\.fit\(frame\)", str(caught.value))
    assert works is not None
    assert "| a)" in works[1]
    model = ma.Model(works[1])
    assert set(model.fit(_slopes()).params.index) == set(model.parameters)


def test_common_terms_that_say_the_same_are_not_laid_to_the_levels() -> None:
    with pytest.raises(NotIdentifiedError, match="do not separate x, x2: the columns of the model say") as caught:
        ma.Model("y ~ x + x2 + (1 | one)").fit(_slopes())
    assert "has one row" not in str(caught.value)
    with pytest.raises(
        NotIdentifiedError, match=r"identify zero: its column is 0 on these rows\. The nearest"
    ) as caught:
        ma.Model("y ~ 0 + zero + (1 | one)").fit(_slopes().assign(zero=0.0))
    assert "has one row" not in str(caught.value)


def test_advice_fits_few_of_the_simpler_models(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    from momentalg.emit import backend

    generate = backend.estimator
    monkeypatch.setattr(backend, "estimator", lambda system, *rest: made.append(1) or generate(system, *rest))
    frame = _slopes()[:20].assign(b=range(20), c=[0, 1, 2, 1] * 5)
    with pytest.raises(NotIdentifiedError):
        ma.Model("y ~ 1 + C(c)*x + x2 + (1 | c:one) + (1 | b)").fit(frame)
    assert 1 <= len(made) <= 4


def test_a_slope_on_a_covariate_far_from_zero_is_accurate_or_refused() -> None:
    frame = _slopes().assign(z=1e6 + _slopes()["x"])
    for formula in ("y ~ 1 + (1 + z | a)", "y ~ 1 + (1 | a) + (0 + z | a)", "y ~ 1 + (0 + z | a)"):
        with pytest.raises(DataError, match=r"'z' is \de\+05 standard deviations from 0.*frame\['z'\].mean\(\)"):
            ma.Model(formula).fit(frame)
        parts = [frame.iloc[::2], frame.iloc[1::2]]
        sums = pickle.loads(pickle.dumps(ma.Model(formula).sums(parts)))
        for data in (parts, sums):
            with pytest.raises(DataError, match=r"'z' is \de\+05 standard deviations from 0"):
                ma.Model(formula).fit(data)
    frame["Z"] = frame["z"]
    near, *far = (ma.Model(f"y ~ {c} + (1 + {c} | a)").fit(frame) for c in ("x", "z", "Z"))  # taken about its mean
    for name, fit in zip(("z", "Z"), far, strict=True):
        assert fit.params[f"var({name}|a)"] == pytest.approx(near.params["var(x|a)"], rel=1e-6)
    assert ma.Model("y ~ 0 + (0 + z | a)").fit(frame).params["var(z|a)"] == pytest.approx(
        1e-12 * ma.Model("y ~ 0 + (1 | a)").fit(frame).params["var(1|a)"], rel=1e-3
    )  # z is all but 10^6, and there is no intercept that it would be told from


@pytest.mark.parametrize("levels", [17, 20, 30])
def test_fixed_factors_of_many_levels(levels):
    """More levels than a self-test shows by chance: the estimates are those of indicator columns, by dense matrices."""
    rng = np.random.default_rng(levels)
    frame = pd.DataFrame({"g": np.repeat(np.arange(40), 5), "f": [f"q{t % levels:02}" for t in range(200)]})
    frame["y"] = rng.normal(size=40)[frame["g"]] + rng.normal(size=200)
    found = ma.Model("y ~ f + (1 | g)").fit(frame).estimates
    x = np.column_stack([np.ones(200), *(frame["f"] == f"q{k:02}" for k in range(1, levels))]).astype(float)
    z = (frame["g"].to_numpy()[:, None] == np.arange(40)).astype(float)
    v = found["var(1|g)"] * z @ z.T + found["var(residual)"] * np.eye(200)
    slopes = np.linalg.solve(x.T @ np.linalg.solve(v, x), x.T @ np.linalg.solve(v, frame["y"]))
    assert [found["Intercept"], *(found[f"f[q{k:02}]"] for k in range(1, levels))] == pytest.approx(slopes, rel=1e-8)


def test_labels_taken_for_a_fixed_factor_are_refused_by_name():
    frame = pd.DataFrame({"g": [0, 0, 1, 1] * 25, "id": [f"p{t}" for t in range(100)], "y": np.arange(100.0)})
    with pytest.raises(ma.errors.UnsupportedError, match=r"'id' has 100 levels.*\(1 \| id\) makes it random"):
        ma.Model("y ~ id + (1 | g)").fit(frame)
