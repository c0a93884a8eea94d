"""Does group size go with the response? Wald tests of the coefficient of size(user), by two moment equations.

With X the common terms, size(user) among them, Xbar_i and Ybar_i the means over level i:

* pooled: sum_i sum_j x_ij (Y_ij - x_ij'b) = 0, in which a level weighs N_i: E[SN] = c1 E N^2 + c2 E N^3;
* group-weighted: sum_i Xbar_i (Ybar_i - Xbar_i'b) = 0; with nothing but size, b = Cov(Ybar, N)/Var N.

Both are unbiased given the design, and differ. Standard errors are the sandwich over the outermost factors, times
clusters/(clusters - 1) (n - 1)/(n - p), n the number of observations or of levels; t with (clusters - 1) degrees of
freedom. A coefficient of size cannot be told from effects that go with size, E[alpha | N] = gamma (N - E N): by first
and second moments c2 = gamma.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from momentalg.errors import DataError, NotIdentifiedError
from momentalg.expr.keys import variable_key
from momentalg.expr.names import join_factor
from momentalg.expr.nodes import Variable
from momentalg.inference.clusters import NEGATIVE, Factor, Observations, meat, number_of, outermost, read_observations
from momentalg.inference.reference import quantile, require_alpha, two_sided
from momentalg.model.functions import term_key
from momentalg.model.resolved import Column, ResolvedModel
from momentalg.model.resolving import known_factor

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from momentalg.model.model import Model

    Array = np.ndarray[Any, Any]

CONFOUNDED = (
    "a coefficient of group size cannot be told, by first and second moments, from effects that go with group size "
    "(informative size)"
)


@dataclass(frozen=True)
class SlopeTest:
    """The coefficient of size by one moment equation, with its Wald test of 0."""

    equations: str
    estimate: float
    std_error: float
    df: int

    @property
    def statistic(self) -> float:
        """The estimate over its standard error."""
        return self.estimate / self.std_error if self.std_error > 0 else math.nan

    @property
    def p_value(self) -> float:
        """P(|t| > |statistic|) with `df` degrees of freedom."""
        return two_sided(self.statistic, self.df)

    def interval(self, alpha: float = 0.05) -> tuple[float, float]:
        """The confidence interval of level 1 - alpha."""
        require_alpha(alpha)
        width = quantile(1 - alpha / 2, self.df) * self.std_error
        return self.estimate - width, self.estimate + width


@dataclass(frozen=True, repr=False)
class SizeEffect:
    """The tests of no effect of group size, and what they cannot tell apart."""

    key: str
    pooled: SlopeTest
    group_weighted: SlopeTest
    clusters: str
    notes: tuple[str, ...] = (CONFOUNDED,)

    @property
    def table(self) -> pd.DataFrame:
        """By equation: estimate, std_error, statistic, df, p_value, conf_low, conf_high (95 %)."""
        import pandas as pd

        tests = (self.pooled, self.group_weighted)
        rows = [(t.estimate, t.std_error, t.statistic, t.df, t.p_value, *t.interval()) for t in tests]
        columns = ["estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high"]
        return pd.DataFrame(rows, index=pd.Index([t.equations for t in tests], name="equations"), columns=columns)

    def __repr__(self) -> str:
        head = f"Coefficient of {self.key}; standard errors clustered by {self.clusters}"
        return "\n".join([head, "", self.table.to_string(), "", *(f"Note: {note}." for note in self.notes)])


def size_effect(model: Model, data: Any, by: str | None = None, missing: str = "refuse") -> SizeEffect:
    """Test that the size of a factor's levels has no effect on the response: c2 = 0 in E Y = x'b + c2 N.

    The size joins the common terms of the model if it is not among them. `by` is the factor; the default is the unit.

    Raises:
        ModelError: no such factor.
        NotIdentifiedError: all levels have one size, or the common terms determine it.

    """
    import numpy as np

    resolved = model.resolved
    factor = (
        known_factor(resolved, by, f"size_effect(by={by!r})")
        if by is not None
        else (resolved.unit if resolved.has_unit else resolved.factors[0])
    )
    found = _with_size(read_observations(model, data, missing), factor)
    column = _size_column(factor)
    keys = [c.key for c in found.model.mean if c.key is not None]
    key = term_key(column.monomial)
    at = keys.index(key)
    rows = found.rows
    x = np.column_stack([rows.product(c.monomial) for c in found.model.mean if c.key is not None])
    y = rows.response - sum(rows.product(c.monomial) for c in found.model.mean if c.key is None)
    level = found.codes(factor)
    sizes = found.tables.sizes(factor).astype(float)
    factors = outermost(found.model)
    codes = [[found.codes(f)] for f in factors]
    pooled = _slope("pooled", x, x, y, codes, len(y), at, key)
    means = _means(x, level, sizes)[level]
    weighted = _slope("group-weighted", means, means / sizes[level][:, None], y, codes, len(sizes), at, key)
    negative = math.isnan(pooled.std_error + weighted.std_error)
    over = " and ".join(join_factor(f) for f in factors)
    return SizeEffect(key, pooled, weighted, over, (CONFOUNDED, NEGATIVE) if negative else (CONFOUNDED,))


def _size_column(factor: Factor) -> Column:
    variable = Variable("size", join_factor(factor))
    return Column(variable_key(variable), ((variable, 1),))


def _with_size(found: Observations, factor: Factor) -> Observations:
    """The observations with the size of the factor among the mean columns."""
    column = _size_column(factor)
    model = found.model
    if any(c.monomial == column.monomial for c in model.mean):
        return found
    constant_on = {**model.constant_on, column.monomial[0][0]: factor}
    wider: ResolvedModel = replace(model, mean=(*model.mean, column), constant_on=constant_on)
    return replace(found, model=wider)


def _means(x: Array, level: Array, sizes: Array) -> Array:
    """The mean of each column over each level, shape (levels, p)."""
    import numpy as np

    total = np.column_stack([np.bincount(level, weights=column, minlength=len(sizes)) for column in x.T])
    found: Array = total / sizes[:, None]
    return found


def _slope(
    name: str, x: Array, instruments: Array, y: Array, codes: list[list[Array]], count: int, at: int, key: str
) -> SlopeTest:
    """The solution of instruments'(y - x b) = 0 at one place, with its cluster-robust standard error."""
    import numpy as np

    scale = np.sqrt((x**2).mean(axis=0))
    if not (scale > 0).all():
        raise NotIdentifiedError(f"{name}: a common term is 0 in all rows, so that {key} is not separated")
    x, instruments = x / scale, instruments / scale
    bread = instruments.T @ x
    if np.linalg.matrix_rank(bread, hermitian=True, tol=1e-11 * np.abs(bread).max()) < len(bread):
        raise NotIdentifiedError(
            f"{name} equations: the coefficient of {key} is not separated from the other common terms; all levels have "
            "one size, or another covariate says the same"
        )
    groups = number_of(codes)
    if groups < 2 or count <= len(bread):
        raise DataError(
            f"{name} equations: {count} values in {groups} independent clusters leave no spread to judge by"
        )
    beta = np.linalg.solve(bread, instruments.T @ y)
    scores = instruments * (y - x @ beta)[:, None]
    inverse = np.linalg.inv(bread)
    correction = groups / (groups - 1) * (count - 1) / (count - len(bread))
    square = float((inverse @ meat(scores, codes) @ inverse.T)[at, at]) * correction / scale[at] ** 2
    return SlopeTest(name, float(beta[at] / scale[at]), math.sqrt(square) if square >= 0 else math.nan, groups - 1)
