"""A fit as text, HTML and Markdown: pure views of one result."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from momentalg.expr.escape import escape_html, escape_text, markdown_code
from momentalg.inference.confidence import warnings_of
from momentalg.inference.covariance import available, exact_traces, formula_of

if TYPE_CHECKING:
    from momentalg.inference.intervals import Interval
    from momentalg.inference.result import FitResult

FREE = 500
"""Units up to which a summary leaves out one after another for its standard errors; with more it says how to ask."""


class Text(str):
    """A text that shows itself without quotes, and in notebooks as HTML or Markdown."""

    __slots__ = ("_html", "_markdown")
    _html: str
    _markdown: str

    def __new__(cls, text: str, html: str, markdown: str) -> Self:
        found = super().__new__(cls, text)
        found._html, found._markdown = html, markdown
        return found

    def __reduce__(self) -> tuple[type[Self], tuple[str, str, str]]:
        return type(self), (str(self), self._html, self._markdown)

    def __repr__(self) -> str:
        return str(self)

    def as_text(self) -> str:
        """The plain text."""
        return str(self)

    def as_html(self) -> str:
        """An HTML fragment."""
        return self._html

    def as_markdown(self) -> str:
        """Markdown."""
        return self._markdown

    def _repr_html_(self) -> str:
        return self._html

    def _repr_markdown_(self) -> str:
        return self._markdown


Parts = tuple[list[tuple[str, str]], tuple[str, ...], list[tuple[str, ...]]]


def summary(fit: FitResult, alpha: float) -> Text:
    """The fit as a table: estimates, standard errors, t and its tail, intervals, and notes."""
    found = parts(fit, alpha)
    return Text(_text(*found), _html(*found), _markdown(*found))


def parts(fit: FitResult, alpha: float) -> Parts:
    """What a summary says: facts by name, the head of the table, its rows."""
    bounds = fit.intervals(alpha) if has_errors(fit) else {}
    warned = [("Warning", text) for text in warnings_of(bounds)]
    return [*facts(fit), *warned], *parameter_table(fit, alpha, bounds)


def file_names(fit: FitResult) -> list[str]:
    """The names of the files that are in a fit, sorted; none for frames, and for sums that do not know of any."""
    return sorted(mark.name for mark in fit.sums.files) if fit.sums is not None else []


def _from(fit: FitResult) -> str:
    names = file_names(fit)
    return f" from {names[0] if len(names) == 1 else f'{len(names)} files'}" if names else ""


def facts(fit: FitResult) -> list[tuple[str, str]]:
    """What the fit is of: model, statistics, numbers of rows and levels, which standard errors."""
    groups = ", ".join(f"{name}: {count}" for name, count in fit.n_groups.items())
    weighting = "" if fit.weighting == "none" else f"{fit.weighting} weights, the first step by "
    found = [
        ("Model", fit.model.formula),
        ("Statistics", f"{weighting}{fit.statistics} (means: {fit.system.means})"),
        (
            "Observations",
            f"{fit.nobs}{_from(fit)}" + (f" ({fit.dropped} with missing values dropped)" if fit.dropped else ""),
        ),
        ("Levels", groups),
        *standard_errors(fit),
    ]
    if not exact_traces(fit):
        found.append(("Note", "too many crossed levels for exact coefficients: see fit.explain()"))
    if fit.system.means == "plug-in" and fit.system.plugged_in:
        found.append(("Note", "estimates of the mean parameters are plugged in: the variance components are biased"))
    return found


def standard_errors(fit: FitResult) -> list[tuple[str, str]]:
    """Which standard errors there are, and the distribution that they are referred to; or why there are none."""
    if not has_errors(fit):
        return [("Std. errors", _without(fit))]
    reference = f"t with {fit.df} degrees of freedom" if fit.df >= 1 else "none: no more clusters than mean parameters"
    found = fit.covariance
    said = [("Std. errors", f"{found.described} ({found.view})"), ("Reference", reference)]
    if found.below_zero:
        text = "the variance of the estimate came out below 0, as it may for crossed factors with few levels"
        said.append(("No std.err.", f"{', '.join(found.below_zero)}: {text}"))
    return said


def has_errors(fit: FitResult) -> bool:
    """Whether a summary shows standard errors: by formula, or by a jackknife that costs little or was made."""
    if formula_of(fit) or "covariance" in vars(fit):
        return True
    return fit.data is not None and max(fit.n_groups.values()) <= FREE and available(fit)


def _without(fit: FitResult) -> str:
    if fit.data is None:
        return "none: sums for classical statistics do not give them; those for weighting='two-step' do"
    return "not computed: fit.bse solves the equations anew without each unit in turn"


def parameter_table(
    fit: FitResult, alpha: float, bounds: Mapping[str, Interval]
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The head and the rows of the table of parameters: key, estimate, ..., note."""
    notes = {key: f"negative; truncated: {fit.truncated[key]:g}" for key in fit.negative}
    notes |= {key: f"no covariance matrix; nearest: {fit.truncated[key]:g}" for key in fit.indefinite}
    if not bounds:
        return ("parameter", "estimate", ""), [(k, f"{fit.estimates[k]:.6g}", notes.get(k, "")) for k in fit.keys]
    errors, statistics, tails = fit.bse, fit.tvalues, fit.pvalues
    head = ("parameter", "estimate", "std.err.", "t", "P>|t|", f"[{alpha / 2:.3g}", f"{1 - alpha / 2:.3g}]", "")
    table: list[tuple[str, ...]] = []
    for key in fit.keys:
        low, high = bounds[key].low, bounds[key].high
        numbers = (
            _shown(errors[key], 4),
            _shown(statistics[key], 3),
            _tail(tails[key]),
            _shown(low, 5),
            _shown(high, 5),
        )
        table.append((key, f"{fit.estimates[key]:.6g}", *numbers, notes.get(key, "")))
    return head, table


def _shown(value: Any, digits: int) -> str:
    return "" if math.isnan(value) else f"{value:.{digits}g}"


def _tail(value: float) -> str:
    return "" if math.isnan(value) else "<0.0001" if value < 1e-4 else f"{value:.4f}"


def _text(about: Sequence[tuple[str, str]], head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    lines = [f"{name + ':':<14}{escape_text(value)}" for name, value in about]
    rows = [head, *((escape_text(row[0]), *row[1:]) for row in body)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(head))]
    lines.append("")
    for row in rows:
        cells = [f"{cell:>{width}}" for cell, width in zip(row[1:-1], widths[1:-1], strict=True)]
        lines.append("  ".join([f"{row[0]:<{widths[0]}}", *cells, row[-1]]).rstrip())
    return "\n".join(lines)


def _html(about: Sequence[tuple[str, str]], head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    shown = "".join(f"<dt>{escape_html(n)}</dt><dd>{escape_html(v)}</dd>" for n, v in about)
    columns = "".join(f"<th>{escape_html(name)}</th>" for name in head)
    rows = "".join(
        f"<tr><th scope='row'><code>{escape_html(row[0])}</code></th>"
        + "".join(f"<td>{escape_html(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in body
    )
    table = f"<table><thead><tr>{columns}</tr></thead><tbody>{rows}</tbody></table>"
    return f"<div class='momentalg-fit'><dl>{shown}</dl>{table}</div>"


def _markdown(about: Sequence[tuple[str, str]], head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    quoted = ("Model", "Levels", "Std. errors", "No std.err.", "Warning")
    lines = [f"- **{name}**: {markdown_code(value) if name in quoted else value}" for name, value in about]
    escaped = [cell.replace("|", "\\|") for cell in head]
    lines += ["", f"| {' | '.join(escaped)} |", "|---" + "|---:" * (len(head) - 2) + "|---|"]
    lines += [f"| {' | '.join((markdown_code(row[0], in_table=True), *row[1:]))} |" for row in body]
    return "\n".join(lines)
