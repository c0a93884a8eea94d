"""Type II sums of squares: each factor after all others that do not contain it."""

from momentalg.model.resolved import ResolvedModel
from momentalg.statistics.family import (
    NamedStatistic,
    StatisticFamily,
    block_columns,
    coarse_first,
    effect_name,
    mean_columns,
    require_uncorrelated,
)
from momentalg.statistics.projection import class_statistics, reduction, residual_sum_of_squares


def _build(model: ResolvedModel) -> tuple[NamedStatistic, ...]:
    require_uncorrelated(model, "Type II")
    common, blocks = mean_columns(model), coarse_first(model)
    found = []
    for block in blocks:
        others = [c for o in blocks if not model.is_nested(o.factor, block.factor) for c in block_columns(o)]
        others += [c for o in blocks if o is not block and o.factor == block.factor for c in block_columns(o)]
        before = (*common, *others)
        without = residual_sum_of_squares(before, model)
        full = residual_sum_of_squares((*before, *block_columns(block)), model)
        found.append(NamedStatistic(f"SS[{effect_name(block)}]", reduction(without, full)))
    everything = (*common, *(c for block in blocks for c in block_columns(block)))
    return (*found, NamedStatistic("SSE", residual_sum_of_squares(everything, model)), *class_statistics(model))


STATISTIC = StatisticFamily(
    name="type2",
    title="Type II",
    definition="SS[f] = R(f | X, all factors but those nested in f); SSE = RSS after all factors",
    source="Yates (1934), JASA 29, 51-66; Herr (1986), The American Statistician 40, 265-270",
    assumes=("the common terms are those of the model: the projection removes them",),
    build=_build,
)
