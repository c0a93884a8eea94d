"""The numbers of a report: data, coefficients, fit and check, as facts and tables before any language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from momentalg.data.coefficients import coefficients
from momentalg.errors import NotIdentifiedError
from momentalg.expr.nodes import Letter, Node, Projected
from momentalg.expr.traversal import walk

if TYPE_CHECKING:
    from momentalg.moments.system import MomentSystem

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Grid:
    """A table: headings, and rows; the first cell names the row, by a key or a formula."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str | Node, ...], ...]
    keys: frozenset[str] = frozenset()  # headings that are keys of parameters


def coefficient_grid(data: Any, system: MomentSystem) -> Grid:
    """The coefficients of the moment equations on the data: statistics by unknowns."""
    table = coefficients(system, data, missing="drop")
    names: list[str | Node] = [*(e.statistic for e in system.common), *(Letter(e.name) for e in system.variance)]
    headings = tuple(map(str, table.columns))
    cells = ((f"{value:.6g}" for value in row) for row in table.to_numpy())
    rows = tuple((name, *row) for name, row in zip(names, cells, strict=True))
    return Grid(("statistic", *headings), rows, frozenset(headings))


def mean_square_grid(data: Any, system: MomentSystem) -> Grid | None:
    """The expected mean squares: each sum of squares by its degrees of freedom. None for other statistics."""
    kernels = any(isinstance(part, Projected) and part.kernel for e in system.variance for part in walk(e.statistic))
    if system.means != "projection" or kernels or len(system.variance) < 2:
        return None
    try:
        table = coefficients(system, data, missing="drop", mean_squares=True)
    except NotIdentifiedError:
        return None
    headings = tuple(map(str, table.columns))
    cells = ((f"{value:.6g}" for value in row) for row in table.to_numpy())
    names: list[str | Node] = [Letter(e.name) for e in system.variance]
    rows = tuple((name, *row) for name, row in zip(names, cells, strict=True))
    return Grid(("statistic", *headings), rows, frozenset(headings))


def fit_facts(fit: Any) -> Facts:
    """What a fit is of, by what standard errors, and what to be warned of; the model is the report's."""
    about, _, _ = fit.summary_parts()
    return tuple((name, text) for name, text in about if name != "Model")


def fit_grid(fit: Any) -> Grid:
    """The estimates, variances as they are, with standard errors and intervals; what a negative one is truncated to."""
    _, head, rows = fit.summary_parts()
    return Grid(head, tuple(rows))


def check_grid(check: Any) -> Grid:
    """The rows of a check by simulation."""
    return Grid(("parameter", "truth", "mean", "Monte-Carlo error", "z"), tuple(row.cells for row in check.rows))
