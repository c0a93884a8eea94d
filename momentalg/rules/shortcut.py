"""Matloff's shortcut, an approximation: a level total taken as N mu + N alpha, and what that drops."""

from momentalg.expr.expanding import split_sum
from momentalg.expr.keys import read_key
from momentalg.expr.nodes import Letter, Node, Parameter, Response, Size, Total, add, mul
from momentalg.expr.traversal import walk
from momentalg.rules.rule import Context, Rule

BY = ("user",)


def of_residual(key: str) -> bool:
    """Whether a parameter is one of the residual: its variance, or a higher cumulant."""
    return read_key(key).kind == "residual"


def dropped(node: Node) -> tuple[Node, ...]:
    """The terms that contain a parameter of the residual."""
    return tuple(t for t in split_sum(node) if any(isinstance(p, Parameter) and of_residual(p.key) for p in walk(t)))


def _rewrite(node: Node, context: Context) -> Node | None:
    gone = dropped(node)
    return add(*(t for t in split_sum(node) if t not in gone)) if gone else None


RULE = Rule(
    name="shortcut",
    title="shortcut: residuals of a total neglected",
    left=Total(Response(), BY),
    right=add(mul(Size(BY), Letter("mu")), mul(Size(BY), Letter("alpha"))),
    rewrite=_rewrite,
    kind="approximation",
    assumes="residuals average out within levels; for E[N] var(residual) much smaller than E[N^2] var(1|user)",
    source="Matloff (2016), New Computational Approaches to Large/Complex Mixed Effects Models, JSM",
    whole=True,
)
