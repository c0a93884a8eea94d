"""Derivations evaluated: the number that a result takes on a frame, or under a law of the design of one unit."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from momentalg.cumulants.evaluate import Argument, DesignTable, evaluate, evaluate_law, letter_product, powers_by_key
from momentalg.cumulants.letters import from_letters, units_symbol
from momentalg.cumulants.random_view import all_design
from momentalg.cumulants.terms import DEFAULT, OBSERVATION
from momentalg.cumulants.translate import translate
from momentalg.cumulants.value import canonical_value, known_variables, without_independence
from momentalg.data.design import DesignData, design_rows, with_functions
from momentalg.errors import DataError, ModelError, UnsupportedError
from momentalg.expr.keys import variable_key
from momentalg.expr.names import join_factor
from momentalg.expr.nodes import Variable
from momentalg.model.designs import read_law
from momentalg.model.distributions.joint import Atom, JointLaw
from momentalg.model.keys import canonical_key
from momentalg.model.marginals import MarginalLaws
from momentalg.model.resolved import ResolvedModel

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

    On data, a statistic of a level gives a pandas Series by level, or with `at` the number for that level; ``at`` maps
    the factor to the label of the default level, and the names given with `.at()` to theirs.

    Raises:
        DataError: neither or both of data and law, missing parameters or units, unknown labels.
        UnsupportedError: an unconditional result on data, or a conditional one under a law.

    """
    if (data is None) == (law is None):
        raise DataError("evaluate() needs data=... (a frame) or law=... (the law of one unit), and not both")
    model = derivation.model.resolved
    numbers = read_parameters(parameters, model)
    if law is not None:
        if derivation.given:
            raise UnsupportedError(
                "the result is conditional: evaluate it with data=..., or ask for the unconditional moment"
            )
        return _under_law(derivation, numbers, law, units, model)
    if not all_design(model) <= known_variables(derivation.given, model):
        raise UnsupportedError(
            "the derivation is not conditional on all of the design, so one frame does not give its value: derive it "
            "with given=ma.design, or evaluate it under the empirical law, law=ma.empirical(frame)"
        )
    return _on_data(derivation, numbers, data, at, model)


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
    derivation: Derivation, numbers: Mapping[str, Any], data: Any, at: Mapping[str, Any] | None, model: ResolvedModel
) -> Any:
    rows = design_rows(data, model)
    table = DesignTable(rows.labels, rows.values, rows.rows)
    polynomial = from_letters(derivation.polynomial, model)
    names = _level_names(derivation, model)
    if not names:
        if at:
            raise DataError("the statistic is of the whole data: it has no level to be taken at")
        return evaluate(polynomial, numbers, table)
    levels = list(dict.fromkeys(table.cells(model.unit)))
    if at is not None:
        return evaluate(polynomial, numbers, table, _labels(at, names, levels, model))
    if names != [DEFAULT]:
        example = f"at={{{model.unit[0]!r}: ..., 'k': ...}}"
        raise DataError(f"the statistic is of the levels {', '.join(names)}: say which, as in {example}")
    import pandas as pd

    found = [evaluate(polynomial, numbers, table, _free({DEFAULT: level}, model)) for level in levels]
    labels = [level[0] if len(level) == 1 else level for level in levels]
    return pd.Series(found, index=pd.Index(labels, name=join_factor(model.unit)), dtype=object)


def _level_names(derivation: Derivation, model: ResolvedModel) -> list[str]:
    """The names of the levels that the statistics are of, the default level first."""
    terms = (term for argument in derivation.args for term in translate(argument, model))
    found = {level.name for term in terms for level in term.free_levels if level.column != OBSERVATION}
    return sorted(found, key=lambda name: (name != DEFAULT, name))


def _labels(
    at: Mapping[str, Any], names: list[str], levels: list[tuple[Hashable, ...]], model: ResolvedModel
) -> dict[tuple[str, str], Hashable]:
    chosen: dict[str, tuple[Hashable, ...]] = {}
    if not hasattr(at, "items"):
        raise DataError(f"at= gives labels by factor or name, as in at={{{model.unit[0]!r}: ...}}; found {at!r}")
    for key, label in at.items():
        name = DEFAULT if key == join_factor(model.unit) or key in model.unit else key
        level = (label,) if len(model.unit) == 1 else tuple(label)
        if name not in names:
            raise DataError(f"at= names the level {key!r}, which the statistic does not have")
        if level not in levels:
            raise DataError(f"{label!r} is no level of {join_factor(model.unit)} in the data")
        chosen[name] = level
    missing = [name for name in names if name not in chosen]
    if missing:
        raise DataError(f"at= does not say which level {', '.join(missing)} is")
    if len(set(chosen.values())) < len(chosen):
        raise DataError("two names of levels in at= are the same level; different names stand for different levels")
    return _free(chosen, model)


def _free(chosen: Mapping[str, tuple[Hashable, ...]], model: ResolvedModel) -> dict[tuple[str, str], Hashable]:
    return {(c, name): label for name, level in chosen.items() for c, label in zip(model.unit, level, strict=True)}


def _under_law(
    derivation: Derivation, numbers: Mapping[str, Any], law: Any, units: Mapping[str, int] | None, model: ResolvedModel
) -> Any:
    read = read_law(law, model)
    name = join_factor(model.unit)
    if units is not None and not _is_number_of_units(units, name):
        raise DataError(f"units= says how many levels {name} has, as in units={{{name!r}: 40}}; found {units!r}")
    if isinstance(read, JointLaw):  # a joint law needs no declared independence, and may contradict it
        free = without_independence(model)
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
        return law.expectation(lambda atom: letter_product(argument, tables[id(atom)]))

    return moment


def _unit_table(atom: Atom, law: JointLaw, model: ResolvedModel) -> DesignTable:
    """The design that consists of one unit as in the atom."""
    rows = int(atom.power(law.size_key, 1))
    columns = _columns(model)
    given = {v: atom[variable_key(v)] for v in columns if variable_key(v) in law.variables}
    values = {v: list(value) if isinstance(value, tuple) else [value] * rows for v, value in given.items()}
    data = DesignData({c: [0] * rows for c in model.unit}, values)
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
            raise UnsupportedError("this result needs the law as atoms, law=[{'p': ..., 'size(user)': ...}, ...]")
        return law.moment(powers)

    return moment
