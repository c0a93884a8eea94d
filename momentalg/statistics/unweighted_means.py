"""Unweighted means: the variance of the level means, each counted once."""

from itertools import pairwise

from momentalg.errors import UnsupportedError
from momentalg.expr.nodes import ONE, Node, Over, Size
from momentalg.model.resolved import ResolvedModel
from momentalg.statistics.family import (
    NamedStatistic,
    StatisticFamily,
    coarse_first,
    require_intercepts,
    response_total,
)


def _build(model: ResolvedModel) -> tuple[NamedStatistic, ...]:
    require_intercepts(model, "Unweighted means", "they are the means of levels")
    blocks = coarse_first(model)
    for outer, inner in pairwise(blocks):
        if not model.is_nested(inner.factor, outer.factor):
            raise UnsupportedError(
                f"unweighted means are for one factor, or for nested ones; {outer.name} and {inner.name} are crossed: "
                "use statistics='within' or 'henderson1'"
            )
    sums = [NamedStatistic(f"SSM[{b.name}]" if len(blocks) > 1 else "SSM", _between(b.factor)) for b in blocks]
    finest = blocks[-1].factor
    within = response_total((), response_power=2) - Over(finest, response_total(finest) ** 2 / Size(finest))
    return (*sums, NamedStatistic("SSW", within))


def _between(by: tuple[str, ...]) -> Node:
    mean = response_total(by) / Size(by)
    return Over(by, mean**2) - Over(by, mean) ** 2 / Over(by, ONE)


STATISTIC = StatisticFamily(
    name="unweighted_means",
    title="Unweighted means",
    definition="SSM = sum_i (Ybar_i - average of the Ybar)^2, for each factor; SSW = sum y^2 - sum_i S_i^2/N_i, "
    "within the levels of the finest",
    source="Yates (1934), JASA 29, 51-66; Searle, Casella and McCulloch (1992), Variance Components, sec. 5.6",
    assumes=("N >= 1 for every level in the data",),
    build=_build,
)
