"""Henderson's method III: reductions in sums of squares by fitting; the means are projected off."""

from momentalg.model.resolved import ResolvedModel
from momentalg.statistics.family import NamedStatistic, StatisticFamily, mean_columns, require_uncorrelated
from momentalg.statistics.projection import class_statistics, sequential_reductions


def _build(model: ResolvedModel) -> tuple[NamedStatistic, ...]:
    require_uncorrelated(model, "Henderson III")
    *found, last = sequential_reductions(mean_columns(model), model)
    return (
        NamedStatistic("R", found[0].node) if len(found) == 1 else found[0],
        *found[1:],
        last,
        *class_statistics(model),
    )


STATISTIC = StatisticFamily(
    name="henderson3",
    title="Henderson III",
    definition="R = RSS(X) - RSS(X, Z), the reduction by a factor after the common terms X and the factors before it; "
    "SSE = RSS(X, Z), after all of them",
    source="Henderson (1953), Biometrics 9, 226-252; Searle, Casella and McCulloch (1992), Variance Components",
    assumes=("the common terms are those of the model: the projection removes them",),
    build=_build,
)
