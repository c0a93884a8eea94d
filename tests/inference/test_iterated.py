"""Iterated weights, which solve REML's equations, against restricted maximum likelihood where that is interior."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import momentalg as ma
from tests.inference.reml import restricted

TOLERANCE = 1e-6  # of each estimate, in units of the greatest of its kind


def design(random, units=12, spread=1.0):
    """Rows in classes in schools in towns, of unequal sizes, beside a crossed factor; x about 3."""
    sizes = 2 + random.poisson(4, units)
    school = np.repeat(np.arange(units), sizes)
    part = random.integers(0, 3, len(school))
    n = len(school)
    x, z = 3 + random.standard_normal(n), random.standard_normal(units)[school]
    frame = pd.DataFrame({"school": school, "town": school // 3, "class": part, "item": random.integers(0, 5, n)})
    effects = random.standard_normal((units, 2)) @ np.array([[1.0, 0.3], [0.0, 0.7]]) * spread
    y = 1 + x - z + effects[school, 0] + effects[school, 1] * (x - 3) + random.standard_normal(n)
    y += spread * (
        0.8 * random.standard_normal(3 * units)[3 * school + part] + random.standard_normal(5)[frame["item"]]
    )
    y += spread * random.standard_normal(units)[frame["town"]]
    return frame.assign(x=x, z=z, y=y)


def by_likelihood(formula, frame):
    """The same model by whole matrices, each written out by hand."""
    one, x, z = {"1": np.ones(len(frame))}, frame["x"], frame["z"]
    school, town, item = frame["school"], frame["town"], frame["item"]
    in_school = 3 * school + frame["class"]
    size = frame.groupby("school")["y"].transform("size")
    mean, blocks = {
        "y ~ 1 + (1 | school)": ({}, [("school", school, one)]),
        "y ~ 1 + x + z + (1 | school)": ({"x": x, "z": z}, [("school", school, one)]),
        "y ~ 1 + x + size(school) + (1 | school)": ({"x": x, "size(school)": size}, [("school", school, one)]),
        "y ~ 1 + (1 | school/class)": ({}, [("school", school, one), ("school:class", in_school, one)]),
        "y ~ 1 + x + (1 | town/school/class)": (
            {"x": x},
            [("town", town, one), ("town:school", school, one), ("town:school:class", in_school, one)],
        ),
        "y ~ 1 + x + (1 + x | school)": ({"x": x}, [("school", school, one | {"x": x})]),
        "y ~ 1 + x + (1 + x || school)": ({"x": x}, [("school", school, one), ("school", school, {"x": x})]),
        "y ~ 1 + (1 | school) + (1 | item)": ({}, [("school", school, one), ("item", item, one)]),
        "y ~ 1 + x + (1 + x | school) + (1 | item)": (
            {"x": x},
            [("school", school, one | {"x": x}), ("item", item, one)],
        ),
    }[formula]
    return restricted(frame, "y", {"Intercept": 1.0} | mean, blocks)


FORMULAS = [
    "y ~ 1 + (1 | school)",
    "y ~ 1 + x + z + (1 | school)",
    "y ~ 1 + x + size(school) + (1 | school)",
    "y ~ 1 + (1 | school/class)",
    "y ~ 1 + x + (1 | town/school/class)",
    "y ~ 1 + x + (1 + x | school)",
    "y ~ 1 + x + (1 + x || school)",
    "y ~ 1 + (1 | school) + (1 | item)",
    "y ~ 1 + x + (1 + x | school) + (1 | item)",
]


def is_interior(estimates):
    """Whether all variances and matrices of effects are well within what they can be."""
    for key, value in estimates.items():
        if key.startswith("var(") and value < 1e-3 * estimates["var(residual)"]:
            return False
        if key.startswith("cov("):
            factor = key.split("|")[1]
            if value**2 > 0.98 * estimates[f"var(1|{factor}"] * estimates[f"var(x|{factor}"]:
                return False
    return True


def assert_agree(found, expected, tolerance=TOLERANCE):
    """Each estimate, relative to the greatest of the components or of the means."""
    assert set(found) == set(expected)
    for kind in (True, False):
        keys = [key for key in expected if ("(" in key and not key.startswith("size")) == kind]
        scale = max(abs(expected[key]) for key in keys)
        assert [key for key in keys if not abs(found[key] - expected[key]) <= tolerance * scale] == []


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("seed", range(3))
def test_iterated_weights_are_restricted_likelihood(formula, seed):
    frames = (design(np.random.default_rng([seed, number]), 15) for number in range(20))
    for frame in frames:  # the first of the seed's data sets whose likelihood is greatest inside
        expected = by_likelihood(formula, frame).maximum()
        if is_interior(expected):
            break
    else:
        pytest.fail("no data set has an interior maximum")
    assert_agree(ma.Model(formula).fit(frame, weighting="iterated").estimates, expected)


@given(st.integers(0, 2**32 - 1), st.integers(5, 14), st.floats(0.3, 3.0), st.sampled_from(FORMULAS[:7]))
def test_on_random_unbalanced_designs(seed, units, spread, formula):
    frame = design(np.random.default_rng(seed), units, spread)
    found = ma.Model(formula).fit(frame, weighting="iterated").estimates
    assume(is_interior(found))
    likelihood = by_likelihood(formula, frame)
    components = np.array([found[key] for key in likelihood.parts])
    _, gradient = likelihood.criterion(components)
    assert np.abs(gradient * components).max() < 1e-7 * len(frame)


def test_rats_as_published():
    """REML of lme4: 0.3004 between litters, and 0.182 with the litter's size as a covariate."""
    frame = ma.datasets.load("RatPupWeight")
    alone = ma.Model("weight ~ 1 + (1 | Litter)").fit(frame, weighting="iterated").estimates
    sized = ma.Model("weight ~ size(Litter) + (1 | Litter)").fit(frame, weighting="iterated").estimates
    assert alone["var(1|Litter)"] == pytest.approx(0.3004, abs=5e-5)
    assert sized["var(1|Litter)"] == pytest.approx(0.182, abs=5e-4)
    one = {"1": np.ones(len(frame))}
    size = frame.groupby("Litter")["weight"].transform("size")
    for found, mean in ((alone, {}), (sized, {"size(Litter)": size})):
        mean = {"Intercept": 1.0} | mean
        assert_agree(found, restricted(frame, "weight", mean, [("Litter", frame["Litter"], one)]).maximum())


def test_statsmodels_agrees():
    from statsmodels.regression.mixed_linear_model import MixedLM

    frame = ma.datasets.load("sleepstudy").iloc[[k for k in range(180) if k % 7]]
    found = ma.Model("Reaction ~ Days + (Days | Subject)").fit(frame, weighting="iterated").estimates
    x = np.column_stack([np.ones(len(frame)), frame["Days"]])
    theirs = MixedLM(frame["Reaction"], x, frame["Subject"], exog_re=x).fit(reml=True, method=["lbfgs"])
    keys = ["var(1|Subject)", "cov(1,Days|Subject)", "var(Days|Subject)"]
    expected = np.asarray(theirs.cov_re)[[0, 0, 1], [0, 1, 1]]
    np.testing.assert_allclose([found[key] for key in keys], expected, rtol=1e-4)
    np.testing.assert_allclose([found["Intercept"], found["Days"]], theirs.fe_params, rtol=1e-6)
    assert found["var(residual)"] == pytest.approx(theirs.scale, rel=1e-6)


def test_at_the_boundary_the_solution_is_negative_and_likelihood_is_0():
    """Weights take a negative variance as 0, so that the solution is MINQUE(0)'s: its sign is that of the score."""
    signs = []
    for seed in range(12):
        random = np.random.default_rng([7, seed])
        frame = pd.DataFrame({"g": np.repeat(np.arange(10), random.integers(1, 8, 10))})
        frame = frame.assign(y=random.standard_normal(len(frame)))
        fit = ma.Model("y ~ 1 + (1 | g)").fit(frame, weighting="iterated")
        alone = restricted(frame, "y", {"Intercept": 1.0}, [("g", frame["g"], {"1": np.ones(len(frame))})])
        rows = frame["y"].var()
        _, gradient = alone.criterion([0.0, rows])  # the greatest likelihood without an effect
        negative = fit.estimates["var(1|g)"] < 0
        signs.append(negative)
        assert negative == (gradient[0] > 0)
        if negative:
            found = ma.Model("y ~ 1 + (1 | g)").fit(frame, "minque0")
            assert fit.estimates["var(1|g)"] == pytest.approx(found.estimates["var(1|g)"], rel=1e-9)
            assert fit.truncated["var(1|g)"] == 0.0
    assert set(signs) == {True, False}
