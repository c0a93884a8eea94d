"""Products of pairs of observations of one level: the Haseman-Elston form, immune to any residual variance."""

from momentalg.expr.monomials import multiply_monomials
from momentalg.expr.nodes import Kernel, Node, Over
from momentalg.model.resolved import ResolvedModel
from momentalg.statistics.family import NamedStatistic, StatisticFamily, block_kernels, response_total
from momentalg.statistics.projection import class_totals, level_product


def _build(model: ResolvedModel) -> tuple[NamedStatistic, ...]:
    kernels = [pair for block in model.groups for pair in block_kernels(block)]
    sums = [NamedStatistic(f"WP[{name}]", _pairs(kernel)) for name, kernel in kernels]
    if len(sums) == 1:
        sums = [NamedStatistic("WP", sums[0].node)]
    return (*sums, NamedStatistic("SSy", response_total((), response_power=2)), *class_totals(model))


def _pairs(kernel: Kernel) -> Node:
    """The sum over ordered pairs of different observations of a level of the products of c y and d y."""
    factor = kernel[0].factor
    both = multiply_monomials(*(c.monomial for c in kernel))
    return Over(factor, level_product(kernel) - response_total(factor, both, response_power=2))


STATISTIC = StatisticFamily(
    name="pairs",
    title="Pairs (Haseman-Elston)",
    definition="WP = sum_i (S_i^2 - T_i), the products of ordered pairs within levels, for each factor; with slopes "
    "also those of x y with y and with x y; SSy = sum y^2",
    source="Haseman and Elston (1972), Behavior Genetics 2, 3-19",
    assumes=("not mean-free: products of mean parameters are unknowns, or means are plugged in",),
    build=_build,
)
