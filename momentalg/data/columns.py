"""`read_columns`: what a fit reads from a frame, as float columns and integer codes, checked and counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from numbers import Real
from typing import TYPE_CHECKING, Any

from momentalg.data.coding import codes
from momentalg.data.facts import require_facts
from momentalg.data.frames import needed_columns, select
from momentalg.data.labels import local
from momentalg.data.refusals import (
    infinite,
    missing_values,
    not_exact,
    not_numeric,
    not_positive,
    not_told_apart,
    require_missing,
    truth_values,
)
from momentalg.data.tables import CellTables
from momentalg.errors import DataError, NothingLeftError
from momentalg.expr.nodes import Variable
from momentalg.model.resolved import ResolvedModel

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

LARGEST_EXACT = 2**53 - 1  # beyond it whole numbers are not all floats: 2**53 is also what 2**53 + 1 is rounded to


@dataclass(frozen=True)
class Columns:
    """The columns of a model: numbers as float64, labels as codes into `labels`, which are whole numbers of any width.

    They may be the frame's own arrays, and are not to be written to. Some `labels` may not occur, as in categories.
    """

    arrays: Mapping[str, Array]
    labels: Mapping[str, Array]
    n: int
    dropped: int
    kept: Array  # of each row of the frame, whether it is there

    def inputs(self, model: ResolvedModel) -> dict[str, Array]:
        """What a generated module reads: these arrays, and the labels themselves of fixed factors and classes."""
        named = {name: self.labels[name][self.arrays[name]] for name in model.coded}
        return {**self.arrays, **named}


def read_columns(frame: Any, model: ResolvedModel, missing: str = "refuse") -> Columns:
    """Read what `model` needs from a frame.

    Rows with a missing value (null or NaN) in a needed column are refused, or dropped and counted with
    ``missing="drop"``. A truth value is read as 0 or 1 in a covariate, and refused as a response.

    Raises `DataError`, naming the column and the first row, for what cannot be read.
    """
    require_missing(missing)
    names = needed_columns(model)
    selected = select(frame, names)
    arrays: dict[str, Array] = {}
    labels: dict[str, Array] = {}
    for name in names:
        if name in model.columns:
            try:
                arrays[name], labels[name] = codes(selected[name])
            except TypeError as error:
                raise not_told_apart(name, error) from error
        else:
            arrays[name] = numbers(selected[name], name, name == model.response)
    arrays, kept = _without_missing(arrays, labels, missing)
    for name in model.coded:
        arrays[name], labels[name] = _occurring(arrays[name], labels[name])
        require_levels(model, name, labels[name].tolist())
    for name, values in arrays.items():
        if name not in labels:
            _require_finite(name, values)
    _require_positive(arrays, model.weights)
    arrays, labels = _told_apart(arrays, labels, model)
    tables = cell_tables(arrays, labels, model)
    require_facts(tables, model, lambda column, code: _plain(labels[column][code]))
    return Columns(arrays, labels, tables.rows, len(kept) - tables.rows, kept)


def cell_tables(arrays: Mapping[str, Array], labels: Mapping[str, Array], model: ResolvedModel) -> CellTables:
    """The tables of columns that were read."""
    codes = {name: arrays[name] for name in labels}
    others = [name for name in arrays if name not in labels and name != model.response]
    return CellTables(codes, {Variable("column", name): arrays[name] for name in others}, len(arrays[model.response]))


def _told_apart(
    arrays: Mapping[str, Array], labels: Mapping[str, Array], model: ResolvedModel
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Labels that are local to those of another column get codes of their own, and labels as in ``A:a``."""
    import numpy as np

    codes, named = dict(arrays), dict(labels)
    for column in model.local_columns:
        if column in named:
            outer = model.local_to[column]
            pair = (found.astype(np.int64) for found in (codes[outer], codes[column]))
            codes[column], named[column] = local(next(pair), named[outer], next(pair), named[column])
    return codes, named


def _occurring(codes: Array, labels: Array) -> tuple[Array, Array]:
    """Codes of the labels that occur, in their order."""
    import numpy as np

    occurs = np.bincount(codes, minlength=len(labels)) > 0
    return (codes, labels) if occurs.all() else ((np.cumsum(occurs) - 1)[codes], labels[occurs])


def numbers(series: Any, name: str, is_response: bool = False) -> Array:
    """A numeric column as float64, NaN where missing; raises `DataError` for anything else."""
    import narwhals as nw
    import numpy as np

    if series.dtype == nw.Boolean:
        if is_response:
            raise truth_values(name)
        return _with_nan(series, False)
    if series.dtype.is_integer():
        whole = (series.fill_null(0) if series.null_count() else series).to_numpy()
        if int(whole.max()) > LARGEST_EXACT or int(whole.min()) < -LARGEST_EXACT:
            raise not_exact(name)
        return _with_nan(series, 0)
    if series.dtype.is_float():
        return _with_nan(series, float("nan"))
    found = series.to_list()
    wrong = next(
        (
            v
            for v in found
            if not is_missing(v) and (isinstance(v, bool) or not isinstance(v, (Real, Decimal, Fraction)))
        ),
        None,
    )
    if wrong is not None:
        raise not_numeric(name, is_response, f"{wrong!r} ({series.dtype})")
    if any(isinstance(v, int) and abs(v) > LARGEST_EXACT for v in found):
        raise not_exact(name)
    return np.array([np.nan if is_missing(v) else float(v) for v in found])


def _with_nan(series: Any, filling: Any) -> Array:
    """A column as floats, its own array where it is one; NaN for null, which `filling` stands for in its own type."""
    import numpy as np

    native = series.to_native()
    if isinstance(getattr(native, "dtype", None), np.dtype):  # of pandas, where NaN is what is missing
        return np.asarray(native.to_numpy(), dtype=np.float64)
    if not series.null_count():
        return np.asarray(series.to_numpy(), dtype=np.float64)
    values = np.array(series.fill_null(filling).to_numpy(), dtype=np.float64)
    values[series.is_null().to_numpy()] = np.nan
    return values


def is_missing(value: Any) -> bool:
    """Null in any of its forms: None, NaN, pandas' NA and NaT; they alone are not equal to themselves, or are None."""
    import pandas as pd

    return value is None or value is pd.NA or bool(value != value)


def _without_missing(
    arrays: dict[str, Array], labels: Mapping[str, Array], missing: str
) -> tuple[dict[str, Array], Array]:
    import numpy as np

    rows = len(next(iter(arrays.values())))
    gone = {name: at for name, values in arrays.items() if (at := _missing(values, name in labels)) is not None}
    if not gone:
        return arrays, np.ones(rows, dtype=bool)
    lost = np.logical_or.reduce(list(gone.values()))
    count = int(lost.sum())
    if missing == "refuse":
        found = {name: f"{int(m.sum())}, first in row {int(m.argmax())}" for name, m in gone.items()}
        raise missing_values(count, rows, found)
    if count == rows:
        raise NothingLeftError(count)
    return {name: values[~lost] for name, values in arrays.items()}, ~lost


def _missing(values: Array, are_codes: bool) -> Array | None:
    """Which rows are missing, None for none of them; most columns are told by one number, without memory for rows."""
    import numpy as np

    if are_codes:
        return values < 0 if int(values.min()) < 0 else None
    if _is_finite(values):
        return None
    found = np.isnan(values)
    return found if found.any() else None


def _is_finite(values: Array) -> bool:
    """Whether all values are finite, by their sum; False also for finite ones whose sum is too large."""
    import numpy as np

    with np.errstate(all="ignore"):
        return bool(np.isfinite(values.sum()))


def require_levels(model: ResolvedModel, name: str, found: Sequence[Any]) -> None:
    """Check that a fixed factor has no other levels than are declared, or were seen in the first of several frames."""
    levels = model.coded[name]
    strange = [label for label in found if levels is not None and label not in levels]
    if strange and levels is not None:
        raise DataError(
            f"{name!r} holds {strange[0]!r}, which is none of its levels {', '.join(map(repr, levels))}: declare all "
            f"levels, {'fixed' if name in model.fixed else 'residual_by'}={{{name!r}: [...]}}"
        )


def _require_finite(name: str, values: Array) -> None:
    import numpy as np

    if _is_finite(values):
        return
    bad = ~np.isfinite(values)
    if bad.any():
        raise infinite(name, int(bad.sum()), int(bad.argmax()))


def _require_positive(arrays: Mapping[str, Array], weights: str | None) -> None:
    if weights is not None and (least := float(arrays[weights].min())) <= 0:
        raise not_positive(weights, least, int((arrays[weights] <= 0).argmax()))


def nested_codes(codes: Mapping[str, Array], model: ResolvedModel) -> tuple[dict[str, Array], dict[str, Array]]:
    """Codes that tell labels apart that are local to those of another column, and the old code of each new one.

    The same cask label in two batches is two casks. Columns that are not nested keep their codes.
    """
    import numpy as np

    found, was = dict(codes), {}
    for column in model.local_columns:
        if column in found:
            pairs = np.stack([found[model.local_to[column]], codes[column]])
            _, first, new = np.unique(pairs, axis=1, return_index=True, return_inverse=True)
            found[column], was[column] = new.reshape(-1), codes[column][first]
    return found, was


def _plain(label: Any) -> Any:
    """A label as plain Python has it, for messages: 2 and not np.int64(2)."""
    import numpy as np

    return label.item() if isinstance(label, (np.number, np.str_, np.bool_)) else label
