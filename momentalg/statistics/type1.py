"""Type I sums of squares: each term after those before it, fixed terms first."""

from momentalg.model.resolved import ResolvedModel
from momentalg.statistics.family import NamedStatistic, StatisticFamily, mean_columns, require_uncorrelated
from momentalg.statistics.projection import class_statistics, sequential_reductions


def _build(model: ResolvedModel) -> tuple[NamedStatistic, ...]:
    require_uncorrelated(model, "Type I")
    *reductions, error = sequential_reductions(mean_columns(model), model)
    return (*(NamedStatistic(f"SS{s.name[1:]}", s.node) for s in reductions), error, *class_statistics(model))


STATISTIC = StatisticFamily(
    name="type1",
    title="Type I",
    definition="SS[f] = R(f | X, the factors before f), in the order of the formula, but a factor before those nested "
    "in it; SSE = RSS after all of them",
    source="SAS Institute, SAS/STAT User's Guide, The VARCOMP Procedure, METHOD=TYPE1; Hemmerle and Hartley (1973), "
    "Technometrics 15, 819-831",
    assumes=("the common terms are those of the model, and are fitted first",),
    build=_build,
)
