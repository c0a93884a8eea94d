"""The delta method: against formulas written here, simulation, and numerical derivatives."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import sympy

import momentalg as ma
from momentalg.inference.functions import function_of
from momentalg.inference.shares import icc, reliability, variance_shares

ONE = ma.Model("y ~ 1 + (1 | user)")
NESTED = ma.Model("y ~ 1 + (1 | a/b)")
CROSSED = ma.Model("y ~ 1 + (1 | a) + (1 | b)")
SLOPE = ma.Model("y ~ 1 + x + (1 + x | user)")
ESTIMATES = {"Intercept": 3.0, "var(1|user)": 2.0, "var(residual)": 5.0}


@dataclass(frozen=True)
class Fit:
    """What the delta method needs, with any estimates and covariance."""

    model: ma.Model
    estimates: dict[str, float]
    scale: float = 0.01

    @property
    def matrix(self) -> np.ndarray:
        k = len(self.estimates)
        root = np.tril(np.cos(np.arange(1, k * k + 1).reshape(k, k)))
        return self.scale * (root @ root.T + np.eye(k))

    def cov_params(self) -> pd.DataFrame:
        return pd.DataFrame(self.matrix, index=list(self.estimates), columns=list(self.estimates))


def symbols(model: ma.Model, *keys: str) -> list[sympy.Symbol]:
    return [model.parameter(key) for key in keys]


def test_the_icc_has_the_variance_of_its_formula():
    fit, (a, e) = Fit(ONE, ESTIMATES), (2.0, 5.0)
    found = icc(fit)
    gradient = np.array([0, e, -a]) / (a + e) ** 2
    assert found.estimate == pytest.approx(2 / 7)
    assert found.std_error == pytest.approx(math.sqrt(gradient @ fit.matrix @ gradient))
    hessian = np.array([[0, 0, 0], [0, -2 * e, a - e], [0, a - e, 2 * a]]) / (a + e) ** 3
    assert found.bias == pytest.approx((hessian * fit.matrix).sum() / 2)
    assert found.corrected == pytest.approx(2 / 7 - found.bias)
    se = found.std_error / (2 / 7 * 5 / 7)
    z = 1.959963984540054
    expected = [1 / (1 + math.exp(-(math.log(2 / 5) + s * z * se))) for s in (-1, 1)]
    assert found.interval() == pytest.approx(expected)


def test_the_formula_of_the_variance_gives_its_number():
    fit = Fit(ONE, ESTIMATES)
    found = icc(fit)
    values = {ONE.parameter(k): v for k, v in ESTIMATES.items()}
    for (k, m), v in found.covariance.items():
        name = f"Var(hat({k}))" if k == m else f"Cov(hat({k}),hat({m}))"
        values |= {s: v for s in found.variance.free_symbols if s.name == name}
    assert float(found.variance.subs(values)) == pytest.approx(found.std_error**2)
    assert found.variance_text.count("Cov(") == 1
    assert r"\operatorname{Var}(\hat{\sigma}_{\alpha}^{2})" in found.variance_latex
    assert found._repr_latex_().startswith("$")


def test_any_expression_against_numerical_derivatives():
    model, estimates = SLOPE, {"Intercept": 1.5, "x": 0.7, "var(1|user)": 2.0, "cov(1,x|user)": 0.4, "var(x|user)": 0.9}
    estimates["var(residual)"] = 3.0
    fit = Fit(model, estimates)
    b, i, s, c = symbols(model, "x", "var(1|user)", "var(x|user)", "cov(1,x|user)")

    def g(t: np.ndarray) -> float:
        return math.exp(t[1]) * t[3] / math.sqrt(t[2] * t[4]) + t[0] * 0

    theta, h = np.array(list(estimates.values())), 1e-4
    E = np.eye(6) * h
    gradient = np.array([(g(theta + d) - g(theta - d)) / (2 * h) for d in E])
    hessian = [
        [(g(theta + d + f) - g(theta + d - f) - g(theta - d + f) + g(theta - d - f)) / (4 * h * h) for f in E]
        for d in E
    ]
    found = function_of(fit, sympy.exp(b) * c / sympy.sqrt(i * s))
    assert found.estimate == pytest.approx(g(theta))
    assert found.std_error == pytest.approx(math.sqrt(gradient @ fit.matrix @ gradient), rel=1e-6)
    assert found.bias == pytest.approx((np.array(hessian) * fit.matrix).sum() / 2, rel=1e-5)
    assert "Intercept" not in found.gradient
    assert r"\left(" in found.variance_latex  # no rational function: SymPy's printer, our symbols
    assert "exp(" in found.variance_text


def test_standard_error_and_bias_are_those_of_simulated_estimates():
    """Normal estimates about the truth: the spread and the mean of the ratio of components, by z-scores."""
    fit = Fit(ONE, ESTIMATES, scale=0.04)
    a, e = symbols(ONE, "var(1|user)", "var(residual)")
    found, draws = function_of(fit, a / e), 400_000
    theta = np.random.default_rng(1).multivariate_normal(list(ESTIMATES.values()), fit.matrix, draws)
    ratio = theta[:, 1] / theta[:, 2]
    assert ratio.std() == pytest.approx(found.std_error, rel=0.02)  # terms of the next order
    assert abs(ratio.mean() - 2 / 5 - found.bias) < 4 * ratio.std() / math.sqrt(draws) + 0.1 * abs(found.bias)
    assert abs(found.bias) > 10 * ratio.std() / math.sqrt(draws)  # it can be seen


def test_the_icc_of_a_fit_covers():
    """Of 200 samples of 150 groups with exponential effects, 95 % intervals on the logit scale: at least 88 %."""
    rng, covered = np.random.default_rng(2), 0
    user = np.repeat(np.arange(150), rng.integers(2, 9, 150))
    for _ in range(200):
        y = (rng.exponential(size=150) - 1)[user] + rng.normal(size=len(user)) * 1.5
        low, high = icc(ONE.fit({"user": user, "y": y})).interval()
        covered += low <= 1 / 3.25 <= high
    assert covered >= 176


def test_several_factors_have_shares_that_add_to_one():
    fit = Fit(NESTED, {"Intercept": 0.0, "var(1|a)": 1.0, "var(1|a:b)": 2.0, "var(residual)": 5.0})
    shares = variance_shares(fit)
    assert shares["estimate"].tolist() == pytest.approx([1 / 8, 2 / 8, 5 / 8])
    assert shares["bias"].sum() == pytest.approx(0, abs=1e-15)
    assert icc(fit, ["a", "a:b"]).estimate == pytest.approx(3 / 8)
    assert icc(fit, "a").std_error == pytest.approx(shares.loc["a", "std_error"])
    with pytest.raises(ma.ModelError, match="of which factors"):
        icc(fit)


def test_reliability_is_the_share_of_the_level_in_the_variance_of_its_mean():
    assert reliability(Fit(ONE, ESTIMATES), 10).estimate == pytest.approx(10 * 2 / (10 * 2 + 5))
    assert reliability(Fit(ONE, ESTIMATES), 1).std_error == pytest.approx(icc(Fit(ONE, ESTIMATES)).std_error)
    nested = Fit(NESTED, {"Intercept": 0.0, "var(1|a)": 1.0, "var(1|a:b)": 2.0, "var(residual)": 5.0})
    assert reliability(nested, 12, "a", levels={"a:b": 3}).estimate == pytest.approx(1 / (1 + 2 / 3 + 5 / 12))
    assert reliability(nested, 12, "a:b").estimate == pytest.approx(3 / (3 + 5 / 12))
    crossed = Fit(CROSSED, {"Intercept": 0.0, "var(1|a)": 1.0, "var(1|b)": 2.0, "var(residual)": 5.0})
    assert reliability(crossed, 4, "a").estimate == pytest.approx(1 / (1 + 2 / 4 + 5 / 4))
    with pytest.raises(ma.ModelError, match="of levels at most that"):
        reliability(crossed, 4, "a", levels={"b": 5})


def test_with_slopes_the_covariates_are_asked_for():
    values = {"Intercept": 0.0, "x": 1.0, "var(1|user)": 2.0, "cov(1,x|user)": -0.5, "var(x|user)": 1.0}
    fit = Fit(SLOPE, {**values, "var(residual)": 4.0})
    with pytest.raises(ma.UnsupportedError, match="depends on x"):
        icc(fit)
    variance = 2 + 2 * 3 * -0.5 + 9 * 1
    assert icc(fit, at={"x": 3}).estimate == pytest.approx(variance / (variance + 4))


def test_classes_of_residuals_are_named():
    model = ma.Model("y ~ 1 + (1 | user)", residual_by={"site": ["n", "s"]})
    fit = Fit(model, {"Intercept": 0.0, "var(1|user)": 1.0, "var(residual[n])": 1.0, "var(residual[s])": 3.0})
    assert icc(fit, residual="var(residual[s])").estimate == pytest.approx(1 / 4)
    with pytest.raises(ma.ModelError, match="have classes"):
        icc(fit)


def test_outside_its_range_an_estimate_keeps_its_own_scale():
    found = icc(Fit(ONE, {**ESTIMATES, "var(1|user)": -0.5}))
    assert found.estimate == pytest.approx(-1 / 9)
    assert found.scale == "identity"


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        (lambda: "var(1|user) / 2", "never text"),
        (lambda: sympy.Symbol("var(1|user)"), "no estimate of this fit"),  # without the assumptions of the key's own
        (lambda: sympy.log(-ONE.parameter("var(1|user)")), "no finite value"),
        (lambda: 1 / (ONE.parameter("var(1|user)") - 2), "no finite value"),
        (lambda: sympy.Abs(ONE.parameter("Intercept") - 3), "no finite value or derivative"),
    ],
)
def test_what_is_no_smooth_function_of_the_parameters_is_an_error(expression, says):
    with pytest.raises(ma.ModelError, match=says):
        function_of(Fit(ONE, ESTIMATES), expression())


def test_scales():
    fit = Fit(ONE, ESTIMATES)
    e = ONE.parameter("var(residual)")
    found = function_of(fit, e, scale="log")
    assert found.interval()[0] == pytest.approx(5 * math.exp(-1.959963984540054 * found.std_error / 5))
    fisher = function_of(fit, e / 10, scale="fisher")
    width = 1.959963984540054 * fisher.std_error / (1 - 0.25)
    assert fisher.interval() == pytest.approx([math.tanh(math.atanh(0.5) - width), math.tanh(math.atanh(0.5) + width)])
    with pytest.raises(ma.ModelError, match="scale= is one of"):
        function_of(fit, e, scale="probit")
