"""Sums of cubes of deviations within levels, which identify third cumulants of effects and residuals."""

from momentalg.expr.nodes import Node, Over, Size
from momentalg.model.resolved import ResolvedModel
from momentalg.statistics.family import NamedStatistic, StatisticFamily, require_intercepts, response_total
from momentalg.statistics.fourth_moments import require_constant_mean
from momentalg.statistics.within import STATISTIC as WITHIN


def _build(model: ResolvedModel) -> tuple[NamedStatistic, ...]:
    require_intercepts(model, "Third moments", "they are those of intercepts")
    require_constant_mean(model, "Third moments")
    levels = [NamedStatistic(f"C[{b.name}]", Over(b.factor, _cubes(b.factor))) for b in model.groups]
    return (*WITHIN.build(model), *levels, NamedStatistic("C[e]", _cubes(())))


def _cubes(by: tuple[str, ...]) -> Node:
    """The sum of (y - mean of the level)^3."""
    first, second, third = (response_total(by, response_power=k) for k in (1, 2, 3))
    return third - 3 * second * first / Size(by) + 2 * first**3 / Size(by) ** 2


STATISTIC = StatisticFamily(
    name="third_moments",
    title="Third moments",
    definition="C[f] = sum_i sum_j (Y_ij - S_i/N_i)^3, for each factor; C[e] = sum (y - G/n)^3; with them those of "
    "'within'",
    source="Tukey (1956), Annals of Mathematical Statistics 27, 722-736, for balanced designs",
    assumes=("N >= 1 for every level in the data, and N >= 3 for some level of each factor",),
    build=_build,
)
