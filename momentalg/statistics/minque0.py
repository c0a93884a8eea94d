"""MINQUE(0), also MIVQUE(0): squared totals and squares of what the common terms leave."""

from momentalg.model.resolved import ResolvedModel
from momentalg.statistics.family import NamedStatistic, StatisticFamily, mean_monomials
from momentalg.statistics.projection import projected_totals, residual_sum_of_squares


def _build(model: ResolvedModel) -> tuple[NamedStatistic, ...]:
    common = mean_monomials(model)
    return (
        NamedStatistic("Q", projected_totals(common, model.unit)),
        NamedStatistic("RSS", residual_sum_of_squares(common, model)),
    )


STATISTIC = StatisticFamily(
    name="minque0",
    title="MINQUE(0)",
    definition="Q = y'PZZ'Py, the squared level totals of the residuals from the common terms; RSS = y'Py",
    source="Rao (1970), JASA 65, 161-172; Hartley, Rao and LaMotte (1978), Biometrics 34, 233-242",
    assumes=("the common terms are those of the model: the projection removes them",),
    build=_build,
)
