"""The normal equations of the common terms: ordinary least squares as moment equations."""

from momentalg.model.resolved import ResolvedModel
from momentalg.statistics.family import NamedStatistic, StatisticFamily, response_total


def _build(model: ResolvedModel) -> tuple[NamedStatistic, ...]:
    return tuple(
        NamedStatistic(f"G[{column.key}]", response_total((), column.monomial))
        for column in model.mean
        if column.key is not None
    )


STATISTIC = StatisticFamily(
    name="normal_equations",
    title="Normal equations",
    definition="G[x] = sum x y, for every common term x; G[Intercept] = sum y",
    source="Legendre (1805); E[X'y | X] = X'X beta whatever the effects, so they are unbiased for every mixed model",
    assumes=(),
    build=_build,
)
