"""Henderson's method I, the analysis of variance estimators."""

from momentalg.expr.nodes import Over, Size
from momentalg.model.resolved import ResolvedModel
from momentalg.statistics.family import NamedStatistic, StatisticFamily, response_total


def _build(model: ResolvedModel) -> tuple[NamedStatistic, ...]:
    by = model.unit
    squares, grand = response_total((), response_power=2), response_total(())
    between = Over(by, response_total(by) ** 2 / Size(by))
    return (
        NamedStatistic("SSA", between - grand**2 / Size(())),
        NamedStatistic("SSW", squares - between),
    )


STATISTIC = StatisticFamily(
    name="henderson1",
    title="ANOVA (Henderson I)",
    definition="SSA = sum_i S_i^2/N_i - G^2/n, between levels; SSW = sum y^2 - sum_i S_i^2/N_i, within levels",
    source="Henderson (1953), Biometrics 9, 226-252; Searle, Casella and McCulloch (1992), Variance Components, ch. 5",
    assumes=("N >= 1 for every level in the data",),
    build=_build,
)
