"""Gao and Owen's statistics: sums of squares within the levels of each factor, and n times the total one."""

from momentalg.expr.nodes import Over, Size
from momentalg.model.resolved import ResolvedModel
from momentalg.statistics.family import NamedStatistic, StatisticFamily, require_intercepts, response_total
from momentalg.statistics.projection import class_statistics


def _build(model: ResolvedModel) -> tuple[NamedStatistic, ...]:
    require_intercepts(model, "Gao and Owen's method", "it has a sum of squares for each factor, none for slopes")
    squares = response_total((), response_power=2)
    within = [
        NamedStatistic(f"U[{b.name}]", squares - Over(b.factor, response_total(b.factor) ** 2 / Size(b.factor)))
        for b in model.groups
    ]
    return (*within, NamedStatistic("U[e]", Size(()) * squares - response_total(()) ** 2), *class_statistics(model))


STATISTIC = StatisticFamily(
    name="gao_owen",
    title="Gao-Owen",
    definition="U[f] = sum y^2 - sum S^2/N, within the levels of f, for each factor; U[e] = n sum y^2 - G^2",
    source="Gao and Owen (2017), EJS 11, 1235-1296; cells may be empty or replicated",
    assumes=(
        "N >= 1 for every level in the data",
        "nothing but an intercept in the mean: with other common terms the expectations carry their products",
    ),
    build=_build,
)
