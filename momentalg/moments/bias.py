"""The bias of plugging in: what replacing products of means by products of their estimates does to the components.

The equations A theta + C beta beta' = E q are solved with beta-hat beta-hat' in place of beta beta', and
E[beta-hat beta-hat' | design] = beta beta' + Cov(beta-hat | design). So the bias is the solution for q = 0 with the
covariances of the estimates in place of their products; these the engine derives.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from momentalg.cumulants.display import to_node
from momentalg.cumulants.identity import joint_cumulant
from momentalg.cumulants.translate import translate
from momentalg.errors import UnsupportedError
from momentalg.expr.expanding import Product, terms
from momentalg.expr.nodes import ZERO, Hat, Letter, Node, Number, Parameter, add, mul, power
from momentalg.expr.traversal import transform
from momentalg.model.resolved import ResolvedModel
from momentalg.moments.equations import Assignment, MomentEquation

if TYPE_CHECKING:
    from momentalg.moments.solution import Solution


def plug_in_bias(solution: Solution) -> Mapping[str, Node]:
    """E[estimate | design] - parameter, by component, as a node in components and design constants.

    Zero for every key unless means are plugged in. Raises `UnsupportedError` where the estimates of the means have no
    closed form (more than two mean parameters).
    """
    system = solution.system
    if not system.plugged_in or solution.variance is None:
        return {a.key: ZERO for a in solution.variance or ()}
    if solution.common is None:
        raise UnsupportedError("the bias of plugging in is derived in closed form for up to two mean parameters")
    estimates = {a.key: _in_statistics(a, system.common) for a in solution.common}
    known: dict[str, Node] = {}
    for assignment in solution.variance:
        parts = [
            _of_term(number, factors, estimates, known, system.model) for number, factors in terms(assignment.value)
        ]
        known[assignment.key] = add(*parts)
    return known


def _in_statistics(assignment: Assignment, equations: tuple[MomentEquation, ...]) -> Node:
    statistics = {e.name: e.statistic for e in equations}
    return transform(assignment.value, lambda part: statistics[part.name] if isinstance(part, Letter) else part)


def _of_term(
    number: Fraction, factors: Product, estimates: Mapping[str, Node], known: Mapping[str, Node], model: ResolvedModel
) -> Node:
    """A term of an estimate: statistics count for nothing, products of means for the covariance of their estimates."""
    outside: list[Node] = [Number(number)]
    means: list[str] = []
    for base, exponent in factors:
        if isinstance(base, Letter):
            return ZERO
        if isinstance(base, Hat) and isinstance(base.body, Parameter):
            key = base.body.key
            if key in known:
                outside.append(known[key])
            else:
                means += [key] * exponent
        else:
            outside.append(power(base, exponent))
    if not means:
        return mul(*outside)
    covariance = joint_cumulant([translate(estimates[key], model) for key in means], model)
    return mul(*outside, to_node(covariance, model))
