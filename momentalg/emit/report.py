"""`write_report`: a model, its derivations, equations and estimator as a document, with data, fit and check if given.

The format follows from the suffix: .html (one file, native MathML, no script, no network), .tex, .md, and .pdf where
latexmk is installed. Without a fit or a check a report holds no number that depends on the machine, and no date: the
same input gives the same bytes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from momentalg.data.files.whole import require_folder
from momentalg.emit.content import Content, content
from momentalg.emit.environment import render
from momentalg.emit.languages import Html, Language, Latex, Markdown
from momentalg.emit.tables import Facts, Grid
from momentalg.emit.writing import write_whole
from momentalg.errors import MomentalgError, UnsupportedError
from momentalg.expr.nodes import Node
from momentalg.expr.notation import Notation

if TYPE_CHECKING:
    from momentalg.model.model import Model


@dataclass(frozen=True)
class Table:
    """A table in one language; its first column is to the left, the others are to the right."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Law:
    """A law that the derivations use."""

    title: str
    equation: str
    source: str


@dataclass(frozen=True)
class ReportContext:
    """What a template of a report places; all of it is text in the template's language."""

    title: str
    code: str
    equation: str
    legend: tuple[tuple[str, str, str], ...]
    assumptions: tuple[str, ...]
    data: tuple[tuple[str, str], ...]
    design: Table | None
    derivations: tuple[tuple[str, str], ...]
    laws: tuple[Law, ...]
    equations: str
    coefficients: Table | None
    mean_squares: Table | None
    analogs: str
    solution: str
    weights: tuple[tuple[str, str], ...]
    program: str
    fit_facts: tuple[tuple[str, str], ...]
    fit: Table | None
    check_facts: tuple[tuple[str, str], ...]
    check: Table | None
    verdict: str


class HtmlContext(ReportContext):
    """What templates/html/report.html.j2 places."""


@dataclass(frozen=True)
class LatexContext(ReportContext):
    """What templates/latex/report.tex.j2 places; `environment` is a name that the program does not mention."""

    environment: str


class MarkdownContext(ReportContext):
    """What templates/markdown/report.md.j2 places."""


def write_report(
    model: Model, path: str | os.PathLike[str], data: Any = None, fit: Any = None, check: Any = None
) -> Path:
    """Write a report on `model` to `path`, whole or not at all, and return the path.

    Raises:
        UnsupportedError: a suffix that is none of .html, .tex, .md and .pdf; .pdf without latexmk.
        MomentalgError: a folder that does not exist.

    """
    target = Path(path)
    require_known(target)
    require_folder(target)
    return write_whole(target, WRITERS[target.suffix.lower()](content(model, data, fit, check)))


def require_known(target: Path) -> None:
    """Raise `UnsupportedError` for a file that no report is written to: better before long work than after."""
    if target.suffix.lower() not in WRITERS:
        known = ", ".join(WRITERS)
        raise UnsupportedError(f"a report is written to {known}; {target.name!r} ends in none of them")
    if target.suffix.lower() == ".pdf" and shutil.which("latexmk") is None:
        raise UnsupportedError(
            f"{target.name}: a .pdf is made by latexmk, which is not installed; write {target.stem}.tex, or "
            f"{target.stem}.html, which any browser prints"
        )


def html_report(found: Content) -> str:
    """The report as one HTML file."""
    return render("html/report.html.j2", HtmlContext(**_said(found, Html())))


def latex_report(found: Content) -> str:
    """The report as a LaTeX article."""
    environment = "program"
    while environment in found.source:
        environment += "x"
    return render("latex/report.tex.j2", LatexContext(**_said(found, Latex()), environment=environment))


def markdown_report(found: Content) -> str:
    """The report as Markdown."""
    return render("markdown/report.md.j2", MarkdownContext(**_said(found, Markdown())))


def pdf_report(found: Content) -> bytes:
    """The report as PDF, by latexmk; its date is fixed, so that the same report is the same file."""
    with tempfile.TemporaryDirectory(prefix="momentalg-") as folder:
        Path(folder, "report.tex").write_text(latex_report(found), encoding="utf-8")
        command = ["latexmk", "-pdf", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "report.tex"]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1"}
        run = subprocess.run(  # noqa: S603 - a fixed command
            command, cwd=folder, env=environment, capture_output=True, text=True, errors="replace"
        )
        if run.returncode:
            reason = next((line for line in run.stdout.splitlines() if line.startswith("!")), "no reason given")
            raise MomentalgError(f"latexmk failed ({reason}); write the .tex and look at it")
        return Path(folder, "report.pdf").read_bytes()


WRITERS: dict[str, Callable[[Content], str | bytes]] = {
    ".html": html_report,
    ".tex": latex_report,
    ".md": markdown_report,
    ".pdf": pdf_report,
}


def _said(found: Content, language: Language) -> dict[str, Any]:
    """The content in one language."""
    say = language
    return {
        "title": say.words(f"Moment equations of {found.formula}"),
        "code": say.code(found.code),
        "equation": say.equation(*found.equation),
        "legend": tuple(
            (say.math(node, found.symbols), say.code(key), say.words(text)) for node, key, text in found.legend
        ),
        "assumptions": tuple(map(say.words, found.assumptions)),
        "data": _facts(found.data, say),
        "design": _table(found.design, say, found.symbols),
        "derivations": tuple((say.math(asked, d[1]), say.sections(*d)) for asked, d in found.derivations),
        "laws": tuple(Law(say.words(r.title), say.equation(r.left, r.right), say.words(r.source)) for r in found.laws),
        "equations": say.sections(*found.equations),
        "coefficients": _table(found.coefficients, say, found.symbols),
        "mean_squares": _table(found.mean_squares, say, found.symbols),
        "analogs": say.sections(*found.analogs),
        "solution": say.sections(*found.solution),
        "weights": tuple((say.math(of, s[1]), say.sections(*s)) for of, s in found.weights),
        "program": say.program(found.source),
        "fit_facts": _facts(found.fit_facts, say),
        "fit": _table(found.fit, say, found.symbols),
        "check_facts": _facts(found.check_facts, say),
        "check": _table(found.check, say, found.symbols),
        "verdict": say.words(found.verdict),
    }


def _facts(facts: Facts, language: Language) -> tuple[tuple[str, str], ...]:
    return tuple((language.words(name), language.words(text)) for name, text in facts)


def _table(grid: Grid | None, language: Language, notation: Notation) -> Table | None:
    """Formulas are set as such; headings that are keys, and keys that name a row, are code."""
    if grid is None:
        return None

    def cell(value: str | Node, is_key: bool) -> str:
        if isinstance(value, Node):
            return language.math(value, notation)
        return language.code(value, in_table=True) if is_key else language.words(value)

    headings = tuple(cell(heading, heading in grid.keys) for heading in grid.headings)
    return Table(headings, tuple(tuple(cell(c, n == 0) for n, c in enumerate(row)) for row in grid.rows))
