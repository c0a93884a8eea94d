"""Estimates move with the data as theory says: labels, rows, origins and units; theory.md, section 14, for slopes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import momentalg as ma

FORMULAS = {
    "crossed": "y ~ 1 + (1 | a) + (1 | b)",
    "with cells": "y ~ x + (1 | a) + (1 | b) + (1 | a:b)",
    "nested": "y ~ 1 + (1 | a/b)",
    "slopes": "y ~ x + (1 + x | a)",
    "slopes beside another factor": "y ~ x + (1 + x | a) + (1 | b)",
    "uncorrelated": "y ~ x + (1 + x || a)",
}


def frame(seed=1, rows=60):
    """Unbalanced crossed data with replicated and empty cells."""
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 6, rows), rng.integers(0, 5, rows)
    x = rng.normal(size=rows).round(2)
    effects = [rng.exponential(size=6) - 1, rng.normal(size=6), rng.normal(size=5)]
    y = 2 + x + effects[0][a] + effects[1][a] * x + effects[2][b] + rng.normal(size=rows)
    return pd.DataFrame({"y": y, "a": [f"a{i}" for i in a], "b": [f"b{j}" for j in b], "x": x})


DATA = frame()


def fitted(formula, data, **kwargs):
    return ma.Model(formula, **kwargs).fit(data).params.to_dict()


def expect(found, expected):
    assert list(found) == list(expected)
    assert list(found.values()) == pytest.approx(list(expected.values()), rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("formula", FORMULAS.values(), ids=FORMULAS)
def test_labels_and_the_order_of_rows_do_not_matter(formula):
    expected = fitted(formula, DATA)
    expect(fitted(formula, DATA.sample(frac=1, random_state=3)), expected)
    other = DATA.assign(a=DATA["a"].map(lambda label: "z" + label[::-1]), b=DATA["b"].map(lambda label: -ord(label[1])))
    expect(fitted(formula, other), expected)


@pytest.mark.parametrize("formula", FORMULAS.values(), ids=FORMULAS)
def test_the_response_may_be_shifted_and_scaled(formula):
    expected = fitted(formula, DATA)
    moved = dict(expected)
    moved["Intercept"] += 1000
    expect(fitted(formula, DATA.assign(y=DATA["y"] + 1000)), moved)
    scaled = {key: value * (9 if key.startswith(("var(", "cov(")) else -3) for key, value in expected.items()}
    expect(fitted(formula, DATA.assign(y=-3 * DATA["y"])), scaled)


@pytest.mark.parametrize("name", ["slopes", "slopes beside another factor"])
@pytest.mark.parametrize("shift", [2.0, -0.5])
def test_the_origin_of_x_goes_into_the_intercepts(name, shift):
    """x -> x + c: u + v x is (u - c v) + v (x + c)."""
    expected = fitted(FORMULAS[name], DATA)
    g12, g22 = expected["cov(1,x|a)"], expected["var(x|a)"]
    mapped = expected | {
        "Intercept": expected["Intercept"] - shift * expected["x"],
        "var(1|a)": expected["var(1|a)"] - 2 * shift * g12 + shift**2 * g22,
        "cov(1,x|a)": g12 - shift * g22,
    }
    found = fitted(FORMULAS[name], DATA.assign(x=DATA["x"] + shift))
    assert found["var(1|a)"] != pytest.approx(expected["var(1|a)"], rel=1e-3), (
        "the intercept's variance depends on x = 0"
    )
    expect(found, mapped)


@pytest.mark.parametrize("formula", FORMULAS.values(), ids=FORMULAS)
def test_chunks_add_up(formula):
    model = ma.Model(formula)
    parts = [DATA.iloc[:17], DATA.iloc[17:40], DATA.iloc[40:]]
    sums = model.sums(parts[0]) + model.sums(parts[1]) + model.sums(parts[2])
    expect(model.fit(sums).params.to_dict(), fitted(formula, DATA))


def test_nested_labels_may_be_local_or_unique():
    local = fitted("y ~ 1 + (1 | a/b)", DATA)
    unique = DATA.assign(b=DATA["a"] + DATA["b"])
    declared = fitted("y ~ 1 + (1 | a) + (1 | b)", unique, assume=[ma.nested("b", "a")])
    plain = fitted("y ~ 1 + (1 | a) + (1 | b)", unique)
    for found in (fitted("y ~ 1 + (1 | a/b)", unique), declared, plain):
        assert list(found.values()) == pytest.approx(list(local.values()), rel=1e-8)


def test_a_second_factor_with_one_level_a_row_is_refused_and_named():
    """Each observation a level of its own: its effects cannot be told from residuals."""
    single = DATA.assign(b=[f"b{n}" for n in range(len(DATA))])
    with pytest.raises(ma.NotIdentifiedError, match=r"var\(1\|b\)"):
        ma.Model(FORMULAS["crossed"]).fit(single)
