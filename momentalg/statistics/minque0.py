"""MINQUE(0), also MIVQUE(0): squared totals and squares of what the common terms leave."""

from momentalg.model.resolved import ResolvedModel
from momentalg.statistics.family import NamedStatistic, StatisticFamily, block_kernels, mean_columns
from momentalg.statistics.projection import class_statistics, projected_totals, residual_sum_of_squares


def _build(model: ResolvedModel) -> tuple[NamedStatistic, ...]:
    common = mean_columns(model)
    kernels = [pair for block in model.groups for pair in block_kernels(block)]
    forms = [NamedStatistic(f"Q[{name}]", projected_totals(common, k, model)) for name, k in kernels]
    if len(forms) == 1:
        forms = [NamedStatistic("Q", forms[0].node)]
    return (*forms, NamedStatistic("RSS", residual_sum_of_squares(common, model)), *class_statistics(model))


STATISTIC = StatisticFamily(
    name="minque0",
    title="MINQUE(0)",
    definition="Q = y'PZZ'Py, the squared level totals of the residuals from the common terms, for each factor; for "
    "correlated coefficients y'P Z_c Z_d' P y, for each pair; RSS = y'Py",
    source="Rao (1970), JASA 65, 161-172; Hartley, Rao and LaMotte (1978), Biometrics 34, 233-242",
    assumes=("the common terms are those of the model: the projection removes them",),
    build=_build,
)
