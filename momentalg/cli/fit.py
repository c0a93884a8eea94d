"""`momentalg fit`: estimates from a data file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from momentalg.cli import files, options, reading
from momentalg.cli.fitted import shown, write_pictures
from momentalg.errors import DataError, NothingLeftError
from momentalg.moments.weighting import KURTOSIS

if TYPE_CHECKING:
    from pandas import DataFrame

    from momentalg.inference.result import FitResult
    from momentalg.model.model import Model


@click.command(
    short_help="Estimate the parameters from a file.",
    epilog=options.example(
        "momentalg fit ratings.csv 'rating ~ 1 + size(user) + (1 | user)'",
        "momentalg fit scores.csv 'score ~ 1 + (1 | user) + (1 | item)'",
    ),
)
@click.argument("data", type=click.Path(dir_okay=False, path_type=Path))
@options.formula
@options.statistics
@options.means
@options.weighting
@options.declared
@options.missing
@options.separator
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
    data: Path,
    formula: str,
    statistics: str | None,
    means: str | None,
    weighting: str | None,
    declared: Mapping[str, Any],
    missing: str,
    separator: str | None,
    form: str,
    report: Path | None,
    pictures: Path | None,
) -> None:
    """Estimate the parameters of FORMULA from the file DATA, which comes first.

    DATA is text in columns (.csv or .tsv, perhaps compressed) whose first line names them. It is read in chunks, so
    that it may be larger than memory. A report has the design of the data, and pictures show single levels and rows,
    if there are no more than 500,000 rows.
    """
    if "~" in data.name and not data.exists():
        raise click.UsageError(f"DATA comes before FORMULA: momentalg fit {formula} {str(data)!r}")
    model = reading.model(formula, declared)
    equations = {"statistics": statistics, "means": means, "weighting": weighting}
    found = _fit(model, data, missing, separator, report is not None or pictures is not None, equations)
    click.echo(shown(found, form))
    if report is not None:
        model.report(report, data=found.data, fit=found)
        without = "" if found.data is not None else f", without the data, which have more than {files.CHUNK:,} rows"
        click.echo(f"wrote {report}{without}", err=True)
    if pictures is not None:
        write_pictures(found, pictures)


def _fit(
    model: Model, path: Path, missing: str, separator: str | None, keep: bool, equations: Mapping[str, str | None]
) -> FitResult:
    """The fit of a file: by the sums of its chunks, or with `keep` from the frame, if there is only one chunk."""
    from momentalg.data.frames import needed_columns

    names = needed_columns(model.resolved)
    start = rows = 0  # the first row of the piece that is read, and of the next
    empty = False
    first: list[DataFrame] = []  # the first chunk, if it is kept
    try:
        with files.chunks(path, names, model.resolved.columns, separator) as found:

            def counted() -> Iterator[DataFrame]:
                nonlocal start, rows, empty
                for chunk in found:
                    start, rows = rows, rows + len(chunk)
                    first[:] = [chunk] if keep and not start else []
                    yield chunk
                empty = not rows

            if equations["weighting"] == KURTOSIS:  # whose cumulants need all rows
                parts = list(counted())
                return model.fit(parts[0] if len(parts) == 1 else parts, missing=missing, **equations)
            sums = model.sums(counted(), missing=missing, **equations)
    except NothingLeftError as error:
        raise DataError(f"{path.name}: {error}") from error
    except DataError as error:
        if empty:
            raise DataError(f"{path.name}: there is a header and no rows; nothing is left to fit") from error
        what = str(error).replace("missing='drop'", "--missing drop")  # what to write here, not in Python
        raise DataError(f"{what} (rows are counted from {start})" if start else what) from error
    if first:
        return model.fit(first[0], missing=missing, **equations)
    return model.fit(sums)
