"""`momentalg fit`: estimates from data files, or from saved sums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from momentalg.cli import options, reading
from momentalg.cli.accumulating import has_sums, require_data_first, require_rows_for, total, watched
from momentalg.cli.fitted import shown, write_pictures
from momentalg.errors import UnsupportedError

if TYPE_CHECKING:
    from momentalg.inference.result import FitResult
    from momentalg.inference.sums import Sums
    from momentalg.model.model import Model


@click.command(
    short_help="Estimate the parameters from files.",
    epilog=options.example(
        "momentalg fit ratings.csv 'rating ~ 1 + size(user) + (1 | user)'",
        "momentalg fit scores.csv 'score ~ 1 + (1 | user) + (1 | item)'",
        "momentalg fit 'rat*.csv' 'rating ~ 1 + (1 | user)' --checkpoint run.checkpoint",
    ),
)
@click.argument("data", nargs=-1, metavar="DATA...")
@options.formula
@options.statistics
@options.means
@options.weighting
@options.declared
@options.missing
@options.separator
@options.engine
@options.checkpoint
@options.sums_file("--save-sums", text="A file to save the sums in, .sums.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="How to print.",
)
@options.report_and_pictures
def fit(
    data: tuple[str, ...],
    formula: str,
    statistics: str | None,
    means: str | None,
    weighting: str | None,
    declared: Mapping[str, Any],
    missing: str,
    separator: str | None,
    engine: str | None,
    checkpoint: Path | None,
    save_sums: Path | None,
    form: str,
    report: Path | None,
    pictures: Path | None,
) -> None:
    """Estimate the parameters of FORMULA from the files DATA, which come first.

    DATA are files, folders and patterns such as 'ratings/*.parquet': Parquet, Arrow, or text in columns (.csv or .tsv,
    perhaps compressed) whose first line names them; or saved sums (.sums). They are read in pieces, so that they may be
    larger than memory. A report has the design of the data, and pictures show single levels and rows, if there are no
    more than 500,000 rows.
    """
    require_data_first("fit", data, formula)
    model = reading.model(formula, declared)
    equations: dict[str, Any] = {"statistics": statistics, "means": means, "weighting": weighting}
    found = _fit(model, data, separator, equations, {"missing": missing, "engine": engine, "checkpoint": checkpoint})
    if save_sums is not None:
        click.echo(f"wrote {_sums(found).save(save_sums)}", err=True)
    kept = found if report is not None or pictures is not None else replace(found, data=None)
    click.echo(shown(kept, form))
    if report is not None:
        model.report(report, data=kept.data, fit=kept)
        click.echo(f"wrote {report}{_without_data(kept)}", err=True)
    if pictures is not None:
        write_pictures(kept, pictures)


def _fit(
    model: Model,
    data: tuple[str, ...],
    separator: str | None,
    equations: Mapping[str, Any],
    how: Mapping[str, Any],
) -> FitResult:
    """The fit of files and of saved sums together."""
    from momentalg.data.files.datafiles import data_files

    if has_sums(data):
        require_rows_for(how, data)
        return model.fit(total(model, data, separator, equations, how))
    files = data_files(data, separator)
    with watched(files, how["checkpoint"]) as progress:
        return model.fit(files, **equations, **how, progress=progress)


def _sums(found: FitResult) -> Sums:
    if found.sums is None:
        raise UnsupportedError("fourth cumulants need all rows, which sums are not: leave out --save-sums, or kurtosis")
    return found.sums


def _without_data(found: FitResult) -> str:
    """What is said of a report without data."""
    from momentalg.inference.runs.run import KEPT

    if found.data is not None:
        return ""
    many = found.nobs + found.dropped > KEPT
    return f", without the data, which {f'have more than {KEPT:,} rows' if many else 'are not in memory'}"
