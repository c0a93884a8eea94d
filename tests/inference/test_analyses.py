"""Further questions to a fit are answered by modules of their own, with what the fit keeps."""

from __future__ import annotations

import pytest

import momentalg as ma
from momentalg.inference.cumulants import cumulants
from momentalg.inference.normality import normality
from momentalg.inference.resampling import bootstrap, jackknife
from momentalg.inference.shares import icc, reliability


@pytest.fixture(scope="module")
def fit():
    return ma.Model("Reaction ~ Days + (1 | Subject)").fit(ma.datasets.load("sleepstudy"))


def test_resampling_takes_the_data_of_the_fit(fit):
    assert fit.jackknife().covariance.equals(jackknife(fit).covariance)
    ours, theirs = fit.bootstrap(replicates=20, seed=3), bootstrap(fit, kind="cluster", replicates=20, seed=3)
    assert ours.bse.equals(theirs.bse)
    assert not ours.bse.equals(fit.bootstrap("residual", replicates=20, seed=3).bse)


def test_cumulants_and_normality_are_of_this_fit(fit):
    assert fit.cumulants().params.equals(cumulants(fit).params)
    assert "k4(residual)" not in fit.cumulants(order=3).params
    found = fit.normality(replicates=99, seed=2)
    assert [t.p_value for t in found.tests] == [t.p_value for t in normality(fit, 99, 2).tests]


def test_functions_of_the_parameters(fit):
    between, within = fit.params["var(1|Subject)"], fit.params["var(residual)"]
    assert fit.icc().estimate == icc(fit).estimate == pytest.approx(between / (between + within))
    assert fit.reliability(10).std_error == reliability(fit, 10).std_error
    assert fit.reliability(10).estimate == pytest.approx(fit.shrinkage()["Subject"].iloc[0])
    ratio = fit.function(fit.model.parameter("var(1|Subject)") / fit.model.parameter("var(residual)"), scale="log")
    assert ratio.estimate == pytest.approx(between / within)
