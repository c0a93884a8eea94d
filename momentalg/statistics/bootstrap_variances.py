"""Bootstrap variances of the mean: what resampling rows, or the levels of each factor, would find, exactly.

Given the data, a bootstrap of the grand mean has a variance that needs no resampling. It is quadratic in y, and its
expectation is a moment equation: a mixed model can be fitted by what resampling rows and what resampling groups say.
"""

from collections.abc import Sequence

from momentalg.errors import ModelError, UnsupportedError
from momentalg.expr.names import join_factor
from momentalg.expr.nodes import ONE, Factor, Node, Over, Size
from momentalg.model.model import Model
from momentalg.model.resolved import ResolvedModel
from momentalg.model.resolving import known_cell
from momentalg.statistics.family import (
    NamedStatistic,
    StatisticFamily,
    mean_columns,
    require_intercepts,
    response_total,
)
from momentalg.statistics.projection import class_statistics

ROWS = "rows"
OF = ("mean", "means", "total")


def bootstrap_variance(
    model: Model, resampling: str | Sequence[str] = ROWS, *, within: bool = False, of: str = "mean"
) -> Node:
    """The variance, given the data, of the grand mean under a bootstrap, as a statistic.

    ``"rows"`` resamples n rows; the name of a factor resamples as many of its levels as there are, with all their rows
    (the cluster bootstrap), ``"a:b"`` the cells; a pair ``("a", "b")`` of crossed factors resamples the levels of both
    (Owen's pigeonhole bootstrap). With ``within=True`` rows are resampled within the levels that were drawn, as many as
    there are, so that ``bootstrap_variance(model, "a", within=True)`` is the two-stage bootstrap.

    Rows are exact. Where levels are resampled the mean is a ratio, total over size, and this is the variance of its
    linear part, sum over the draws of (S_l - N_l ybar)/n: exact for the total of the deviations from the mean. Two
    simpler functions of the levels drawn have no ratio, and are exact: ``of="means"``, the average of the means of
    levels, each counted once, and ``of="total"``, the total over n, which also varies with the sizes drawn.

    Raises `ModelError` for what the model does not know.
    """
    if of not in OF:
        raise ModelError(f"of={of!r} is none of {', '.join(map(repr, OF))}")
    resolved, asked = model.resolved, f"bootstrap_variance({resampling!r})"
    if isinstance(resampling, str):
        if of != "mean":
            if resampling == ROWS or within:
                raise ModelError(f"of={of!r} is a function of levels alone: name a factor, without within=True")
            return _simple(known_cell(resolved, resampling, asked), of)
        if resampling == ROWS:
            if within:
                raise ModelError('within=True needs a factor: rows are resampled within its levels, as in "a"')
            return _of_rows()
        by = known_cell(resolved, resampling, asked)
        return _of_levels(by) + _within(by) if within else _of_levels(by)
    factors = tuple(known_cell(resolved, name, asked) for name in resampling)
    if (
        len(factors) != 2
        or within
        or of != "mean"
        or resolved.is_nested(*factors)
        or resolved.is_nested(*reversed(factors))
    ):
        raise ModelError(
            f"{asked}: both at once is for two crossed factors, without within= and of=; "
            "a factor in which others are nested is resampled with all that it holds"
        )
    cells = known_cell(resolved, join_factor((*factors[0], *factors[1])), asked)
    return _pigeonhole(*factors, cells)


def _of_rows() -> Node:
    """The mean of n rows drawn with replacement: the average square of the deviations, over n."""
    total, n = response_total(()), Size(())
    return (response_total((), response_power=2) - total**2 / n) / n**2


def _of_levels(by: Factor) -> Node:
    """Levels drawn with all their rows: the sum of the squared totals of the deviations, over n^2."""
    n = Size(())
    return Over(by, (response_total(by) - Size(by) * response_total(()) / n) ** 2) / n**2


def _simple(by: Factor, of: str) -> Node:
    """Levels drawn, and the average of their means, or their total over n: m draws of one of m numbers, added up."""
    value, scale = (response_total(by) / Size(by), Over(by, ONE)) if of == "means" else (response_total(by), Size(()))
    return (Over(by, value**2) - Over(by, value) ** 2 / Over(by, ONE)) / scale**2


def _within(by: Factor) -> Node:
    """Rows drawn within each level, as many as it has."""
    return (response_total((), response_power=2) - Over(by, response_total(by) ** 2 / Size(by))) / Size(()) ** 2


def _pigeonhole(first: Factor, second: Factor, cells: Factor) -> Node:
    """Levels of both factors, drawn independently: a row counts as often as both of its levels do, multiplied."""
    rows, columns = (1 - ONE / Over(by, ONE) for by in (first, second))
    return columns * _of_levels(first) + rows * _of_levels(second) + _of_levels(cells)


def _build(model: ResolvedModel) -> tuple[NamedStatistic, ...]:
    require_intercepts(model, "the bootstrap of the mean", "it sees the mean alone")
    if mean_columns(model) != ((),):
        raise UnsupportedError(
            "the bootstrap of the mean is of a model whose only common term is the intercept. Resampling the residuals "
            "from common terms has the equations of MINQUE(0): use statistics='minque0'"
        )
    rows = NamedStatistic("V[rows]", _of_rows())
    levels = (NamedStatistic(f"V[{block.name}]", _of_levels(block.factor)) for block in model.groups)
    return (*levels, rows, *class_statistics(model))


STATISTIC = StatisticFamily(
    name="bootstrap",
    title="Bootstrap variances",
    definition="V[f] = sum_l (S_l - N_l ybar)^2/n^2 over the levels l of f, what resampling them with all their rows "
    "says that the variance of the grand mean is; V[rows] = sum (y - ybar)^2/n^2, what resampling rows says. They are "
    "MINQUE(0)'s statistics, divided by n^2: resampling alone gives MINQUE(0)",
    source="the schemes: Efron (1979), Ann. Statist. 7, 1-26; Davison and Hinkley (1997), Bootstrap Methods and their "
    "Application, sec. 3.8; Owen (2007), Ann. Appl. Statist. 1, 386-411; that they make equations: derived here",
    assumes=("the intercept is the only common term",),
    build=_build,
)
