"""`read_columns`: what a fit reads from a frame, as float columns and integer codes, checked and counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from numbers import Real
from typing import TYPE_CHECKING, Any

from momentalg.data.frames import needed_columns, select
from momentalg.data.tables import CellTables
from momentalg.errors import DataError, NothingLeftError
from momentalg.expr.names import join_factor
from momentalg.expr.nodes import Variable
from momentalg.model.resolved import ResolvedModel

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

MISSING = ("refuse", "drop")
LARGEST_EXACT = 2**53  # beyond it whole numbers are not all floats


@dataclass(frozen=True)
class Columns:
    """The columns of a model: numbers as float64, labels as codes into `labels`, in order of first appearance."""

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
    if missing not in MISSING:
        raise DataError(f"missing= is {' or '.join(map(repr, MISSING))}, not {missing!r}")
    import numpy as np

    names = needed_columns(model)
    selected = select(frame, names)
    arrays: dict[str, Array] = {}
    labels: dict[str, Array] = {}
    for name in names:
        if name in model.columns:
            try:
                arrays[name], labels[name] = codes(selected[name])
            except TypeError as error:
                raise DataError(f"the labels in {name!r} cannot be told apart: {error}; use numbers or text") from error
        else:
            arrays[name] = numbers(selected[name], name, name == model.response)
    arrays, kept = _without_missing(arrays, labels, missing)
    for name in model.coded:
        require_levels(model, name, labels[name][np.unique(arrays[name])].tolist())
    for name, values in arrays.items():
        if name not in labels:
            _require_finite(name, values)
    arrays, labels = _told_apart(arrays, labels, model)
    tables = cell_tables(arrays, labels, model)
    require_facts(tables, model, lambda column, code: _plain(labels[column][code]))
    return Columns(arrays, labels, tables.rows, int((~kept).sum()), kept)


def cell_tables(arrays: Mapping[str, Array], labels: Mapping[str, Array], model: ResolvedModel) -> CellTables:
    """The tables of columns that were read."""
    codes = {name: arrays[name] for name in labels}
    others = [name for name in arrays if name not in labels and name != model.response]
    return CellTables(codes, {Variable("column", name): arrays[name] for name in others}, len(arrays[model.response]))


def _told_apart(
    arrays: Mapping[str, Array], labels: Mapping[str, Array], model: ResolvedModel
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Labels that are local to those of another column get codes of their own, and labels as in ``A:a``."""
    codes, was = nested_codes({name: arrays[name] for name in labels}, model)
    named = dict(labels)
    for column in sorted(was, key=lambda c: len(model.closure((c,)))):
        first = {int(code): row for row, code in reversed(list(enumerate(codes[column].tolist())))}
        outer = model.local_to[column]
        parents = [named[outer][codes[outer][first[code]]] for code in range(len(was[column]))]
        named[column] = _objects([f"{p}:{labels[column][c]}" for p, c in zip(parents, was[column], strict=True)])
    return {**arrays, **codes}, named


def _objects(values: list[Any]) -> Array:
    import numpy as np

    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


def codes(series: Any) -> tuple[Array, Array]:
    """Codes of labels, -1 where missing, and the labels: categories as they are, else in order of first appearance."""
    import numpy as np
    import pandas as pd

    native = series.to_native()
    if isinstance(native, pd.Series) and isinstance(native.dtype, pd.CategoricalDtype):
        return native.cat.codes.to_numpy().astype(np.int64), native.cat.categories.to_numpy()
    values = native if isinstance(native, pd.Series) else pd.Series(series.to_list())
    found, labels = pd.factorize(values)
    return found.astype(np.int64, copy=False), np.asarray(labels)


def numbers(series: Any, name: str, is_response: bool = False) -> Array:
    """A numeric column as float64, NaN where missing; raises `DataError` for anything else."""
    import narwhals as nw
    import numpy as np

    role = "response" if is_response else "covariate"
    if series.dtype == nw.Boolean:
        if is_response:
            raise DataError(
                f"the response {name!r} holds truth values; if 0 and 1 are meant, convert it: "
                f"frame[{name!r}].astype(float)"
            )
        return np.array([np.nan if is_missing(v) else float(v) for v in series.to_list()])
    if series.dtype.is_integer():
        null = series.is_null().to_numpy()
        whole = series.fill_null(0).to_numpy() if null.any() else series.to_numpy()
        if int(whole.max()) > LARGEST_EXACT or int(whole.min()) < -LARGEST_EXACT:
            raise DataError(
                f"the {role} {name!r} holds whole numbers beyond 2**53, which are not exact as floats; rescale it"
            )
        values = whole.astype(np.float64)
        return np.where(null, np.nan, values) if null.any() else values
    if series.dtype.is_float():
        return np.asarray(series.cast(nw.Float64).fill_null(float("nan")).to_numpy(), dtype=np.float64)
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
        advice = (
            "" if is_response else "; a column of categories needs 0/1 columns of its own, one for each but the first"
        )
        raise DataError(f"the {role} {name!r} is not numeric: it holds {wrong!r} ({series.dtype}){advice}")
    return np.array([np.nan if is_missing(v) else float(v) for v in found])


def is_missing(value: Any) -> bool:
    """Null in any of its forms: None, NaN, pandas' NA and NaT; they alone are not equal to themselves, or are None."""
    import pandas as pd

    return value is None or value is pd.NA or bool(value != value)


def _without_missing(
    arrays: dict[str, Array], labels: Mapping[str, Array], missing: str
) -> tuple[dict[str, Array], Array]:
    import numpy as np

    gone = {name: values < 0 if name in labels else np.isnan(values) for name, values in arrays.items()}
    rows = np.logical_or.reduce(list(gone.values()))
    count = int(rows.sum())
    if count == 0:
        return arrays, ~rows
    if missing == "refuse":
        found = ", ".join(
            f"{name!r} ({int(m.sum())}, first in row {int(m.argmax())})" for name, m in gone.items() if m.any()
        )
        raise DataError(
            f"{count} of {len(rows)} rows have missing values: {found}; missing='drop' leaves them out and counts them"
        )
    if count == len(rows):
        raise NothingLeftError(count)
    return {name: values[~rows] for name, values in arrays.items()}, ~rows


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

    bad = ~np.isfinite(values)
    if bad.any():
        row = int(bad.argmax())
        raise DataError(
            f"{name!r} is infinite in {int(bad.sum())} rows, first in row {row}; drop these rows, or bound the values"
        )


def nested_codes(codes: Mapping[str, Array], model: ResolvedModel) -> tuple[dict[str, Array], dict[str, Array]]:
    """Codes that tell labels apart that are local to those of another column, and the old code of each new one.

    The same cask label in two batches is two casks. Columns that are not nested keep their codes.
    """
    import numpy as np

    found, was = dict(codes), {}
    for column in sorted(model.local_to, key=lambda c: len(model.closure((c,)))):  # outer columns first
        if column in found:
            pairs = np.stack([found[model.local_to[column]], codes[column]])
            _, first, new = np.unique(pairs, axis=1, return_index=True, return_inverse=True)
            found[column], was[column] = new.reshape(-1), codes[column][first]
    return found, was


def require_facts(tables: CellTables, model: ResolvedModel, label: Callable[[str, int], Any]) -> None:
    """Check what the model declares of the design: covariates constant within levels, cells without replicates.

    Raises `DataError`, naming the first level that contradicts it.
    """

    def named(factor: Sequence[str], row: int) -> str:
        labels = [repr(label(c, int(tables.codes[c][row]))) for c in factor]
        return labels[0] if len(labels) == 1 else ", ".join(f"{c} {x}" for c, x in zip(factor, labels, strict=True))

    for variable, factor in model.constant_on.items():
        if variable in tables.values and variable.kind == "column":
            first, cell = tables.cells(factor)
            values = tables.values[variable]
            differ = values[first][cell] != values
            if differ.any():
                row = int(differ.argmax())
                raise DataError(
                    f"{variable.name!r} is declared constant within {join_factor(factor)}, but at "
                    f"{named(factor, row)} it is both {_shown(values[first[cell[row]]])} and {_shown(values[row])} "
                    f"(row {row}); correct the data, or leave it out of levels="
                )
    for factor in model.unreplicated:
        first, cell = tables.cells(factor)
        sizes = tables.sizes(factor)
        if (sizes > 1).any():
            at = int((sizes > 1).argmax())
            raise DataError(
                f"{join_factor(factor)} is declared to have one observation at most, but {named(factor, first[at])} "
                f"has {int(sizes[at])}; {int((sizes > 1).sum())} cells have more than one. Leave out "
                f"ma.unreplicated({join_factor(factor)!r}), and results hold with replicates"
            )


def _plain(label: Any) -> Any:
    """A label as plain Python has it, for messages: 2 and not np.int64(2)."""
    import numpy as np

    return label.item() if isinstance(label, (np.number, np.str_, np.bool_)) else label


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, Fraction) else f"{value:g}"
