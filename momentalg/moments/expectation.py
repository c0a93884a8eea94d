"""The expectation of a statistic given the design, as design constants by unknown.

Statistics in totals go through the cumulant engine. A projection statistic y'PKPy has

    E[y'PKPy | design] = sum over components f of var(f) tr(PKP V_f),    V_f = Z_f Z_f', and I for the residual,

provided that P removes the means, which is proved from its columns, once, before the means are dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from momentalg.cumulants.display import is_parameter, parameter_rank, to_node
from momentalg.cumulants.identity import joint_cumulant
from momentalg.cumulants.polynomial import Polynomial, Powers
from momentalg.cumulants.translate import translate
from momentalg.errors import StatisticError, UnsupportedError
from momentalg.expr.columns import factors, same_level
from momentalg.expr.nodes import ZERO, Add, Column, Monomial, Mul, Node, Number, Projected, Trace, add, mul
from momentalg.expr.traversal import walk
from momentalg.model.resolved import ResolvedModel
from momentalg.statistics.projection import constant_within


def expectation(statistic: Node, model: ResolvedModel) -> dict[str, Node]:
    """Design constants by unknown, in the order of the model's parameters; products of means are unknowns.

    Raises `UnsupportedError` for a projection that leaves means, or that stands inside a product.
    """
    found: dict[str, Node] = {}
    plain: list[Node] = []
    for coefficient, part in linear_parts(statistic, Fraction(1)):
        if isinstance(part, Projected):
            for key, node in _projected(part, model).items():
                found[key] = add(found.get(key, ZERO), mul(Number(coefficient), node))
        else:
            plain.append(mul(Number(coefficient), part))
    if plain:
        terms = translate(add(*plain), model)
        if any(term.free_levels for term in terms):
            name = model.groups[0].name
            raise StatisticError(
                "an equation needs a statistic of the whole sample, and this one is of a single level or observation: "
                f"sum it over the levels, as in ma.over({name!r}, ...)"
            )
        polynomial = joint_cumulant([terms], model)
        for key, design in by_unknown(polynomial, model).items():
            found[key] = add(found.get(key, ZERO), to_node(design, model))
    return dict(sorted(found.items(), key=lambda item: unknown_order(item[0], model)))


def by_unknown(polynomial: Polynomial, model: ResolvedModel) -> dict[str, Polynomial]:
    """Collect an expectation by unknown: a component, or a mean parameter or product of them."""
    parts = polynomial.split(is_parameter)
    return {unknown_key(parameters, model): design for parameters, design in parts.items()}


def unknown_key(parameters: Powers, model: ResolvedModel) -> str:
    """The key of an unknown: ``var(1|user)``, ``Intercept``, ``Intercept**2``, ``Intercept*x``."""
    rank = parameter_rank(model)
    powers = sorted(((str(s), p) for s, p in parameters), key=lambda pair: rank.get(pair[0], -1))
    return "*".join(key if power == 1 else f"{key}**{power}" for key, power in powers)


def unknown_order(key: str, model: ResolvedModel) -> tuple[int, str]:
    """Components first, as in the model, then means and their products."""
    components = variance_keys(model)
    return (components.index(key), "") if key in components else (len(components), key)


def variance_keys(model: ResolvedModel) -> list[str]:
    """The variance components (and covariances within blocks) of the model."""
    keys = []
    for block in model.groups:
        names = [str(c.key) for c in block.coefficients]
        keys += [model.cumulant_key(block, (a, b)) for n, a in enumerate(names) for b in names[n:]]
    return [*keys, model.cumulant_key(None, ("1", "1"))]


def linear_parts(node: Node, coefficient: Fraction) -> Iterator[tuple[Fraction, Node]]:
    """A statistic as a rational combination of parts."""
    if isinstance(node, Add):
        for part in node.args:
            yield from linear_parts(part, coefficient)
        return
    if isinstance(node, Mul) and isinstance(node.args[0], Number) and len(node.args) == 2:
        yield from linear_parts(node.args[1], coefficient * node.args[0].value)
        return
    if not isinstance(node, Projected) and any(isinstance(part, Projected) for part in walk(node)):
        raise UnsupportedError("a projection statistic can be added to others and multiplied by numbers, nothing else")
    yield coefficient, node


def _projected(statistic: Projected, model: ResolvedModel) -> Mapping[str, Node]:
    left = [c.key for c in model.mean if not _removed(c.monomial, statistic.columns, model)]
    if left:
        raise UnsupportedError(
            f"the projection leaves the mean columns {', '.join(str(k) for k in left)}; "
            "add them to its columns, or the expectation is no longer free of the means"
        )
    if any(len(block.coefficients) > 1 or block.coefficients[0].monomial for block in model.groups):
        raise UnsupportedError("traces for random slopes are not derivable yet; use statistics in totals instead")
    found: dict[str, Node] = {}
    for block in model.groups:
        if not any(set(f) == set(block.factor) for f in factors(statistic.columns)):  # P Z = 0 otherwise
            key = model.cumulant_key(block, ("1", "1"))
            found[key] = Trace(statistic.columns, statistic.kernel, same_level(block.factor))
    found[model.cumulant_key(None, ("1", "1"))] = Trace(statistic.columns, statistic.kernel, None)
    return found


def _removed(monomial: Monomial, columns: tuple[Column, ...], model: ResolvedModel) -> bool:
    return monomial in columns or any(constant_within(monomial, f, model) for f in factors(columns))
