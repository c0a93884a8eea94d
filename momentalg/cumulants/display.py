"""From results back to nodes, in the order in which a statistician writes them.

Terms come by the cumulants they contain, highest order first, effects before the residual before the means; within a
term: number, means, design constants, components.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cache, lru_cache

from momentalg.cumulants.design_moments import COUNT, NONEMPTY, WITHIN, Letter, Moment
from momentalg.cumulants.level_names import apart, level_names
from momentalg.cumulants.level_weights import WEIGHT
from momentalg.cumulants.polynomial import Polynomial, Powers, Symbol
from momentalg.cumulants.terms import DEFAULT, OBSERVATION, Cell, Entry, Level, What
from momentalg.cumulants.totals import DesignTotal, relabelled
from momentalg.expr.keys import read_key
from momentalg.expr.names import join_factor, split_factor
from momentalg.expr.nodes import (
    ONE,
    Cumulant,
    Effect,
    Function,
    Levels,
    LevelSum,
    Monomial,
    Node,
    Number,
    Parameter,
    Size,
    Total,
    Value,
    Variable,
    add,
    mul,
    power,
)
from momentalg.expr.traversal import transform
from momentalg.model.resolved import GroupBlock, ResolvedModel

_ORDER = re.compile(r"k([3-8])\(")


@lru_cache(maxsize=512)
def to_node(polynomial: Polynomial, model: ResolvedModel) -> Node:
    """The polynomial as a sum of terms, collected by parameters; what a law gives is written once, and replayed."""
    return collect(polynomial, model, is_parameter)


def flat_node(polynomial: Polynomial, model: ResolvedModel) -> Node:
    """The polynomial as a sum of single terms."""
    return collect(polynomial, model, lambda _: False)


def is_parameter(symbol: object) -> bool:
    """Whether a symbol is a parameter key, and not a constant of the design."""
    return isinstance(symbol, str)


def collect(polynomial: Polynomial, model: ResolvedModel, outer: Callable[[Symbol], bool]) -> Node:
    """A sum over the parts of the monomials whose symbols satisfy `outer`, each times its coefficient."""
    rank = parameter_rank(model)
    parts = polynomial.split(outer)
    terms = []
    for kept in sorted(parts, key=lambda p: _term_order(p, rank, model)):
        rest = parts[kept]
        if len(rest.terms) == 1:
            ((inner, number),) = rest.terms.items()
            terms.append(_product(number, kept | inner, model, rank))
        else:
            order = sorted(rest.terms, key=lambda p: _term_order(p, rank, model))
            order.sort(key=lambda p: rest.terms[p] < 0)  # n - r, not -r + n
            inside = add(*(_product(rest.terms[m], m, model, rank) for m in order))
            means, others = _means(kept, rank)
            terms.append(mul(*_factors(means, model), inside, *_factors(others, model)))
    return add(*terms)


def parameter_rank(model: ResolvedModel) -> Mapping[str, int]:
    """Positions of the mean parameters; every other parameter is a component."""
    return {column.key: n for n, column in enumerate(model.mean) if column.key is not None}


def _product(number: Fraction, monomial: Powers, model: ResolvedModel, rank: Mapping[str, int]) -> Node:
    parameters = frozenset(pair for pair in monomial if is_parameter(pair[0]))
    means, components = _means(parameters, rank)
    design = _factors(monomial - parameters, model)
    return mul(Number(number), *_factors(means, model), *design, *_factors(components, model))


def _means(parameters: Powers, rank: Mapping[str, int]) -> tuple[Powers, Powers]:
    means = frozenset(pair for pair in parameters if pair[0] in rank)
    return means, parameters - means


def _factors(monomial: Powers, model: ResolvedModel) -> list[Node]:
    made = [(symbol_order(s, model), power(symbol_node(s, model), p)) for s, p in monomial]
    return [node for _, node in sorted(made, key=lambda pair: pair[0])]


def _term_order(monomial: Powers, rank: Mapping[str, int], model: ResolvedModel) -> tuple[object, ...]:
    """Highest cumulants first; then effects, residual, means; then the simpler design constant."""
    orders: list[int] = []
    names: list[tuple[int, tuple[int, ...], str]] = []
    for symbol, exponent in monomial:
        if is_parameter(symbol):
            key = str(symbol)
            match = _ORDER.match(key)
            order = 1 if key in rank else int(match[1]) if match else 2
            orders += [-order] * exponent
            place = (200 + rank[key], ()) if key in rank else _component_place(key, model.groups)
            names += [(*place, key)] * exponent
    design = sorted((repr(s), -p) for s, p in monomial if not is_parameter(s))
    return (sorted(orders) or [0], sorted(names), len(design), design)


@cache
def _component_place(key: str, groups: tuple[GroupBlock, ...]) -> tuple[int, tuple[int, ...]]:
    """Components in the order of the model's terms, the residual last; within a term as its coefficients stand."""
    parsed = read_key(key)
    for number, block in enumerate(groups):
        order = {str(c.key): n for n, c in enumerate(block.coefficients)}
        if parsed.kind == "group" and parsed.factor == block.name and order.keys() >= set(parsed.coefficients):
            return number, tuple(order[c] for c in parsed.coefficients)
    return len(groups), ()


def symbol_order(symbol: object, model: ResolvedModel) -> tuple[int, str]:
    """Where a symbol stands within a product."""
    rank = parameter_rank(model)
    if isinstance(symbol, str):
        return (rank.get(symbol, 10 + ("(residual" in symbol)), symbol)
    varies = isinstance(symbol, DesignTotal) and any(e.what.monomial for e in symbol.entries)
    return (1 + isinstance(symbol, Moment), f"{varies:d}{symbol!r}")


def symbol_node(symbol: object, model: ResolvedModel) -> Node:
    """The node of one symbol."""
    if isinstance(symbol, str):
        return Parameter(symbol)
    if isinstance(symbol, Moment):
        return _moment_node(symbol, "", model)
    if isinstance(symbol, Letter):
        return _value_node(symbol.what, model.unit, _level_of(str(symbol.unit), model), symbol.observation, model)
    if isinstance(symbol, DesignTotal):
        return _total_node(symbol, model)
    raise TypeError(f"{symbol!r} is no symbol of the algebra")


def _level_of(name: str, model: ResolvedModel) -> tuple[str, ...]:
    return () if name in ("", DEFAULT) else (name,) * len(model.unit)


def _moment_node(moment: Moment, unit: str, model: ResolvedModel) -> Node:
    by = model.unit if model.has_unit else ()
    level = _level_of(unit, model)
    arguments = tuple(
        mul(*(power(_value_node(what, by, level, o, model), p) for (o, what), p in argument))
        for argument in sorted(moment.arguments, key=lambda a: (sum(p for _, p in a), repr(a)))
    )
    return Cumulant(arguments, tuple(_given_node(v, level) for v in moment.given))


def _given_node(variable: Variable, level: tuple[str, ...]) -> Node:
    if variable.kind != "size":
        return Value(variable, "", level)
    by = split_factor(variable.name)
    return Size(by, (*level, *(DEFAULT for _ in by[len(level) :])) if level else ())


def _total_node(total: DesignTotal, model: ResolvedModel) -> Node:
    names = level_names(total.levels, {(v.column, v.name) for e in total.entries for v in e.cell if v.free}, model)
    if not total.levels:
        return _factor(total.entries[0], names, model)
    if not total.entries and join_factor(total.levels) not in model.may_be_empty:
        return Levels(total.levels)  # otherwise non-empty levels are fewer than levels
    factors = [_factor(e, names, model) for e in total.entries]
    match factors:
        case [Function("nonempty", Size(by))] if len(by) == len(total.levels):
            return Levels(by)
    levels = sorted(zip(total.levels, names, strict=True), key=lambda pair: _place(pair[0], model))
    return LevelSum(tuple(levels), mul(*factors))


def _place(column: str, model: ResolvedModel) -> int:
    """Where a column stands among those of the model, which is the order that sums and cells are written in."""
    return model.columns.index(column) if column in model.columns else 0


def _factor(entry: Entry, names: list[str], model: ResolvedModel) -> Node:
    """An entry to its power; to the power 0 it is the indicator that its cell is not empty."""
    node = _entry_node(entry.cell, entry.what, names, model)
    return power(node, entry.power) if entry.power else Function("nonempty", node)


def _entry_node(cell: Cell, what: What, names: list[str], model: ResolvedModel) -> Node:
    observation = next((v.name for v in cell if v.column == OBSERVATION), "")
    levels = {v.column: v.name if v.free else names[v.number] for v in cell if v.column != OBSERVATION}
    order = sorted(levels, key=lambda c: _place(c, model))
    bound = any(not v.free for v in cell)
    default = not bound and all(name == DEFAULT for name in levels.values())
    level = () if default else tuple(levels[c] for c in order)
    node = _value_node(what, tuple(order), level, observation, model)
    return apart(node, names, model) if what.kind in ("named", WEIGHT) and names else node


def _value_node(
    what: What, by: tuple[str, ...], level: tuple[str, ...], observation: str, model: ResolvedModel
) -> Node:
    if what.kind == "total":
        return Total(monomial_node(what.monomial), by, level) if what.monomial else Size(by, level)
    if what.kind == "units":
        return Levels(what.detail)
    if what.kind == COUNT:
        return Size(what.detail, ())
    if what == NONEMPTY:
        return Function("nonempty", Size(by, level))
    if what.kind == WITHIN:
        place = {Level(c, DEFAULT): Level(c, name) for c, name in zip(by, level, strict=False)}
        return _total_node(relabelled(what.detail, place), model)
    if what.kind == "moment":
        return _moment_node(what.detail, level[0] if level else "", model)
    if what.kind == WEIGHT:
        return _placed(flat_node(what.detail, model), dict(zip(by, level, strict=False)), model)
    if what.kind == "named":
        detail = what.detail
        return flat_node(detail, model) if isinstance(detail, Polynomial) else symbol_node(detail, model)
    ((variable, _),) = what.monomial
    names = dict(zip(by, level, strict=False))
    if variable.kind == "effect":
        block, coefficient = variable.name.split(":")[:2]
        group = model.groups[int(block)]
        own = tuple(names[c] for c in group.factor if c in names)
        return Effect(group.factor, str(group.coefficients[int(coefficient)].key), own)
    home = model.constant_on.get(variable, by)  # a nested level is named without what it is nested in
    return Value(variable, observation, tuple(names[c] for c in home if c in names))


def _placed(node: Node, names: Mapping[str, str], model: ResolvedModel) -> Node:
    """What is at the default levels, at those with these names."""

    def change(part: Node) -> Node:
        match part:
            case Size(by, ()) | Total(_, by, ()) if names and by:
                return replace(part, level=tuple(names[c] for c in by))
            case Value(variable, "", ()) if names and variable in model.constant_on:
                return replace(part, level=tuple(names[c] for c in model.constant_on[variable]))
        return part

    return transform(node, change)


def monomial_node(monomial: Monomial) -> Node:
    """A covariate monomial as a product of values at the current observation."""
    return mul(*(power(Value(variable), p) for variable, p in monomial)) if monomial else ONE
