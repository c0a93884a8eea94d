"""Residuals whose variance is known up to a number, or differs between classes: their cumulants, row by row."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import isqrt
from typing import Any

from momentalg.check.parameters import ParameterValues
from momentalg.errors import AssumptionError
from momentalg.expr.names import quote
from momentalg.model.resolved import ResolvedModel, label_text


def residual_cumulant(
    row: Mapping[str, Any], order: int, model: ResolvedModel, parameters: ParameterValues
) -> Fraction:
    """The cumulant of the residual of one row: that of its class, which it may give by name, scaled by its weight."""
    name = "var(residual)" if order == 2 else f"k{order}(residual)"
    scale = Fraction(1) if model.weights is None else _root(1 / Fraction(row[model.weights]))
    for column, levels in model.residual_by.items():
        if levels is None:
            return scale**order * Fraction(row[f"{name[:-1]}[{quote(column)}])"])
        name = f"{name[:-1]}[{label_text(row[column])}])"
    return scale**order * parameters(name)


def _root(square: Fraction) -> Fraction:
    found = Fraction(isqrt(square.numerator), isqrt(square.denominator))
    if found**2 != square:
        raise AssumptionError(f"exact oracles need weights that are squares of rational numbers; found {1 / square}")
    return found
