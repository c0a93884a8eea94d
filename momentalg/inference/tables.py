"""A fit as text, HTML and Markdown: pure views of one result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from momentalg.expr.escape import escape_html, escape_text, markdown_code
from momentalg.expr.keys import read_key

if TYPE_CHECKING:
    from momentalg.inference.result import FitResult

TIDY = ("effect", "group", "term", "estimate", "std_error")


def tidy_row(key: str, estimate: float) -> tuple[str, str | None, str, float, float]:
    """A parameter as a row of the tidy table; the standard error is not a number until there is one."""
    read = read_key(key)
    if read.kind == "mean":
        return "fixed", None, key, estimate, float("nan")
    if read.kind != "group":
        kind = "var" if read.order == 2 else f"k{read.order}"
        return "ran_pars", "Residual", f"{kind}__Observation", estimate, float("nan")
    terms = dict.fromkeys("(Intercept)" if c == "1" else c for c in read.coefficients)  # a variance names it once
    kind = ("var" if len(terms) == 1 else "cov") if read.order == 2 else f"k{read.order}"
    return "ran_pars", read.factor, f"{kind}__{'.'.join(terms)}", estimate, float("nan")


def rows(fit: FitResult) -> list[tuple[str, str, str]]:
    """Each parameter with its estimate, and a note where the estimate is negative."""
    found = []
    for key in fit.keys:
        note = f"negative; truncated: {fit.truncated[key]:g}" if key in fit.negative else ""
        found.append((key, f"{fit.estimates[key]:.6g}", note))
    return found


def facts(fit: FitResult) -> list[tuple[str, str]]:
    """What the fit is of: model, statistics, numbers of rows and levels."""
    groups = ", ".join(f"{name}: {count}" for name, count in fit.n_groups.items())
    found = [
        ("Model", fit.model.formula),
        ("Statistics", f"{fit.statistics} (means: {fit.system.means})"),
        ("Observations", str(fit.nobs) + (f" ({fit.dropped} with missing values dropped)" if fit.dropped else "")),
        ("Levels", groups),
    ]
    if fit.system.means == "plug-in" and fit.system.plugged_in:
        found.append(("Note", "estimates of the mean parameters are plugged in: the variance components are biased"))
    return found


def text(fit: FitResult) -> str:
    """The fit as plain text."""
    lines = [f"{name + ':':<14}{escape_text(value)}" for name, value in facts(fit)]
    table = [(escape_text(key), value, note) for key, value, note in rows(fit)]
    width = max(len("parameter"), *(len(key) for key, _, _ in table))
    lines += ["", f"{'parameter':<{width}}  {'estimate':>12}"]
    lines += [f"{key:<{width}}  {value:>12}  {note}".rstrip() for key, value, note in table]
    return "\n".join([*lines, "", "Standard errors come with a later version; until then, check by simulation."])


def html(fit: FitResult) -> str:
    """The fit as an HTML fragment."""
    head = "".join(f"<dt>{escape_html(n)}</dt><dd>{escape_html(v)}</dd>" for n, v in facts(fit))
    body = "".join(
        f"<tr><th scope='row'><code>{escape_html(k)}</code></th><td>{escape_html(v)}</td><td>{escape_html(n)}</td></tr>"
        for k, v, n in rows(fit)
    )
    columns = "<tr><th>parameter</th><th>estimate</th><th></th></tr>"
    return (
        f"<div class='momentalg-fit'><dl>{head}</dl><table><thead>{columns}</thead><tbody>{body}</tbody></table></div>"
    )


def markdown(fit: FitResult) -> str:
    """The fit as Markdown."""
    shown = [(name, markdown_code(value) if name in ("Model", "Levels") else value) for name, value in facts(fit)]
    lines = [f"- **{name}**: {value}" for name, value in shown]
    lines += ["", "| parameter | estimate | |", "|---|---:|---|"]
    lines += [f"| {markdown_code(key, in_table=True)} | {value} | {note} |" for key, value, note in rows(fit)]
    return "\n".join(lines)
