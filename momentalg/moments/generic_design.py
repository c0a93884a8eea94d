"""Designs that stand for almost all designs of a model: small, unbalanced, with random covariates.

Whatever the model declares holds: nested labels, cells with at most one observation, covariates constant on a factor.
Crossed factors meet at random, so that cells are empty, single and replicated.
"""

from __future__ import annotations

import random
from collections.abc import Hashable
from fractions import Fraction

from momentalg.cumulants.evaluate import DesignTable
from momentalg.expr.nodes import Variable
from momentalg.model.resolved import ResolvedModel
from momentalg.moments.generic_functions import Functions, columns_read

Labels = dict[str, Hashable]
LEVELS = 3  # of a column that nothing else determines, at least
TRIES = 200


def generic_design(model: ResolvedModel, seed: int) -> DesignTable:
    """A design with sizes from 1 to 4 of the levels of one factor, or with rows at random levels.

    A covariate has no value twice: in every level that has as many rows as coefficients these can be told apart.
    """
    rng = random.Random(seed)  # noqa: S311 - a design, no secret
    columns = _label_columns(model)
    rows = _one_way(columns, model, rng) if len(columns) == 1 else _crossed(columns, model, rng)
    labels = {c: [row[c] for row in rows] for c in columns}
    return DesignTable(labels, _covariates(rows, model, rng), len(rows))


def _label_columns(model: ResolvedModel) -> list[str]:
    """All label columns, those that a column is local to before it."""
    named = [*model.columns, *(c for by in model.constant_on.values() for c in by)]
    found = dict.fromkeys(c for name in named for c in sorted(model.closure([name])))
    return sorted(found, key=lambda c: len(model.closure([c])))


def _one_way(columns: list[str], model: ResolvedModel, rng: random.Random) -> list[Labels]:
    least = max(len(block.coefficients) for block in model.groups)  # so that each level has an inverse
    sizes = [least + n % 4 for n in range(max(4, len(model.mean) + 3))]
    rng.shuffle(sizes)
    known = model.coded.get(columns[0]) or tuple(range(len(sizes)))  # of few known levels, each is met again
    return [{columns[0]: known[n % len(known)]} for n, size in enumerate(sizes) for _ in range(size)]


def _crossed(columns: list[str], model: ResolvedModel, rng: random.Random) -> list[Labels]:
    components = sum(len(b.coefficients) * (len(b.coefficients) + 1) // 2 for b in model.groups)
    wanted = 6 + 3 * len(columns) + 2 * components + 3 * len(model.mean) + 6 * len(model.local_to)
    levels = {c: LEVELS + n % 2 for n, c in enumerate(columns)}
    for by in model.unreplicated:  # half of the cells are empty
        for column in by:
            levels[column] = max(levels[column], 1 + round((2 * wanted) ** (1 / len(by))))
    rows: list[Labels] = []
    seen: set[Hashable] = set()
    for _ in range(TRIES * wanted):
        row = _row(columns, levels, model, rng)
        cells = {(by, tuple(row[c] for c in by)) for by in model.unreplicated}
        if not cells & seen:
            seen |= cells
            rows.append(row)
        if len(rows) == wanted:
            break
    return rows


def _row(columns: list[str], levels: dict[str, int], model: ResolvedModel, rng: random.Random) -> Labels:
    row: Labels = {}
    for column in columns:
        known = model.coded.get(column)
        if known:
            row[column] = rng.choice(known)
        elif column in model.local_to:
            row[column] = (row[model.local_to[column]], _small(LEVELS, rng))
        else:
            row[column] = _small(levels[column], rng)
    return row


def _small(levels: int, rng: random.Random) -> int:
    """A level, the first ones more often, so that sizes differ and cells are replicated."""
    return min(rng.randrange(levels), rng.randrange(levels))


def _covariates(rows: list[Labels], model: ResolvedModel, rng: random.Random) -> dict[Variable, list[Fraction]]:
    """Values of all covariates but sizes: random ones of columns, squares of weights, functions by their definition."""
    values: dict[Variable, list[Fraction]] = {}
    for variable in columns_read(model):
        columns = model.constant_on.get(variable)
        keys = range(len(rows)) if columns is None else [tuple(row[c] for c in columns) for row in rows]
        different = list(dict.fromkeys(keys))
        power = 2 if variable.name == model.weights else 1  # so that their roots are rational
        drawn = dict(zip(different, rng.sample(range(1, 40 + len(rows)), len(different)), strict=True))
        values[variable] = [Fraction(drawn[key] ** power) for key in keys]
    functions = Functions(model, rows, values, rng)
    return values | {variable: functions.values(variable) for variable in model.definitions}
