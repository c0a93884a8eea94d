"""The names of statistics on the command line: ``S``, ``S(item)``, ``S(user:item)``, ``S(user)@k``, and products."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from momentalg.catalogue import discover
from momentalg.cli import reading
from momentalg.errors import StatisticError
from momentalg.expr.keys import split

if TYPE_CHECKING:
    from momentalg.expr.nodes import Node
    from momentalg.model.model import Model

OF_A_LEVEL = {
    "S": "total of the response over a level",
    "Ybar": "mean of the response over a level, S/N",
    "T": "total of the squared response over a level",
    "D": "sum of squares within a level, T - S^2/N",
    "P": "products of ordered pairs within a level, S^2 - T",
    "N": "number of observations in a level",
}
OTHERS = {
    "Y": "the response at one observation",
    "G": "total of the response over all observations",
}
SCHEME = (
    "Statistics of a level are of the first factor, S, or of any: S(item), S(user:item).\n"
    "S@k, S(item)@k: at another level, called k. Products, with covariates too: 'S*N', 'S(user)*x'.\n"
    "Named sets: see `momentalg statistics`."
)

_NAME = re.compile(rf"({'|'.join(OF_A_LEVEL)})(?:\((.+)\))?(?:@([A-Za-z]\w*))?\Z", re.DOTALL)


def statistic(name: str, model: Model) -> Node:
    """A named statistic, or a product of named statistics and covariates.

    Raises `StatisticError` for other names, and `ModelError` for factors that the model does not have.
    """
    from momentalg.expr.nodes import mul

    return mul(*(_factor(part.strip(), model) for part in split(name, "*")))


def factors_of(name: str, model: Model) -> tuple[str, ...]:
    """The columns of the factors whose levels a name speaks of, in the order of the model; by default the first."""
    from momentalg.expr.names import split_factor

    named = [match[2] for part in split(name, "*") if (match := _NAME.match(part.strip())) and match[2]]
    columns = {column for factor in named for column in split_factor(factor)}
    return tuple(c for c in model.resolved.columns if c in columns) or model.resolved.groups[0].factor


def _factor(name: str, model: Model) -> Node:
    from momentalg.model.resolving import all_variables, basic_variables

    match = _NAME.match(name)
    if match is not None:
        if match[2] is None:
            reading.not_a_covariate(match[1], model)
        found = _of_a_level(match[1], match[2] or model.resolved.groups[0].name, model)
        return found.at(match[3]) if match[3] else found
    if name in OTHERS:
        reading.not_a_covariate(name, model)
        return model.y if name == "Y" else model.total(model.y)
    covariates = {v.name for v in (*all_variables(model.resolved), *basic_variables(model.resolved))}
    if name.startswith("size(") and name.endswith(")"):
        return model.size(name[5:-1])
    if reading.plain(name) in covariates:
        return model.covariate(reading.plain(name))
    sets = ", ".join(discover("momentalg.statistics", "STATISTIC"))
    raise StatisticError(
        f"no statistic called {name!r}; there are {', '.join((*OF_A_LEVEL, *OTHERS))}, those of a factor such as "
        f"'S({model.resolved.groups[-1].name})', products of these such as 'S*N', and the sets {sets}. Others are "
        "built in Python, from model.total(...)"
    )


def _of_a_level(letter: str, by: str, model: Model) -> Node:
    total, size = model.total(model.y, by=by), model.size(by)
    if letter == "S":
        return total
    if letter == "N":
        return size
    if letter == "Ybar":
        return total / size
    squares = model.total(model.y**2, by=by)
    return {"T": squares, "D": squares - total**2 / size, "P": total**2 - squares}[letter]
