"""Matloff's statistics: squares of level totals, and of observations."""

from momentalg.expr.nodes import Over
from momentalg.model.resolved import ResolvedModel
from momentalg.statistics.family import NamedStatistic, StatisticFamily, block_kernels, response_total
from momentalg.statistics.projection import class_totals, level_product


def _build(model: ResolvedModel) -> tuple[NamedStatistic, ...]:
    kernels = [pair for block in model.groups for pair in block_kernels(block)]
    sums = [NamedStatistic(f"SS[{name}]", Over(k[0].factor, level_product(k))) for name, k in kernels]
    if len(sums) == 1:
        sums = [NamedStatistic("SS", sums[0].node)]
    return (*sums, NamedStatistic("SSy", response_total((), response_power=2)), *class_totals(model))


STATISTIC = StatisticFamily(
    name="totals",
    title="Level totals",
    definition="SS = sum_i S_i^2, the squared level totals, for each factor; with slopes sum_i S_i S_xi and "
    "sum_i S_xi^2, S_x the total of x y; SSy = sum y^2",
    source="Matloff (2016), New Computational Approaches to Large/Complex Mixed Effects Models, JSM",
    assumes=("not mean-free: products of mean parameters are unknowns, or means are plugged in",),
    build=_build,
)
