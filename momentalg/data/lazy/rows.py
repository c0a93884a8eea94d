"""What each row has, as expressions of a lazy frame: the row symbols of an estimator, and products of their powers.

Where a function has no value the expression is infinite and not NaN: some engines skip NaN in sums, some raise errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from operator import add, mul
from typing import Any

import narwhals.stable.v2 as nw

from momentalg.data.lazy.columns import INFINITE, Columns
from momentalg.lower import arrays as a
from momentalg.lower.ir import CodedColumn, EstimatorIR, Powers

_LARGEST_EXPONENT = 709.0  # beyond it exp is no finite float
_HAS_VALUE: dict[str, Callable[[Any], Any]] = {
    "log": lambda x: x > 0,
    "sqrt": lambda x: x >= 0,
    "exp": lambda x: x <= _LARGEST_EXPONENT,
}


def symbols(ir: EstimatorIR, columns: Columns) -> dict[str, Any]:
    """The row symbols of an estimator by name, none of them shifted."""
    found: dict[str, Any] = {}
    for symbol in ir.rows:
        if symbol.column is not None:
            found[symbol.name] = nw.col(columns.values[symbol.column])
        elif isinstance(symbol.value, a.HasLabel):
            found[symbol.name] = _has_label(symbol.value, columns)
        elif symbol.value is not None:
            found[symbol.name] = expression(symbol.value, found)
    return found


def expression(expr: a.Expr, known: Mapping[str, Any]) -> Any:
    """The expression of a function of row symbols that are known."""
    match expr:
        case a.Const(value):
            return nw.lit(float(value))
        case a.Ref(name):
            return known[name]
        case a.Plus(args):
            return reduce(add, (expression(t, known) for t in args))
        case a.Times(args):
            return reduce(mul, (expression(t, known) for t in args))
        case a.Power(base, exponent):
            return power(expression(base, known), exponent)
        case a.Apply(function, arg) if function in _HAS_VALUE:
            inner = expression(arg, known)
            value = getattr(inner, function)()
            return nw.when(~_HAS_VALUE[function](inner)).then(nw.lit(INFINITE)).otherwise(value)
        case _:
            raise TypeError(f"no lazy expression for {type(expr).__name__}")


def power(base: Any, exponent: int) -> Any:
    """A whole power by multiplication; of a negative one the reciprocal, infinite at 0."""
    if exponent < 0:
        return nw.when(base == 0.0).then(nw.lit(INFINITE)).otherwise(1.0 / power(base, -exponent))
    return reduce(mul, [base] * exponent) if exponent else nw.lit(1.0)


def product(powers: Powers, symbols: Mapping[str, Any]) -> Any:
    """A product of powers of row symbols."""
    return reduce(mul, (power(symbols[name], exponent) for name, exponent in powers))


def _has_label(value: a.HasLabel, columns: Columns) -> Any:
    """1 where a column has a label, 0 where it has another, or none."""
    return _indicator(_is_one_of(value.column, (value.label,), columns))


def has_no_known_label(coded: CodedColumn, columns: Columns) -> Any:
    """1 where a column has a label that is none of those known by name, 0 where it is one, or missing."""
    return _indicator(~_is_one_of(coded.column, coded.labels, columns))


def _indicator(condition: Any) -> Any:
    return nw.when(condition).then(nw.lit(1.0)).otherwise(nw.lit(0.0))


def _is_one_of(column: str, labels: tuple[str | int | float, ...], columns: Columns) -> Any:
    """Whether the labels in a column are some of those given; a text is none of numbers, nor a number one of texts."""
    key, dtype = nw.col(columns.keys[column]), columns.types[column]
    texts = [label for label in labels if isinstance(label, str)]
    numbers = [label for label in labels if not isinstance(label, str)]
    nowhere = key != key
    if not (isinstance(dtype, nw.Boolean) or dtype.is_numeric()):
        return key.cast(nw.String).is_in(texts) if texts else nowhere
    if dtype.is_integer() and all(isinstance(n, int) for n in numbers):
        return key.cast(nw.Int64).is_in(list(map(int, numbers))) if numbers else nowhere
    return key.cast(nw.Float64).is_in(list(map(float, numbers))) if numbers else nowhere
