"""Moments of a random design: expectations of products of sizes, from the law of which levels meet."""

from momentalg.cumulants.display import to_node
from momentalg.cumulants.incidence import readable
from momentalg.cumulants.letters import from_letters
from momentalg.cumulants.value import canonical_value
from momentalg.expr.nodes import Cumulant, E, Letter, LevelSum, Node, Response, Size, mul
from momentalg.expr.traversal import walk
from momentalg.rules.rule import Context, Rule

N_IJ = Size(("user", "item"), ("i", "j"))


def _rewrite(node: Node, context: Context) -> Node | None:
    if context.model.incidence is None or any(isinstance(p, Response) for p in walk(node)):
        return None
    if not any(isinstance(p, Cumulant) for p in walk(node)):
        return None
    new = to_node(from_letters(readable(canonical_value(node, context.model)), context.model), context.model)
    return None if new == node else new


RULE = Rule(
    name="moments_of_incidence",
    title="moments of the random design, by which levels and observations coincide",
    left=E(LevelSum((("item", "j"),), N_IJ**2)),
    right=E(Size(("user",))) + mul(Letter("Q_2"), E(Size(("user",)) ** 2) - E(Size(("user",)))),
    rewrite=_rewrite,
    kind="assumption",
    where="for a level with N observations that each draw an item independently, Q_2 being the sum of the squared "
    "probabilities of the items: two of them draw the same item with probability Q_2",
    assumes="which levels meet, and how often, is random with the law that is declared",
    whole=True,
    source="Owen (2007), Ann. Appl. Stat. 1, 386-411; Gao and Owen (2017), Electron. J. Statist. 11, 1235-1296",
)
