"""What failed in a fit: common terms or components, constants that are zero, covariates that are constant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from momentalg.data.columns import read_columns
from momentalg.data.levels import with_levels
from momentalg.errors import DataError, NotIdentifiedError
from momentalg.moments.generic_functions import columns_read
from momentalg.moments.identifiability import vanishing

if TYPE_CHECKING:
    import pandas as pd

    from momentalg.model.model import Model
    from momentalg.moments.system import MomentSystem

SINGULAR = 1e-14  # of coefficients whose rows and columns have the size 1
TINY = 1e-300
COLUMNS = (": the columns of the model say the same on these rows", ": its column is 0 on these rows")
"""A generated module's words where it is common terms that the rows do not separate."""


def is_about_means(error: str) -> bool:
    """Whether what a module says is not separated are common terms."""
    return error.endswith(COLUMNS)


def zeros(system: MomentSystem, data: Any, missing: str, rows: int) -> str:
    """The design constants that are zero on these data, in a sentence."""
    try:
        values = system.coefficients(data, missing=missing).to_dict("index")
    except DataError:  # what divides by zero has no value
        return ""
    found = vanishing(system, values, rows)
    return f" Zero on these data: {'; '.join(found)}." if found else ""


def constants(model: Model, frame: Any, missing: str) -> tuple[str, ...]:
    """The covariates of a model that have one value in all rows."""
    resolved = model.resolved
    arrays = read_columns(frame, resolved, missing).inputs(resolved)
    names = dict.fromkeys(v.name for v in columns_read(resolved) if v.kind == "column")
    return tuple(name for name in names if name in arrays and (arrays[name] == arrays[name][0]).all())


def require_regular(model: Model, data: Any, missing: str) -> None:
    """Raise `NotIdentifiedError` for a model whose equations with the default statistics are singular on a frame."""
    known, frame = with_levels(model, data)
    system = known.moment_equations()
    if not may_be_identified(system, system.coefficients(frame, missing)):
        raise NotIdentifiedError("the coefficients are singular")


def may_be_identified(system: MomentSystem, values: pd.DataFrame) -> bool:
    """Whether the coefficients of the equations on data, `system.coefficients(frame)`, may be regular.

    Only what is clearly singular is not: a fit, which has covariates centred, decides.
    """
    import numpy as np

    common, keys = len(system.common), list(system.mean_keys)
    for rows, columns in ((values.iloc[:common], keys), (values.iloc[common:], list(system.unknowns))):
        matrix = rows[columns].to_numpy(dtype=float)
        for axis in (1, 0):
            matrix = matrix / np.maximum(np.abs(matrix).max(axis=axis, keepdims=True, initial=0.0), TINY)
        if matrix.size and np.linalg.matrix_rank(matrix, tol=SINGULAR) < len(columns):
            return False
    return True
