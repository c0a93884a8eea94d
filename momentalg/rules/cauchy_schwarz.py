"""The inequality of Cauchy and Schwarz, with counts as weights: a sum of squares over a design is at most a cheap sum.

sum_r c_r (sum_k w_rk z_rk)^2  <=  sum_r c_r (sum_k w_rk) (sum_k w_rk z_rk^2)      for counts c, w >= 0

Where no count is a factor of the summand, as in totals of covariates, the weights are 1.
"""

from collections.abc import Iterator
from itertools import combinations

from momentalg.cumulants.polynomial import Powers
from momentalg.cumulants.totals import DesignTotal
from momentalg.expr.nodes import Letter, LevelSum, mul
from momentalg.model.resolved import ResolvedModel
from momentalg.rules.bounding import at, bounding, is_count, levels_of_sum, square_in, summed
from momentalg.rules.rule import Rule


def cauchy_schwarz(total: DesignTotal, model: ResolvedModel) -> Iterator[Powers | None]:
    """Upper bounds of a total that is a sum of squares: one for each pair of levels it is a square in, and weight."""
    bound = levels_of_sum(total)
    for p, q in combinations(bound, 2):
        square = square_in(total, p, q)
        if square is None:
            continue
        mine, rest = square
        weights = [e for e in mine if is_count(e) and e.power > 0]
        for weight in weights:
            squares = [e._replace(power=2 * e.power - (e == weight)) for e in mine]
            yield summed([*rest, *squares, at(weight, {p: q})._replace(power=1)], bound, model)
        if not weights:
            yield summed([*rest, *(e._replace(power=2 * e.power) for e in mine)], bound, model)


W, Z = Letter("w_k"), Letter("z_k")
ROWS = (("user", "k"),)

RULE = Rule(
    name="cauchy_schwarz",
    title="Cauchy-Schwarz inequality",
    left=LevelSum(ROWS, mul(W, Z)) ** 2,
    right=mul(LevelSum(ROWS, W), LevelSum(ROWS, mul(W, Z**2))),
    rewrite=bounding(cauchy_schwarz),
    kind="upper bound",
    where="w_k are counts, so not negative",
    source="Cauchy (1821), Cours d'analyse, note II; Gao and Owen (2017), Electron. J. Statist. 11, 1235-1296",
    whole=True,
)
