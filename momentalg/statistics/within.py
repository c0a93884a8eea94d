"""Sums of squares within the levels of each factor: linear in the cells, whatever the number of factors."""

from momentalg.model.resolved import ResolvedModel
from momentalg.statistics.family import (
    NamedStatistic,
    StatisticFamily,
    block_columns,
    block_kernels,
    effect_name,
    mean_columns,
)
from momentalg.statistics.projection import class_statistics, projected_totals, residual_sum_of_squares


def _build(model: ResolvedModel) -> tuple[NamedStatistic, ...]:
    common = mean_columns(model)
    correlated = [block for block in model.groups if len(block.coefficients) > 1]
    found = []
    for block in model.groups:
        if block in correlated:
            kernels = block_kernels(block)
            found += [NamedStatistic(f"Q[{name}]", projected_totals(common, k, model)) for name, k in kernels]
        else:
            within = residual_sum_of_squares((*common, *block_columns(block)), model)
            found.append(NamedStatistic(f"U[{effect_name(block)}]", within))
    if correlated:
        node = residual_sum_of_squares((*common, *block_columns(correlated[0])), model)
        return (*found, NamedStatistic(f"U[{correlated[0].name}]", node), *class_statistics(model))
    return (*found, NamedStatistic("RSS", residual_sum_of_squares(common, model)), *class_statistics(model))


STATISTIC = StatisticFamily(
    name="within",
    title="Within levels",
    definition="U[f] = RSS(X, Z_f), the sum of squares within the levels of f, for each factor; RSS = RSS(X). A block "
    "with several coefficients has Q[c,d|f] = y'P Z_c Z_d' P y, P off X, for each pair, and U[f] in place of RSS",
    source="Gao and Owen (2017), EJS 11, 1235-1296, for two crossed factors; Henderson (1953), Biometrics 9, 226-252, "
    "for nested ones; Rao (1970), JASA 65, 161-172, for the forms Q",
    assumes=("the common terms are those of the model: the projection removes them",),
    build=_build,
)
