"""Fits of designs that separate little, against exact arithmetic: the same numbers, or a refusal by both."""

import random
from fractions import Fraction

import pandas as pd
import pytest

import momentalg as ma
from momentalg.errors import NotIdentifiedError
from momentalg.lower.exact import ExactRows
from momentalg.lower.exact_weighted import two_step
from momentalg.lower.self_test import estimates

MODELS = (
    "y ~ site*x + (0 + site | u)",
    "y ~ x + (1 + x | g)",
    "y ~ 1 + (1 + x | g)",
    "y ~ 1 + (1 | g) + (0 + x | g)",
    "y ~ x + (0 + site | u) + (1 | g)",
    "y ~ 1 + (0 + p + q | g)",
    "y ~ 1 + p + (1 + p | g) + (1 + q | u)",
)
KINDS = ("one value", "one for each g", "one for each u", "one row aside", "all zero", "single rows", "any")
Values = dict[str, list[Fraction]]


def _design(kind: str, rng: random.Random) -> tuple[dict[str, list[object]], Values]:
    rows = rng.choice([12, 20, 30])
    g, u = ([rng.randrange(count) for _ in range(rows)] for count in (rng.choice([3, 5]), 4))
    x, p = [rng.randint(-9, 9) for _ in range(rows)], [rng.randrange(2) for _ in range(rows)]
    if kind == "one value":
        x = [7] * rows
    elif kind.startswith("one for each"):
        of = g if kind.endswith("g") else u
        x, p = [3 * level % 7 for level in of], [level % 2 for level in of]
    elif kind == "one row aside":
        x = [8, *[7] * (rows - 1)]
    elif kind == "all zero":
        x, p = [0] * rows, [0] * rows
    elif kind == "single rows":
        g = list(range(rows))
    site: list[object] = ["n", *("s" if value else "n" for value in p[1:-1]), "s"]
    tenth = rng.choice([Fraction(1), Fraction(1, 10)])  # which floats do not hold
    values = {"x": [v * tenth for v in x], "p": [Fraction(v) for v in p], "q": [Fraction(1 - v) for v in p]}
    values["y"] = [Fraction(rng.randint(-20, 20)) for _ in range(rows)]
    return {"g": list(g), "u": list(u), "site": site}, values


@pytest.mark.parametrize("weighting", ["none", "two-step"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("formula", MODELS)
def test_estimates_are_those_of_exact_arithmetic_or_refused_by_both(formula: str, kind: str, weighting: str) -> None:
    labels, values = _design(kind, random.Random(f"{formula} {kind}"))
    model = ma.Model(formula, fixed={"site": ["n", "s"]} if "site" in formula else {})
    solution = model.moment_equations().solve()
    resolved = solution.system.model
    columns = {name: found for name, found in values.items() if name != "y"}
    rows = ExactRows(resolved, {c: labels[c] for c in resolved.columns}, values["y"], columns)
    frame = pd.DataFrame(labels | {name: list(map(float, found)) for name, found in values.items()})
    try:
        exact = estimates(solution, rows)
        exact = two_step(resolved, rows, exact) if weighting == "two-step" else exact
    except (NotIdentifiedError, ZeroDivisionError):
        with pytest.raises(NotIdentifiedError, match="nearest thing"):
            model.fit(frame, weighting=weighting)
        return
    if weighting == "two-step":
        sums = model.sums(frame, weighting=weighting)
        found = sums.estimator.module.solve(dict(sums.table), turns=1)  # weights that are renewed once
    else:
        found = dict(model.fit(frame, weighting=weighting).estimates)
    assert found == pytest.approx({key: float(exact[key]) for key in found}, rel=1e-7, abs=1e-7)
