"""The model of one factor's levels about their known centre: what derived weights are derived for.

The response is measured from its expectation given the effects of all factors that contain the level, which is taken
as known: the common terms are gone, and so are those effects. The factor's own effects, those nested in it and those
crossed with it, and the residuals are left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

from momentalg.errors import UnsupportedError
from momentalg.expr.names import split_factor
from momentalg.expr.nodes import Factor
from momentalg.expr.notation import Notation
from momentalg.model import describe
from momentalg.model.assumptions import Assumption, GoesWith, Independent, MayBeEmpty, Nested, Unreplicated
from momentalg.model.mapping import FrozenMapping
from momentalg.model.model import Model
from momentalg.model.resolved import ResolvedModel
from momentalg.model.resolving import basic_variables


def deviations(model: ResolvedModel, factor: Factor) -> Model:
    """The model of the deviations, with the same keys of parameters and the same letters.

    Raises `UnsupportedError` for a covariate that goes with an effect, which is no deviation from a known centre.
    """
    if model.goes_with:
        raise UnsupportedError("weights are derived given the covariates: leave out goes_with()")
    kept = tuple(
        b for b in model.groups if set(b.factor) == set(factor) or not model.is_nested(tuple(factor), b.factor)
    )
    left = replace(model, mean=(), groups=kept, incidence=None)
    coefficients = {v for b in kept for c in b.coefficients for v, _ in c.monomial}
    if not any(v in model.definitions or v.kind == "fixed" for v in coefficients):
        left = replace(left, fixed=FrozenMapping(), written="")  # fixed factors are means alone, and gone
    columns = set(left.columns)
    arguments = describe.arguments(left)
    facts = [fact for fact in arguments.pop("assume", []) if _holds(fact, columns)]
    covariates = {v.name for c in left.terms for v, _ in c.monomial if v.kind == "column"}
    levels = {name: on for name, on in arguments.pop("levels", {}).items() if name in covariates}
    arguments = {key: arguments[key] for key in ("weights", "residual_by", "fixed") if key in arguments}
    letters = Notation.of(model)
    symbols = {b.name: s.ascii for b in kept if (s := letters.effect(b.factor)).ascii.isalpha()}
    inside = {name: on for name, on in levels.items() if set(split_factor(on)) <= columns}
    return Model(describe.formula(left), assume=facts, levels=inside, symbols=symbols, **arguments)


def random_design(model: ResolvedModel, rng: Random, rows: int = 14) -> Mapping[str, list[Any]]:
    """A small design with the columns and the declared facts of a model: labels, covariates that are positive."""
    found: list[dict[str, Any]] = []
    for _ in range(rows):
        row: dict[str, Any] = {column: f"{column}{rng.randint(1, 4)}" for column in model.columns}
        for inner, outer in model.local_to.items():
            row[inner] = f"{row[outer]} {row[inner]}"
        for name, labels in model.residual_by.items():
            row[name] = rng.choice(labels or ("p",))
        for variable in basic_variables(model):
            if variable.kind == "column" and variable.name not in row:
                on = model.constant_on.get(variable)
                place = Random(str([row[c] for c in on])) if on else rng  # noqa: S311 - one value for each level
                row[variable.name] = place.randint(1, 9)
        if model.weights is not None:
            row[model.weights] = rng.randint(1, 4)
        if all(any(row[c] != other[c] for c in factor) for factor in model.unreplicated for other in found):
            found.append(row)
    return {name: [row[name] for row in found] for name in found[0]}


def _holds(fact: Assumption, columns: set[str]) -> bool:
    """Whether a declared fact still speaks of factors that the model has."""
    match fact:
        case Nested(inner, outer):
            return {inner, outer} <= columns
        case Unreplicated(factor) | MayBeEmpty(factor):
            return set(split_factor(factor)) <= columns
        case Independent() | GoesWith():
            return False
    return True
