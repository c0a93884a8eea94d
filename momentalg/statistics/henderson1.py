"""Henderson's method I, the analysis of variance estimators: differences of uncorrected sums of squares."""

from momentalg.expr.nodes import Node, Over, Size, add, negate
from momentalg.model.resolved import ResolvedModel
from momentalg.statistics.family import (
    NamedStatistic,
    StatisticFamily,
    coarse_first,
    require_intercepts,
    response_total,
)
from momentalg.statistics.projection import class_statistics


def _build(model: ResolvedModel) -> tuple[NamedStatistic, ...]:
    require_intercepts(model, "Henderson I", "it has a sum of squares for each factor, none for slopes")
    squares, grand = response_total((), response_power=2), response_total(())
    own: dict[tuple[str, ...], dict[Node, int]] = {(): {grand**2 / Size(()): 1}}
    for block in coarse_first(model):
        found: dict[Node, int] = {Over(block.factor, response_total(block.factor) ** 2 / Size(block.factor)): 1}
        for other, parts in own.items():
            if model.is_nested(block.factor, other):
                _subtract(found, parts)
        own[block.factor] = found
    error: dict[Node, int] = {squares: 1}
    for parts in own.values():
        _subtract(error, parts)
    names = [f"SS[{block.name}]" for block in coarse_first(model)] if len(model.groups) > 1 else ["SSA"]
    sums = [NamedStatistic(name, _sum(own[b.factor])) for name, b in zip(names, coarse_first(model), strict=True)]
    return (*sums, NamedStatistic("SSE" if len(sums) > 1 else "SSW", _sum(error)), *class_statistics(model))


def _subtract(found: dict[Node, int], parts: dict[Node, int]) -> None:
    for node, number in parts.items():
        found[node] = found.get(node, 0) - number


def _sum(parts: dict[Node, int]) -> Node:
    return add(*(negate(node) if number == -1 else number * node for node, number in parts.items() if number))


STATISTIC = StatisticFamily(
    name="henderson1",
    title="ANOVA (Henderson I)",
    definition="SSA = sum_i S_i^2/N_i - G^2/n, between levels; SSW = sum y^2 - sum_i S_i^2/N_i, within levels. With "
    "T[f] = sum S^2/N over the levels of f: SS[f] = T[f] less the SS of all that f is nested in, the mean included; "
    "SSE = sum y^2 less all of them. For crossed factors these are not sums of squares, and may be negative",
    source="Henderson (1953), Biometrics 9, 226-252; Searle, Casella and McCulloch (1992), Variance Components, ch. 5",
    assumes=(
        "N >= 1 for every level in the data",
        "no common terms but the intercept: the expectations carry the products of others",
    ),
    build=_build,
)
