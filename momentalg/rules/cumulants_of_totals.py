"""The joint cumulant of linear forms given the design: the core identity, on the scale of totals."""

from __future__ import annotations

from collections.abc import Iterator

from momentalg.cumulants.display import to_node
from momentalg.cumulants.identity import joint_cumulant
from momentalg.cumulants.polynomial import Polynomial, Powers
from momentalg.cumulants.random_view import with_effects_known
from momentalg.cumulants.totals import DesignTotal
from momentalg.cumulants.translate import translate
from momentalg.cumulants.value import known_variables
from momentalg.expr.free import Free, free
from momentalg.expr.nodes import Cov, Cumulant, Delta, E, Letter, Node, Response, Size, Total, Var, add, mul
from momentalg.expr.traversal import transform, walk
from momentalg.model.resolved import ResolvedModel
from momentalg.rules.knowledge import knows_design
from momentalg.rules.rule import Context, Rule

BY = ("user",)
S, N = Total(Response(), BY), Size(BY)


def _rewrite(node: Node, context: Context) -> Node | None:
    """The value of kappa(L_1, ..., L_k | design) of totals and named responses."""
    if not isinstance(node, Cumulant) or any(isinstance(p, Cumulant) for a in node.args for p in walk(a)):
        return None
    if not any(isinstance(p, Response) for a in node.args for p in walk(a)):
        return None
    if not knows_design(node.given, context.model):
        return None
    model = with_effects_known(context.model, known_variables(node.given, context.model))
    named = [list(dict.fromkeys(f.name for f in _free(a, context.model) if f.column is None)) for a in node.args]
    names = list(dict.fromkeys(name for own in named for name in own))
    if len(names) > 1 and any(own and not isinstance(a, Response) for a, own in zip(node.args, named, strict=True)):
        return None  # which of the observations are one is said for responses that stand alone
    apart = _joint(node.args, model)
    if len(names) < 2:
        return to_node(apart, context.model)
    first = names[0]
    alike = tuple(
        transform(a, lambda p: Response(first) if isinstance(p, Response) and p.index else p) for a in node.args
    )
    residual = Polynomial(
        {m: c for m, c in _joint(alike, model).terms.items() if of_residual(m, len(node.args), model)}
    )
    deltas = [Delta(first, other) for other in names[1:]]
    return add(to_node(apart, context.model), mul(*deltas, to_node(residual, context.model)))


def of_residual(monomial: Powers, order: int, model: ResolvedModel) -> bool:
    """Whether a term is of a cumulant of the residual: a parameter, or a value of the levels of a class."""
    names: set[str] = set()
    for key, values in model.residual_cumulants(order):
        names |= {key} if key is not None else {v.name for v, _ in values if v.kind == "fixed"}
    found = {s for s, _ in monomial if isinstance(s, str)}
    for total in (s for s, _ in monomial if isinstance(s, DesignTotal)):
        found |= {v.name for entry in total.entries for v, _ in entry.what.monomial if v.kind == "fixed"}
    return bool(names & found)


def _free(form: Node, model: ResolvedModel) -> Iterator[Free]:
    return free(form, model.columns, model.constant_on)


def _joint(args: tuple[Node, ...], model: ResolvedModel) -> Polynomial:
    return joint_cumulant([translate(a, model) for a in args], model)


L1, L2, K = Letter("L_1"), Letter("L_2"), (Letter("design"),)

RULE = Rule(
    name="cumulants_of_totals",
    title="joint cumulants of totals: effects of shared levels, residuals of shared observations",
    left=Cov(L1, L2, K),
    right=add(mul(Letter("D_1"), Letter("D_2"), Letter("sigma_f^2")), mul(Letter("W_12"), Letter("sigma_e^2"))),
    rewrite=_rewrite,
    kind="assumption",
    where="D_1 totals the coefficients of L_1 over the level that both share, and sigma_f^2 is the variance of its "
    "effects; W_12 totals the products of the coefficients of L_1 and L_2 over the observations that both share",
    assumes="effects and residuals are independent of one another and of the design",
    source="the model; McCullagh (1987), Tensor Methods in Statistics, ch. 3",
    examples=(
        (Var(S, (N,)), ()),
        (E(S, (N,)), ()),
        (Cov(S, Response("j"), (N,)), ()),
        (Cov(Response("j"), Response("k"), (N,)), ()),
    ),
)
