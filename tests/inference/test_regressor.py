"""A mixed model as a regressor of scikit-learn: its checks, what it fits, what it refuses."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

import momentalg as ma
from momentalg.errors import ModelError, NotIdentifiedError, UnsupportedError

UNIDENTIFIED_CHECKS = (
    *("check_dict_unchanged", "check_dont_overwrite_parameters", "check_dtype_object", "check_estimators_dtypes"),
    *("check_estimators_fit_returns_self", "check_estimators_nan_inf", "check_estimators_overwrite_params"),
    *("check_estimators_pickle", "check_f_contiguous_array_estimator", "check_fit2d_1feature", "check_fit2d_predict1d"),
    *("check_fit_check_is_fitted", "check_fit_idempotent", "check_fit_score_takes_y", "check_n_features_in"),
    *("check_methods_sample_order_invariance", "check_methods_subset_invariance", "check_n_features_in_after_fitting"),
    *("check_pipeline_consistency", "check_readonly_memmap_input", "check_regressor_data_not_an_array"),
    *("check_regressors_int", "check_regressors_no_decision_function", "check_regressors_train"),
    "check_supervised_y_2d",
)
"""Checks of scikit-learn whose data, read as groups, have a label for each row: what they ask is not identified."""

pytestmark = pytest.mark.engine("sklearn")


class ThreeLabels(ma.MomentRegressor):
    """A regressor whose first column is made three labels, so that random data have groups."""

    def __init__(self, formula=None, groups=(0,), statistics=None, effects=True):
        super().__init__(formula, groups, statistics, effects)

    def _frame(self, x, reset=True):
        frame = super()._frame(x, reset)
        first = frame.columns[0]
        return frame.assign(**{first: np.floor(7 * frame[first].astype(float)) % 3})


def failures(estimator):
    from sklearn.utils.estimator_checks import check_estimator

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the checks warn of what they leave out
        found = check_estimator(estimator, on_fail=None)
    assert sum(result["status"] == "passed" for result in found) > 20
    return {r["check_name"]: r["exception"] for r in found if r["status"] not in ("passed", "skipped")}


def test_without_groups_all_checks_pass():
    assert failures(ma.MomentRegressor()) == {}


@pytest.mark.parametrize("effects", [True, False])
def test_with_groups_all_checks_pass_on_data_that_have_groups(effects):
    assert failures(ThreeLabels(effects=effects)) == {}


def test_checks_whose_data_have_no_groups_are_named():
    found = failures(ma.MomentRegressor(groups=[0]))
    assert sorted(found) == sorted(UNIDENTIFIED_CHECKS)
    assert {type(error) for error in found.values()} == {NotIdentifiedError}


def sleepstudy():
    frame = ma.datasets.load("sleepstudy")
    return frame, frame.drop(columns="Reaction"), frame["Reaction"]


def test_groups_are_random_intercepts():
    frame, x, y = sleepstudy()
    found = ma.MomentRegressor(groups="Subject").fit(x, y)
    fit = ma.Model("Reaction ~ Days + (1 | Subject)").fit(frame)
    assert found.intercept_ == pytest.approx(fit.params["Intercept"])
    assert found.coef_ == pytest.approx([fit.params["Days"]])
    assert found.result_.vcomp.tolist() == pytest.approx(fit.vcomp.tolist())
    assert found.predict(x) == pytest.approx(fit.predict(frame).to_numpy())
    assert found.score(x, y) > ma.MomentRegressor(groups="Subject", effects=False).fit(x, y).score(x, y) + 0.2
    by_index = ma.MomentRegressor(groups=[1]).fit(x[["Days", "Subject"]].to_numpy(), y)
    assert by_index.predict(x[["Days", "Subject"]].to_numpy()) == pytest.approx(found.predict(x))


def test_a_formula_names_the_columns():
    frame, x, y = sleepstudy()
    found = ma.MomentRegressor("Reaction ~ Days + (Days | Subject)").fit(x, y)
    fit = ma.Model("Reaction ~ Days + (Days | Subject)").fit(frame)
    assert found.predict(x) == pytest.approx(fit.fittedvalues.to_numpy())
    assert not hasattr(found, "coef_")
    with pytest.raises(ModelError, match="X has to be a DataFrame"):
        ma.MomentRegressor("Reaction ~ Days + (Days | Subject)").fit(x.to_numpy(), y)
    with pytest.raises(ModelError, match="not both"):
        ma.MomentRegressor("Reaction ~ Days + (Days | Subject)", groups="Subject").fit(x, y)


def test_cross_validation_by_groups_predicts_new_ones():
    from sklearn.model_selection import GroupKFold, cross_val_score

    _, x, y = sleepstudy()
    found = cross_val_score(ma.MomentRegressor(groups="Subject"), x, y, groups=x["Subject"], cv=GroupKFold(3))
    without = cross_val_score(ma.MomentRegressor(), x[["Days"]], y, groups=x["Subject"], cv=GroupKFold(3))
    assert found == pytest.approx(without, abs=0.02)  # of new groups nothing is known but the mean


def test_a_column_called_y_is_a_column():
    _, x, y = sleepstudy()
    found = ma.MomentRegressor(groups="Subject").fit(x.rename(columns={"Days": "y"}), y)
    assert found.coef_ == pytest.approx(ma.MomentRegressor(groups="Subject").fit(x, y).coef_)


@pytest.mark.parametrize("label", [np.nan, np.inf])
def test_labels_that_are_none_are_refused(label):
    x = np.array([[0.0, 1.0], [0.0, 2.0], [1.0, 3.0], [label, 1.0]])
    with pytest.raises(ValueError, match="the groups in 'x0' contain NaN"):
        ma.MomentRegressor(groups=[0]).fit(x, [1.0, 2.0, 3.0, 4.0])


def test_without_scikit_learn_the_class_says_what_to_install():
    code = (
        "import sys; sys.modules['sklearn'] = sys.modules['sklearn.base'] = None\n"
        "import momentalg as ma\n"
        "try:\n    ma.MomentRegressor(groups='g').fit([[1.0]], [1.0])\n"
        "except ma.UnsupportedError as error:\n    print(error)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'momentalg[sklearn]'" in run.stdout


def test_rows_and_responses_have_to_agree():
    x = pd.DataFrame({"g": list("aabb"), "x": [1.0, 2.0, 4.0, 3.0]})
    with pytest.raises(ValueError, match="X has 4 rows and y 3"):
        ma.MomentRegressor(groups="g").fit(x, [1.0, 2.0, 3.0])
    assert issubclass(UnsupportedError, ma.MomentalgError)
