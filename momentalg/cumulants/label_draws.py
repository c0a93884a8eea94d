"""Labels as draws: a fixed factor whose labels are sampled, independently for every observation.

The indicators of the levels at one observation are random, with P(label b) = E(drug[b]); those at different
observations are independent, and so are those of different factors.
"""

from __future__ import annotations

from collections.abc import Sequence

from momentalg.cumulants.design_symbols import Moment
from momentalg.cumulants.partitions import set_partitions
from momentalg.cumulants.polynomial import Polynomial
from momentalg.cumulants.terms import Draw, What
from momentalg.expr.nodes import Variable
from momentalg.model.resolved import ResolvedModel, level_indicator

LABEL = "label"
INDEX = "t"  # the observation whose label it is, in print


def label_draw(variable: Variable, model: ResolvedModel) -> Draw:
    """The draw that an indicator is."""
    column = model.indicated(variable)
    factors = list(model.fixed)
    levels = [level_indicator(str(column), label)[0] for label in model.fixed[str(column)] or ()]
    return Draw(LABEL, factors.index(str(column)), levels.index(variable))


def variable_of(draw: Draw, model: ResolvedModel) -> Variable:
    """The indicator that a draw is."""
    column = list(model.fixed)[draw.block]
    return level_indicator(column, (model.fixed[column] or ())[draw.coefficient])[0]


def label_moment(draws: Sequence[Draw], model: ResolvedModel) -> Moment | None:
    """The joint cumulant of indicators at one observation; None when it is zero, of different factors."""
    if any((draw.kind, draw.block) != (LABEL, draws[0].block) for draw in draws):
        return None
    return moment_of(sorted(variable_of(draw, model) for draw in draws))


def moment_of(variables: Sequence[Variable]) -> Moment:
    """The joint cumulant of the indicators at an observation; the probability of a level, of one."""
    return Moment(tuple((((INDEX, What("value", ((v, 1),))), 1),) for v in variables))


def in_probabilities(polynomial: Polynomial) -> Polynomial:
    """Joint cumulants of indicators as polynomials in the probabilities of the levels."""

    def value(symbol: object, power: int) -> Polynomial | None:
        if not isinstance(symbol, Moment) or len(symbol.arguments) < 2:
            return None
        variables = [argument[0][0][1].monomial[0][0] for argument in symbol.arguments]
        result = Polynomial()
        for partition in set_partitions(len(variables)):
            product = Polynomial.constant(_moebius(len(partition)))
            for block in partition:
                same = {variables[n] for n in block}
                product = product * (Polynomial.symbol(moment_of(sorted(same))) if len(same) == 1 else Polynomial())
            result = result + product
        return result**power

    return polynomial.substitute(value)


def _moebius(blocks: int) -> int:
    """(-1)^(b-1) (b-1)!, the weight of a partition into b blocks in a cumulant."""
    weight = 1
    for number in range(1, blocks):
        weight *= -number
    return weight
