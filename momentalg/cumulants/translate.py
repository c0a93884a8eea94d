"""From the statistic language to terms, for a given model.

Inside a total the empty index means the observation that the total runs over; outside it, a covariate that is constant
on a factor means its value at the default level. Default levels stay free, unless `Over` binds them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from momentalg.cumulants.binding import (
    CURRENT,
    bind_levels,
    default_columns,
    join_current,
    not_empty,
    over_observations,
    sum_over_named,
    total_over,
)
from momentalg.cumulants.level_weights import inverted, levels_of
from momentalg.cumulants.normal_form import Unifier, normal_form
from momentalg.cumulants.polynomial import Polynomial
from momentalg.cumulants.terms import (
    COVARIATE,
    DEFAULT,
    OBSERVATION,
    RESIDUAL,
    RESPONSE,
    SIZE,
    Cell,
    Draw,
    Entry,
    Level,
    Observation,
    Term,
    What,
    cell_of,
    gathered,
    multiply,
)
from momentalg.cumulants.totals import DesignTotal
from momentalg.errors import StatisticError, UnsupportedError
from momentalg.expr.names import join_factor, quote
from momentalg.expr.nodes import (
    Add,
    Average,
    Effect,
    Function,
    Levels,
    LevelSum,
    Mul,
    Node,
    Noise,
    Number,
    Over,
    Pow,
    Response,
    Size,
    Total,
    Value,
    Variable,
)
from momentalg.expr.nodes import Sum as ObservationSum
from momentalg.model.resolved import ResolvedModel

ONE = Term(Fraction(1))


class Scope(NamedTuple):
    """Where a node stands: inside a total, and inside sums over observations named here, with their levels."""

    inside: bool = False
    homes: Mapping[str, Cell] = MappingProxyType({})


def translate(node: Node, model: ResolvedModel, homes: Mapping[str, Cell] | None = None) -> list[Term]:
    """The terms of a statistic. Raises `StatisticError` for what is not a polynomial in totals.

    `homes` gives the level of named observations that sums around the statistic run over.
    """
    return list(_translated(node, model, tuple((homes or {}).items())))


@lru_cache(maxsize=1024)
def _translated(node: Node, model: ResolvedModel, homes: tuple[tuple[str, Cell], ...]) -> tuple[Term, ...]:
    """`translate`, remembered: a derivation asks for the terms of its statistics at every step."""
    terms = _terms(node, model, Scope(False, dict(homes)))
    if any(CURRENT in o.cell for term in terms for o in term.observations):
        raise StatisticError(
            "the response, or a covariate that varies by observation, stands outside any total: "
            "total it over a level first, as in model.total(y, by=...), or name an observation, as in y.at('j')"
        )
    return tuple(terms)


def _terms(node: Node, model: ResolvedModel, scope: Scope) -> list[Term]:
    match node:
        case Number(value):
            return [Term(value)]
        case Add(args):
            return [term for a in args for term in _terms(a, model, scope)]
        case Mul(args):
            return _product([_terms(a, model, scope) for a in args])
        case Pow(base, exponent) if exponent >= 0:
            return _product([_terms(base, model, scope)] * exponent)
        case Pow(Size(by, names), exponent):  # a nested level has one parent, and so one size, whoever its parent is
            return [Term(Fraction(1), entries=(Entry(_cell(by, names), SIZE, exponent),))]
        case Pow(base, exponent):
            return [_inverse(base, model, scope, -exponent)]
        case Response(index):
            return [_draw(RESPONSE, index, model, scope)]
        case Noise(index, ""):
            return [_draw(RESIDUAL, index, model, scope)]
        case Value():
            return [_value(node, model, scope)]
        case Size(by, names):
            return [Term(Fraction(1), entries=(Entry(_cell(by, names), SIZE, 1),))]
        case Total(body, by, names):
            return [total_over(term, _cell(by, names)) for term in _terms(body, model, scope._replace(inside=True))]
        case Over(by, body):
            return _over(by, body, model, scope)
        case Levels(by) if join_factor(by) in model.may_be_empty and _is_counted(by, model):
            return [Term(Fraction(1), entries=(Entry((), What("units", (), by), 1),))]
        case Levels(by):
            return _over(by, Number(Fraction(1)), model, scope)
        case Function("nonempty", Size((_, _, *_) as by, names)):
            return [Term(Fraction(1), entries=(Entry(_cell(by, names), SIZE, 0),))]
        case Function("nonempty", Size(by, names)):
            return [Term(Fraction(1), entries=(Entry(_cell(by, names), What("nonempty"), 1),))]
        case Average(body):
            whole = Over(model.unit, body) / Levels(model.unit)
            return _terms(whole, model, scope)
        case LevelSum(levels, body):
            bind = {Level(c, name): Level(c, "", n) for n, (c, name) in enumerate(levels)}
            cells = tuple(not_empty({v.column: v}) for v in bind if v.column in model.local_to)
            return [bind_levels(t._replace(entries=(*t.entries, *cells)), bind) for t in _terms(body, model, scope)]
        case ObservationSum(index, body, by, names):
            home = _cell(by, names)
            within = scope._replace(homes={**scope.homes, index: home})
            return [sum_over_named(term, index, home) for term in _terms(body, model, within)]
        case Effect(index=""):
            return [_effect(node, _cell(node.by, node.level), model)]
        case Effect(index=index):
            return [_effect(node, _named_cell(index, model, scope), model)]
        case _:
            raise StatisticError(f"{type(node).__name__} is not part of the language of statistics")


def _is_counted(by: tuple[str, ...], model: ResolvedModel) -> bool:
    """Whether a design has a number of levels that it is told: units, or rows and columns, empty ones among them."""
    return by == model.unit if model.has_unit else len(by) == 1 and model.incidence is not None


def _product(factors: list[list[Term]]) -> list[Term]:
    result = [ONE]
    for factor in factors:
        result = gathered(join_current(multiply(term, other)) for term in result for other in factor)
    return result


def _cell(by: tuple[str, ...], names: tuple[str, ...]) -> Cell:
    names = names or (DEFAULT,) * len(by)
    return cell_of({c: Level(c, name) for c, name in zip(by, names, strict=True)})


def _draw(draw: Draw, index: str, model: ResolvedModel, scope: Scope) -> Term:
    cell = _named_cell(index, model, scope) if index else (CURRENT,)
    return Term(Fraction(1), (Observation((draw,), (), cell),))


def _named_cell(index: str, model: ResolvedModel, scope: Scope) -> Cell:
    """The cell of a named observation: the levels of the sum that names it, default levels otherwise."""
    around = scope.homes[index] if index in scope.homes else _cell(model.levelled, ())
    levels = (*around, Level(OBSERVATION, index))
    return cell_of({v.column: v for v in levels})


def _value(node: Value, model: ResolvedModel, scope: Scope) -> Term:
    variable = node.variable
    for number, response in enumerate(model.responses):
        if variable == Variable("column", response.column):
            return _drawn(Draw(COVARIATE, number), node, model, scope)
    columns = model.constant_on.get(variable)
    if columns is None and (factor := model.indicated(variable)) is not None:
        columns = (factor,)  # outside any total, the indicator of a level is a value of the levels of its factor
    if columns is not None and (node.level or not (scope.inside or node.index)):
        what = SIZE if variable.kind == "size" else What("value", ((variable, 1),))
        return Term(Fraction(1), entries=(Entry(_cell(columns, node.level), what, 1),))
    if node.index:
        return Term(Fraction(1), (Observation((), ((variable, 1),), _named_cell(node.index, model, scope)),))
    return Term(Fraction(1), (Observation((), ((variable, 1),), (CURRENT,)),))


def _drawn(draw: Draw, node: Value, model: ResolvedModel, scope: Scope) -> Term:
    """A covariate that is a response: at an observation, or on its level the average of those that carry it."""
    columns = model.constant_on.get(node.variable)
    if columns is None or (not node.level and (scope.inside or node.index)):
        return _draw(draw, node.index, model, scope)
    cell = _cell(columns, node.level)
    return Term(Fraction(1), (Observation((draw,), (), cell),), (Entry(cell, SIZE, -1),))


def _effect(node: Effect, cell: Cell, model: ResolvedModel) -> Term:
    """An effect is the average, over its level, of an observation that carries it; an observation carries its own."""
    for number, block in enumerate(model.groups):
        keys = [str(c.key) for c in block.coefficients]
        if block.factor == node.by and node.coefficient in keys:
            carrier = Observation((Draw("effect", number, keys.index(node.coefficient)),), (), cell)
            return Term(Fraction(1), (carrier,), () if node.index else (Entry(cell, SIZE, -1),))
    raise StatisticError(f"the model has no effect of {node.coefficient} by {join_factor(node.by)}")


def _over(by: tuple[str, ...] | None, body: Node, model: ResolvedModel, scope: Scope) -> list[Term]:
    terms = _terms(body, model, scope._replace(inside=by is None or scope.inside))
    if by is None:
        return [over_observations(term) for term in terms]
    for column in by:
        if column not in model.columns:
            known = ", ".join(quote(c) for c in model.columns)
            raise StatisticError(
                f"over() runs over the levels of a factor of the model; {quote(column)} is none of {known}"
            )
    result = []
    for term in terms:
        inner = default_columns(term) - set(by) - _ancestors(by, model)
        if inner:
            raise StatisticError(
                f"inside over({join_factor(by)}, ...) only totals by factors that contain {join_factor(by)} have a "
                f"meaning; found a total by {join_factor(tuple(sorted(inner)))}"
            )
        columns = sorted({*by, *default_columns(term)})
        if len(columns) > 1 or _ancestors(columns, model):
            term = term._replace(entries=(*term.entries, not_empty({c: Level(c, DEFAULT) for c in columns})))
        start = term.next_number
        bind = {Level(c, DEFAULT): Level(c, "", start + n) for n, c in enumerate(columns)}
        result.append(bind_levels(term, bind))
    return result


def _ancestors(by: Iterable[str], model: ResolvedModel) -> set[str]:
    found: set[str] = set()
    for column in by:
        while column in model.local_to:
            column = model.local_to[column]
            found.add(column)
    return found


def _inverse(base: Node, model: ResolvedModel, scope: Scope, exponent: int) -> Term:
    """1/base to a power: a product of entries is inverted entry by entry, any other design constant is kept whole."""
    terms = _terms(base, model, scope)
    if any(o.draws for term in terms for o in term.observations):
        raise UnsupportedError(
            "a statistic is divided by something that contains the response; only sizes, covariates and design "
            "constants can be denominators. A ratio of two statistics is a function of both: ask for them one by one"
        )
    match terms:
        case [Term(coefficient, (Observation((), covariates, cell),), ())] if cell == (CURRENT,):  # as in sum 1/w
            below = tuple((v, -exponent * power) for v, power in covariates)
            return Term(coefficient ** (-exponent), (Observation((), below, cell),))
    if any(CURRENT in o.cell for term in terms for o in term.observations):
        raise UnsupportedError("division by a sum of covariates that vary by observation: make a column of 1/(x + z)")
    found = Polynomial((m, t.coefficient) for t in terms if (m := _monomial(t, model)) is not None)
    if not found:
        raise StatisticError("division by zero in a statistic")
    sums = any(isinstance(s, DesignTotal) and s.levels for s in found.symbols())
    if len(found.terms) == 1 and not (sums and levels_of(found)):
        ((monomial, coefficient),) = found.terms.items()
        entries = tuple(
            _inverted(total, -exponent * power) for total, power in monomial if isinstance(total, DesignTotal)
        )
        return Term(coefficient ** (-exponent), entries=entries)
    if levels_of(found):
        return inverted(found, exponent)
    return Term(Fraction(1), entries=(Entry((), What("named", (), found), -exponent),))


def _monomial(term: Term, model: ResolvedModel) -> frozenset[tuple[object, int]] | None:
    return normal_form(term, model, Unifier(term.next_number))


def _inverted(total: DesignTotal, power: int) -> Entry:
    if not total.levels:
        cell, what, own = total.entries[0]
        return Entry(cell, what, own * power)
    return Entry((), What("named", (), total), power)
