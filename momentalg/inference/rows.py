"""`read_rows`: rows of a frame as the columns of a fitted model, for fitted values, residuals and predictions.

Of row o these are x_o (the mean columns), z_o (what the effects of each block are multiplied by) and its levels.
Functions of covariates, indicators of fixed factors and sizes of levels are those of the fit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from momentalg.data.columns import Columns, read_columns
from momentalg.data.frames import as_narwhals
from momentalg.errors import DataError, UnsupportedError
from momentalg.expr.names import join_factor
from momentalg.expr.nodes import Add, Function, Indicator, Monomial, Mul, Node, Number, Pow, Size, Value, Variable
from momentalg.model.fixed_factors import plain_label
from momentalg.model.resolved import Column, GroupBlock, ResolvedModel

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from momentalg.inference.result import FitResult

    Array = np.ndarray[Any, Any]

Sizes = Mapping[tuple[str, ...], tuple[Any, Any]]
"""By factor, the levels as an index and the size of each."""


@dataclass(frozen=True)
class Rows:
    """Rows that were read. `given` holds sizes that the frame gives itself, in columns such as ``size(user)``."""

    model: ResolvedModel
    columns: Columns
    index: pd.Index[Any]
    left_out: pd.Index[Any]  # of the rows that have missing values
    sizes: Sizes
    given: Mapping[tuple[str, ...], Array]

    @property
    def response(self) -> Array:
        """y, shape (n,), in the unit of the response."""
        return self.columns.arrays[self.model.response]

    @property
    def mean(self) -> Array:
        """X, shape (n, p): the mean columns, in the order of their keys."""
        import numpy as np

        found = [self.product(c.monomial) for c in self.model.mean]
        return np.column_stack(found) if found else np.zeros((self.columns.n, 0))

    def coefficients(self, block: GroupBlock) -> Array:
        """Z's columns of one block, shape (n, q): row o holds z_o."""
        import numpy as np

        return np.column_stack([self.product(c.monomial) for c in block.coefficients])

    def labels(self, factor: tuple[str, ...]) -> list[Array]:
        """The label of each row in each column of a factor."""
        return [self.columns.labels[c][self.columns.arrays[c]] for c in factor]

    def positions(self, factor: tuple[str, ...], levels: pd.Index[Any]) -> Array:
        """For each row the position of its level in an index of levels, shape (n,); -1 for one that is not there.

        Raises `DataError` where the labels are texts and those of the index are numbers, or the reverse.
        """
        import pandas as pd

        if len(factor) > 1:
            for column, known in zip(factor, levels.levels, strict=True):  # type: ignore[attr-defined]
                _same_kind(column, self.columns.labels[column], known)
            found: Array = levels.get_indexer(pd.MultiIndex.from_arrays(self.labels(factor)))
            return found
        (column,) = factor
        labels = self.columns.labels[column]
        _same_kind(column, labels, levels)
        at: Array = levels.get_indexer(pd.Index(labels))
        return at[self.columns.arrays[column]]

    def product(self, monomial: Monomial) -> Array:
        """A product of covariates, shape (n,)."""
        import numpy as np

        found: Array = np.ones(self.columns.n)
        for variable, power in monomial:
            found = found * self.value(variable) ** float(power)
        if not np.isfinite(found).all():
            name = "*".join(v.name for v, _ in monomial)
            row = int((~np.isfinite(found)).argmax())
            raise DataError(f"{name} has no value in row {row}: drop such rows, or make a column of it")
        return found

    def value(self, variable: Variable) -> Array:
        """The value of a covariate in each row, shape (n,); not finite where a function has none."""
        if variable.kind == "size":
            return self._sizes(self.model.constant_on[variable])
        if variable.kind == "column":
            return self.columns.arrays[variable.name]
        return self._evaluated(self.model.definitions[variable])

    def _evaluated(self, node: Node) -> Array:
        import numpy as np

        with np.errstate(all="ignore"):
            match node:
                case Number(value):
                    return np.full(self.columns.n, float(value))
                case Add(args):
                    return sum((self._evaluated(a) for a in args), np.zeros(self.columns.n))
                case Mul(args):
                    return math.prod((self._evaluated(a) for a in args), start=np.ones(self.columns.n))
                case Pow(base, exponent):
                    return self._evaluated(base) ** float(exponent)
                case Function(name, body):
                    found: Array = getattr(np, name)(self._evaluated(body))
                    return found
                case Indicator(body, label):
                    return self._is(body.variable.name, label)
                case Size(by):
                    return self._sizes(by)
                case Value(variable):
                    return self.value(variable)
        raise DataError(f"a covariate cannot be computed from {type(node).__name__}; make a column of it")

    def _is(self, column: str, label: Any) -> Array:
        import numpy as np

        same = np.array([plain_label(found) == label for found in self.columns.labels[column]], dtype=float)
        return same[self.columns.arrays[column]]

    def _sizes(self, factor: tuple[str, ...]) -> Array:
        """The size of the level of each row: as the frame gives it, else that of the fit."""
        import numpy as np

        if not factor:
            return np.full(self.columns.n, float(sum(next(iter(self.sizes.values()))[1])))
        if factor in self.given:
            return self.given[factor]
        levels, sizes = self.sizes[factor]
        at = self.positions(factor, levels)
        if (at < 0).any():
            name, row = f"size({join_factor(factor)})", int((at < 0).argmax())
            label = ", ".join(str(found[row]) for found in self.labels(factor))
            raise DataError(
                f"{name} is a covariate, and {join_factor(factor)} {label} (row {row}) was not in the fit: give the "
                f"sizes in a column called {name!r}, for all rows"
            )
        return np.asarray(sizes, dtype=float)[at]


def read_rows(frame: Any, model: ResolvedModel, missing: str, sizes: Sizes, new: bool) -> Rows:
    """Read rows of a frame: those of the fit, or with `new` others, which need no response.

    Rows with missing values are refused or left out, as `missing` says. Of new rows nothing is asked that holds for
    the data of the fit alone: neither that covariates are constant on levels, nor that cells have one observation.

    Raises `DataError` for columns that are missing or not usable, and for levels of fixed factors that are not known.
    """
    import numpy as np

    frame = _frame(frame)
    given: dict[tuple[str, ...], str] = {}
    if new:
        present = set(map(str, frame.columns))
        names = {factor: f"size({join_factor(factor)})" for factor in _sized(model)}
        given = {factor: name for factor, name in names.items() if name in present}
        model = _lenient(model, tuple(factor for factor in names if factor not in given))
        frame = _with_response(frame, model.response)
    sized = tuple(Column(None, ((Variable("column", name), 1),)) for name in given.values())
    columns = read_columns(frame, replace(model, mean=(*model.mean, *sized)), missing)
    index, left_out = _index(frame, columns.kept), _index(frame, ~columns.kept)
    arrays = {factor: np.asarray(columns.arrays[name]) for factor, name in given.items()}
    return Rows(model, columns, index, left_out, sizes, arrays)


def rows_of(fit: FitResult, what: str) -> list[Rows]:
    """The rows of the data of a fit, a part for each frame."""
    if fit.data is None:
        raise UnsupportedError(
            f"{what} need the rows of the data, and this is a fit from sums, from a stream of frames, or from data "
            "that are not in memory, which keeps none of them: fit from a frame or a list of frames that are, such as "
            "lazy.collect(), by model.fit(frame); or ask for fit.predict(frame)"
        )
    model = fit.model.resolved
    return [read_rows(frame, model, fit.missing, fit.level_sizes, False) for frame in _frames(fit)]


def kept_rows(fit: FitResult) -> list[pd.DataFrame]:
    """The data of a fit without the rows that it left out, as a DataFrame for each frame."""
    pairs = zip(_frames(fit), rows_of(fit, "the data"), strict=True)
    return [as_pandas(frame)[rows.columns.kept] for frame, rows in pairs]


def as_pandas(frame: Any) -> pd.DataFrame:
    """A frame of any kind as a DataFrame."""
    import pandas as pd

    found = _frame(frame)
    whole: pd.DataFrame = found if isinstance(found, pd.DataFrame) else found.to_pandas()
    return whole


def _frames(fit: FitResult) -> list[Any]:
    return list(fit.data) if isinstance(fit.data, (list, tuple)) else [fit.data]


def _sized(model: ResolvedModel) -> list[tuple[str, ...]]:
    """The factors whose sizes are covariates."""
    return list(dict.fromkeys(on for variable, on in model.constant_on.items() if variable.kind == "size"))


def _lenient(model: ResolvedModel, labelled: tuple[tuple[str, ...], ...]) -> ResolvedModel:
    """The model as new rows are read by it: its means and effects alone, and the labels of these factors."""
    return replace(
        model,
        known_effects=labelled,
        constant_on={v: on for v, on in model.constant_on.items() if v.kind != "column"},
        unreplicated=frozenset(),
        weights=None,
        residual_by={},
    )


def _frame(frame: Any) -> Any:
    """A mapping of columns as a frame, anything else as it is; a lazy frame is collected."""
    import narwhals as nw
    import pandas as pd

    if isinstance(frame, Mapping):
        return pd.DataFrame(dict(frame))
    if isinstance(frame, pd.DataFrame):
        return frame
    found = as_narwhals(frame)
    return found.collect() if isinstance(found, nw.LazyFrame) else found


def _with_response(frame: Any, name: str) -> Any:
    """The frame with zeros for the response, which a prediction neither needs nor reads."""
    import narwhals as nw
    import pandas as pd

    if isinstance(frame, pd.DataFrame):
        return frame.assign(**{name: 0.0})
    return frame.with_columns(nw.lit(0.0).alias(name))


def _index(frame: Any, kept: Array) -> pd.Index[Any]:
    import pandas as pd

    index: pd.Index[Any] = frame.index if isinstance(frame, pd.DataFrame) else pd.RangeIndex(len(kept))
    return index[kept]


def _same_kind(column: str, labels: Any, known: Any) -> None:
    """Check that labels are texts where those of the fit are, and numbers where those are."""
    kinds = [{isinstance(v, str) for v in list(values)[:1]} for values in (labels, known)]
    if kinds[0] and kinds[1] and kinds[0] != kinds[1]:
        words = ["texts" if True in kind else "numbers" for kind in kinds]
        raise DataError(
            f"the labels in {column!r} are {words[0]}, and in the fit they were {words[1]}: no level would be known; "
            f"convert them, as in frame.astype({{{column!r}: {'float' if words[0] == 'texts' else 'str'}}})"
        )
