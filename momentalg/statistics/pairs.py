"""Products of pairs of observations of one level: the Haseman-Elston form, immune to any residual variance."""

from momentalg.expr.nodes import Over
from momentalg.model.resolved import ResolvedModel
from momentalg.statistics.family import NamedStatistic, StatisticFamily, response_total


def _build(model: ResolvedModel) -> tuple[NamedStatistic, ...]:
    by = model.unit
    return (
        NamedStatistic("WP", Over(by, response_total(by) ** 2 - response_total(by, response_power=2))),
        NamedStatistic("SSy", response_total((), response_power=2)),
    )


STATISTIC = StatisticFamily(
    name="pairs",
    title="Pairs (Haseman-Elston)",
    definition="WP = sum_i (S_i^2 - T_i), the products of ordered pairs within levels; SSy = sum y^2",
    source="Haseman and Elston (1972), Behavior Genetics 2, 3-19",
    assumes=("not mean-free: products of mean parameters are unknowns, or means are plugged in",),
    build=_build,
)
