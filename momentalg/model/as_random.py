"""A fixed factor read as a random one: the model in which its terms are effects, (1 + x | drug)."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING

from momentalg.errors import ModelError, UnsupportedError
from momentalg.expr.names import join_factor, quote
from momentalg.expr.nodes import Variable
from momentalg.model import describe
from momentalg.model.expansion import expand
from momentalg.model.formula import parse_formula
from momentalg.model.functions import term_key

if TYPE_CHECKING:
    from momentalg.model.model import Model


def named_factors(model: Model, names: Iterable[str] | str) -> tuple[str, ...]:
    """The fixed factors that are to be read as random."""
    found = (names,) if isinstance(names, str) else tuple(names)
    known = ", ".join(map(repr, model.resolved.fixed)) or "none"
    for name in found:
        if name not in model.resolved.fixed:
            raise ModelError(f"as_random= names {name!r}, which is no fixed factor of the model; these are: {known}")
        if any(name in block.factor for block in model.resolved.groups):
            raise UnsupportedError(
                f"as_random=[{name!r}]: the factor is part of a group term already, which would change its meaning; "
                "write the model with the random factor, and compare"
            )
    if not found:
        raise ModelError(f"as_random= names fixed factors of the model; these are: {known}")
    return found


def with_random(model: Model, names: tuple[str, ...]) -> Model:
    """The model whose common terms with these factors are group terms."""
    expanded = expand(parse_formula(model.formula))
    kept: list[str] = []
    slopes: dict[str, list[str]] = {name: [] for name in names}
    for column in expanded.mean:
        inside = [v for v, _ in column.monomial if _factor(v, model) in names]
        others = tuple((v, p) for v, p in column.monomial if v not in inside)
        if len(inside) > 1 or (inside and any(_factor(v, model) in model.resolved.fixed for v, _ in others)):
            raise UnsupportedError(
                f"{column.key}: an interaction of fixed factors has no single reading as random; leave it out, or "
                "write the models that are meant and compare them"
            )
        if inside:
            slopes[str(_factor(inside[0], model))].append(term_key(others) if others else "1")
        elif column.key is None:
            kept.append(f"offset({term_key(column.monomial)})")
        else:
            kept.append("1" if column.key == "Intercept" else str(column.key))
    blocks = [
        f"({' + '.join(['1', *(k for k in keys if k != '1')] if '1' in keys else ['0', *keys])} | {quote(name)})"
        for name, keys in slopes.items()
    ]
    for block in expanded.groups:
        keys = [str(c.key) for c in block.coefficients]
        blocks.append(f"({' + '.join(keys if '1' in keys else ['0', *keys])} | {join_factor(block.factor)})")
    terms = [*(kept if "1" in kept else ["0", *kept]), *blocks[len(slopes) :], *blocks[: len(slopes)]]
    declared = describe.arguments(model.resolved)
    fixed = {name: levels for name, levels in model.resolved.fixed.items() if name not in names}
    return type(model)(f"{quote(expanded.response)} ~ {' + '.join(terms)}", **{**declared, "fixed": fixed or None})


def with_indicators(random: Model, model: Model) -> Model:
    """The model with random factors, for statistics in the indicators of their levels: they are what they were."""
    resolved = model.resolved
    found = copy(random)
    known = replace(random.resolved, definitions={**resolved.definitions}, fixed={**resolved.fixed})
    object.__setattr__(found, "resolved", known)
    return found


def _factor(variable: Variable, model: Model) -> str | None:
    return variable.name if variable.kind in ("factor", "column") and variable.name in model.resolved.fixed else None
