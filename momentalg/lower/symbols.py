"""Which covariates the rows carry, which the levels do, and the plain identifiers that stand for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from momentalg.errors import UnsupportedError
from momentalg.expr.names import join_factor, split_factor
from momentalg.expr.nodes import Add, Function, Indicator, Mul, Node, Number, Pow, Size, Value, Variable
from momentalg.expr.traversal import walk
from momentalg.lower.arrays import Along, Apply, Const, Expr, HasLabel, Ref
from momentalg.lower.assembling import power
from momentalg.lower.identifiers import identifiers, is_taken
from momentalg.lower.ir import LevelSymbol, Powers, RowSymbol
from momentalg.lower.place import Places
from momentalg.model.resolved import ResolvedModel


@dataclass(frozen=True)
class Symbols:
    """The covariates of a model: by observation as row symbols, constant on levels as expressions along a table.

    Where the model has one factor, a covariate that is constant on its levels is read by level alone. With several, it
    is a row symbol as well, whose products with covariates of another factor need no table of their intersection.
    """

    rows: dict[Variable, RowSymbol]
    levels: dict[Variable, Expr]
    columns: tuple[LevelSymbol, ...]

    @cached_property
    def _indicators(self) -> dict[str, str]:
        """The columns of labels that row symbols are indicators of, by name."""
        return {s.name: s.value.column for s in self.rows.values() if isinstance(s.value, HasLabel)}

    def reduced(self, powers: Powers) -> Powers | None:
        """A product of powers without those of indicators, which are themselves; None when it is 0 at every row.

        Indicators of two levels of one column are nowhere 1 together.
        """
        columns = [self._indicators[name] for name, _ in powers if name in self._indicators]
        if len(set(columns)) < len(columns):
            return None
        return tuple((name, 1 if name in self._indicators else e) for name, e in powers)


def leaves(model: ResolvedModel, variable: Variable) -> tuple[Variable, ...]:
    """The columns and sizes that a covariate is computed from; itself, unless it is a function."""
    if variable.kind != "function" or model.indicated(variable) is not None:
        return (variable,)
    below: dict[Variable, None] = {}
    for node in walk(_definition(model, variable)):
        if isinstance(node, Value):
            below.update(dict.fromkeys(leaves(model, node.variable)))
        elif isinstance(node, Size):
            below[_size(model, node)] = None
    return tuple(below)


def resolve(
    model: ResolvedModel, variables: Iterable[Variable], shifted: frozenset[Variable], places: Places
) -> Symbols:
    """Sort covariates into those of the rows and those of the levels.

    Raises `UnsupportedError` for a function of both a covariate by observation and the size of a level, which is not
    known while the rows are read.
    """
    wanted = tuple(dict.fromkeys(variables))
    needed = tuple(dict.fromkeys(v for w in wanted for v in (*leaves(model, w), w)))
    tables = places.tables
    factors = set(tables.names.values())
    names = identifiers((v.name for v in needed if v.kind != "size"), "x", lambda n: is_taken(n) or n in factors)
    indicators = {v for v in needed if model.indicated(v) is not None}
    by_level = {v for v in needed if all(_on_level(model, leaf) for leaf in leaves(model, v))} - indicators
    with_size = {v for v in needed if any(leaf.kind == "size" for leaf in leaves(model, v))}
    by_row = {v for v in needed if v not in by_level or (tables.alone is None and v not in with_size)}
    read = by_row | {leaf for v in by_row for leaf in leaves(model, v)}
    rows: dict[Variable, RowSymbol] = {}
    levels: dict[Variable, Expr] = {}
    columns: list[LevelSymbol] = []
    for v in needed:
        if v in by_row & with_size:
            raise UnsupportedError(
                f"{v.name} mixes a covariate that varies by observation with the size of a level, which is known only "
                "after all rows are read; use a product of the two, such as x:size(user), or make a column"
            )
        if v.kind == "fixed":
            raise UnsupportedError(
                f"the levels of {v.name} are not known: declare them, fixed={{...: [...]}}, or fit data, which has them"
            )
        if v in indicators:
            rows[v] = RowSymbol(names[v.name], v.name, None, _has_label(model, v), False, v)
        elif v in read and v.kind == "column":
            rows[v] = RowSymbol(names[v.name], v.name, v.name, None, v in shifted, v)
        elif v in by_row:
            value = apply(model, v, lambda leaf: Ref(names[leaf.name]), places)
            rows[v] = RowSymbol(names[v.name], v.name, None, value, v in shifted, v)
        if v in by_level:
            table = tables.of(model.constant_on.get(v, ()))
            if v.kind == "size":
                levels[v] = Ref(f"size{tables.suffix(tables.ask(table))}", Along(table))
            elif v.kind == "column":
                name = f"level_{names[v.name]}"
                columns.append(LevelSymbol(name, v.name, tables.keep(table)))
                levels[v] = Ref(name, Along(table))
            else:
                levels[v] = apply(model, v, levels.__getitem__, places)
    return Symbols(rows, levels, tuple(columns))


def apply(model: ResolvedModel, variable: Variable, read: Callable[[Variable], Expr], places: Places) -> Expr:
    """The expression of a function variable, with its arguments read by `read`."""
    return _arithmetic(model, _definition(model, variable), read, places)


def _has_label(model: ResolvedModel, variable: Variable) -> HasLabel:
    definition = _definition(model, variable)
    if not isinstance(definition, Indicator):
        raise TypeError(f"{variable.name} is no indicator of a level")
    return HasLabel(definition.body.variable.name, definition.label)


def _arithmetic(model: ResolvedModel, node: Node, read: Callable[[Variable], Expr], places: Places) -> Expr:
    match node:
        case Number(value):
            return Const(value)
        case Add(args):
            return places.plus(*(_arithmetic(model, a, read, places) for a in args))
        case Mul(args):
            return places.times(*(_arithmetic(model, a, read, places) for a in args))
        case Pow(base, exponent):
            return power(_arithmetic(model, base, read, places), exponent)
        case Function(function, body):
            return Apply(function, _arithmetic(model, body, read, places))
        case Value(variable) if variable.kind == "function":
            return apply(model, variable, read, places)
        case Value(variable):
            return read(variable)
        case Size():
            return read(_size(model, node))
        case _:
            raise UnsupportedError(f"a covariate cannot be computed from {type(node).__name__}; make a column of it")


def _definition(model: ResolvedModel, variable: Variable) -> Node:
    if variable not in model.definitions:
        raise UnsupportedError(f"the model does not define the covariate {variable.name}; make a column of it")
    return model.definitions[variable]


def _on_level(model: ResolvedModel, variable: Variable) -> bool:
    return variable.kind == "size" or variable in model.constant_on


def _size(model: ResolvedModel, node: Size) -> Variable:
    """The covariate that is the size of a level, under the name that the model has for its factor."""
    known = (v for v in model.constant_on if v.kind == "size" and set(split_factor(v.name)) == set(node.by))
    return next(known, Variable("size", join_factor(node.by)))
