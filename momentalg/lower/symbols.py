"""Which covariates the rows carry, which the levels do, and the plain identifiers that stand for them."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from momentalg.errors import UnsupportedError
from momentalg.expr.nodes import Add, Function, Mul, Node, Number, Pow, Size, Value, Variable
from momentalg.expr.traversal import walk
from momentalg.lower.arrays import Apply, Const, Expr, Ref, plus, power, times
from momentalg.lower.ir import LevelSymbol, RowSymbol
from momentalg.model.resolved import ResolvedModel

RESPONSE = "y"
_TAKEN = frozenset(  # local names of the generated code, and what it calls
    """
    y n size level levels code codes sums left right columns shift moves moved np csv sys math os estimates e i j k row
    rows table gram moment moments inverse rank slopes cross coefficients totals within matrix value values within_gram
    within_moments within_inverse name names key keys total sum mean scale chunk path main solve combine accumulate
    truncate argv print len min max abs all range list dict str int float
    """.split()
)


@dataclass(frozen=True)
class Symbols:
    """The covariates of a model: by observation as row symbols, constant on the levels as expressions."""

    rows: dict[Variable, RowSymbol]
    levels: dict[Variable, Expr]
    columns: tuple[LevelSymbol, ...]


def is_taken(name: str) -> bool:
    """Whether generated code has another use for `name`, or Python does."""
    prefixes = ("sum_", "total_", "shift_", "move_", "level_", "mean_", "centred_", "estimate_")
    return name in _TAKEN or keyword.iskeyword(name) or name.startswith(prefixes)


def identifiers(names: Iterable[str]) -> dict[str, str]:
    """A distinct plain identifier for each name: the name itself where it is one, else x1, x2, ..."""
    found: dict[str, str] = {}
    for name in names:
        own = re.fullmatch(r"[A-Za-z][A-Za-z0-9]{0,23}", name)
        plain = own is not None and not is_taken(name)
        chosen = name if plain else ""
        number = 1
        while not chosen or chosen in found.values():
            chosen, number = f"x{number}", number + 1
        found[name] = chosen
    return found


def leaves(model: ResolvedModel, variable: Variable) -> tuple[Variable, ...]:
    """The columns and sizes that a covariate is computed from; itself, unless it is a function."""
    if variable.kind != "function":
        return (variable,)
    below: dict[Variable, None] = {}
    for node in walk(_definition(model, variable)):
        if isinstance(node, Value):
            below.update(dict.fromkeys(leaves(model, node.variable)))
        elif isinstance(node, Size):
            below[Variable("size", model.groups[0].name)] = None
    return tuple(below)


def resolve(model: ResolvedModel, variables: Iterable[Variable], shifted: frozenset[Variable]) -> Symbols:
    """Sort covariates into those of the rows and those of the levels.

    Raises `UnsupportedError` for a function of both a covariate by observation and the size of a level, which is not
    known while the rows are read.
    """
    wanted = tuple(dict.fromkeys(variables))
    needed = tuple(dict.fromkeys(v for w in wanted for v in (*leaves(model, w), w)))
    names = identifiers(v.name for v in needed if v.kind != "size")
    by_row = {v for v in needed if any(not _on_level(model, leaf) for leaf in leaves(model, v))}
    rows: dict[Variable, RowSymbol] = {}
    levels: dict[Variable, Expr] = {}
    columns: list[LevelSymbol] = []
    inside_row_functions = {leaf for v in by_row for leaf in leaves(model, v)}
    for v in needed:
        if v in by_row and any(leaf.kind == "size" for leaf in leaves(model, v)):
            raise UnsupportedError(
                f"{v.name} mixes a covariate that varies by observation with the size of a level, which is known only "
                "after all rows are read; use a product of the two, such as x:size(user), or make a column"
            )
        if v in by_row or (v in inside_row_functions and v.kind == "column"):
            name = names[v.name]
            if v.kind == "column":
                rows[v] = RowSymbol(name, v.name, v.name, None, v in shifted, v)
            else:
                value = apply(model, v, lambda leaf: Ref(names[leaf.name]))
                rows[v] = RowSymbol(name, v.name, None, value, v in shifted, v)
        if v not in by_row:
            if v.kind == "size":
                levels[v] = Ref("size", "levels")
            elif v.kind == "column":
                columns.append(LevelSymbol(f"level_{names[v.name]}", v.name))
                levels[v] = Ref(f"level_{names[v.name]}", "levels")
            else:
                levels[v] = apply(model, v, levels.__getitem__)
    return Symbols(rows, levels, tuple(columns))


def apply(model: ResolvedModel, variable: Variable, read: Callable[[Variable], Expr]) -> Expr:
    """The expression of a function variable, with its arguments read by `read`."""
    return _arithmetic(model, _definition(model, variable), read)


def _arithmetic(model: ResolvedModel, node: Node, read: Callable[[Variable], Expr]) -> Expr:
    match node:
        case Number(value):
            return Const(value)
        case Add(args):
            return plus(*(_arithmetic(model, a, read) for a in args))
        case Mul(args):
            return times(*(_arithmetic(model, a, read) for a in args))
        case Pow(base, exponent):
            return power(_arithmetic(model, base, read), exponent)
        case Function(function, body):
            return Apply(function, _arithmetic(model, body, read))
        case Value(variable) if variable.kind == "function":
            return apply(model, variable, read)
        case Value(variable):
            return read(variable)
        case Size():
            return read(Variable("size", model.groups[0].name))
        case _:
            raise UnsupportedError(f"a covariate cannot be computed from {type(node).__name__}; make a column of it")


def _definition(model: ResolvedModel, variable: Variable) -> Node:
    if variable not in model.definitions:
        raise UnsupportedError(f"the model does not define the covariate {variable.name}; make a column of it")
    return model.definitions[variable]


def _on_level(model: ResolvedModel, variable: Variable) -> bool:
    return variable.kind == "size" or model.constant_on.get(variable) == model.groups[0].factor
