"""Moment equations as data: E[statistic | design] = sum over unknowns of (design constant) * (unknown)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from momentalg.expr.nodes import Node

MEANS = {
    "projection": "the mean parameters do not occur in these equations",
    "products": "products of mean parameters are unknowns of their own, which keeps the estimators exactly unbiased",
    "plug-in": "estimates are put in place of the mean parameters, which makes the estimators biased",
}
"""How mean parameters are treated in the variance equations, and what that does."""


@dataclass(frozen=True)
class MomentEquation:
    """One equation: a statistic, and the design constant that each unknown is multiplied by in its expectation.

    Unknowns are parameter keys (``var(1|user)``, ``Intercept``) or products of mean parameters
    (``Intercept**2``, ``Intercept*x``). Coefficients are nodes over sizes, totals of covariates, level sums and traces.
    """

    name: str
    statistic: Node
    coefficients: Mapping[str, Node]
    known: Node | None = None  # a part of the expectation without unknowns, from an offset


@dataclass(frozen=True)
class Assignment:
    """One step of a solution: `key` is estimated by `value`.

    `value` is made of ``Letter(equation name)`` for the statistics, ``Hat(Parameter(key))`` for what earlier steps
    estimated, design constants, and arithmetic.
    """

    key: str
    value: Node
