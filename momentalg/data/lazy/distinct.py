"""The labels that occur in columns of a lazy frame, which are all that is collected of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import narwhals.stable.v2 as nw

from momentalg.data.frames import require_columns

_TEXTS = (nw.String, nw.Categorical, nw.Enum)


def distinct(data: Any, names: Sequence[str], factors: Collection[str]) -> dict[str, Any]:
    """Each label once of those of the columns that are factors or texts, by column, as series in memory."""
    frame = nw.from_native(data).lazy()
    types = frame.collect_schema()
    require_columns(names, types.names())
    wanted = [name for name in names if name in factors or isinstance(types[name], _TEXTS)]
    return {name: frame.select(name).unique().collect()[name] for name in wanted}
