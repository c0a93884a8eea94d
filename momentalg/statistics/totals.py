"""Matloff's statistics: squares of level totals, and of observations."""

from momentalg.expr.nodes import Over
from momentalg.model.resolved import ResolvedModel
from momentalg.statistics.family import NamedStatistic, StatisticFamily, response_total


def _build(model: ResolvedModel) -> tuple[NamedStatistic, ...]:
    by = model.unit
    return (
        NamedStatistic("SS", Over(by, response_total(by) ** 2)),
        NamedStatistic("SSy", response_total((), response_power=2)),
    )


STATISTIC = StatisticFamily(
    name="totals",
    title="Level totals",
    definition="SS = sum_i S_i^2, the squared level totals; SSy = sum y^2",
    source="Matloff (2016), New Computational Approaches to Large/Complex Mixed Effects Models, JSM",
    assumes=("not mean-free: products of mean parameters are unknowns, or means are plugged in",),
    build=_build,
)
