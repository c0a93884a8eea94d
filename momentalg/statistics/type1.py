"""Type I sums of squares: each term after those before it, fixed terms first."""

from collections.abc import Iterator

from momentalg.model.resolved import ResolvedModel
from momentalg.statistics.family import (
    NamedStatistic,
    StatisticFamily,
    mean_columns,
    mean_terms,
    require_uncorrelated,
)
from momentalg.statistics.projection import (
    class_statistics,
    reduction,
    residual_sum_of_squares,
    sequential_reductions,
)


def _build(model: ResolvedModel) -> tuple[NamedStatistic, ...]:
    require_uncorrelated(model, "Type I")
    *reductions, error = sequential_reductions(mean_columns(model), model)
    random = (NamedStatistic(f"SS{s.name[1:]}", s.node) for s in reductions)
    return (*_common(model), *random, error, *class_statistics(model))


def _common(model: ResolvedModel) -> Iterator[NamedStatistic]:
    """The reductions by the common terms, one after the other; of the first, the intercept as a rule, there is none."""
    (_, columns), *others = mean_terms(model) or (("", ()),)
    without = residual_sum_of_squares(columns, model)
    for name, added in others:
        columns = (*columns, *added)
        full = residual_sum_of_squares(columns, model)
        yield NamedStatistic(f"SS[{name}]", reduction(without, full), f"Q({name})")
        without = full


STATISTIC = StatisticFamily(
    name="type1",
    title="Type I",
    definition="SS[f] = R(f | X, the factors before f), in the order of the formula, but a factor before those nested "
    "in it; SSE = RSS after all of them. A common term x has SS[x] = R(x | the common terms before it), whose "
    "expectation holds a quadratic form Q(x) in the means, one unknown more",
    source="SAS Institute, SAS/STAT User's Guide, The VARCOMP Procedure, METHOD=TYPE1; Hemmerle and Hartley (1973), "
    "Technometrics 15, 819-831",
    assumes=("the common terms are those of the model, and are fitted first",),
    build=_build,
)
