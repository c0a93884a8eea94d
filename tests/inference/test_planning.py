"""Plans: standard errors against the engine, dense matrices and simulation; the search against exhaustion."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest

import momentalg as ma
from momentalg.inference.planning.balanced import balanced_errors
from momentalg.inference.planning.drawn_sizes import drawn_errors, support
from momentalg.inference.planning.partly_observed import _draw, partly_observed_errors
from momentalg.inference.planning.pilot import pilot_errors, read_pilot
from momentalg.inference.planning.plan import plan
from momentalg.inference.planning.truth import truth
from tests.inference.planning_oracle import indicators, standard_errors

ONE = ma.Model("y ~ 1 + (1 | user)")
NESTED = ma.Model("y ~ 1 + (1 | a/b)")
CROSSED = ma.Model("y ~ 1 + (1 | a) + (1 | b)")
ONE_WAY = {"var(1|user)": 2, "var(residual)": 3, "k4(1|user)": 5, "k4(residual)": 7}
VALUES = {"var(1|a)": 2.0, "var(1|b)": 1.0, "var(1|a:b)": 1.5, "var(1|c)": 0.4, "var(residual)": 3.0}
FOURTH = {"var(1|a)": 5.0, "var(1|b)": -1.0, "var(1|a:b)": 2.0, "var(1|c)": 0.3, "var(residual)": 7.0}


def of(model: ma.Model, parameters: dict) -> object:
    means = {c.key for c in model.resolved.mean}
    return truth(model.resolved, tuple(k for k in model.parameters if k not in means), parameters)


def chosen(model: ma.Model) -> dict:
    keys = [k for k in model.parameters if k in VALUES]
    return {k: VALUES[k] for k in keys} | {k.replace("var", "k4"): FOURTH[k] for k in keys}


def dense(model: ma.Model, frame: pd.DataFrame) -> dict[str, float]:
    effects = {}
    for factor in model.resolved.factors:
        name = ":".join(factor)
        effects[f"var(1|{name})"] = indicators(frame.groupby(list(factor)).ngroup())
    found = standard_errors(np.ones((len(frame), 1)), effects, VALUES, FOURTH)
    return {"Intercept": found.pop("mean 0"), **found}


@pytest.mark.parametrize(("model", "counts"), [(ONE, {"user": 7}), (NESTED, {"a": 5, "b": 3})])
def test_balanced_variances_are_those_the_engine_derives(model, counts):
    """The estimators of the moment equations, their variance derived given the design, and then balanced."""
    solution, n = model.moment_equations().solve(), 4
    parameters = ONE_WAY if model is ONE else chosen(model)
    found = balanced_errors(of(model, parameters), counts, n)
    values = {model.parameter(k): v for k, v in parameters.items()}
    for key in model.parameters:
        result = model.var(solution.statistic(key), given=ma.design).assuming(balanced=True).result
        numbers = {
            s: counts[s.name[7:-1]] if s.name.startswith("levels(") else n for s in result.free_symbols - set(values)
        }
        assert found[key] == pytest.approx(math.sqrt(float(result.subs({**values, **numbers}))))


@pytest.mark.parametrize(
    ("formula", "counts"),
    [
        ("y ~ 1 + (1 | a)", {"a": 6}),
        ("y ~ 1 + (1 | a/b)", {"a": 4, "b": 3}),
        ("y ~ 1 + (1 | a) + (1 | b)", {"a": 5, "b": 4}),
        ("y ~ 1 + (1 | a) + (1 | b) + (1 | a:b)", {"a": 4, "b": 5}),
        ("y ~ 1 + (1 | a) + (1 | b) + (1 | c)", {"a": 4, "b": 3, "c": 5}),
        ("y ~ 1 + (1 | a:b) + (1 | c)", {"a": 4, "b": 3, "c": 4}),
    ],
)
def test_balanced_variances_are_those_of_dense_matrices(formula, counts):
    model = ma.Model(formula)
    cells = itertools.product(*(range(counts[c]) for c in model.resolved.levelled), range(2))
    frame = pd.DataFrame(cells, columns=[*model.resolved.levelled, "copy"])
    known = of(model, chosen(model))
    assert balanced_errors(known, counts, 2) == pytest.approx(dense(model, frame))


def test_more_strata_than_components_are_weighted():
    """(1 | a:c) + (1 | b:c): the levels of c are a stratum without a component of its own."""
    model = ma.Model("y ~ 1 + (1 | a:c) + (1 | b:c)")
    parameters = {"var(1|a:c)": 2, "var(1|b:c)": 1, "var(residual)": 3, "k4(1|a:c)": 1, "k4(residual)": 2}
    frame = pd.DataFrame(itertools.product(range(3), range(4), range(5), range(2)), columns=["a", "c", "b", "copy"])
    effects = {f"var(1|{f}:c)": indicators(frame.groupby([f, "c"]).ngroup()) for f in "ab"}
    fourth = {"var(1|a:c)": 1, "var(residual)": 2}
    expected = standard_errors(np.ones((len(frame), 1)), effects, parameters, fourth)
    found = balanced_errors(of(model, parameters), {"a": 3, "c": 4, "b": 5}, 2)
    assert [found[k] for k in ("Intercept", *effects, "var(residual)")] == pytest.approx(list(expected.values()))


def test_one_observation_in_each_level_identifies_nothing_but_the_mean():
    found = balanced_errors(of(ONE, ONE_WAY), {"user": 50}, 1)
    assert found["Intercept"] == pytest.approx(math.sqrt(5 / 50))
    assert math.isinf(found["var(1|user)"])


def test_a_constant_law_is_the_balanced_design():
    known = of(ONE, ONE_WAY)
    assert drawn_errors(known, 20, *support(ma.Constant(4))) == pytest.approx(balanced_errors(known, {"user": 20}, 4))


@pytest.mark.parametrize("law", [ma.Poisson(3), ma.Geometric("1/4"), ma.Finite({1: "1/2", 9: "1/2"})])
def test_drawn_sizes_have_the_variance_of_designs_that_are_drawn(law):
    """The mean of the variances of 20 drawn designs of 40 levels, dense, against the formula."""
    rng, known, drawn = np.random.default_rng(1), of(ONE, ONE_WAY), []
    for _ in range(20):
        size = law.sample(rng, 40)
        Z = indicators(np.repeat(np.arange(40), size))
        found = standard_errors(
            np.ones((size.sum(), 1)),
            {"var(1|user)": Z},
            ONE_WAY,
            {"var(1|user)": 5, "var(residual)": 7},
        )
        drawn.append([v**2 for v in found.values()])
    drawn = np.array(drawn)
    expected = np.array([v**2 for v in drawn_errors(known, 40, *support(law)).values()])
    error = drawn.std(0) / math.sqrt(20)
    assert (np.abs(drawn.mean(0) - expected) < 3 * error + 0.03 * expected).all()  # curvature, of order 1/levels


@pytest.mark.parametrize("formula", ["y ~ 1 + (1 | a) + (1 | b)", "y ~ 1 + (1 | a) + (1 | b) + (1 | a:b)"])
def test_partly_observed_designs_have_the_variances_of_dense_matrices(formula):
    model, counts = ma.Model(formula), {"a": 9, "b": 7}
    known = of(model, chosen(model))
    codes = _draw(known, list(model.resolved.factors), counts, 0.5, 3)
    frame = pd.DataFrame({"a": codes[0], "b": codes[1]})
    assert 20 < len(frame) < 45
    frame = pd.concat([frame, frame])
    assert partly_observed_errors(known, counts, 2, 0.5, 3) == pytest.approx(dense(model, frame))
    assert partly_observed_errors(known, counts, 2, 1.0, 3) == pytest.approx(balanced_errors(known, counts, 2))


def slopes(rng: np.random.Generator, units: int) -> tuple[ma.Model, pd.DataFrame]:
    user = np.repeat(np.arange(units), rng.integers(3, 8, units))
    X = rng.normal(size=units)
    return ma.Model("y ~ 1 + x + X + (1 + x | user)", levels={"X": "user"}), pd.DataFrame(
        {"user": user, "x": rng.normal(size=len(user)), "X": X[user]}
    )


SLOPES = {"var(1|user)": 2.0, "cov(1,x|user)": 0.5, "var(x|user)": 1.0, "var(residual)": 3.0}


def test_a_pilot_has_the_variances_of_dense_matrices():
    model, frame = slopes(np.random.default_rng(2), 15)
    parameters = {**SLOPES, "k4(1|user)": 4, "k4(x|user)": 2, "k4(residual)": -1}
    found, units = pilot_errors(of(model, parameters), read_pilot(model, frame))
    Z = indicators(frame["user"])
    slope = Z * frame["x"].to_numpy()[:, None]
    expected = standard_errors(
        np.column_stack([np.ones(len(frame)), frame["x"], frame["X"]]),
        {"var(1|user)": Z, "var(x|user)": slope},
        SLOPES,
        {"var(1|user)": 4, "var(x|user)": 2, "var(residual)": -1},
        {"cov(1,x|user)": (Z, slope)},
    )
    assert units == 15
    for key, name in zip(("Intercept", "x", "X"), ("mean 0", "mean 1", "mean 2"), strict=True):
        assert found[key] == pytest.approx(expected[name])
    for key in SLOPES:
        assert found[key] == pytest.approx(expected[key]), key


def test_the_cheapest_design_is_that_of_an_exhaustive_search():
    parameters, target = {"var(1|user)": 1, "var(residual)": 3}, {"var(1|user)": 0.2, "Intercept": 0.12}
    found = plan(ONE, parameters, target, size=range(2, 9), cost={"user": 4, "observation": 1})
    known = of(ONE, parameters)
    every = {
        (m, n): m * (4 + n)
        for n in range(2, 9)
        for m in range(2, 1200)
        if all(balanced_errors(known, {"user": m}, n)[k] <= v for k, v in target.items())
    }
    best = min(every, key=lambda d: (every[d], d[0] * d[1]))
    assert (found.best.numbers["levels(user)"], found.best.numbers["size"]) == best
    assert found.best.cost == every[best]
    for design in found.designs:
        fewer = balanced_errors(known, {"user": design.numbers["levels(user)"] - 1}, design.numbers["size"])
        assert any(fewer[k] > v for k, v in target.items())
        assert all(design.std_errors[k] <= v for k, v in target.items())


def spread(fits: list[dict[str, float]], key: str) -> tuple[float, float]:
    """The standard deviation of estimates, and its own standard error from their kurtosis."""
    found = np.array([f[key] for f in fits])
    a = found - found.mean()
    deviation = math.sqrt((a**2).mean())
    return deviation, deviation / 2 * math.sqrt(((a**4).mean() / (a**2).mean() ** 2 - 1) / len(found))


def test_a_planned_design_reaches_its_standard_error_with_exponential_effects():
    parameters = {"var(1|user)": 1, "var(residual)": 2, "k4(1|user)": 6, "k4(residual)": 24}
    found = plan(ONE, parameters, {"var(1|user)": 0.25}, size=[4])
    m = found.best.numbers["levels(user)"]
    user, rng, fits = np.repeat(np.arange(m), 4), np.random.default_rng(3), []
    for _ in range(600):
        noise = rng.exponential(size=4 * m) * math.sqrt(2)
        fits.append(dict(ONE.fit({"user": user, "y": rng.exponential(size=m)[user] + noise}).estimates))
    for key, planned in found.best.std_errors.items():
        deviation, error = spread(fits, key)
        assert abs(deviation - planned) < 3.5 * error, key


def test_a_planned_law_reaches_its_standard_error():
    found = plan(ONE, {"var(1|user)": 1, "var(residual)": 2}, {"var(1|user)": 0.15}, size=ma.Geometric("1/4"))
    m, rng, fits = found.best.numbers["levels(user)"], np.random.default_rng(4), []
    for _ in range(400):
        user = np.repeat(np.arange(m), ma.Geometric("1/4").sample(rng, m))
        y = rng.normal(size=m)[user] + rng.normal(size=len(user)) * math.sqrt(2)
        fits.append(dict(ONE.fit({"user": user, "y": y}, weighting="two-step").estimates))
    for key, planned in found.best.std_errors.items():
        deviation, error = spread(fits, key)
        assert abs(deviation - planned) < 3.5 * error + 0.02 * planned, key


def test_a_planned_crossed_design_reaches_its_standard_error():
    values = {"var(1|a)": 1, "var(1|b)": 0.5, "var(residual)": 2}
    found = plan(CROSSED, values, {"var(1|a)": 0.3}, size=1, levels={"b": 12}, observed=0.6)
    m, rng, fits = found.best.numbers["levels(a)"], np.random.default_rng(5), []
    for _ in range(300):
        a, b = np.divmod(np.flatnonzero(rng.random(m * 12) < 0.6), 12)
        y = rng.normal(size=m)[a] + math.sqrt(0.5) * rng.normal(size=12)[b] + rng.normal(size=len(a)) * math.sqrt(2)
        fits.append(dict(CROSSED.fit({"a": a, "b": b, "y": y}).estimates))
    for key, planned in found.best.std_errors.items():
        deviation, error = spread(fits, key)
        assert abs(deviation - planned) < 3.5 * error + 0.02 * planned, key


def test_a_pilot_tells_the_levels_of_fixed_factors():
    """The estimates of a fit, which have a coefficient per level, are a plan's parameters as they are."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"a": np.repeat(np.arange(30), 4), "d": rng.choice(["p", "q", "r"], 120)})
    frame["y"] = rng.normal(size=30)[frame["a"]] + rng.normal(size=120)
    for model in (ma.Model("y ~ 1 + C(d) + (1 | a)"), ma.Model("y ~ 1 + d + (1 | a)")):
        known = model.fit(frame).params
        found = model.plan(known, {"d[q]": 0.1}, design=frame.drop(columns="y"))
        rows = pd.concat([frame.assign(a=frame["a"] + 30 * copy) for copy in range(10)])
        x = np.column_stack([np.ones(len(rows)), rows["d"] == "q", rows["d"] == "r"]).astype(float)
        z = (rows["a"].to_numpy()[:, None] == np.unique(rows["a"])).astype(float)
        v = known["var(1|a)"] * z @ z.T + known["var(residual)"] * np.eye(len(rows))
        error = np.linalg.inv(x.T @ np.linalg.solve(v, x))[1, 1] ** 0.5  # of 300 levels
        assert found.best.numbers["levels(a)"] == math.ceil(300 * (error / 0.1) ** 2)


def test_a_planned_pilot_reaches_its_standard_error():
    model, frame = slopes(np.random.default_rng(6), 60)
    found = plan(model, SLOPES, {"x": 0.1}, design=frame)
    m = found.best.numbers["levels(user)"]
    assert found.best.observations == pytest.approx(m * len(frame) / 60)
    rng, fits, G = np.random.default_rng(7), [], np.array([[2, 0.5], [0.5, 1]])
    copies = round(m / 60)
    big = pd.concat([frame.assign(user=frame["user"] + 60 * c) for c in range(copies)])
    user, x = big["user"].to_numpy(), big["x"].to_numpy()
    for _ in range(300):
        u = rng.multivariate_normal([0, 0], G, 60 * copies)[user]
        y = u[:, 0] + x * u[:, 1] + math.sqrt(3) * rng.normal(size=len(x))
        fits.append(dict(model.fit(big.assign(y=y), weighting="two-step").estimates))
    for key, planned in found.best.std_errors.items():
        deviation, error = spread(fits, key)
        assert abs(deviation * math.sqrt(60 * copies / m) - planned) < 3.5 * error + 0.03 * planned, key


def test_numbers_of_levels_are_named_as_the_model_has_them():
    values = {"var(1|a)": 1, "var(1|a:b)": 0.5, "var(residual)": 3}
    found = plan(NESTED, values, {"var(1|a)": 0.4}, size=[2], levels={"b": [2, 4]}, cost={"a": 10, "a:b": 2})
    assert list(found.table.columns[:3]) == ["levels(a)", "levels(b) per a", "size"]
    best = found.best.numbers
    assert found.best.cost == best["levels(a)"] * (10 + 2 * best["levels(b) per a"])
    assert found.best.observations == best["levels(a)"] * best["levels(b) per a"] * 2
    other = plan(CROSSED, {"var(1|a)": 1, "var(1|b)": 1, "var(residual)": 3}, {"var(1|b)": 0.3}, vary="b", size=1)
    assert list(other.table.columns[:2]) == ["levels(b)", "levels(a)"]


def test_the_plan_is_shown():
    found = plan(ONE, {"var(1|user)": 1, "var(residual)": 3}, {"var(1|user)": 0.2}, cost={"user": 5, "observation": 1})
    assert "Cheapest of 12" in repr(found)
    assert "normal effects" in repr(found)


@pytest.mark.engine("matplotlib")
def test_the_plan_is_drawn():
    values = {"var(1|user)": 1, "var(residual)": 3}
    found = plan(ONE, values, {"var(1|user)": 0.2}, cost={"user": 5, "observation": 1})
    left, right = found.plot().axes
    table = found.table.sort_values("size")
    for axes, column in ((left, "levels(user)"), (right, "cost")):
        line = axes.get_lines()[0]
        assert line.get_xdata().tolist() == table["size"].tolist()
        assert line.get_ydata().tolist() == table[column].tolist()
    cheapest = table.loc[table["cost"].idxmin()]
    assert right.get_lines()[1].get_xydata().tolist() == [[cheapest["size"], cheapest["cost"]]]
    laws = plan(ONE, values, {"var(1|user)": 0.2}, size=[ma.Poisson(3), 4])
    drawn = laws.plot()
    drawn.canvas.draw()
    assert [t.get_text() for t in drawn.axes[0].get_xticklabels()] == [repr(d.numbers["size"]) for d in laws.designs]
    with pytest.raises(ma.UnsupportedError, match="against="):
        found.plot("costs")


GOOD = {"var(1|user)": 1, "var(residual)": 3}


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: plan(ONE, GOOD, {"var(1|user)": 0.2}, size=1), ma.ModelError, "no design reaches"),
        (
            lambda: plan(CROSSED, VALUES_CROSSED, {"var(1|b)": 0.01}, size=1, levels={"b": 10}),
            ma.ModelError,
            r"smallest standard errors of those tried are var\(1\|b\): 0\.47",
        ),
        (lambda: plan(ONE, {"var(1|user)": 1}, {"var(1|user)": 0.2}), ma.ModelError, "missing: var.residual"),
        (lambda: plan(ONE, {**GOOD, "var(residual)": 0}, {"var(1|user)": 0.2}), ma.ModelError, "must be positive"),
        (lambda: plan(ONE, GOOD, {"var(1|user)": 0}), ma.ModelError, "positive standard errors"),
        (lambda: plan(ONE, GOOD, {"k4(1|user)": 1}), ma.ModelError, "nothing is planned for|no standard error"),
        (lambda: plan(ONE, GOOD, {"Intercept": 1}, levels={"user": 3}), ma.ModelError, "that of user is found"),
        (lambda: plan(ONE, GOOD, {"Intercept": 1}, observed=0.5), ma.ModelError, "crossed factors"),
        (lambda: plan(ONE, GOOD, {"Intercept": 1}, observed=1.5), ma.ModelError, "share of cells"),
        (lambda: plan(ONE, GOOD, {"Intercept": 1}, size=ma.Poisson()), ma.ModelError, "with its numbers"),
        (lambda: plan(ONE, GOOD, {"Intercept": 1}, size=2.5), ma.ModelError, "whole"),
        (lambda: plan(ONE, GOOD, {"Intercept": 1}, cost={"users": 1}), ma.ModelError, "cost="),
        (lambda: plan(ONE, GOOD, {"Intercept": 1}, vary="item"), ma.ModelError, "vary="),
        (
            lambda: plan(ma.Model("y ~ 1 + x + (1 | user)"), GOOD, {"x": 1}),
            ma.UnsupportedError,
            "give a pilot, design=frame",
        ),
        (
            lambda: plan(CROSSED, VALUES_CROSSED, {"Intercept": 1}, design={"a": [1, 1, 2], "b": [1, 2, 2]}),
            ma.UnsupportedError,
            "no i.i.d. units",
        ),
    ],
)
def test_plans_that_cannot_be_made_are_errors(call, error, says):
    with pytest.raises(error, match=says):
        call()


VALUES_CROSSED = {"var(1|a)": 1, "var(1|b)": 1, "var(residual)": 3}
