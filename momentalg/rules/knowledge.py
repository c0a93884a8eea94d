"""What is known once something is given: the test that the laws of conditioning share."""

from __future__ import annotations

from momentalg.cumulants.design_moments import bases
from momentalg.cumulants.random_view import all_design, sizes_known
from momentalg.cumulants.value import known_variables
from momentalg.expr.nodes import (
    Cumulant,
    Effect,
    Levels,
    LevelSum,
    Node,
    Noise,
    Over,
    Response,
    Size,
    Total,
    Value,
    Variable,
)
from momentalg.expr.traversal import walk
from momentalg.model.resolved import ResolvedModel


def is_known(node: Node, given: tuple[Node, ...], model: ResolvedModel) -> bool:
    """Whether `node` is a function of what is given."""
    known = known_variables(given, model)
    return _within(node, known, given, model)


def knows_design(given: tuple[Node, ...], model: ResolvedModel) -> bool:
    """Whether everything about the design is given."""
    return all_design(model) <= known_variables(given, model)


def _within(node: Node, known: frozenset[Variable], given: tuple[Node, ...], model: ResolvedModel) -> bool:
    if isinstance(node, Cumulant):
        return all(_within(g, known, given, model) for g in node.given)
    if isinstance(node, (Response, Noise)):
        return False
    if isinstance(node, Effect):  # given the effects of a factor, those of all its levels are known
        return any(isinstance(g, Effect) and (g.by, g.coefficient) == (node.by, node.coefficient) for g in given)
    if isinstance(node, (Size, Total, Over, LevelSum, Levels)) and not sizes_known(known, model):
        return False
    if isinstance(node, Value) and not bases(node.variable, model) <= known:
        return False
    below = [part for part in walk(node) if part is not node]
    return all(
        _within(part, known, given, model)
        for part in below
        if isinstance(part, (Response, Noise, Effect, Size, Value, Cumulant))
    )
