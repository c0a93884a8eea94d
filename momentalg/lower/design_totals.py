"""Design totals, sum_ik n_ik**2 / N_i and the like: levels are eliminated one by one, each within a table that exists.

A level is eliminated when all that depends on it lies along one table: the product is taken there, and added up onto
the levels that stay. What is left in the end are cycles, such as sum_ikjl n_ij n_kj n_kl n_il, whose elimination needs
tables that the data do not have. They are contracted as dense arrays, blockwise over the eliminated side.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from momentalg.expr import nodes as node
from momentalg.expr.nodes import Node
from momentalg.lower.arrays import Expr, Table
from momentalg.lower.assembling import plus, times
from momentalg.lower.level_arrays import Contracted, Filled
from momentalg.lower.shapes import shape_of
from momentalg.lower.wording import wording

if TYPE_CHECKING:
    from momentalg.lower.scope import Scope

Level = tuple[str, str]
"""A label column, and the index that names one of its levels."""


class Entry(NamedTuple):
    """A value that depends on some of the levels."""

    levels: frozenset[Level]
    value: Expr


def design_total(levels: tuple[Level, ...], body: Node, scope: Scope) -> Expr:
    """The sum of `body` over the levels, which it names by their indices."""
    if isinstance(body, node.Add):
        return plus(*(design_total(levels, term, scope) for term in body.args))
    factors = body.args if isinstance(body, node.Mul) else (body,)
    entries: dict[frozenset[Level], list[Expr]] = {}
    number: list[Expr] = []
    for factor in factors:
        found = _levels_of(factor, scope) & set(levels)
        value = scope.level(factor, frozenset(found))
        if found:
            entries.setdefault(found, []).append(value)
        else:
            number.append(value)
    left = [Entry(at, scope.places.times(*values)) for at, values in entries.items()]
    return times(*number, _eliminated(left, set(levels), scope, body))


def _eliminated(entries: list[Entry], levels: set[Level], scope: Scope, body: Node) -> Expr:
    while True:
        whole = next((e for e in entries if e.levels == levels), None)
        if whole is not None:
            product = scope.places.times(whole.value, *(e.value for e in entries if e is not whole))
            return _added(product, _table(levels, scope), (), scope)
        for level in sorted(levels):
            joined = [e for e in entries if level in e.levels]
            union = frozenset().union(*(e.levels for e in joined))
            if any(union == e.levels for e in joined):
                break
        else:
            return _contracted(entries, body, scope)
        stays = union - {level}
        product = scope.places.times(*(e.value for e in joined))
        value = _added(product, _table(union, scope), _table(stays, scope), scope)
        entries = [e for e in entries if e not in joined]
        same = next((e for e in entries if e.levels == stays), None)
        if same is not None:
            entries.remove(same)
            value = scope.places.times(same.value, value)
        entries.append(Entry(stays, value))
        levels = levels - {level}


def _added(value: Expr, fine: Table, table: Table, scope: Scope) -> Expr:
    """The sum of `value`, taken along a table, over its levels in each level of a coarser one."""
    if shape_of(value) == "scalar":
        return times(value, scope.count(fine, table))
    return scope.places.onto(scope.places.at(value, fine), table)


def _table(levels: Iterable[Level], scope: Scope) -> Table:
    columns = tuple(column for column, _ in levels)
    return scope.table(columns) if columns else ()


def _contracted(entries: Sequence[Entry], body: Node, scope: Scope) -> Expr:
    """What no table of the data eliminates: a product of dense arrays, one axis for each level."""
    order = sorted(frozenset().union(*(e.levels for e in entries)))
    letters = {level: "ijklmnopqrst"[position] for position, level in enumerate(order)}
    operands, axes, subscripts = [], [], []
    for entry in entries:
        found = sorted(entry.levels)
        table = _table(found, scope)
        size = scope.accumulators.per_level(table, ())
        value = scope.places.at(entry.value, table)
        operands.append(Filled(size, value) if shape_of(value) == "scalar" else value)
        single = [scope.table((column,)) for column, _ in found]
        axes.append(tuple(scope.places.tables.positions(t, table) for t in single) if len(found) > 1 else ())
        subscripts.append("".join(letters[level] for level in found))
    shown = wording(node.LevelSum(tuple(order), body))
    value = Contracted(tuple(operands), tuple(axes), tuple(subscripts), shown)
    return scope.name(value, "cycle", shown)


def _levels_of(item: Node, scope: Scope) -> frozenset[Level]:
    """The levels that a factor of a body names."""
    match item:
        case node.Pow(base, _) | node.Function(_, base):
            return _levels_of(base, scope)
        case node.Add(args) | node.Mul(args):
            return frozenset().union(*(_levels_of(a, scope) for a in args))
        case node.Size(by, level) | node.Total(_, by, level) | node.Sum(_, _, by, level) if level:
            return frozenset(zip(by, level, strict=True))
        case node.Value(variable, _, level) if level:
            return frozenset(zip(scope.table(scope.places.tables.model.constant_on[variable]), level, strict=True))
        case _:
            return frozenset()
