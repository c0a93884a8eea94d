"""Relative efficiency: both statistics are checked to be for one parameter, and the ratio is of exact variances."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pandas as pd
import pytest
import sympy

import momentalg as ma
from momentalg.errors import ModelError

ONE = ma.Model("y ~ 1 + (1 | a)")
TWO = ma.Model("y ~ 1 + (1 | a) + (1 | b)")
DESIGN = {"given": ma.design}
PARAMETERS = {"Intercept": 2, "var(1|a)": "1/3", "var(1|b)": "2", "var(residual)": "3/2"}
ZEROS = {f"k{order}({what})": 0 for order in (3, 4) for what in ("1|a", "1|b", "residual")}


def frame(seed: int) -> pd.DataFrame:
    rng = Random(seed)
    return pd.DataFrame({"a": list("uvw") + rng.choices("uvw", k=7), "b": list("xyx") + rng.choices("xyz", k=7)})


def known(model: ma.Model) -> dict[str, object]:
    columns = "".join(model.resolved.columns)
    return {k: v for k, v in {**PARAMETERS, **ZEROS}.items() if "|" not in k or k.split("|")[1][0] in columns}


def grand_mean(model: ma.Model) -> object:
    return model.total(model.y) / model.size()


def mean_of_means(model: ma.Model) -> object:
    return ma.over("a", model.total(model.y, by="a") / model.size("a")) / ma.over("a", 1)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("model", [ONE, TWO], ids=["one factor", "two factors"])
def test_the_ratio_of_the_variances_of_two_means(model, seed):
    efficiency = ma.relative_efficiency(model, grand_mean(model), mean_of_means(model), **DESIGN)
    data, parameters = frame(seed), known(model)
    variances = [
        model.var(s, **DESIGN).evaluate(parameters=parameters, data=data)
        for s in (grand_mean(model), mean_of_means(model))
    ]
    assert efficiency.evaluate(parameters=parameters, data=data) == variances[1] / variances[0]
    assert str(efficiency.parameter) == "Intercept"


def test_balanced_means_are_the_same():
    efficiency = ma.relative_efficiency(ONE, grand_mean(ONE), mean_of_means(ONE), **DESIGN)
    assert efficiency.assuming(balanced=True).result == 1
    assert "balanced" in repr(efficiency.assuming(balanced=True))


def test_scales_are_divided_out():
    """A total estimates n mu: with its scale it is as good as the mean."""
    efficiency = ma.relative_efficiency(TWO, TWO.total(TWO.y), grand_mean(TWO), **DESIGN)
    assert efficiency.result == 1
    assert [str(s) for s in efficiency.scales] == ["n", "1"]


@pytest.mark.parametrize("seed", range(2))
def test_estimators_of_a_component(seed):
    henderson, pairs = (ONE.moment_equations(s).solve() for s in ("henderson1", "pairs"))
    efficiency = ma.relative_efficiency(ONE, henderson, pairs, of="var(1|a)", **DESIGN).assuming(normal=True)
    data, parameters = frame(seed), known(ONE)
    variances = [
        ONE.var(s.statistic("var(1|a)"), **DESIGN).evaluate(parameters=parameters, data=data)
        for s in (henderson, pairs)
    ]
    found = efficiency.evaluate(parameters=parameters, data=data)
    assert isinstance(found, Fraction)
    assert found == variances[1] / variances[0]
    assert r"\frac" in efficiency._repr_latex_()


def test_combinations_that_agree_up_to_scale():
    """Within cells and within rows of cells that are alone estimate the same combination of components."""
    model = ma.Model("y ~ 1 + (1 | a)")
    within = model.total(model.y**2) - ma.over("a", model.total(model.y, by="a") ** 2 / model.size("a"))
    efficiency = ma.relative_efficiency(model, within, within * 3, **DESIGN)
    assert efficiency.result == 1
    squares = model.total(model.y**2)
    assert ma.relative_efficiency(model, squares, squares / model.size(), **DESIGN).result == 1


def test_statistics_for_different_parameters_are_refused():
    within = {f: TWO.total(TWO.y**2) - ma.over(f, TWO.total(TWO.y, by=f) ** 2 / TWO.size(f)) for f in ("a", "b")}
    with pytest.raises(ModelError, match="do not estimate the same parameter"):
        ma.relative_efficiency(TWO, within["a"], within["b"], **DESIGN)
    with pytest.raises(ModelError, match="must estimate a parameter"):
        ma.relative_efficiency(TWO, TWO.size(), within["b"], **DESIGN)
    with pytest.raises(ModelError, match="which estimator"):
        ma.relative_efficiency(ONE, ONE.moment_equations("pairs").solve(), grand_mean(ONE), **DESIGN)


def test_over_random_designs_the_law_is_given():
    model = ma.Model("y ~ 1 + (1 | a)")
    S, N = model.total(model.y, by="a"), model.size("a")
    efficiency = ma.relative_efficiency(model, S, S / N)
    law = {"size(a)": {1: "1/2", 3: "1/2"}}
    found = efficiency.evaluate(parameters=known(ONE), law=law)
    variances = [model.var(s).evaluate(parameters=known(ONE), law=law) for s in (S, S / N)]
    assert found == 4 * variances[1] / variances[0]
    assert isinstance(efficiency.result, sympy.Expr)


def test_what_stays_at_its_realised_value_is_said():
    efficiency = ma.relative_efficiency(ONE, grand_mean(ONE), mean_of_means(ONE))
    assert any("kept at the value that they take in the data" in fact for fact in efficiency.facts)
    assert efficiency.facts[-1] in repr(efficiency)
    given = ma.relative_efficiency(ONE, grand_mean(ONE), mean_of_means(ONE), **DESIGN)
    assert not any("kept" in fact for fact in given.facts)
