"""Derivations evaluated: the number that a result takes on a frame, or under a law of the design of one unit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from momentalg.cumulants.evaluate import Argument, DesignTable, evaluate_law, letter_product, powers_by_key
from momentalg.cumulants.incidence_values import evaluate_incidence
from momentalg.cumulants.letters import from_letters, units_symbol
from momentalg.cumulants.polynomial import Polynomial
from momentalg.cumulants.random_view import all_design
from momentalg.cumulants.translate import translate
from momentalg.cumulants.value import canonical_value, known_variables, without_laws
from momentalg.data.design import DesignData, design_rows, tables_of, with_functions
from momentalg.data.places import Labelled, chosen, occurring, places
from momentalg.data.tables import covariates_of, polynomial_value
from momentalg.errors import DataError, ModelError, UnsupportedError
from momentalg.expr.keys import variable_key
from momentalg.expr.names import join_factor, quote
from momentalg.expr.nodes import Variable
from momentalg.model.designs import read_law
from momentalg.model.distributions.joint import Atom, JointLaw
from momentalg.model.incidence.base import Incidence
from momentalg.model.keys import canonical_key
from momentalg.model.marginals import MarginalLaws
from momentalg.model.resolved import ResolvedModel
from momentalg.model.resolving import meeting

if TYPE_CHECKING:
    from momentalg.derive.derivation import Derivation


def evaluate_derivation(
    derivation: Derivation,
    *,
    parameters: Mapping[str, Any],
    data: Any = None,
    law: Any = None,
    units: Mapping[str, int] | None = None,
    at: Mapping[str, Any] | None = None,
) -> Any:
    """Evaluate on `data` or under `law`; exact when parameters and design are.

    On data, a statistic of a level gives a pandas Series by level (of an intersection: by the cells that occur; of two
    factors: by all pairs of levels), or with `at` the number for that level: ``at={"user": "u7", "item": "i3"}`` maps
    factors or columns to labels of the default levels, and the names given with `.at()` to theirs. Fixed factors have
    the levels that they have in the data, where the model does not know them.

    Of a random crossed design `law` is one of `ma.designs` with its laws given, the model's own by default; `units` are
    the numbers of levels that it leaves open, and `at` the places of levels whose probabilities differ.

    Raises:
        DataError: neither or both of data and law, missing parameters or units, unknown labels.
        UnsupportedError: an unconditional result on data, or a conditional one under a law.

    """
    seen = derivation.model if data is None else derivation.model.with_levels(data)
    model = seen.resolved
    if data is None and law is None and not derivation.given:
        law = model.incidence
    if (data is None) == (law is None):
        raise DataError("evaluate() needs data=... (a frame) or law=... (the law of one unit), and not both")
    numbers = read_parameters(parameters, model)
    if law is not None:
        if derivation.given:
            raise UnsupportedError(
                "the result is conditional: evaluate it with data=..., or ask for the unconditional moment"
            )
        if isinstance(law, Incidence):
            canonical = canonical_value(derivation.asked, replace(meeting(without_laws(model), law), independent=()))
            return evaluate_incidence(canonical, numbers, law, units or {}, at or {})
        return _under_law(derivation, numbers, law, units, model)
    if not all_design(model) <= known_variables(derivation.given, model):
        raise UnsupportedError(
            "the derivation is not conditional on all of the design, so one frame does not give its value: derive it "
            "with given=ma.design, or evaluate it under the empirical law, law=ma.empirical(frame)"
        )
    known = derivation.polynomial if seen is derivation.model else canonical_value(derivation.asked, model)
    return _on_data(derivation, known, numbers, data, at, model)


def read_parameters(parameters: Mapping[str, Any], model: ResolvedModel) -> dict[str, Any]:
    """Parameter values by canonical key: Fractions from int, Fraction and text such as "1/3"; floats as they are."""
    numbers: dict[str, Any] = {}
    if not hasattr(parameters, "items"):
        raise DataError(f"parameters= gives values by key, as in {{'Intercept': 2}}; found {type(parameters).__name__}")
    for key, value in parameters.items():
        name = canonical_key(model, key)
        if name in numbers:
            raise DataError(f"the parameter {name} is given twice")
        numbers[name] = _number(name, value)
    return numbers


def _number(key: str, value: Any) -> Any:
    if isinstance(value, (int, Fraction)) and not isinstance(value, bool):
        return Fraction(value)
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, str):
        try:
            return Fraction(value)
        except (ValueError, ZeroDivisionError):
            pass
    raise DataError(f"the parameter {key} must be a finite number, a Fraction or text such as '1/3'; found {value!r}")


def _on_data(
    derivation: Derivation,
    result: Polynomial,
    numbers: Mapping[str, Any],
    data: Any,
    at: Mapping[str, Any] | None,
    model: ResolvedModel,
) -> Any:
    """The value on a design: variable elimination, in Fractions where everything given is exact, else in floats."""
    rows = design_rows(data, model)
    polynomial = from_letters(result, model)
    used = [rows.values[v] for v in covariates_of(polynomial) if v in rows.values]
    exact = all(isinstance(number, Fraction) for some in (numbers.values(), *used) for number in some)
    tables, labels = tables_of(rows, model, exact)
    found = places((t for argument in derivation.args for t in translate(argument, model)), model)
    if not found:
        if at:
            raise DataError("the statistic is of the whole data: it has no level to be taken at")
        return _number_of(polynomial_value(polynomial, tables, numbers, {}, 1)[0])
    design = Labelled(tables, labels, model)
    if at is not None:
        return _number_of(polynomial_value(polynomial, tables, numbers, chosen(at, found, design), 1)[0])
    import pandas as pd

    codes, index = occurring(found, design)
    values = polynomial_value(polynomial, tables, numbers, codes, len(index))
    return pd.Series([_number_of(v) for v in values], index=index, dtype=object)


def _number_of(value: Any) -> Any:
    """An exact number as a Fraction, a float as it is."""
    return Fraction(value) if isinstance(value, (int, Fraction)) else float(value)


def _under_law(
    derivation: Derivation, numbers: Mapping[str, Any], law: Any, units: Mapping[str, int] | None, model: ResolvedModel
) -> Any:
    read = read_law(law, model)
    name = join_factor(model.unit)
    if units is not None and not _is_number_of_units(units, name):
        raise DataError(f"units= says how many levels {name} has, as in units={{{name!r}: 40}}; found {units!r}")
    if isinstance(read, JointLaw):  # a joint law needs no declared independence, and may contradict it
        free = replace(without_laws(model), incidence=None)
        polynomial, moment = canonical_value(derivation.asked, free), _joint_moment(read, free)
    else:
        polynomial, moment = derivation.canonical_polynomial, _marginal_moment(read, model)
    polynomial = from_letters(polynomial, model)
    if read.may_be_zero and name not in model.may_be_empty:
        _refuse_empty(derivation, name)
    return evaluate_law(polynomial, numbers, moment, units[name] if units else None, units_symbol(model))


def _is_number_of_units(units: object, name: str) -> bool:
    if not isinstance(units, Mapping) or set(units) != {name}:
        return False
    count = units[name]
    return isinstance(count, int) and not isinstance(count, bool) and count > 0


def _refuse_empty(derivation: Derivation, name: str) -> None:
    if derivation.facts:
        raise ModelError(
            f"under this law size({name}) may be 0, and the statistic divides by it: use the law given N >= 1 "
            f"(law.truncated()), or declare ma.may_be_empty({name!r}) to see which statistics allow it"
        )


def _joint_moment(law: JointLaw, model: ResolvedModel) -> Any:
    tables = {id(atom): _unit_table(atom, law, model) for atom in law.atoms}

    def moment(argument: Argument) -> Any:
        return law.expectation(lambda atom: letter_product(argument, tables[id(atom)], model))

    return moment


def _unit_table(atom: Atom, law: JointLaw, model: ResolvedModel) -> DesignTable:
    """The design that consists of one unit as in the atom."""
    rows = int(atom.power(law.size_key, 1))
    columns = _columns(model)
    given = {v: atom[variable_key(v)] for v in columns if variable_key(v) in law.variables}
    values = {v: list(value) if isinstance(value, tuple) else [value] * rows for v, value in given.items()}
    within: dict[str, list[Any]] = {c: list(atom.listed(quote(c))) for c in model.columns if c not in model.unit}
    data = DesignData({**{c: [0] * rows for c in model.unit}, **within}, values)
    if len(given) == len(columns):
        data = with_functions(data, model)
    constants = {v: value for v, value in given.items() if not isinstance(value, tuple)}
    return DesignTable(data.labels, data.values, rows, constants)


def _columns(model: ResolvedModel) -> list[Variable]:
    from momentalg.model.resolving import basic_variables

    return [v for v in basic_variables(model) if v.kind == "column"]


def _marginal_moment(law: MarginalLaws, model: ResolvedModel) -> Any:
    def moment(argument: Argument) -> Any:
        powers = powers_by_key(argument, model)
        if powers is None:
            inner = [join_factor(f) for f in model.factors if f != model.unit]
            example, nested = "{'p': ..., 'size(user)': ...}", ""
            if inner:
                example, nested = f"{{'p': ..., 'size({inner[0]})': [2, 3]}}", ", or ma.designs.nested_sampling(...)"
            raise UnsupportedError(f"this result needs the law as atoms, law=[{example}, ...]{nested}")
        return law.moment(powers)

    return moment
