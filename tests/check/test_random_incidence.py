"""Random crossed designs against enumeration over all tables of counts, and against the closed forms of the field."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest

import momentalg as ma
from momentalg.check.random_incidence import (
    cell_tables,
    draw_tables,
    incidence_cumulant,
    label_tables,
    nested_tables,
)
from tests.cumulants.support import LONG

CASES = range(400 if LONG else 34)
FORMULAS = (
    "y ~ 1 + (1 | a) + (1 | b)",
    "y ~ 1 + (1 | a) + (1 | b) + (1 | a:b)",
    "y ~ 1 + size(a) + (1 | a) + (1 | b)",
    "y ~ 1 + (1 | a:b) + (1 | b)",
)
DEGREES = ((1, 1), (1, 1), (2,), (1, 2), (2, 2), (1, 1, 1), (1,), (2, 1))


def weights(rng, values, most):
    """A random law on some of the values."""
    chosen = rng.sample(values, rng.randint(1, min(most, len(values))))
    parts = [rng.randint(1, 3) for _ in chosen]
    return {value: Fraction(p, sum(parts)) for value, p in zip(chosen, parts, strict=True)}


def chances(rng, size):
    parts = [rng.randint(1, 3) for _ in range(size)]
    return [Fraction(p, sum(parts)) for p in parts]


def random_law(kind, rng):
    """An incidence of a random law, its tables, and the numbers of levels that it leaves open."""
    if kind == "independent_cells":
        law = weights(rng, [0, 1, 2], 2)
        return ma.designs.independent_cells("a", "b", law), cell_tables(law, 2, 2), {"a": 2, "b": 2}
    if kind == "draws":
        sizes, q = weights(rng, [0, 1, 2], 2), chances(rng, rng.choice([2, 3]))
        return ma.designs.draws("a", "b", sizes, q), draw_tables(sizes, q, 2), {"a": 2}
    number = rng.choice([2, 3])
    if kind == "joint_labels":
        flat = chances(rng, 4)
        table = [flat[:2], flat[2:]]
        return ma.designs.multinomial_labels("a", "b", number, table, joint=True), label_tables(number, table), {}
    p, q = chances(rng, 2), chances(rng, rng.choice([2, 3]))
    law = ma.designs.multinomial_labels("a", "b", number, [p, q])
    return law, label_tables(number, [[x * y for y in q] for x in p]), {}


def random_statistic(degree, model, rng):
    """A statistic of this degree of a row, a column, a cell, another row, or the whole sample."""
    y = model.y
    row, column, cell = (model.total(y, by=by) for by in ("a", "b", "a:b"))
    total, size = model.total(y), rng.choice([model.size("a"), model.size("a:b"), model.size()])
    linear = [row, row, row.at("k"), column, cell, total]
    if degree == 1:
        found = rng.choice(linear)
        return found * size if rng.random() < 0.2 else found
    return rng.choice(
        [
            rng.choice(linear) * rng.choice(linear),
            ma.over("a", row**2) - total**2 / 2,
            ma.over("b", column**2),
            ma.over("a:b", cell**2),
            model.total(y**2, by="a"),
            ma.over("a", row * model.size("a")),
        ]
    )


def parameters(model, rng):
    keys = [*model.parameters]
    for block in model.resolved.groups:
        keys += [f"k{order}(1|{block.name})" for order in range(3, 9)]
    keys += [f"k{order}(residual)" for order in range(3, 9)]
    return {key: Fraction(rng.randint(1, 4), rng.randint(1, 3)) for key in keys}


@pytest.mark.parametrize("kind", ["independent_cells", "draws", "multinomial_labels", "joint_labels"])
def test_cumulants_over_all_tables(kind):
    different = []
    for seed in CASES:
        rng = Random(f"{kind} {seed}")
        law, tables, units = random_law(kind, rng)
        assert sum(tables.values()) == 1
        model = ma.Model(FORMULAS[seed % len(FORMULAS)], incidence=law)
        statistics = [random_statistic(d, model, rng) for d in DEGREES[seed % len(DEGREES)]]
        values = parameters(model, rng)
        at = {"a": 0, "b": 1, "k": 1}
        derivation = model.cumulant(*statistics)
        found = derivation.evaluate(parameters=values, law=law, units=units, at=at)
        expected = incidence_cumulant(statistics, tables, model.resolved, values, ("a", "b"), at)
        if found != expected:
            different.append((seed, statistics, found, expected))
    assert different == []
