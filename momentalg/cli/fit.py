"""`momentalg fit`: estimates from a data file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from momentalg.cli import files, options, reading
from momentalg.errors import DataError, NothingLeftError

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
) -> None:
    """Estimate the parameters of FORMULA from the file DATA, which comes first.

    DATA is text in columns (.csv or .tsv, perhaps compressed) whose first line names them. It is read in chunks, so
    that it may be larger than memory.
    """
    if "~" in data.name and not data.exists():
        raise click.UsageError(f"DATA comes before FORMULA: momentalg fit {formula} {str(data)!r}")
    model = reading.model(formula, declared)
    click.echo(
        _shown(_fit(model, data, missing, separator, statistics=statistics, means=means, weighting=weighting), form)
    )


def _fit(model: Model, path: Path, missing: str, separator: str | None, **equations: str | None) -> FitResult:
    from momentalg.data.frames import needed_columns

    names = needed_columns(model.resolved)
    start = rows = 0  # the first row of the piece that is read, and of the next
    empty = False
    try:
        with files.chunks(path, names, model.resolved.columns, separator) as found:

            def counted() -> Iterator[DataFrame]:
                nonlocal start, rows, empty
                for chunk in found:
                    start, rows = rows, rows + len(chunk)
                    yield chunk
                empty = not rows

            sums = model.sums(counted(), missing=missing, **equations)
    except NothingLeftError as error:
        raise DataError(f"{path.name}: {error}") from error
    except DataError as error:
        if empty:
            raise DataError(f"{path.name}: there is a header and no rows; nothing is left to fit") from error
        what = str(error).replace("missing='drop'", "--missing drop")  # what to write here, not in Python
        raise DataError(f"{what} (rows are counted from {start})" if start else what) from error
    result: FitResult = model.fit(sums)
    return result


def _shown(result: FitResult, form: str) -> str:
    if form == "table":
        return result.summary()
    if form == "json":
        facts = {
            "model": result.model.formula,
            "statistics": result.statistics,
            "means": result.system.means,
            "nobs": result.nobs,
            "dropped": result.dropped,
            "levels": dict(result.n_groups),
            "estimates": {key: float(result.estimates[key]) for key in result.keys},
            "truncated": {key: float(result.truncated[key]) for key in result.keys},
        }
        return json.dumps(facts, indent=2, ensure_ascii=False)
    table = result.params.to_frame()
    table["truncated"] = [float(result.truncated[key]) for key in result.keys]
    return str(table.to_csv()).rstrip("\n")
