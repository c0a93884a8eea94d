"""The sizes themselves: design moments as estimands, with standard errors, and the empirical distribution of N."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from momentalg.errors import DataError
from momentalg.expr.keys import key_of
from momentalg.expr.names import join_factor
from momentalg.expr.nodes import Cumulant, Size, power
from momentalg.inference.clusters import NEGATIVE, Factor, number_of, outermost, read_observations
from momentalg.inference.size_moments import SizeMoment, moment, size_biased_key
from momentalg.inference.unit_values import UnitValues, covariates_of_level, response_keys, unit_values
from momentalg.model.resolved import ResolvedModel
from momentalg.model.resolving import known_factor

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from momentalg.inference.size_laws import DispersionTest, GoodnessOfFit
    from momentalg.model.distributions.base import SizeLaw
    from momentalg.model.distributions.empirical import Empirical
    from momentalg.model.model import Model

    Array = np.ndarray[Any, Any]

UNOBSERVED = (
    "levels without observations are not in the data: these are moments of N given N >= 1. Where levels may be empty, "
    "ratios such as E(N^2)/E(N) are the same with and without them; E(N), Var(N) and covariances are not"
)


@dataclass(frozen=True, repr=False)
class Sizes:
    """The sizes of the levels of a factor, and moments of the design with standard errors."""

    by: str
    moments: tuple[SizeMoment, ...]
    notes: tuple[str, ...]
    values: UnitValues = field(repr=False, compare=False)

    @property
    def sizes(self) -> Array:
        """N of each level, whole numbers, shape (levels,)."""
        import numpy as np

        return np.rint(self.values.sizes).astype(np.int64)

    @property
    def table(self) -> pd.DataFrame:
        """By key: `estimate`, `std_error`, `conf_low`, `conf_high` (95 %), `scale`; see `conf_int` for other levels."""
        import pandas as pd

        rows = [(m.estimate, m.std_error, *m.interval(), m.scale) for m in self.moments]
        index = pd.Index([m.key for m in self.moments], name="moment")
        return pd.DataFrame(rows, index=index, columns=["estimate", "std_error", "conf_low", "conf_high", "scale"])

    def conf_int(self, alpha: float = 0.05) -> pd.DataFrame:
        """The confidence intervals of level 1 - alpha, by key: columns 0 and 1."""
        import pandas as pd

        index = pd.Index([m.key for m in self.moments], name="moment")
        return pd.DataFrame([m.interval(alpha) for m in self.moments], index=index, columns=[0, 1])

    def __getitem__(self, key: str) -> SizeMoment:
        """A moment by its key, computed if it is not in the table: ``sizes["cov(size(user)^2,X)"]``."""
        found = next((m for m in self.moments if m.key == key), None)
        return found if found is not None else moment(self.values, key)

    @property
    def distribution(self) -> pd.DataFrame:
        """The empirical distribution: by size, the `levels` that have it, their `share`, `cumulative` share.

        `observations` is the share of all observations that lie in levels of the size, which is size-biased.
        """
        import numpy as np
        import pandas as pd

        size, count = np.unique(self.sizes, return_counts=True)
        columns = {
            "levels": count,
            "share": count / count.sum(),
            "cumulative": np.cumsum(count) / count.sum(),
            "observations": size * count / (size * count).sum(),
        }
        return pd.DataFrame(columns, index=pd.Index(size, name="size"))

    @property
    def law(self) -> Empirical:
        """The empirical law, for ``law={"size(user)": sizes.law}``."""
        from momentalg.model.distributions.empirical import Empirical

        return Empirical(self.sizes.tolist())

    def goodness_of_fit(self, law: SizeLaw, replicates: int = 999, seed: int = 1, expected: float = 5) -> GoodnessOfFit:
        """Test whether a named law, ``ma.Poisson()``, fits: chi-square, with a p-value by parametric bootstrap."""
        from momentalg.inference.size_laws import goodness_of_fit

        return goodness_of_fit(self.sizes, law, replicates=replicates, seed=seed, expected=expected)

    def dispersion(self, law: SizeLaw) -> DispersionTest:
        """Test the first cumulant of a named law that its parameters are not fitted to: of Poisson, the variance."""
        from momentalg.inference.size_laws import dispersion

        return dispersion(self.sizes, law)

    def __repr__(self) -> str:
        count = len(self.values.sizes)
        lines = [f"Sizes of {count} levels of {self.by}, {int(self.values.sizes.sum())} observations", ""]
        return "\n".join([*lines, self.table.to_string(), "", *(f"Note: {note}." for note in self.notes)])


def sizes(
    model: Model, data: Any, by: str | None = None, moments: Iterable[str] | str = (), missing: str = "refuse"
) -> Sizes:
    """Estimate moments of the design: of the sizes of a factor's levels, and of what goes with them.

    Args:
        model: the model whose factor and covariates are meant.
        data: a frame; or `Sums`, which hold sizes alone.
        by: the factor; the default is the unit of the model, or its first factor.
        moments: keys of further moments, such as ``"cov(size(user)^2,X)"``.
        missing: rows with missing values are refused, or left out with "drop".

    Raises:
        ModelError: no such factor, or a key that is no design moment.
        DataError: data that cannot be read, or a single level.

    """
    resolved = model.resolved
    factor = known_factor(resolved, by, f"sizes(by={by!r})") if by is not None else _default(resolved)
    if hasattr(data, "estimator"):
        values = _of_sums(data, factor)
    else:
        values = unit_values(read_observations(model, data, missing), factor)
    if number_of([[code] for code in values.clusters]) < 2:
        raise DataError(
            f"the data have a single independent level of {join_factor(factor)}: spread cannot be estimated"
        )
    asked = (moments,) if isinstance(moments, str) else tuple(moments)
    keys = dict.fromkeys([*_usual(values), *asked])
    found = tuple(moment(values, key) for key in keys)
    missed = (NEGATIVE,) if any(math.isnan(m.std_error) for m in found) else ()
    return Sizes(join_factor(factor), found, (*_notes(values), *missed), values)


def _default(model: ResolvedModel) -> Factor:
    return model.unit if model.has_unit else model.factors[0]


def _of_sums(sums: Any, factor: Factor) -> UnitValues:
    """The levels of a factor in sums, which are of the sizes alone."""
    import numpy as np

    model = sums.estimator.model.resolved
    found = sums.estimator.module.level_sizes(sums.table)
    name = join_factor(factor)
    if name not in found:
        raise DataError(f"these sums have no sizes of {name}; they have those of {', '.join(found)}")
    if factor not in outermost(model):
        raise DataError(f"sums do not tell which levels of {name} lie together: give the frame")
    counts = np.asarray(found[name], dtype=float)
    return UnitValues(model, factor, counts, (np.arange(len(counts)),))


def _usual(values: UnitValues) -> list[str]:
    """The keys that the table always has."""
    size = Size(values.by)
    nodes = [Cumulant((size,)), Cumulant((power(size, 2),)), Cumulant((size, size))]
    keys = [*map(key_of, nodes), size_biased_key(values.by)]
    if values.observations is not None:
        for covariate in covariates_of_level(values.model, values.by):
            keys += [key_of(Cumulant((covariate,))), key_of(Cumulant((size, covariate)))]
        keys += [response_keys(values.model, values.by)[kind] for kind in ("E", "cov")]
    return keys


def _notes(values: UnitValues) -> tuple[str, ...]:
    """What the standard errors assume, and what the data cannot show."""
    factors = outermost(values.model)
    name = join_factor(values.by)
    if len(factors) == 1:
        over = join_factor(factors[0])
        first = f"standard errors over {over}, whose levels are taken to be i.i.d. units"
    else:
        crossed = " and ".join(join_factor(f) for f in factors)
        first = (
            f"{crossed} are crossed: sizes of {name} are taken as independent given the levels of the other factors, "
            "as when each level makes its own draws; moments with the response are clustered by all of them"
        )
    return first, UNOBSERVED
