"""Units with subgroups: unconditional moments against enumeration over all designs of a few units."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pandas as pd
import pytest

import momentalg as ma
from momentalg.check.random_design import law_cumulant
from tests.cumulants.support import LONG

CASES = range(300 if LONG else 40)
MODELS = (
    ("y ~ 1 + (1 | a/b)", {}),
    ("y ~ 1 + x + (1 + x | a) + (1 | a:b)", {}),
    ("y ~ 1 + (1 | a/b/c)", {}),
    ("y ~ 1 + X + size(a:b) + (1 | a/b)", {"levels": {"X": "a:b"}}),
    ("y ~ 1 + (1 | a) + (1 | a:b) + (1 | a:c)", {}),
    ("y ~ 1 + (1 | a:b)", {}),
)
DEGREES = ((1, 1), (2,), (1, 2), (2, 2), (1, 1, 1), (1,))


def random_atoms(model, rng):
    """A law of two or three units: labels within the unit, observation by observation, and covariates."""
    unit = ":".join(model.unit)
    inner = [c for c in model.columns if c not in model.unit]
    atoms = []
    for _ in range(rng.choice([2, 3])):
        size = rng.randint(1, 3)
        atom = {"p": rng.randint(1, 3), f"size({unit})": size}
        labels = {c: [rng.randint(0, 1) for _ in range(size)] for c in inner}
        cells = [tuple(labels[c][j] for c in inner[:1]) for j in range(size)]
        value = {cell: Fraction(rng.randint(-2, 2)) for cell in sorted(set(cells))}
        columns = {v.name for v in model.constant_on} | {v.name for c in model.mean for v, _ in c.monomial}
        atom |= labels | ({"X": [value[cell] for cell in cells]} if "X" in columns else {})
        atom |= {"x": [rng.randint(-1, 2) for _ in range(size)]} if "x" in columns else {}
        atoms.append(atom)
    total = sum(atom["p"] for atom in atoms)
    return [{**atom, "p": Fraction(atom["p"], total)} for atom in atoms]


def random_statistic(degree, model, rng):
    """A statistic of a unit, of another one, or of the whole sample, with sums over subgroups in it."""
    unit = ":".join(model.resolved.unit)
    factors = [":".join(f) for f in model.resolved.factors]
    inner = rng.choice(factors)
    own, within = model.total(model.y, by=unit), model.total(model.y, by=inner)
    if degree == 1:
        return rng.choice(
            [own, own.at("k"), own * model.size(unit), model.total(model.y), ma.over(inner, within * model.size(inner))]
        )
    sums = [ma.over(inner, within**2), ma.over(unit, own**2), ma.over(inner, within**2 / model.size(inner))]
    return rng.choice([*sums, own**2, own * own.at("k"), model.total(model.y**2, by=unit)])


def random_parameters(model, rng):
    keys = list(model.parameters)
    for block in model.resolved.groups:
        names = [str(c.key) for c in block.coefficients]
        for order in (3, 4):
            chosen = (c[0] if len(set(c)) == 1 else ",".join(c) for c in _multisets(names, order))
            keys += [f"k{order}({inside}|{block.name})" for inside in chosen]
    keys += ["k3(residual)", "k4(residual)"]
    return {key: Fraction(rng.randint(1, 4), rng.randint(1, 3)) for key in keys}


def _multisets(names, size):
    if size == 0:
        return [()]
    return [(name, *rest) for n, name in enumerate(names) for rest in _multisets(names[n:], size - 1)]


def test_statistics_of_units_with_subgroups():
    different = []
    for seed in CASES:
        rng = Random(seed)
        formula, arguments = MODELS[seed % len(MODELS)]
        model = ma.Model(formula, **arguments)
        law = random_atoms(model.resolved, rng)
        values = random_parameters(model, rng)
        statistics = [random_statistic(d, model, rng) for d in DEGREES[seed // len(MODELS) % len(DEGREES)]]
        derivation = model.cumulant(*statistics)
        name = ":".join(model.resolved.unit)
        found = derivation.evaluate(parameters=values, law=law, units={name: 2})
        if found != law_cumulant(statistics, law, model.resolved, values, units=2):
            different.append((seed, statistics))
    assert different == []


def test_nested_as_published():
    """theory.md 13: Var S = E[N^2] s_a^2 + E[sum n_ij^2] s_b^2 + E[N] s_e^2 + mu^2 Var N."""
    model = ma.Model("y ~ 1 + (1 | a/b)")
    derivation = model.var(model.total(model.y, by="a"))
    assert str(derivation.result) == (
        "E(size(a))*var(residual) + E(size(a)^2)*var(1|a) + E(sum(b: size(a:b)[i,j]^2))*var(1|a:b)"
        " + Intercept**2*var(size(a))"
    )
    assert derivation.verify()
    law = [{"p": "1/2", "size(a:b)": [2, 3]}, {"p": "1/2", "size(a:b)": [1]}]
    values = {"Intercept": 2, "var(1|a)": 3, "var(1|a:b)": 5, "var(residual)": 7}
    assert derivation.evaluate(parameters=values, law=law) == 13 * 3 + 7 * 5 + 3 * 7 + 4 * 4


def test_slopes_as_published():
    """theory.md 14: E[N^2] G11 + 2 E[N S_x] G12 + E[S_x^2] G22 + E[N] s_e^2 + Var(b0 N + b1 S_x)."""
    model = ma.Model("y ~ 1 + x + (1 + x | g)")
    derivation = model.var(model.total(model.y, by="g"))
    law = [{"p": "1/2", "size(g)": 1, "x": [2]}, {"p": "1/2", "size(g)": 3, "x": [0, 1, 3]}]
    values = {"Intercept": 2, "x": 5, "var(1|g)": 3, "cov(1,x|g)": "1/2", "var(x|g)": 7, "var(residual)": 11}
    expected = 5 * 3 + 2 * 7 * Fraction(1, 2) + 10 * 7 + 2 * 11 + Fraction((2 * 2 + 5 * 2) ** 2, 4)
    assert derivation.verify()
    assert derivation.evaluate(parameters=values, law=law) == expected


def test_sizes_of_subgroups_and_labels_say_the_same():
    model = ma.Model("y ~ 1 + (1 | a/b/c)")
    derivation = model.var(model.total(model.y, by="a"))
    values = {"Intercept": 2, "var(1|a)": 3, "var(1|a:b)": 5, "var(1|a:b:c)": 2, "var(residual)": 7}
    frame = pd.DataFrame({"a": list("uuuuvvv"), "b": list("ppqqprr"), "c": list("stss") + list("sst")})
    laws = [
        [{"p": "1/2", "size(a:b:c)": [[1, 1], [2]]}, {"p": "1/2", "size(a:b:c)": [[1], [1, 1]]}],
        [
            {"p": "1/2", "size(a)": 4, "b": [1, 1, 2, 2], "c": [1, 2, 1, 1]},
            {"p": "1/2", "size(a)": 3, "b": [1, 2, 2], "c": [1, 1, 2]},
        ],
        ma.empirical(frame),
    ]
    assert len({derivation.evaluate(parameters=values, law=law) for law in laws}) == 1


@pytest.mark.parametrize(
    ("law", "message"),
    [
        ([{"p": 1, "size(a)": 3}], "says nothing about levels of b within a unit"),
        ([{"p": 1, "size(a)": 3, "size(a:b)": [1, 1]}], r"does not agree with size\(a:b\)"),
        ([{"p": 1, "size(a:b)": [[1], [1]]}], "does not list the sizes of subgroups"),
        ([{"p": 1, "size(a:b)": [1, "x"]}], r"size\(a:b\) of atom 1"),
    ],
)
def test_laws_that_do_not_say_the_subgroups_are_refused(law, message):
    model = ma.Model("y ~ 1 + (1 | a/b)")
    values = {"Intercept": 2, "var(1|a)": 3, "var(1|a:b)": 5, "var(residual)": 7}
    with pytest.raises(ma.ModelError, match=message):
        model.var(model.total(model.y, by="a")).evaluate(parameters=values, law=law)


def test_a_total_that_joins_units_is_refused():
    model = ma.Model("y ~ 1 + (1 | a:b)")
    with pytest.raises(ma.UnsupportedError, match="joins several of them"):
        model.mean(ma.over("a", model.total(model.y, by="a") ** 2))


def test_a_named_subgroup_has_moments_but_no_value_under_a_law_of_units():
    model = ma.Model("y ~ 1 + (1 | a/b)")
    derivation = model.var(model.total(model.y, by="a:b"))
    with pytest.raises(ma.UnsupportedError, match="one named level within a unit"):
        derivation.evaluate(
            parameters={"Intercept": 2, "var(1|a)": 3, "var(1|a:b)": 5, "var(residual)": 7},
            law=[{"p": 1, "size(a:b)": [1, 2]}],
        )
