"""What no design tells apart is refused by name, at `solve` and at `fit`; what some design tells apart is not."""

import random
import re

import pandas as pd
import pytest

import momentalg as ma
from momentalg.moments.confounding import confounded_means, taken_up
from momentalg.moments.generic_design import generic_design

ROWS = 60


def _frame() -> pd.DataFrame:
    rng = random.Random(5)
    columns = {c: [rng.randrange(n) for _ in range(ROWS)] for c, n in (("a", 3), ("b", 4), ("u", 9))}
    return pd.DataFrame(columns | {c: [rng.gauss(0, 1) for _ in range(ROWS)] for c in ("x", "y")})


TAKEN_UP = [
    ("y ~ 1 + C(a) + (1|a)", {"a": [0, 1, 2]}, "var(1|a)", ["a"]),
    ("y ~ 0 + C(a) + (1|a)", {"a": [0, 1, 2]}, "var(1|a)", ["a"]),
    ("y ~ 1 + C(a) + (1|a)", {"a": None}, "var(1|a)", ["a"]),
    ("y ~ 1 + x + C(a) + (1|a) + (1|b)", {"a": [0, 1, 2]}, "var(1|a)", ["a"]),
    ("y ~ 1 + C(a)*x + (1|b) + (0 + x|a)", {"a": [0, 1, 2]}, "var(x|a)", ["x", "x:a"]),
]


@pytest.mark.parametrize(("formula", "fixed", "key", "terms"), TAKEN_UP)
@pytest.mark.parametrize("statistics", ["within", "henderson3"])
def test_an_effect_that_common_terms_take_up_is_named_with_them(formula, fixed, key, terms, statistics) -> None:
    known = {k: v for k, v in fixed.items() if v}
    model = ma.Model(formula, fixed=known) if known else ma.Model(formula)
    ((found, needed),) = taken_up(model.resolved)
    assert found == key
    assert {t for t in needed if t} == set(terms)
    wanted = f"On every design {re.escape(key)} is confounded with .*a"
    with pytest.raises(ma.NotIdentifiedError, match=wanted):
        model.moment_equations(statistics).solve()
    with pytest.raises(ma.NotIdentifiedError, match=wanted):
        model.fit(_frame(), statistics)


COLLINEAR = [
    ("y ~ 1 + x + I(2*x) + (1|a)", ["x", "I(2*x)"]),
    ("y ~ 1 + x + I(x + 3) + (1|a)", ["Intercept", "x", "I(x+3)"]),
    ("y ~ 1 + x + log(x*x + 1) + I(2*log(x*x + 1) - x) + (1|a) + (1|b)", None),
]


@pytest.mark.parametrize(("formula", "names"), COLLINEAR)
def test_common_terms_that_say_the_same_are_named(formula, names) -> None:
    model = ma.Model(formula)
    lost = confounded_means(model.resolved)
    if names is not None:
        assert list(lost) == names
    assert len(lost) >= 2
    for refused in (lambda: model.moment_equations().solve(), lambda: model.fit(_frame())):
        with pytest.raises(ma.NotIdentifiedError, match=f"On every design {' and '.join(map(re.escape, lost))}"):
            refused()
    assert model.moment_equations().solve("var(1|a)")  # which the projection gives all the same


@pytest.mark.parametrize(
    ("formula", "fixed"),
    [
        ("y ~ 1 + C(a) + (1|b)", {"a": [0, 1, 2]}),
        ("y ~ 1 + C(a) + C(b) + (1|a:b)", {"a": [0, 1, 2], "b": [0, 1, 2, 3]}),
        ("y ~ 1 + C(a) + (0 + x|a)", {"a": [0, 1, 2]}),
        ("y ~ 1 + x + I(x*x) + log(x + 9) + size(u) + (1|u)", {}),
        ("y ~ 1 + x + I(1/(x - 3)) + sqrt(x) + (1|u)", {}),
    ],
)
def test_nothing_is_refused_that_some_design_tells_apart(formula, fixed) -> None:
    model = ma.Model(formula, fixed=fixed)
    assert taken_up(model.resolved) == ()
    assert confounded_means(model.resolved) == ()
    assert model.moment_equations().solve().closed_form or model.moment_equations().solve().variance is None


def test_labels_and_functions_of_generic_designs_are_those_of_the_model() -> None:
    model = ma.Model(
        "y ~ 1 + C(a) + x + I(2*x) + log(x) + I(3*log(x)) + (1|a)", fixed={"a": ["p", "q"]}, weights="w"
    ).resolved
    design = generic_design(model, 7)
    assert set(design.labels["a"]) == {"p", "q"}
    named = {v.name: values for v, values in design.values.items()}
    assert named["I(2*x)"] == [2 * x for x in named["x"]]
    assert named["I(3*log(x))"] == [3 * x for x in named["log(x)"]]
    assert [root**2 for root in named["sqrt(w)"]] == named["w"]
    assert named["a[q]"] == [label == "q" for label in design.labels["a"]]


@pytest.mark.parametrize("formula", ["y ~ 1 + (1|a)", "y ~ 1 + (1|u) + (1|b)"])
def test_third_moments_of_weighted_residuals_are_estimated(formula) -> None:
    frame = _frame().assign(w=[1 + n % 3 for n in range(ROWS)])
    model = ma.Model(formula, weights="w")
    system = model.moment_equations("third_moments")
    system.estimator().load().self_test()  # against exact arithmetic
    estimates, table = dict(model.fit(frame, "third_moments").estimates), system.coefficients(frame)
    assert "k3(residual)" in table.columns
    assert set(table.columns) == set(estimates)


def test_a_mean_parameter_that_a_statistic_holds_too_is_solved_for_once() -> None:
    model = ma.Model("y ~ 1 + (1|a)")
    system = model.moment_equations({"S": model.total(model.y)})
    solution = system.solve(targets=["Intercept"])
    assert solution.text().count("hat(Intercept) =") == 1
    assert solution.variance == ()
