"""`momentalg report`: the model, its derivation, equations and estimator as a page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from momentalg.cli import options, reading


@click.command(
    short_help="Write all of it on one page: HTML, LaTeX, Markdown, PDF.",
    epilog=options.example(
        "momentalg report 'rating ~ 1 + (1 | user)' -o report.html --data ratings.csv",
        "momentalg report 'score ~ 1 + (1 | user) + (1 | item)' -o scores.html --data scores.csv",
    ),
)
@options.formula
@options.output("The file to write: .html, .tex, .md, or .pdf where latexmk is installed.", required=True)
@click.option(
    "--data",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="A file to fit; of folders, patterns, and more than fits in memory: momentalg fit DATA FORMULA --report FILE.",
)
@options.declared
@options.missing
@options.separator
def report(
    formula: str,
    output: Path,
    data: Path | None,
    declared: Mapping[str, Any],
    missing: str,
    separator: str | None,
) -> None:
    """Write a report on FORMULA: the model, derivation, equations, solution and estimator; with --data, the fit."""
    from momentalg.data.files.datafiles import read

    model = reading.model(formula, declared)
    frame = fitted = None
    if data is not None:
        frame = read(data, model.resolved, separator=separator)
        fitted = model.fit(frame, missing=missing)
    model.report(output, data=frame, fit=fitted)
    click.echo(f"wrote {output}", err=True)
