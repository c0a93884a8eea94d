"""Perry's moments: squared level totals of residuals with the covariates of the slopes; no level is inverted."""

from momentalg.errors import UnsupportedError
from momentalg.model.resolved import ResolvedModel
from momentalg.statistics.family import (
    NamedStatistic,
    StatisticFamily,
    block_columns,
    block_kernels,
    mean_columns,
)
from momentalg.statistics.projection import projected_totals, residual_sum_of_squares


def _build(model: ResolvedModel) -> tuple[NamedStatistic, ...]:
    if len({frozenset(block.factor) for block in model.groups}) > 1:
        raise UnsupportedError(
            "Perry's moments are those of one factor, whose levels are independent; "
            "for several use statistics='minque0', the same forms for each of them"
        )
    common, columns = mean_columns(model), [c for block in model.groups for c in block_columns(block)]
    kernels = [pair for block in model.groups for pair in block_kernels(block)]
    forms = [NamedStatistic(f"M[{name}]", projected_totals(common, k, model)) for name, k in kernels]
    return (*forms, NamedStatistic("SSE", residual_sum_of_squares((*common, *columns), model)))


STATISTIC = StatisticFamily(
    name="perry",
    title="Perry",
    definition="M = sum_i W_i (b_i - b)(b_i - b)' W_i with W_i = Z_i'Z_i and b_i least squares in level i, entry by "
    "entry: sum_i Z_i'r_i r_i'Z_i with the residuals r from the common terms; SSE = RSS(X, Z), within levels",
    source="Perry (2017), JRSS B 79, 267-291, with weights for which no level needs an inverse, so that levels with "
    "few observations take part",
    assumes=("the common terms are those of the model: the projection removes them",),
    build=_build,
)
