"""Parameters: effects and residuals have mean zero, and their cumulants are the parameters of the model."""

from momentalg.expr.nodes import (
    ZERO,
    Cumulant,
    E,
    Effect,
    Letter,
    LevelSum,
    Node,
    Noise,
    Parameter,
    Size,
    Sum,
    Value,
    Var,
    add,
    mul,
    power,
)
from momentalg.model.resolved import ResolvedModel
from momentalg.rules.knowledge import is_known, knows_design
from momentalg.rules.rule import Context, Rule

BY = ("user",)
N, ALPHA = Size(BY), Effect(BY)


def _rewrite(node: Node, context: Context) -> Node | None:
    if isinstance(node, (Sum, LevelSum)):  # a sum of zeros
        return ZERO if node.body == ZERO else None
    if not isinstance(node, Cumulant):
        return None
    if len(node.args) == 1:
        effect = node.args[0]
        return ZERO if isinstance(effect, (Effect, Noise)) and not is_known(effect, node.given, context.model) else None
    if all(isinstance(a, Noise) for a in node.args):
        if len(set(node.args)) > 1:
            return ZERO
        return residual_cumulant(node.args[0], len(node.args), node.given, context.model)
    effects = [a for a in node.args if isinstance(a, Effect)]
    if len(effects) < len(node.args) or any(is_known(e, node.given, context.model) for e in effects):
        return None
    if len({(e.by, e.level, e.index) for e in effects}) > 1:
        return ZERO
    of = {e.coefficient for e in effects}
    blocks = [
        b for b in context.model.groups if b.factor == effects[0].by and of & {str(c.key) for c in b.coefficients}
    ]
    if len(blocks) > 1:  # terms that are declared independent of one another
        return ZERO
    block = blocks[0]
    return Parameter(context.model.cumulant_key(block, tuple(e.coefficient for e in effects)))


def residual_cumulant(noise: Node, order: int, given: tuple[Node, ...], model: ResolvedModel) -> Node | None:
    """The cumulant of a residual; where it depends on weights or classes of observations, these must be given."""
    index = noise.index if isinstance(noise, Noise) else ""
    cumulants = model.residual_cumulants(order)
    if any(monomial for _, monomial in cumulants) and not knows_design(given, model):
        return None
    terms = []
    for key, monomial in cumulants:
        parameter = [] if key is None else [Parameter(key)]
        terms.append(mul(*parameter, *(power(Value(v, index), p) for v, p in monomial)))
    return add(*terms)


RULE = Rule(
    name="effects",
    title="effects have mean zero and the cumulants of the model",
    left=Var(Letter("alpha"), (Letter("K"),)),
    right=Letter("sigma_alpha^2"),
    rewrite=_rewrite,
    kind="assumption",
    assumes="effects and residuals have mean zero and do not depend on the design",
    source="the model",
    examples=(
        (E(ALPHA, (N,)), ()),
        (Var(ALPHA, (N,)), ()),
        (Cumulant((Noise("j"),) * 3, (N,)), ()),
        (mul(N, Var(Noise("j"), (N,))), ()),
    ),
)
