"""`codes`: the labels of a column as whole numbers. What is coded already is used as it is, and never hashed again.

Whole numbers that lie close together are codes, and so are the codes of categories and dictionaries; texts are coded by
the frame's own library, and all else by pandas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from momentalg.data.labels import plain

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def codes(series: Any) -> tuple[Array, Array]:
    """Codes of the labels of a narwhals series, -1 where missing, and the labels by code.

    Whole numbers and categories are in their own order, and labels that do not occur may be among them; other labels
    are in order of first appearance.

    Raises `TypeError` for labels that cannot be told apart.
    """
    import narwhals as nw
    import numpy as np
    import pandas as pd

    native, dtype = series.to_native(), series.dtype
    named = dtype in (nw.String, nw.Categorical, nw.Enum)
    if isinstance(native, pd.Series) and isinstance(native.dtype, pd.CategoricalDtype):
        return native.cat.codes.to_numpy(), plain(native.cat.categories.to_numpy(), series.name)
    if isinstance(native, pd.Series) and str(native.dtype).startswith("dictionary"):  # of Arrow
        import pyarrow as pa

        return _of_arrow(pa.table({"labels": native}).column(0))
    if dtype.is_integer():
        return _of_whole_numbers(series)
    if named and series.implementation.is_polars():
        return _of_polars(native)
    if named and series.implementation.is_pyarrow():
        return _of_arrow(native)
    values: Any
    if isinstance(native, pd.Series) and dtype.is_float():  # in Arrow's floats pandas takes NaN for a label
        values = native.to_numpy(dtype=np.float64, na_value=np.nan)
    elif isinstance(native, pd.Series):
        values = native
    elif dtype.is_float() or dtype == nw.Date or (isinstance(dtype, nw.Datetime) and dtype.time_zone is None):
        values = series.to_numpy()
    else:
        values = pd.Series(series.to_list())
    found, labels = pd.factorize(values)
    return found, plain(np.asarray(labels), series.name)


def is_close(low: int, high: int, rows: int) -> bool:
    """Whether whole numbers from `low` to `high` are codes as they are: they are not much more than the rows."""
    return low >= 0 and high < 4 * rows + 1024


def _of_whole_numbers(series: Any) -> tuple[Array, Array]:
    import numpy as np
    import pandas as pd

    missing = None
    if series.null_count():
        missing = series.is_null().to_numpy()
        if missing.all():
            return np.full(len(missing), -1), np.empty(0, dtype=np.int64)
        series = series.fill_null(series.min())
    values = series.to_numpy()
    low, high = int(values.min()), int(values.max())
    if is_close(low, high, len(values)):
        found, labels = values.astype(np.int64, copy=False) if values.itemsize == 8 else values, np.arange(high + 1)
    elif is_close(0, high - low, len(values)) and high < 2**63:
        found, labels = values.astype(np.int64) - low, low + np.arange(high - low + 1)
    else:
        found, labels = pd.factorize(values)
        labels = plain(labels)
    return found if missing is None else np.where(missing, -1, found.astype(np.int64)), labels


def _of_polars(series: Any) -> tuple[Array, Array]:
    """Texts become categories first. The numbers of these are from a pool that all columns may share."""
    import numpy as np
    import polars as pl

    category = series if series.dtype in (pl.Categorical, pl.Enum) else series.cast(pl.Categorical)
    numbers = category.to_physical()
    missing = None
    if numbers.null_count():
        missing = numbers.is_null().to_numpy()
        numbers = numbers.fill_null(0)
    values = numbers.to_numpy()
    if not is_close(0, int(values.max()), len(values)):
        values = np.unique(values, return_inverse=True)[1]
    row = np.full(int(values.max()) + 1, -1)  # some row of each number
    if missing is None:
        row[values] = np.arange(len(values))
    else:
        row[values[~missing]] = np.flatnonzero(~missing)
    occurs = row >= 0
    labels = plain(np.array(category.gather(row[occurs]).cast(pl.String).to_list(), dtype=object), series.name)
    if not occurs.all():
        values = (np.cumsum(occurs) - 1)[values]
    return values if missing is None else np.where(missing, -1, values.astype(np.int64)), labels


def _of_arrow(column: Any) -> tuple[Array, Array]:
    """Texts become a dictionary first. A dictionary may name a label twice, or hold null."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    whole = encoded.chunk(0) if encoded.num_chunks == 1 else encoded.unify_dictionaries().combine_chunks()
    numbers = whole.indices
    values = numbers.to_numpy() if not numbers.null_count else numbers.cast(pa.int64()).fill_null(-1).to_numpy()
    names = whole.dictionary.to_pandas()
    if names.is_unique and not names.isna().any():
        return values, plain(names.to_numpy())
    number, labels = pd.factorize(names)
    return np.append(number, -1)[values.astype(np.int64)], plain(np.asarray(labels))
