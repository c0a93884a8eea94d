"""The core identity in one step, for statistics that run over the whole sample or have many partitions."""

from momentalg.cumulants.denominators import cancelled
from momentalg.cumulants.display import to_node
from momentalg.cumulants.letters import from_letters
from momentalg.cumulants.value import value
from momentalg.expr.nodes import DESIGN, Cumulant, E, Letter, LevelSum, Node, Over, Response, Size, Total, add, mul
from momentalg.expr.traversal import walk
from momentalg.rules.knowledge import knows_design
from momentalg.rules.rule import Context, Rule

BY = ("user",)
S, N = Total(Response(), BY), Size(BY)
GIVEN = (Letter("design"),)


def _rewrite(node: Node, context: Context) -> Node | None:
    if not isinstance(node, Cumulant) or any(isinstance(p, Cumulant) for a in node.args for p in walk(a)):
        return None
    if not knows_design(node.given, context.model):
        return None
    return to_node(from_letters(cancelled(value(node, context.model)), context.model), context.model)


RULE = Rule(
    name="core_identity",
    title="sum over set partitions: effects of shared levels, residuals of shared observations",
    left=E(mul(Letter("L_1"), Letter("L_2")), GIVEN),
    right=add(
        mul(E(Letter("L_1"), GIVEN), E(Letter("L_2"), GIVEN)),
        LevelSum((("user", "i"),), mul(Letter("D_1i"), Letter("D_2i"), Letter("sigma_f^2"))),
        mul(Letter("W_12"), Letter("sigma_e^2")),
    ),
    rewrite=_rewrite,
    kind="assumption",
    where="D_1i totals the coefficients of L_1 over level i of a factor, and sigma_f^2 is the variance of its effects; "
    "a term for each factor. W_12 totals the products of the coefficients of L_1 and L_2 over the observations",
    assumes="effects and residuals are independent of one another and of the design",
    source="Leonov and Shiryaev (1959), Theory Probab. Appl. 4, 319-329",
    examples=((E(Over(BY, S**2), (DESIGN,)), ()), (E(S**2, (N,)), ())),
)
