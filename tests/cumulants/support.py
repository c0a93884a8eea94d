"""The engine's exact values of random cases, beside which the tests put those of the oracles."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from momentalg.check.random_cases import Case
from momentalg.check.random_models import COVARIATES, FACTORS, LEVEL_COVARIATE, OWN_COVARIATE
from momentalg.cumulants.design_moments import NONEMPTY, Known, Letter, Moment
from momentalg.cumulants.evaluate import DesignTable, evaluate, total_value
from momentalg.cumulants.identity import joint_cumulant
from momentalg.cumulants.letters import units_symbol
from momentalg.cumulants.polynomial import Polynomial
from momentalg.cumulants.random_view import all_design, total_cumulance, with_effects_known
from momentalg.cumulants.raw_moments import raw
from momentalg.cumulants.terms import What
from momentalg.cumulants.translate import translate
from momentalg.expr.nodes import Node
from momentalg.model.resolved import ResolvedModel

LONG = os.environ.get("MOMENTALG_LONG", "") not in ("", "0")
UNIT = ("user",)


def given_design(statistics: Sequence[Node], model: ResolvedModel) -> Polynomial:
    """The joint cumulant given the design."""
    return joint_cumulant([translate(s, model) for s in statistics], model)


def table_of(rows: Sequence[Mapping[str, Any]]) -> DesignTable:
    """Rows as the engine reads them."""
    labels = {column: [row[column] for row in rows] for column in FACTORS if column in rows[0]}
    covariates = [v for v in COVARIATES if v.name in rows[0]]
    return DesignTable(labels, {v: [Fraction(row[v.name]) for row in rows] for v in covariates}, len(rows))


def engine_value(case: Case) -> Fraction:
    """The joint cumulant of the case's statistics, by the engine."""
    return evaluate(given_design(case.statistics, case.model), case.parameters, table_of(case.rows), case.free)


def random_view(statistics: Sequence[Node], model: ResolvedModel, *stages: Known) -> Polynomial:
    """The joint cumulant given the first stage, through the others, in raw moments; nothing is known by default."""
    stages = stages or (frozenset(),)
    inner = with_effects_known(model, stages[0])
    terms = tuple(tuple(translate(s, inner)) for s in statistics)
    last = stages[-1] | all_design(model) | {LEVEL_COVARIATE, OWN_COVARIATE}  # statistics may have more than the model
    return raw(total_cumulance(terms, (*stages, last), model), model)


def under_law(
    polynomial: Polynomial,
    parameters: Mapping[str, Fraction],
    law: Sequence[Mapping[str, Any]],
    model: ResolvedModel,
    units: int = 1,
) -> Fraction:
    """The value of a result in raw moments when the design of a unit has this finite law.

    What is known of a unit must be the same in all atoms of the law.
    """

    def value(symbol: Any) -> Fraction:
        if isinstance(symbol, str):
            return parameters[symbol]
        if symbol == units_symbol(model):
            return Fraction(units)
        if isinstance(symbol, Letter) and symbol.what.kind == "moment":
            return value(symbol.what.detail)
        if isinstance(symbol, Letter):
            (found,) = {_letter(symbol.what, atom) for atom in law}
            return found
        assert isinstance(symbol, Moment), symbol
        (argument,) = symbol.arguments
        total = Fraction(0)
        for atom in law:
            product = Fraction(atom["p"])
            for (observation, what), power in argument:
                assert not observation
                product *= _letter(what, atom) ** power
            total += product
        return total / sum(Fraction(atom["p"]) for atom in law)

    return total_value(polynomial, value)


def _letter(what: What, atom: Mapping[str, Any]) -> Fraction:
    """The value of a design variable of a unit, from its definition."""
    size = atom["size(user)"]
    if what == NONEMPTY:
        return Fraction(int(size > 0))
    total = Fraction(0)
    for place in range(size) if what.kind == "total" else (0,):
        product = Fraction(1)
        for variable, power in what.monomial:
            found = size if variable.kind == "size" else atom[variable.name]
            product *= Fraction(found[place] if isinstance(found, list) else found) ** power
        total += product
    return total
