"""Random designs for the closed forms of theory.md: their counts, and the algebra's moments on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from random import Random
from typing import Any

import momentalg as ma
from momentalg.cumulants.evaluate import DesignTable, evaluate
from momentalg.expr.nodes import Variable, as_node
from tests.cumulants.support import given_design

Rows = Sequence[Mapping[str, Any]]


def counts(rows: Rows, *columns: str) -> Counter[Any]:
    """The size of each cell that occurs; by label for one column, by tuple of labels for several."""
    if len(columns) == 1:
        return Counter(row[columns[0]] for row in rows)
    return Counter(tuple(row[c] for c in columns) for row in rows)


def squares(sizes: Counter[Any]) -> int:
    """The sum of squared sizes."""
    return sum(size**2 for size in sizes.values())


def overlap(rows: Rows, inner: str, outer: str) -> Fraction:
    """The sum over the levels of `outer`, l, and of `inner`, h, of n_lh^2/n_l; a column may be an intersection."""
    rows = [{"l": tuple(r[c] for c in outer.split(":")), "h": tuple(r[c] for c in inner.split(":"))} for r in rows]
    sizes = counts(rows, "l")
    return sum((Fraction(n**2, sizes[level]) for (level, _), n in counts(rows, "l", "h").items()), Fraction(0))


def crossed(rng: Random, replicates: int, columns: Sequence[str] = ("a", "b")) -> list[dict[str, str]]:
    """Cells of two or more factors, some of them empty, the others with up to so many observations."""
    levels = [rng.randint(2, 4) for _ in columns]
    wanted = rng.randint(3, 8)
    cells = {tuple(f"{c}{i}" for c in columns) for i in (0, 1)}  # every factor has two levels
    cells |= {tuple(f"{c}{rng.randrange(k)}" for c, k in zip(columns, levels, strict=True)) for _ in range(wanted)}
    rows = [dict(zip(columns, cell, strict=True)) for cell in sorted(cells) for _ in range(rng.randint(1, replicates))]
    rng.shuffle(rows)
    return rows


def nested(rng: Random) -> list[dict[str, str]]:
    """Levels of b in levels of a, with labels that repeat."""
    rows = [
        {"a": f"a{i}", "b": f"b{j}"}
        for i in range(rng.randint(2, 4))
        for j in range(rng.randint(1, 3))
        for _ in range(rng.randint(1, 3))
    ]
    rng.shuffle(rows)
    return rows


def values(rng: Random, model: ma.Model, *more: str) -> dict[str, Fraction]:
    """A random value for each parameter of the model and each further key."""
    return {key: Fraction(rng.randint(1, 12), rng.randint(1, 4)) for key in (*model.parameters, *more)}


def moment(
    model: ma.Model,
    rows: Rows,
    parameters: Mapping[str, Any],
    *statistics: Any,
    at: Mapping[tuple[str, str], str] | None = None,
) -> Any:
    """The algebra's joint cumulant of statistics given a design, exactly; the expectation of one."""
    labels = {c: [row[c] for row in rows] for c in model.resolved.columns}
    covariates = [c for c in rows[0] if c not in labels]
    table = DesignTable(labels, {Variable("column", c): [r[c] for r in rows] for c in covariates}, len(rows))
    nodes = [as_node(s) for s in statistics]
    free = dict(at or {})
    return evaluate(given_design(nodes, model.resolved), parameters, table, free)


def coefficients(model: ma.Model, rows: Rows, keys: Sequence[str], statistic: Any) -> list[Any]:
    """The coefficients of parameters in an expectation that is linear in them; all others are zero."""
    zero = dict.fromkeys(model.parameters, Fraction(0))
    return [moment(model, rows, zero | {key: Fraction(1)}, statistic) for key in keys]


def determinant(matrix: Sequence[Sequence[Any]]) -> Any:
    """By Laplace's expansion along the first row."""
    if not matrix:
        return 1
    return sum(
        (-1) ** n * entry * determinant([[*row[:n], *row[n + 1 :]] for row in matrix[1:]])
        for n, entry in enumerate(matrix[0])
    )
