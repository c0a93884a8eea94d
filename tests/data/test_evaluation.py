"""Results evaluated under a law: against exact enumeration, and what a law or an argument must say."""

from __future__ import annotations

import random
import time
from fractions import Fraction

import pandas as pd
import pytest

import momentalg as ma
from momentalg.check.enumeration import enumerate_cumulant
from momentalg.check.random_design import law_cumulant

MODEL = ma.Model("y ~ 1 + X + (1 | user)", levels={"X": "user"})
S, X = MODEL.total(MODEL.y, by="user"), MODEL.covariate("X")
VALUES = {"Intercept": Fraction(2), "X": Fraction(-1, 3), "var(1|user)": Fraction(5), "var(residual)": Fraction(7)}
LAW = [
    {"p": "1/4", "size(user)": 0, "X": 3},
    {"p": "1/2", "size(user)": 1, "X": -1},
    {"p": "1/4", "size(user)": 2, "X": 5},
]


@pytest.mark.parametrize("statistics", [(S,), (S, S), (S, X), (S * X, S), (X, X)])
def test_an_empty_unit_has_its_covariates(statistics):
    """E[X] is over all units, the empty ones included."""
    derived = MODEL.cumulant(*statistics).evaluate(parameters=VALUES, law=LAW)
    assert derived == law_cumulant(statistics, LAW, MODEL.resolved, VALUES, 1)


def test_a_law_of_the_size_alone_says_nothing_of_a_covariate():
    law = {"size(user)": {1: "1/2", 3: "1/2"}}
    assert MODEL.mean(MODEL.size("user")).evaluate(parameters=VALUES, law=law) == 2
    with pytest.raises(ma.DataError, match="needs the covariate X"):
        MODEL.var(S).evaluate(parameters=VALUES, law=law)


@pytest.mark.parametrize("units", [{"user": 0}, {"user": 1.5}, {"user": True}, {"item": 3}, 3])
def test_the_number_of_units_is_a_count(units):
    grand = MODEL.var(MODEL.total(MODEL.y))
    with pytest.raises(ma.DataError, match="how many levels user has"):
        grand.evaluate(parameters=VALUES, law=LAW, units=units)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, True, "a", "1/0"])
def test_a_parameter_is_a_finite_number(value):
    with pytest.raises(ma.DataError, match="the parameter X must be a finite number"):
        MODEL.var(S).evaluate(parameters={**VALUES, "X": value}, law=LAW)


FRAME = pd.DataFrame({"user": list("aabbb"), "X": [1, 1, 2, 2, 2], "x": [1.0, -1.0, 2.0, 3.0, 4.0]})


@pytest.mark.parametrize("moment", ["mean", "var"])
def test_data_that_contradict_the_model_are_refused_whether_or_not_the_result_needs_them(moment):
    derived = getattr(MODEL, moment)(S, given=ma.design)
    assert len(derived.evaluate(parameters=VALUES, data=FRAME)) == 2
    with pytest.raises(ma.DataError, match="'X' is declared constant within user, but at 'a' it is both 1 and 2"):
        derived.evaluate(parameters=VALUES, data=FRAME.assign(X=[1, 2, 2, 2, 2]))


@pytest.mark.parametrize(("term", "row"), [("log(x)", 1), ("I(1/(x-2))", 2), ("exp(x)", 0)])
def test_a_function_without_a_value_is_named_with_its_row(term, row):
    model = ma.Model(f"y ~ 1 + {term} + (1 | user)")
    frame = FRAME.assign(x=FRAME["x"] * (1000 if term == "exp(x)" else 1))
    with pytest.raises(ma.DataError, match=f"has no value in row {row}"):
        model.mean(model.total(model.y), given=ma.design).evaluate(parameters={"Intercept": 1, term: 1}, data=frame)


@pytest.mark.parametrize("wrong", [{"parameters": None}, {"at": 3}, {"at": {"user": "q"}}])
def test_odd_arguments_are_named(wrong):
    arguments = {"parameters": VALUES, "data": FRAME} | wrong
    with pytest.raises(ma.DataError):
        MODEL.var(S, given=ma.design).evaluate(**arguments)


def crossed_rows(seed: int = 4, n: int = 9) -> list[dict[str, object]]:
    rng = random.Random(seed)
    cells = [{"user": f"u{rng.randint(0, 2)}", "item": f"i{rng.randint(0, 3)}"} for _ in range(n)]
    return [{**cell, "x": Fraction(rng.randint(-3, 3)), "X": 0} for cell in cells]


CROSSED = ma.Model("y ~ 1 + x + (1 + x | user) + (1 | item) + (1 | user:item)")
KEYS = {key: Fraction(n + 1, 3) for n, key in enumerate(CROSSED.parameters)}
RESULTS = {
    "user": (CROSSED.total(CROSSED.y, by="user"),) * 2,
    "item": (CROSSED.total(CROSSED.y, by="item"),),
    "cell": (CROSSED.total(CROSSED.y, by="user:item"), CROSSED.total(CROSSED.y, by="user")),
}


@pytest.mark.parametrize("by", RESULTS)
def test_levels_of_any_factor_are_those_that_occur(by):
    rows = crossed_rows()
    statistics = RESULTS[by]
    found = CROSSED.cumulant(*statistics, given=ma.design).evaluate(parameters=KEYS, data=pd.DataFrame(rows))
    columns = ["user", "item"] if by == "cell" else [by]
    levels = dict.fromkeys(tuple(row[c] for c in columns) for row in rows)
    assert list(found.index.names) == columns
    assert sorted(found.index.to_list()) == sorted(level if by == "cell" else level[0] for level in levels)
    for level in levels:
        at = dict(zip(columns, level, strict=True))
        expected = enumerate_cumulant(statistics, rows, CROSSED.resolved, KEYS, at)
        assert found[level if by == "cell" else level[0]] == expected
        alone = CROSSED.cumulant(*statistics, given=ma.design).evaluate(
            parameters=KEYS, data=pd.DataFrame(rows), at={":".join(columns): level if by == "cell" else level[0]}
        )
        assert alone == expected


def test_statistics_of_two_factors_have_all_pairs_of_levels():
    rows = crossed_rows()
    users, items = CROSSED.total(CROSSED.y, by="user"), CROSSED.total(CROSSED.y, by="item")
    derived = CROSSED.cov(users, items, given=ma.design)
    found = derived.evaluate(parameters=KEYS, data=pd.DataFrame(rows))
    assert len(found) == len({r["user"] for r in rows}) * len({r["item"] for r in rows})
    for user, item in found.index:
        expected = enumerate_cumulant((users, items), rows, CROSSED.resolved, KEYS, {"user": user, "item": item})
        assert found[user, item] == expected
        assert derived.evaluate(parameters=KEYS, data=pd.DataFrame(rows), at={"user": user, "item": item}) == expected


def test_named_levels_are_those_of_their_factor():
    rows = crossed_rows()
    users = CROSSED.total(CROSSED.y, by="user")
    derived = CROSSED.cov(users, users.at("k"), given=ma.design)
    at = {"user": "u0", "k": "u2"}
    expected = enumerate_cumulant((users, users.at("k")), rows, CROSSED.resolved, KEYS, at)
    assert derived.evaluate(parameters=KEYS, data=pd.DataFrame(rows), at=at) == expected
    with pytest.raises(ma.DataError, match="'i1' is no level of user"):
        derived.evaluate(parameters=KEYS, data=pd.DataFrame(rows), at={"user": "u0", "k": "i1"})
    with pytest.raises(ma.DataError, match=r"of the levels i, k: say which, as in at=\{'user': ..., 'k': ...\}"):
        derived.evaluate(parameters=KEYS, data=pd.DataFrame(rows))


def test_labels_that_are_local_to_another_column_are_told_apart():
    """The cask labels a and b occur in two batches, and are four casks."""
    model = ma.Model("y ~ 1 + (1 | batch) + (1 | cask)", assume=ma.nested("cask", "batch"))
    data = pd.DataFrame({"batch": list("AAABBB"), "cask": list("aabbba")})
    values = {"Intercept": 1, "var(1|batch)": 2, "var(1|cask)": 3, "var(residual)": 5}
    casks = model.var(model.total(model.y, by="cask"), given=ma.design)
    found = casks.evaluate(parameters=values, data=data)
    assert found.to_dict() == {
        (batch, cask): n * n * (2 + 3) + n * 5
        for (batch, cask), n in {("A", "a"): 2, ("A", "b"): 1, ("B", "b"): 2, ("B", "a"): 1}.items()
    }
    assert casks.evaluate(parameters=values, data=data, at={"batch": "B", "cask": "b"}) == 4 * 5 + 10
    with pytest.raises(ma.DataError, match="needs a label for batch"):
        casks.evaluate(parameters=values, data=data, at={"cask": "b"})
    whole = model.var(model.total(model.y), given=ma.design).evaluate(parameters=values, data=data)
    assert whole == 2 * (3**2 + 3**2) + 3 * (4 + 1 + 4 + 1) + 5 * 6


def test_a_replicated_cell_that_was_declared_impossible_is_named():
    model = ma.Model("y ~ 1 + (1 | user) + (1 | item)", assume=ma.unreplicated("user:item"))
    data = pd.DataFrame({"user": list("aabb"), "item": list("ppqq")})
    total = model.var(model.total(model.y), given=ma.design)
    with pytest.raises(ma.DataError, match=r"user 'a', item 'p' has 2; 2 cells"):
        total.evaluate(parameters=dict.fromkeys(model.parameters, 1), data=data)


def test_thousands_of_rows_take_moments():
    rng = random.Random(1)
    rows = {"user": [rng.randint(0, 299) for _ in range(5000)], "item": [rng.randint(0, 99) for _ in range(5000)]}
    model = ma.Model("y ~ 1 + (1 | user) + (1 | item)")
    users = model.total(model.y, by="user")
    derived = model.var(ma.over("user", users**2), given=ma.design)
    numbers = dict.fromkeys(model.parameters, 1.5) | {"Intercept": 2.0}
    numbers |= {f"k{n}({v})": 0.5 for n in (3, 4) for v in ("1|user", "1|item", "residual")}
    begun = time.perf_counter()
    assert derived.evaluate(parameters=numbers, data=rows) > 0
    assert len(model.var(users, given=ma.design).evaluate(parameters=numbers, data=rows)) == 300
    assert time.perf_counter() - begun < 10


KINDS = {
    "fixed factor": ({"fixed": {"drug": ["a", "b", "c"]}}, "y ~ drug + (1 | user)"),
    "fixed factor, levels seen": ({}, "y ~ C(drug) + (1 | user)"),
    "classes, seen": ({"residual_by": "site"}, "y ~ 1 + (1 | user)"),
    "weights": ({"weights": "w"}, "y ~ 1 + (1 | user)"),
}


@pytest.mark.parametrize("name", KINDS)
def test_levels_that_only_the_data_know_are_those_of_the_data(name):
    """Against the sum over observations, written down."""
    declared, formula = KINDS[name]
    model = ma.Model(formula, **declared)
    rng = random.Random(3)
    data = pd.DataFrame(
        {
            "user": [rng.choice("pqr") for _ in range(12)],
            "drug": [rng.choice("abc") for _ in range(12)],
            "site": [rng.choice("ns") for _ in range(12)],
            "w": [rng.choice([1, 4]) for _ in range(12)],
        }
    )
    known = model.with_levels(data.assign(y=0.0))
    values = {key: Fraction(n + 2, 3) for n, key in enumerate(known.parameters)}
    total = model.total(model.y, by="user")
    means = model.mean(total, given=ma.design).evaluate(parameters=values, data=data)
    variances = model.var(total, given=ma.design).evaluate(parameters=values, data=data)
    for user, rows in data.groupby("user"):
        mean = sum((values["Intercept"] + values.get(f"drug[{d}]", 0) for d in rows["drug"]), Fraction(0))
        residual = sum(
            values.get("var(residual)", values.get(f"var(residual[{s}])")) / (w if name == "weights" else 1)
            for s, w in zip(rows["site"], rows["w"].tolist(), strict=True)
        )
        assert means[user] == mean
        assert variances[user] == len(rows) ** 2 * values["var(1|user)"] + residual
