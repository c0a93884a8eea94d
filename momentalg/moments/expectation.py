"""The expectation of a statistic given the design, as design constants by unknown.

Statistics in totals go through the cumulant engine. A projection statistic y'PKPy has

    E[y'PKPy | design] = sum over the components of  var(c|f) tr(PKP Z_c Z_c')  or  2 cov(c,d|f) tr(PKP Z_c Z_d'),

Z_c the columns of the effect c, level by level, and I for the residual, provided that P removes the means, which is
proved from its columns, once, before the means are dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from momentalg.cumulants.denominators import cancelled
from momentalg.cumulants.display import is_parameter, parameter_rank, to_node
from momentalg.cumulants.identity import joint_cumulant
from momentalg.cumulants.polynomial import Polynomial, Powers
from momentalg.cumulants.reduction import reduced
from momentalg.cumulants.totals import DesignTotal
from momentalg.cumulants.translate import translate
from momentalg.errors import StatisticError, UnsupportedError
from momentalg.expr.keys import column_key, read_key, unknown
from momentalg.expr.nodes import ONE, ZERO, Add, Mul, Node, Number, Parameter, Projected, Trace, add, mul
from momentalg.expr.traversal import walk
from momentalg.model.resolved import ResolvedModel
from momentalg.statistics.family import block_columns, mean_columns, offsets
from momentalg.statistics.projection import spanned


def expectation(statistic: Node, model: ResolvedModel, form: str | None = None) -> dict[str, Node]:
    """Design constants by unknown, in the order of the model's parameters; products of means are unknowns.

    With `form` all that holds means is one unknown of this name, a quadratic form in them, whose coefficient is 1.

    Raises `UnsupportedError` for a projection that leaves means, or that stands inside a product.
    """
    parts = list(linear_parts(statistic, Fraction(1)))
    projected = [(c, part) for c, part in parts if isinstance(part, Projected)]
    traces = [(c, _projected(part, model, form is not None)) for c, part in projected]
    plain = [mul(Number(c), part) for c, part in parts if not isinstance(part, Projected)]
    pieces = [(c, trace) for c, trace in traces if c > 0]  # what is added before what is subtracted
    if plain:
        pieces.append((Fraction(1), _in_totals(add(*plain), model, form is not None)))
    found: dict[str, Node] = {}
    for coefficient, piece in (*pieces, *((c, trace) for c, trace in traces if c < 0)):
        for key, node in piece.items():
            if form is None or is_cumulant(key):
                found[key] = add(found.get(key, ZERO), mul(Number(coefficient), node))
    if form is not None:
        found[form] = ONE
    return dict(sorted(found.items(), key=lambda item: unknown_order(item[0], model)))


def _in_totals(statistic: Node, model: ResolvedModel, with_form: bool) -> Mapping[str, Node]:
    """The expectation of a statistic in totals, by unknown."""
    terms = translate(statistic, model)
    if any(term.free_levels for term in terms):
        name = model.groups[0].name
        raise StatisticError(
            "an equation needs a statistic of the whole sample, and this one is of a single level or observation: "
            f"sum it over the levels, as in ma.over({name!r}, ...)"
        )
    polynomial = cancelled(reduced(joint_cumulant([terms], model), model))
    if not with_form:
        _require_known_levels(polynomial, model)
    return {key: to_node(design, model) for key, design in by_unknown(polynomial, model).items()}


def _require_known_levels(polynomial: Polynomial, model: ResolvedModel) -> None:
    """Refuse values of levels that are not known, of which there are as many as levels."""
    totals = [s for s in polynomial.symbols() if isinstance(s, DesignTotal)]
    values = {v.name for total in totals for e in total.entries for v, _ in e.what.monomial if v in model.level_values}
    classes = {v.name for _, monomial in model.residual_cumulants(2) for v, _ in monomial}
    if values & classes:
        raise _unknown_classes(model)
    if values:
        raise UnsupportedError(
            f"the expectation holds {', '.join(sorted(values))} at levels that are not known: use statistics that "
            "project them off, such as 'henderson3' or 'within', or give the levels, fixed= or model.with_levels(frame)"
        )


def _unknown_classes(model: ResolvedModel) -> UnsupportedError:
    column = ", ".join(model.residual_by)
    return UnsupportedError(
        f"equations need the classes of residuals: residual_by={{{column!r}: [...]}}, or model.with_levels(frame)"
    )


def by_unknown(polynomial: Polynomial, model: ResolvedModel) -> dict[str, Polynomial]:
    """Collect an expectation by unknown: a component, or a mean parameter or product of them."""
    parts = polynomial.split(is_parameter)
    return {unknown_key(parameters, model): design for parameters, design in parts.items()}


def unknown_key(parameters: Powers, model: ResolvedModel) -> str:
    """The key of an unknown: ``var(1|user)``, ``Intercept``, ``Intercept**2``, ``Intercept*x``."""
    rank, components = parameter_rank(model), {key: n for n, key in enumerate(variance_keys(model))}
    powers = sorted(
        ((str(s), p) for s, p in parameters),
        key=lambda pair: (rank.get(pair[0], -1), components.get(pair[0], -1), pair[0]),
    )
    return "*".join(key if power == 1 else f"{key}**{power}" for key, power in powers)


def unknown_order(key: str, model: ResolvedModel) -> tuple[int, int, str]:
    """Components first, as in the model, then cumulants of higher order, then means, and products."""
    components = variance_keys(model)
    if key in components:
        return (components.index(key), 0, "")
    if not is_cumulant(key):
        return (len(components) + 1, 0, key)
    places = [block.name for block in model.groups]
    place = places.index(read_key(key).factor) if read_key(key).factor in places else len(places)
    return (len(components), place, key)


def parameters_in(key: str) -> tuple[str, ...]:
    """The parameters that an unknown is a product of; a parameter's own key alone."""
    return tuple(dict.fromkeys(part.key for part in walk(unknown(key)) if isinstance(part, Parameter)))


def is_cumulant(key: str) -> bool:
    """Whether an unknown is one cumulant of effects or residuals, of any order, and no product."""
    return unknown(key) == Parameter(key) and read_key(key).kind != "mean"


def variance_keys(model: ResolvedModel) -> list[str]:
    """The variance components (and covariances within blocks) of the model."""
    keys = []
    for block in model.groups:
        names = [str(c.key) for c in block.coefficients]
        keys += [model.cumulant_key(block, (a, b)) for n, a in enumerate(names) for b in names[n:]]
    return [*keys, *(key for key, _ in model.residual_cumulants(2) if key is not None)]


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


def _projected(statistic: Projected, model: ResolvedModel, with_means: bool) -> Mapping[str, Node]:
    """Traces by component. Z_c is left out where P Z_c = 0 is proved: of a factor that another one contains, say."""
    left = [c for c in (*mean_columns(model), *offsets(model)) if not spanned(c, statistic.columns, model)]
    if left and not with_means:
        raise UnsupportedError(
            f"the projection leaves the mean columns {', '.join(column_key(c) for c in left)}; "
            "add them to its columns, or the expectation is no longer free of the means"
        )
    found: dict[str, Node] = {}
    for block in model.groups:
        seen = [
            (str(c.key), columns)
            for c, columns in zip(block.coefficients, block_columns(block), strict=True)
            if not spanned(columns, statistic.columns, model)
        ]
        for n, (first, left_columns) in enumerate(seen):
            for second, right_columns in seen[n:]:
                trace = Trace(statistic.columns, statistic.kernel, (left_columns, right_columns))
                number = Number(Fraction(1 if first == second else 2))
                found[model.cumulant_key(block, (first, second))] = mul(number, trace)
    for key, monomial in model.residual_cumulants(2):
        if key is None:
            raise _unknown_classes(model)
        found[key] = Trace(statistic.columns, statistic.kernel, monomial or None)
    return found
