"""Unweighted means: the variance of the level means, each counted once."""

from momentalg.expr.nodes import ONE, Over, Size
from momentalg.model.resolved import ResolvedModel
from momentalg.statistics.family import NamedStatistic, StatisticFamily, response_total


def _build(model: ResolvedModel) -> tuple[NamedStatistic, ...]:
    by = model.unit
    mean = response_total(by) / Size(by)
    return (
        NamedStatistic("SSM", Over(by, mean**2) - Over(by, mean) ** 2 / Over(by, ONE)),
        NamedStatistic("SSW", response_total((), response_power=2) - Over(by, response_total(by) ** 2 / Size(by))),
    )


STATISTIC = StatisticFamily(
    name="unweighted_means",
    title="Unweighted means",
    definition="SSM = sum_i (Ybar_i - average of the Ybar)^2; SSW = sum y^2 - sum_i S_i^2/N_i",
    source="Yates (1934), JASA 29, 51-66; Searle, Casella and McCulloch (1992), Variance Components, sec. 5.6",
    assumes=("N >= 1 for every level in the data",),
    build=_build,
)
