"""`design_rows`: the exact design of a frame, as plain lists for the engine."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from momentalg.data.columns import is_missing, nested_codes
from momentalg.data.facts import require_facts
from momentalg.data.frames import covariate_columns, select
from momentalg.data.tables import CellTables
from momentalg.errors import DataError
from momentalg.expr.nodes import Add, Function, Indicator, Mul, Node, Number, Pow, Size, Value, Variable
from momentalg.model.resolved import ResolvedModel

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class DesignData:
    """The design of some rows: the label of each row by label column, the value of each row by covariate."""

    labels: Mapping[str, list[Hashable]]
    values: Mapping[Variable, list[Any]]

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(next(iter(self.labels.values())))

    @cached_property
    def sizes(self) -> dict[tuple[str, ...], list[int]]:
        """By factor, the size of the level of each row; filled as sizes are asked for."""
        return {}

    def size(self, by: tuple[str, ...], row: int) -> int:
        """The number of rows in the level that holds a row."""
        if by not in self.sizes:
            cells = list(zip(*(self.labels[c] for c in by), strict=True))
            counts = Counter(cells)
            self.sizes[by] = [counts[cell] for cell in cells]
        return self.sizes[by][row]


def design_rows(frame: Any, model: ResolvedModel) -> DesignData:
    """Read the design of a frame: labels and covariates, without the response.

    Whole numbers and fractions stay exact, floats stay floats; functions of covariates are computed row by row.
    Raises `DataError` for missing values, and for covariates that are not finite numbers.
    """
    columns = covariate_columns(model)
    selected = select(frame, tuple(dict.fromkeys((*model.columns, *columns))))
    labels = {name: [_label(v, name, row) for row, v in enumerate(selected[name].to_list())] for name in model.columns}
    values: dict[Variable, list[Any]] = {}
    for name in (c for c in columns if c not in model.coded):
        values[Variable("column", name)] = [_number(v, name, row) for row, v in enumerate(selected[name].to_list())]
    return with_functions(DesignData(labels, values), model)


def tables_of(data: DesignData, model: ResolvedModel, exact: bool) -> tuple[CellTables, Mapping[str, list[Hashable]]]:
    """The tables of a design, and the label of each code by column; raises `DataError` for facts that do not hold.

    Labels that are local to those of another column are told apart: each stands for one level.
    """
    codes, labels = {}, {}
    for column, found in data.labels.items():
        numbers: dict[Hashable, int] = {}
        codes[column] = _array([numbers.setdefault(label, len(numbers)) for label in found], int)
        labels[column] = list(numbers)
    codes, rows = nested_codes(codes, model)
    labels = {c: [labels[c][n] for n in rows[c]] if c in rows else found for c, found in labels.items()}
    values = {v: _array(found, object if exact else float) for v, found in data.values.items()}
    tables = CellTables(codes, values, data.rows, exact)
    require_facts(tables, model, lambda column, code: labels[column][code])
    return tables, labels


def _array(values: list[Any], dtype: type) -> Array:
    import numpy as np

    found: Array = np.empty(len(values), dtype=dtype)
    found[:] = values
    return found


def with_functions(data: DesignData, model: ResolvedModel) -> DesignData:
    """The design with the functions of covariates that the model defines, computed row by row."""
    values = dict(data.values)
    for variable, definition in model.definitions.items():
        values[variable] = [_function(variable, definition, data, model, row) for row in range(data.rows)]
    return DesignData(data.labels, values)


def _label(value: Any, name: str, row: int) -> Hashable:
    if is_missing(value):
        raise DataError(f"the label {name!r} is missing in row {row}; drop such rows first")
    label: Hashable = value
    return label


def _number(value: Any, name: str, row: int) -> Any:
    if is_missing(value):
        raise DataError(f"the covariate {name!r} is missing in row {row}; drop such rows first")
    if isinstance(value, (bool, int, Fraction)):
        return Fraction(value)
    try:
        found = float(value)
    except (TypeError, ValueError):
        raise DataError(f"the covariate {name!r} is not numeric: row {row} holds {value!r}") from None
    if not math.isfinite(found):
        raise DataError(f"the covariate {name!r} is {found} in row {row}")
    return Fraction(found) if found.is_integer() else found


def _function(variable: Variable, definition: Node, data: DesignData, model: ResolvedModel, row: int) -> Any:
    try:
        return _value(definition, data, model, row)
    except (ArithmeticError, ValueError):  # 1/0, log(-1), exp(1000)
        raise DataError(f"{variable.name} has no value in row {row}: drop such rows, or make a column of it") from None


def _value(node: Node, data: DesignData, model: ResolvedModel, row: int) -> Any:
    match node:
        case Number(value):
            return value
        case Add(args):
            return sum((_value(a, data, model, row) for a in args), Fraction(0))
        case Mul(args):
            return math.prod((_value(a, data, model, row) for a in args), start=Fraction(1))
        case Pow(base, exponent):
            return _value(base, data, model, row) ** exponent
        case Function(name, body):
            return getattr(math, name)(float(_value(body, data, model, row)))
        case Indicator(body, label):
            return Fraction(data.labels[body.variable.name][row] == label)
        case Size(by):
            return Fraction(data.size(by, row))
        case Value(variable) if variable.kind == "size":
            return _value(Size(model.constant_on[variable]), data, model, row)
        case Value(variable) if variable in data.values:
            return data.values[variable][row]
        case Value(variable):
            return _value(model.definitions[variable], data, model, row)
        case _:
            raise DataError(f"a covariate cannot be computed from {type(node).__name__}; make a column of it")
