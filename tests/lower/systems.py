"""Solved systems and their modules, made once for all tests of lowering and of generated code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import momentalg as ma
from momentalg.emit.numpy import EstimatorModule, generate
from momentalg.lower.estimator import lower
from momentalg.lower.exact import ExactRows
from momentalg.lower.self_test import estimates

FORMULAS = {
    "intercept": "y ~ 1 + (1 | user)",
    "size": "y ~ 1 + size(user) + (1 | user)",
    "level": "y ~ 1 + X + (1 | user)",
    "row": "y ~ 1 + x + (1 | user)",
    "products": "y ~ 1 + x*X + (1 | user)",
    "powers": "y ~ 1 + x + I(x**2) + size(user) + (1 | user)",
    "not closed": "y ~ 1 + x:size(user) + (1 | user)",
    "functions": "y ~ 1 + log(x) + sqrt(X) + log(size(user)) + (1 | user)",
    "inverse size": "y ~ 1 + I(1/size(user)) + (1 | user)",
    "no intercept": "y ~ 0 + x + (1 | user)",
    "no mean": "y ~ 0 + (1 | user)",
}
MEAN_FREE = [("henderson3", None), ("minque0", None)]
NOT_MEAN_FREE = [(s, m) for s in ("totals", "pairs", "henderson1", "unweighted_means") for m in ("products", "plug-in")]


@cache
def solution(name: str, statistics: str = "henderson3", means: str | None = None) -> Any:
    formula = FORMULAS.get(name, name)
    model = ma.Model(formula, levels={"X": "user"} if "X" in formula else None)
    return model.moment_equations(statistics, means=means).solve()


@cache
def module(name: str, statistics: str = "henderson3", means: str | None = None) -> EstimatorModule:
    return generate(lower(solution(name, statistics, means)))


def exact_estimates(
    solved: Any,
    labels: Sequence[Any] | Mapping[str, Sequence[Any]],
    y: Sequence[Any],
    covariates: Mapping[str, Sequence[Any]] | None = None,
) -> dict[str, float]:
    """What exact arithmetic makes of the same floats, by reading the statistics literally."""
    columns = {name: [Fraction(v) for v in values] for name, values in (covariates or {}).items()}
    by_column = labels if isinstance(labels, Mapping) else {"user": labels}
    found = {name: list(values) for name, values in by_column.items()}
    rows = ExactRows(solved.system.model, found, [Fraction(v) for v in y], columns)
    return {key: float(value) for key, value in estimates(solved, rows).items()}
