"""The model class at random: fixed factors, weights and classes of residuals, in any combination with any factors."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

import momentalg as ma
from momentalg.check.enumeration import enumerate_cumulant
from momentalg.check.parameters import cumulant_keys
from momentalg.cumulants.evaluate import DesignTable, evaluate
from momentalg.cumulants.identity import joint_cumulant
from momentalg.cumulants.translate import translate
from momentalg.data.design import DesignData, with_functions
from momentalg.expr.nodes import Node, Variable
from tests.cumulants.support import LONG

MEANS = ["1", "x", "drug", "0 + drug", "drug*x", "drug:site", "x + drug + site", "0 + drug:x"]
GROUPS = [
    "(1 | user)",
    "(1 | user) + (1 | item)",
    "(1 | user/item)",
    "(1 + x | user)",
    "(0 + drug | user)",
    "(1 | user) + (1 | user:drug)",
    "(1 | user) + (1 + x | item)",
]
LEVELS = {"drug": ["a", "b", "c"], "site": ["n", "s"]}
WEIGHTS = [Fraction(1), Fraction(4), Fraction(9, 4), Fraction(1, 9)]
ORDERS = {n: "var" if n == 2 else f"k{n}" for n in range(2, 9)}


def draw_model(rng: random.Random) -> ma.Model:
    """A model of the class; levels of a fixed factor are sometimes not known, where slopes do not need them."""
    mean, group = rng.choice(MEANS), rng.choice(GROUPS)
    known = {n: LEVELS[n] if "drug |" in group or rng.random() < 0.7 else None for n in LEVELS if n in mean}
    known |= {"drug": LEVELS["drug"]} if "drug |" in group else {}
    by = rng.choice([None, None, {"site": ["n", "s"]}, "site"])
    if by == "site" and known.get("site"):
        by = {"site": ["n", "s"]}
    return ma.Model(f"y ~ {mean} + {group}", fixed=known or None, weights=rng.choice([None, "w"]), residual_by=by)


def draw_rows(rng: random.Random, model: ma.Model, size: int) -> list[dict[str, object]]:
    """Rows with everything that a model of the class may read, values of unknown levels included."""
    values = {v: {} for v in model.resolved.constant_on if v.kind == "fixed"}
    rows = []
    for _ in range(size):
        row = {"user": rng.randrange(2), "item": rng.randrange(2), "drug": rng.choice("abc"), "site": rng.choice("ns")}
        row |= {"x": Fraction(rng.randrange(-3, 4), 2), "w": rng.choice(WEIGHTS)}
        for variable, levels in values.items():
            level = tuple(row[c] for c in model.resolved.constant_on[variable])
            row[variable.name] = levels.setdefault(level, Fraction(rng.randrange(1, 9), 2))
        rows.append(row)
    return rows


def draw_statistics(rng: random.Random, model: ma.Model) -> list[Node]:
    """One to three statistics, of a total degree of four at most."""
    y, x, N = model.y, Variable("column", "x"), model.size("user")
    S, T = model.total(y, by="user"), model.total(y**2)
    linear = [S, model.total(y), ma.over("user", S / N)]
    quadratic = [T, ma.over("user", S**2 / N), ma.over("user", S**2 / (1 + N)), model.total(y, by="user") ** 2]
    if any(v == x for column in model.resolved.mean for v, _ in column.monomial):
        linear.append(model.total(model.covariate("x") * y, by="user"))
    if "drug" in model.resolved.columns:
        linear.append(ma.over("drug", model.total(y, by="drug") * model.size("drug")))
        quadratic.append(ma.over("drug", model.total(y, by="drug") ** 2 / model.size("drug")))
    shape = rng.choice([(2,), (1, 1), (1, 2), (2, 2), (1, 1, 1), (1, 1, 2), (1, 1, 1, 1)])
    return [rng.choice(linear if degree == 1 else quadratic) for degree in shape]


@pytest.mark.parametrize("seed", range(1500 if LONG else 60))
def test_joint_cumulants_agree_with_enumeration(seed: int) -> None:
    rng = random.Random(seed)
    model = draw_model(rng)
    resolved, rows = model.resolved, draw_rows(rng, model, 4)
    keys = {*model.parameters, *(key for key, _, _ in cumulant_keys(resolved))}
    parameters = {key: Fraction(rng.randrange(-4, 7), rng.choice([1, 2])) for key in sorted(keys)}
    statistics = draw_statistics(rng, model)
    labels = {c: [row[c] for row in rows] for c in resolved.columns}
    values = {Variable("column", name): [row[name] for row in rows] for name in ("x", "w")}
    values |= {v: [row[v.name] for row in rows] for v in resolved.constant_on if v.kind == "fixed"}
    data = with_functions(DesignData(labels, values), resolved)
    exact = {v: [Fraction(value).limit_denominator(1000) for value in found] for v, found in data.values.items()}
    table = DesignTable(data.labels, exact, len(rows))
    user = rows[0]["user"]
    found = joint_cumulant([translate(s, resolved) for s in statistics], resolved)
    wanted = enumerate_cumulant(statistics, rows, resolved, parameters, {"user": user})
    assert evaluate(found, parameters, table, {("user", "i"): user}) == wanted, (repr(model), statistics)
