"""A sum of non-negative terms is at least a part of it: the terms in which two levels of one factor are the same."""

from collections.abc import Iterator
from itertools import combinations

from momentalg.cumulants.polynomial import Powers
from momentalg.cumulants.totals import DesignTotal
from momentalg.expr.nodes import Letter, LevelSum
from momentalg.model.resolved import ResolvedModel
from momentalg.rules.bounding import at, bounding, is_nonnegative, levels_of_sum, square_in, summed
from momentalg.rules.rule import Rule


def coincident_levels(total: DesignTotal, model: ResolvedModel) -> Iterator[Powers | None]:
    """Lower bounds of a sum of products of counts, or of squares: its terms with two levels of one column alike."""
    bound = levels_of_sum(total)
    for p, q in combinations(bound, 2):
        others = [pair for pair in combinations(bound, 2) if not {p, q} & {*pair}]
        if p.column == q.column and (
            all(map(is_nonnegative, total.entries)) or any(square_in(total, *pair) for pair in others)
        ):
            yield summed([at(e, {q: p}) for e in total.entries], [v for v in bound if v != q], model)


RULE = Rule(
    name="coincident_levels",
    title="a sum of non-negative terms is at least the part in which two levels are one",
    left=LevelSum((("user", "i"), ("user", "k")), Letter("c_ik")),
    right=LevelSum((("user", "i"),), Letter("c_ii")),
    rewrite=bounding(coincident_levels),
    kind="lower bound",
    where="c_ik are products of counts, or squares, so not negative",
    source="algebra",
    whole=True,
)
