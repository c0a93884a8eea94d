"""Models of one to three factors, and small random designs for them: rows for the oracles, a table for constants."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from random import Random

import momentalg as ma
from momentalg.cumulants.evaluate import DesignTable
from momentalg.expr.nodes import Variable
from momentalg.moments.expectation import variance_keys

MODELS = {
    "one": ma.Model("y ~ 1 + (1 | a)"),
    "crossed": ma.Model("y ~ 1 + (1 | a) + (1 | b)"),
    "unreplicated": ma.Model("y ~ 1 + (1 | a) + (1 | b)", assume=[ma.unreplicated("a:b")]),
    "interaction": ma.Model("y ~ 1 + (1 | a) + (1 | b) + (1 | a:b)"),
    "three": ma.Model("y ~ 1 + (1 | a) + (1 | b) + (1 | c)"),
    "nested": ma.Model("y ~ 1 + (1 | a / b)"),
    "three levels": ma.Model("y ~ 1 + (1 | a / b / c)"),
    "nested, inner first": ma.Model("y ~ 1 + (1 | b) + (1 | a)", assume=[ma.nested("b", "a")]),
    "nested and crossed": ma.Model("y ~ 1 + (1 | a / b) + (1 | c)"),
    "crossed, covariate": ma.Model("y ~ 1 + x + (1 | a) + (1 | b)"),
    "crossed, level covariate": ma.Model("y ~ 1 + X + (1 | a) + (1 | b)", levels={"X": "a"}),
    "crossed, size": ma.Model("y ~ 1 + size(a) + (1 | a) + (1 | b)"),
    "slope": ma.Model("y ~ 1 + x + (1 + x | a)"),
    "uncorrelated slope": ma.Model("y ~ 1 + x + (x || a)"),
    "slope alone": ma.Model("y ~ 0 + x + (0 + x | a) + (1 | b)"),
    "slope and crossed": ma.Model("y ~ 1 + x + (1 + x | a) + (1 | b)"),
    "two slopes": ma.Model("y ~ 1 + x + z + (1 + x + z | a)"),
    "fixed factor": ma.Model("y ~ 1 + f + (1 | a) + (1 | b)", fixed={"f": ["p", "q", "r"]}),
    "classes": ma.Model("y ~ 1 + (1 | a) + (1 | b)", residual_by={"f": ["p", "q", "r"]}),
    "weights": ma.Model("y ~ 1 + x + (1 | a) + (1 | b)", weights="w"),
}
LOCAL = {"three levels": ("a", "b", "c"), "nested": ("a", "b"), "nested and crossed": ("a", "b")}
LOCAL["nested, inner first"] = ("a", "b")


def random_rows(name: str, seed: int, number: int = 10) -> list[dict[str, object]]:
    """Rows with labels a, b, c, f and covariates; cells are empty, single and replicated, unless that is excluded."""
    rng = Random(f"{name} {seed}")
    rows: list[dict[str, object]] = []
    places = set()
    while len(rows) < number:
        row: dict[str, object] = {c: f"{c}{rng.randrange(3)}" for c in "abc"}
        if name == "unreplicated" and (row["a"], row["b"]) in places:
            number = min(number, 7)
            continue
        places.add((row["a"], row["b"]))
        chain = LOCAL.get(name, ())
        for outer, inner in pairwise(chain):
            row[inner] = f"{row[outer]}{rng.choice('uvw')}"
        row["f"] = rng.choice("pqr") if len(rows) > 2 else "pqr"[len(rows)]
        row["x"] = Fraction(rng.randint(-7, 9), rng.randint(1, 3))
        row["z"] = Fraction(rng.randint(-7, 9), 2)
        row["w"] = Fraction(rng.randint(1, 4), rng.randint(1, 3)) ** 2  # the oracle takes square roots
        row["X"] = 3 * int(str(row["a"])[-1]) ** 2 - 4
        rows.append(row)
    return rows


def table_of(rows: list[dict[str, object]]) -> DesignTable:
    """The same design for design constants."""
    values = {Variable("column", c): [r[c] for r in rows] for c in ("x", "z", "w", "X")}
    for level in "pqr":
        values[Variable("function", f"f[{level}]")] = [Fraction(r["f"] == level) for r in rows]
    return DesignTable({c: [r[c] for r in rows] for c in "abcf"}, values, len(rows))


def random_parameters(model: ma.Model, seed: int) -> dict[str, Fraction]:
    """Values of all parameters of the first two orders."""
    rng = Random(f"parameters {seed}")
    keys = [*(str(c.key) for c in model.resolved.mean), *variance_keys(model.resolved)]
    return {key: Fraction(rng.randint(1, 20), rng.randint(1, 5)) for key in keys}
