"""The value of a displayed expression in the algebra: what every step of a derivation is compared by.

A conditional cumulant of statistics is the engine's result; a cumulant of such results is one more application over the
design; a sum over a named observation or level binds it. What is known enters as letters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache, reduce
from itertools import product
from math import factorial
from types import MappingProxyType

from momentalg.cumulants.bound_values import bind_levels, bind_observation
from momentalg.cumulants.design_moments import Known, close, effect_variable
from momentalg.cumulants.letters import to_letters
from momentalg.cumulants.normal_form import Unifier, normal_form
from momentalg.cumulants.over_effects import cumulant_over_effects
from momentalg.cumulants.partitions import Blocks, set_partitions
from momentalg.cumulants.polynomial import UNIT, Polynomial, Powers, times
from momentalg.cumulants.random_view import Statistics, all_design, total_cumulance, with_effects_known
from momentalg.cumulants.raw_moments import raw
from momentalg.cumulants.terms import DEFAULT, SIZE, Cell, Entry, Level, cell_of
from momentalg.cumulants.totals import DesignTotal
from momentalg.cumulants.translate import translate
from momentalg.cumulants.unit_sums import design_cumulant
from momentalg.errors import StatisticError
from momentalg.expr.indices import renamed
from momentalg.expr.names import join_factor
from momentalg.expr.nodes import (
    ONE,
    ZERO,
    Add,
    Cumulant,
    Delta,
    Design,
    Effect,
    Hat,
    LevelSum,
    Mul,
    Node,
    Noise,
    Over,
    Parameter,
    Pow,
    Response,
    Size,
    Sum,
    Total,
    Value,
    Variable,
    add,
    mul,
)
from momentalg.expr.traversal import transform, walk
from momentalg.model.incidence.named import Named
from momentalg.model.resolved import ResolvedModel

NOT_DESIGN = (Parameter, Cumulant, Response, Effect, Noise, Delta, Hat)


def canonical_value(node: Node, model: ResolvedModel) -> Polynomial:
    """The value in raw moments, without the declared independence of design variables being lost: equal when equal."""
    return raw(value(node, model), model)


@lru_cache(maxsize=1024)
def known_variables(given: tuple[Node, ...], model: ResolvedModel) -> Known:
    """The variables that nodes after the bar make known."""
    found: set[Variable] = set()
    for node in given:
        match node:
            case Design():
                found |= all_design(model)
            case Size(by):
                found.add(Variable("size", join_factor(by)))
            case Value(variable):
                found.add(variable)
            case Effect(by, coefficient):
                found.add(_effect_variable(by, coefficient, model))
            case _:
                raise StatisticError(
                    f"{type(node).__name__} cannot be conditioned on; "
                    "use sizes, covariates, a factor's effects or ma.design"
                )
    return close(found, model)


def _effect_variable(by: tuple[str, ...], coefficient: str, model: ResolvedModel) -> Variable:
    for number, block in enumerate(model.groups):
        keys = [str(c.key) for c in block.coefficients]
        if block.factor == by and coefficient in keys:
            return effect_variable(number, keys.index(coefficient), model)
    raise StatisticError(f"the model has no effects of {':'.join(by)}")


def _of_its_block(variable: Variable, model: ResolvedModel) -> Known:
    """The effects that are drawn together with one."""
    number = int(variable.name.partition(":")[0])
    return frozenset(effect_variable(number, c, model) for c in range(len(model.groups[number].coefficients)))


def value(node: Node, model: ResolvedModel, bound: Mapping[str, Cell] = MappingProxyType({})) -> Polynomial:
    """The value of a displayed expression: a polynomial in parameters, letters, design totals and design moments.

    `bound` names the observations that enclosing sums run over, with their levels; only these may coincide.
    """
    return _remembered(node, model, tuple(bound.items()))


@lru_cache(maxsize=4096)
def _remembered(node: Node, model: ResolvedModel, named: tuple[tuple[str, Cell], ...]) -> Polynomial:
    """`value`: the steps of a derivation have most of their parts in common."""
    bound = dict(named)
    if not any(isinstance(part, NOT_DESIGN) for part in walk(node)):
        return _design(node, model, bound)
    match node:
        case Add(args):
            return reduce(lambda a, b: a + b, (value(a, model, bound) for a in args))
        case Mul(args):
            return reduce(lambda a, b: a * b, (value(a, model, bound) for a in args))
        case Pow(base, exponent) if exponent > 0:
            return value(base, model, bound) ** exponent
        case Parameter(key):
            return Polynomial.symbol(key)
        case Delta(first, second):
            if first == second:
                return Polynomial.constant(1)
            return Polynomial.symbol(Delta(*sorted((first, second)))) if {first, second} & set(bound) else Polynomial()
        case Effect(by, coefficient, level, index):
            variable = _effect_variable(by, coefficient, model)
            given = with_effects_known(model, _of_its_block(variable, model))
            return _design(Value(variable, index, level), given, bound)
        case Cumulant(args, given):
            return _coinciding(args, known_variables(given, model), bound, model)
        case Sum(index, body, by, level):
            home = cell_of({c: Level(c, name) for c, name in zip(by, level or (DEFAULT,) * len(by), strict=True)})
            return bind_observation(value(body, model, {**bound, index: home}), index, home, model)
        case LevelSum(levels, body):
            return bind_levels(value(body, model, bound), dict(levels), model)
        case Over(by, body) if by is not None:
            return bind_levels(value(body, model, bound), dict.fromkeys(by, DEFAULT), model, cell=True)
        case _:
            raise StatisticError(f"{type(node).__name__} has no value outside an expectation")


def _design(node: Node, model: ResolvedModel, bound: Mapping[str, Cell]) -> Polynomial:
    found = []
    for term in translate(node, model, bound):
        monomial = normal_form(term, model, Unifier(term.next_number))
        if monomial is not None:
            found.append((monomial, term.coefficient))
    return to_letters(Polynomial(found), model)


def _coinciding(args: tuple[Node, ...], known: Known, bound: Mapping[str, Cell], model: ResolvedModel) -> Polynomial:
    """A cumulant in which named observations that are summed over may be one: a case for each way they coincide."""
    found = {p.index for a in args for p in walk(a) if isinstance(p, (Response, Noise, Value, Effect)) and p.index}
    names = sorted(found & set(bound))
    if len(names) < 2:
        return _cumulant(args, known, bound, model)
    result = Polynomial()
    for alike in set_partitions(len(names)):
        merge = {names[n]: names[block[0]] for block in alike for n in block}
        case = _cumulant(tuple(renamed(a, merge) for a in args), known, bound, model)
        result = result + case * _exactly(alike, names)
    return result


def _exactly(alike: Blocks, names: Sequence[str]) -> Polynomial:
    """The indicator that the names coincide as in `alike` and no further, in deltas (Moebius)."""
    result = Polynomial()
    for grouping in set_partitions(len(alike)):
        sign = 1
        product_of = Polynomial.constant(1)
        for group in grouping:
            sign *= (-1) ** (len(group) - 1) * factorial(len(group) - 1)
            first, *others = sorted(names[n] for block in group for n in alike[block])
            for other in others:
                product_of = product_of * Polynomial.symbol(Delta(first, other))
        result = result + product_of.scale(sign)
    return result


def _cumulant(args: tuple[Node, ...], known: Known, bound: Mapping[str, Cell], model: ResolvedModel) -> Polynomial:
    if any(isinstance(part, Cumulant) for a in args for part in walk(a)):
        inner = [value(a, model, bound) for a in args]
        fixed = all_design(model) <= known
        return cumulant_over_effects(inner, known, model) if fixed else design_cumulant(inner, known, model)
    given = with_effects_known(model, known)
    stages = (known, known | all_design(model))
    result = Polynomial()
    for picked in product(*(_by_parameters(_know_effects(a, known, model)).items() for a in args)):
        statistics = tuple(tuple(translate(statistic, given, bound)) for _, statistic in picked)
        outside = reduce(times, (parameters for parameters, _ in picked))
        result = result + cumulance(statistics, stages, model) * Polynomial({outside: Fraction(1)})
    return _where_effects_are(result, args)


def _where_effects_are(found: Polynomial, args: tuple[Node, ...]) -> Polynomial:
    """A named effect is of a cell that is there: no indicator says so."""
    cells = {
        cell_of({c: Level(c, name) for c, name in zip(e.by, e.level or (DEFAULT,) * len(e.by), strict=True)})
        for a in args
        for e in walk(a)
        if isinstance(e, Effect) and not e.index and len(e.by) > 1
    }
    indicators = {DesignTotal((), (Entry(cell, SIZE, 0),)) for cell in cells}
    if not indicators:
        return found
    return found.substitute(lambda symbol, _: Polynomial.constant(1) if symbol in indicators else None)


@lru_cache(maxsize=1024)
def cumulance(statistics: Statistics, stages: tuple[Known, ...], model: ResolvedModel) -> Polynomial:
    """`total_cumulance`, remembered: a derivation, its steps and their replay ask for the same ones."""
    return total_cumulance(statistics, stages, model)


def _by_parameters(node: Node) -> dict[Powers, Node]:
    """An expression as {monomial in parameters: statistic}: parameters are constants, and come out of everything."""
    match node:
        case Parameter(key):
            return {frozenset({(key, 1)}): ONE}
        case Add(args):
            parts = [pair for a in args for pair in _by_parameters(a).items()]
        case Mul(args):
            parts = [(UNIT, ONE)]
            for a in args:
                parts = [(times(p, q), mul(s, t)) for p, s in parts for q, t in _by_parameters(a).items()]
        case Pow(base, exponent) if exponent > 0 and any(isinstance(p, Parameter) for p in walk(base)):
            return _by_parameters(Mul((base,) * exponent))
        case Sum(body=body) | LevelSum(body=body) | Over(body=body) | Total(body=body):
            parts = [(p, replace(node, body=s)) for p, s in _by_parameters(body).items()]
        case _:
            return {UNIT: node}
    found: dict[Powers, Node] = {}
    for parameters, statistic in parts:
        found[parameters] = add(found.get(parameters, ZERO), statistic)
    return found


def _know_effects(node: Node, known: Known, model: ResolvedModel) -> Node:
    """Effects that are known are values of their level."""

    def change(part: Node) -> Node:
        if isinstance(part, Effect):
            variable = _effect_variable(part.by, part.coefficient, model)
            return Value(variable, part.index, part.level) if variable in known else part
        return part

    return transform(node, change)


def without_laws(model: ResolvedModel) -> ResolvedModel:
    """The model with nothing declared of the joint law of design variables: moments keep their names."""
    law = model.incidence
    return replace(model, independent=(), incidence=None if law is None or model.has_unit else Named(law))
