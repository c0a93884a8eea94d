"""The coefficients of moment equations on a frame: the table of expected mean squares of these data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from momentalg.cumulants.evaluate import DesignTable, evaluate
from momentalg.cumulants.identity import joint_cumulant
from momentalg.cumulants.translate import translate
from momentalg.data.columns import Columns, read_columns
from momentalg.data.design import DesignData, with_functions
from momentalg.expr.columns import factors, linked_factor, monomials
from momentalg.expr.nodes import Add, Monomial, Mul, Node, Number, Pow, Trace, Variable
from momentalg.model.resolved import ResolvedModel

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from momentalg.moments.system import MomentSystem

    Array = np.ndarray[Any, Any]


def coefficients(system: MomentSystem, frame: Any, missing: str = "refuse") -> pd.DataFrame:
    """The coefficients as numbers: a row for each statistic, a column for each unknown.

    Raises `DataError` for data that do not fit the model, missing values with ``missing="refuse"``.
    """
    import pandas as pd

    design = _Design(read_columns(frame, system.model, missing), system.model)
    equations = (*system.common, *system.variance)
    unknowns = (*system.mean_keys, *system.unknowns, *system.plugged_in)
    rows = [[design.value(e.coefficients[k]) if k in e.coefficients else 0.0 for k in unknowns] for e in equations]
    names = pd.Index([e.name for e in equations], name="statistic")
    return pd.DataFrame(rows, index=names, columns=list(unknowns))


class _Design:
    """The design of a frame, and the values of design constants on it."""

    def __init__(self, columns: Columns, model: ResolvedModel) -> None:
        self.model = model
        self.rows = columns.n
        self.codes = {c: columns.arrays[c] for c in model.columns}
        values: dict[Variable, list[Any]] = {
            Variable("column", name): array.tolist()
            for name, array in columns.arrays.items()
            if name not in self.codes and name != model.response
        }
        data = DesignData({c: codes.tolist() for c, codes in self.codes.items()}, values)
        self.values: Mapping[Variable, Any] = with_functions(data, model).values
        self.table = DesignTable(data.labels, self.values, self.rows)

    def value(self, node: Node) -> float:
        """The value of a node of sizes, covariate totals, level sums and traces."""
        match node:
            case Number(value):
                return float(value)
            case Add(args):
                return math.fsum(self.value(a) for a in args)
            case Mul(args):
                return math.prod(self.value(a) for a in args)
            case Pow(base, exponent):
                return float(self.value(base) ** exponent)
            case Trace():
                return self.trace(node)
        return float(evaluate(joint_cumulant([translate(node, self.model)], self.model), {}, self.table))

    def trace(self, node: Trace) -> float:
        """tr(P K P V) with P = I - QQ', Q an orthonormal basis of the columns; nothing of size n x n is made."""
        import numpy as np

        factor = next(iter(factors(node.columns)), None)
        columns = [self.column(m) for m in monomials(node.columns)]
        levels = self.levels(factor or linked_factor(node.kernel) or linked_factor(node.of))
        matrix = np.stack(columns, axis=1) if columns else np.zeros((self.rows, 0))
        sizes = np.bincount(levels).astype(float)
        if factor is not None:  # P removes the levels, and with them Z
            if node.kernel is not None or node.of is not None:
                return 0.0
            return float(
                self.rows - len(sizes) - _basis(matrix - _totals(matrix, levels)[levels] / sizes[levels, None]).shape[1]
            )
        basis = _basis(matrix)
        if node.kernel is None and node.of is None:
            return float(self.rows - basis.shape[1])
        totals = _totals(basis, levels)  # Z'Q
        if node.kernel is None or node.of is None:
            return float(self.rows - (totals**2).sum())
        cross = totals.T @ totals
        return float((sizes**2).sum() - 2 * (sizes * (totals**2).sum(axis=1)).sum() + (cross**2).sum())

    def column(self, monomial: Monomial) -> Array:
        """A product of covariates, row by row."""
        import numpy as np

        product = np.ones(self.rows)
        for variable, power in monomial:
            if variable.kind == "size":
                levels = self.levels(self.model.constant_on[variable])
                values = np.bincount(levels)[levels].astype(float)
            else:
                values = np.asarray(self.values[variable], dtype=float)
            product = product * values**power
        return product

    def levels(self, factor: Any) -> Array:
        """Codes of the levels of a factor, without gaps."""
        import numpy as np

        stacked = np.stack([self.codes[c] for c in factor or self.model.unit])
        return np.unique(stacked, axis=1, return_inverse=True)[1].reshape(-1)


def _totals(matrix: Array, levels: Array) -> Array:
    import numpy as np

    found = [np.bincount(levels, weights=column) for column in matrix.T]
    return np.stack(found, axis=1) if found else np.zeros((int(levels.max()) + 1, 0))


def _basis(matrix: Array) -> Array:
    """An orthonormal basis of the columns, by their singular values; columns are scaled first."""
    import numpy as np

    scale = np.sqrt((matrix**2).sum(axis=0))
    scaled = matrix[:, scale > 0] / scale[scale > 0]
    left, values, _ = np.linalg.svd(scaled, full_matrices=False)
    return left[:, values > 1e-10 * (values[0] if len(values) else 1.0)]
