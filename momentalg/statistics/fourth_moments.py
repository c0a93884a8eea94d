"""Sums of fourth powers of differences within levels, which identify fourth cumulants of effects and residuals."""

from momentalg.errors import UnsupportedError
from momentalg.expr.nodes import Node, Over, Size
from momentalg.model.resolved import ResolvedModel
from momentalg.statistics.family import NamedStatistic, StatisticFamily, require_intercepts, response_total
from momentalg.statistics.within import STATISTIC as WITHIN


def _build(model: ResolvedModel) -> tuple[NamedStatistic, ...]:
    require_intercepts(model, "Fourth moments", "they are those of intercepts")
    require_constant_mean(model, "Fourth moments")
    levels = [NamedStatistic(f"W[{b.name}]", Over(b.factor, _differences(b.factor))) for b in model.groups]
    return (*WITHIN.build(model), *levels, NamedStatistic("W[e]", _differences(())))


def require_constant_mean(model: ResolvedModel, name: str) -> None:
    """Refuse common terms other than the intercept: differences of observations would hold their effects."""
    others = [c for c in model.mean if c.monomial]
    if others:
        raise UnsupportedError(
            f"{name} are those of differences of observations, and {', '.join(str(c.key) for c in others)} would stay "
            "in them; use statistics='within' for the variance components"
        )


def _differences(by: tuple[str, ...]) -> Node:
    """The sum of (y_j - y_k)^4/2 over the ordered pairs of a level, divided by its size."""
    first, second, third, fourth = (response_total(by, response_power=k) for k in (1, 2, 3, 4))
    return fourth - 4 * third * first / Size(by) + 3 * second**2 / Size(by)


STATISTIC = StatisticFamily(
    name="fourth_moments",
    title="Fourth moments",
    definition="W[f] = sum_i sum_jk (Y_ij - Y_ik)^4 / (2 N_i) = sum_i (T_4 - 4 T_3 S/N + 3 T_2^2/N), T_k the total of "
    "y^k, for each factor; W[e] = the same over all pairs of observations; with them those of 'within'",
    source="Gao and Owen (2017), EJS 11, 1235-1296, sec. 4.2, for two crossed factors without replicates",
    assumes=(
        "N >= 1 for every level in the data",
        "estimates stand for products of components: consistent, with a bias of order one over the number of levels",
    ),
    build=_build,
)
