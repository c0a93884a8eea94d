"""Values by level: sizes, covariates that are constant on it, totals of those that are not, means of the response."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from momentalg.errors import DataError, UnsupportedError
from momentalg.expr.keys import key_of
from momentalg.expr.names import join_factor, quote
from momentalg.expr.nodes import Mul, Node, Number, Pow, Response, Size, Total, Value, power
from momentalg.inference.clusters import Factor, Observations, outermost
from momentalg.model.functions import variable_node
from momentalg.model.resolved import ResolvedModel
from momentalg.model.resolving import all_variables, basic_variables

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class UnitValues:
    """What is known of each level of a factor: its size, and, where rows were read, covariates and the response.

    `clusters` are the codes of the levels of the outermost factors that hold the levels of `by`: levels in different
    ones are independent.
    """

    model: ResolvedModel
    by: Factor
    sizes: Array
    clusters: tuple[Array, ...]
    observations: Observations | None = None

    def value(self, node: Node) -> Array:
        """A product of powers of variables of a level, shape (levels,)."""
        import numpy as np

        match node:
            case Number(number):
                return np.full(len(self.sizes), float(number))
            case Mul(args):
                return _product([self.value(a) for a in args])
            case Pow(base, exponent):
                found: Array = self.value(base) ** float(exponent)
                return found
            case Size(by) if tuple(by) == self.by:
                return self.sizes
        return self._from_rows(node)

    def _from_rows(self, node: Node) -> Array:
        if self.observations is None:
            raise DataError(
                f"{key_of(node)} is not in these data, which have the sizes of levels alone: give the frame"
            )
        tables = self.observations.tables
        first, levels = tables.cells(self.by)
        match node:
            case Size(by) if self.model.is_nested(self.by, by):
                return _floats(tables.sizes(by)[tables.cells(by)[1]][first])
            case Value(variable) if variable.kind == "column":
                return _floats(tables.constant(self.by, variable))
            case Total(body, by) if tuple(by) == self.by:
                from momentalg.data.joins import group_sums

                return _floats(group_sums(_per_row(body, self.observations), levels, len(first)))
        raise UnsupportedError(
            f"{key_of(node)} is not a value of a level of {join_factor(self.by)}; there are its size, covariates that "
            f"are constant on it, and totals such as total(x|{join_factor(self.by)})"
        )

    @property
    def response_mean(self) -> Array:
        """Ybar, the mean response of each level."""
        return self.value(Total(Response(), self.by)) / self.sizes


def unit_values(observations: Observations, by: Factor) -> UnitValues:
    """The levels of `by` in the rows of a frame."""
    tables = observations.tables
    first, _ = tables.cells(by)
    held = tuple(observations.codes(f)[first] for f in outermost(observations.model, by))
    return UnitValues(observations.model, by, _floats(tables.sizes(by)), held, observations)


def covariates_of_level(model: ResolvedModel, by: Factor) -> tuple[Node, ...]:
    """The covariates that are constant on the levels of `by`, and the totals of those that vary in them."""
    found: list[Node] = []
    for variable in dict.fromkeys((*basic_variables(model), *all_variables(model))):
        if variable.kind != "column" or variable.name in model.coded:
            continue
        home = model.constant_on.get(variable)
        constant = home is not None and model.is_nested(by, home)
        found.append(variable_node(variable) if constant else Total(power(Value(variable), 1), by))
    return tuple(found)


def response_keys(model: ResolvedModel, by: Factor) -> Mapping[str, str]:
    """The keys of Cov(N, Ybar) and of E Ybar, for which the model's keys have no word."""
    name, response = join_factor(by), quote(model.response)
    return {"cov": f"cov(size({name}),mean({response}|{name}))", "E": f"E(mean({response}|{name}))"}


def _product(parts: list[Array]) -> Array:
    found: Array = math.prod(parts[1:], start=parts[0])
    return found


def _per_row(body: Node, observations: Observations) -> Array:
    match body:
        case Mul(args):
            return _product([_per_row(a, observations) for a in args])
        case Pow(base, exponent):
            found: Array = _per_row(base, observations) ** float(exponent)
            return found
        case Response():
            return observations.rows.response
        case Value(variable):
            return observations.rows.value(variable)
    raise UnsupportedError(f"the total of {key_of(body)} is not available by level")


def _floats(values: Any) -> Array:
    import numpy as np

    found: Array = np.asarray(values, dtype=float)
    return found
