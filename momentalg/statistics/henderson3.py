"""Henderson's method III: reductions in sums of squares by fitting; the means are projected off."""

from momentalg.expr.nodes import LevelColumns
from momentalg.model.resolved import ResolvedModel
from momentalg.statistics.family import NamedStatistic, StatisticFamily, mean_monomials
from momentalg.statistics.projection import reduction, residual_sum_of_squares


def _build(model: ResolvedModel) -> tuple[NamedStatistic, ...]:
    common = mean_monomials(model)
    without = residual_sum_of_squares(common, model)
    full = residual_sum_of_squares((*common, LevelColumns(model.unit)), model)
    return (NamedStatistic("R", reduction(without, full)), NamedStatistic("SSE", full))


STATISTIC = StatisticFamily(
    name="henderson3",
    title="Henderson III",
    definition="R = RSS(X) - RSS(X, Z), the reduction by the factor after the common terms X; SSE = RSS(X, Z)",
    source="Henderson (1953), Biometrics 9, 226-252; Searle, Casella and McCulloch (1992), Variance Components",
    assumes=("the common terms are those of the model: the projection removes them",),
    build=_build,
)
