"""The coefficients of moment equations on a frame: the table of expected mean squares of these data."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from momentalg.cumulants.identity import joint_cumulant
from momentalg.cumulants.translate import translate
from momentalg.data.columns import cell_tables, read_columns
from momentalg.data.design import DesignData, with_functions
from momentalg.data.levels import with_levels
from momentalg.data.tables import CellTables, polynomial_value
from momentalg.data.traces import trace
from momentalg.errors import DataError, NotIdentifiedError
from momentalg.expr.nodes import Add, Mul, Node, Number, Pow, Trace
from momentalg.model.describe import arguments
from momentalg.model.model import Model
from momentalg.model.resolved import ResolvedModel

if TYPE_CHECKING:
    import pandas as pd

    from momentalg.moments.system import MomentSystem


def coefficients(system: MomentSystem, frame: Any, missing: str = "refuse", mean_squares: bool = False) -> pd.DataFrame:
    """The coefficients as numbers: a row for each statistic, a column for each unknown.

    The normal equations of a fixed factor whose levels the system does not know are those of the levels of the frame.
    With `mean_squares`, every row of the variance components is divided by its coefficient of var(residual), and the
    table is that of the expected mean squares.

    Raises `DataError` for data that do not fit the model, missing values with ``missing="refuse"``, and
    `NotIdentifiedError` for a mean square that has no degrees of freedom.
    """
    import pandas as pd

    unknown = [name for name, levels in system.model.residual_by.items() if levels is None]
    if unknown:
        raise DataError(
            f"the equations do not know the levels of {unknown[0]}: ask model.with_levels(frame) for its equations, "
            f"or declare them, residual_by={{{unknown[0]!r}: [...]}}"
        )
    system = _with_levels(system, frame)
    tables = frame_tables(frame, system.model, missing)
    equations = system.variance if mean_squares else (*system.common, *system.variance)
    unknowns = (*(() if mean_squares else system.mean_keys), *system.unknowns, *system.plugged_in)
    known: dict[Node, float] = {}
    rows = [
        [constant(e.coefficients[k], tables, system.model, known) if k in e.coefficients else 0.0 for k in unknowns]
        for e in equations
    ]
    names = pd.Index([e.name for e in equations], name="statistic")
    found = pd.DataFrame(rows, index=names, columns=list(unknowns))
    return _mean_squares(found, system) if mean_squares else found


def _with_levels(system: MomentSystem, frame: Any) -> MomentSystem:
    """The system with the normal equations of all mean columns; the other equations hold whatever the levels are."""
    if not system.model.level_values:
        return system
    known, _ = with_levels(Model(system.formula, **arguments(system.model)), frame)
    equations = known.moment_equations("normal_equations")
    return replace(system, model=equations.model, common=equations.common)


def _mean_squares(table: pd.DataFrame, system: MomentSystem) -> pd.DataFrame:
    residual = system.model.cumulant_key(None, ("1", "1"))
    if residual not in table.columns or (table[residual] == 0).any():
        without = ", ".join(table.index[table[residual] == 0] if residual in table.columns else table.index)
        raise NotIdentifiedError(
            f"{without}: the coefficient of {residual} is zero for these data, so there is no mean square; "
            "leave out mean_squares=True"
        )
    return table.div(table[residual], axis=0)


def frame_tables(frame: Any, model: ResolvedModel, missing: str) -> CellTables:
    """The tables of a frame, functions of covariates included."""
    import numpy as np

    columns = read_columns(frame, model, missing)
    tables = cell_tables(columns.arrays, columns.labels, model)
    if not model.definitions:
        return tables
    lists = {v: array.tolist() for v, array in tables.values.items()}
    inputs = {**tables.codes, **columns.inputs(model)}
    data = with_functions(DesignData({c: inputs[c].tolist() for c in tables.codes}, lists), model)
    return replace(tables, values={v: np.array(found, dtype=float) for v, found in data.values.items()})


def constant(node: Node, tables: CellTables, model: ResolvedModel, known: dict[Node, float]) -> float:
    """The value of a node of sizes, covariate totals, level sums and traces; `known` keeps what was computed."""
    if node not in known:
        known[node] = _constant(node, tables, model, known)
    return known[node]


def _constant(node: Node, tables: CellTables, model: ResolvedModel, known: dict[Node, float]) -> float:
    match node:
        case Number(value):
            return float(value)
        case Add(args):
            return math.fsum(constant(a, tables, model, known) for a in args)
        case Mul(args):
            return math.prod(constant(a, tables, model, known) for a in args)
        case Pow(base, exponent):
            return float(constant(base, tables, model, known) ** exponent)
        case Trace():
            return trace(node, tables)
    polynomial = joint_cumulant([translate(node, model)], model)
    return float(polynomial_value(polynomial, tables, {}, {}, 1)[0])
