"""`momentalg sums`: sums to keep, to share and to add to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from momentalg.cli import options, reading
from momentalg.cli.accumulating import require_data_first, require_rows_for, total
from momentalg.errors import DataError

if TYPE_CHECKING:
    from momentalg.inference.sums import Sums


@click.command(
    short_help="Save sums, add to them and take away.",
    epilog=options.example(
        "momentalg sums ratings.csv 'rating ~ 1 + (1 | user)' -o all.sums",
        "momentalg sums all.sums 'rating ~ 1 + (1 | user)' --without 'user=A B' -o left.sums",
    ),
)
@click.argument("data", nargs=-1, metavar="DATA...")
@options.formula
@options.sums_file("-o", "--output", text="The file to write, .sums; it may be one of DATA.", required=True)
@click.option(
    "--minus", multiple=True, metavar="FILE", help="Take away a file that is in the sums, or the sums of such files."
)
@click.option(
    "--minus-rows", multiple=True, metavar="FILE", help="Take away rows that are in the sums, from a file of their own."
)
@click.option(
    "--without", multiple=True, metavar="FACTOR=A B C", help="Take away all rows of some levels, as of users who leave."
)
@options.statistics
@options.means
@options.weighting
@options.declared
@options.missing
@options.separator
@options.engine
@options.checkpoint
def sums(
    data: tuple[str, ...],
    formula: str,
    output: Path,
    minus: tuple[str, ...],
    minus_rows: tuple[str, ...],
    without: tuple[str, ...],
    statistics: str | None,
    means: str | None,
    weighting: str | None,
    declared: Mapping[str, Any],
    missing: str,
    separator: str | None,
    engine: str | None,
    checkpoint: Path | None,
) -> None:
    """Save what a fit of FORMULA needs of DATA, which come first: files of rows, and saved sums (.sums).

    Sums of new files, or of several sites, add up: `momentalg sums site1.sums site2.sums FORMULA -o both.sums`, and
    `momentalg fit both.sums FORMULA` is the fit of all rows together. A file of sums has no rows, but it has the labels
    of levels, and a level with a single row shows its values; of crossed factors the levels are cells, which often have
    a single row.
    """
    require_data_first("sums", data, formula)
    model = reading.model(formula, declared)
    equations: dict[str, Any] = {"statistics": statistics, "means": means, "weighting": weighting}
    how = {"missing": missing, "engine": engine}
    require_rows_for({**how, "checkpoint": checkpoint}, data)
    found = total(model, data, separator, equations, {**how, "checkpoint": checkpoint})
    same = {"statistics": found.estimator.given, "means": found.estimator.means, "weighting": found.estimator.weighting}
    for path in minus:
        found -= total(found.estimator.model, [path], separator, same, how)
    for path in minus_rows:
        found -= total(found.estimator.model, [path], separator, same, how).unmarked
    for text in without:
        found = found.without(*_levels(text, found))
    dropped = f", {found.dropped} dropped" if found.dropped else ""
    click.echo(f"wrote {found.save(output)}: {found.nobs} observations{dropped}", err=True)


def _levels(text: str, found: Sums) -> tuple[str, list[Any]]:
    """Read 'user=u7 u9': a factor of one column, and labels of the kind that it has in the sums."""
    from momentalg.inference.label_kinds import by_column

    name, _, labels = (part.strip() for part in text.partition("="))
    column = reading.plain(name)
    columns = found.estimator.module.LEVELS
    level = next((k for k, of in columns.items() if column in of), None)
    if level is None or not labels:
        listed = ", ".join(dict.fromkeys(c for of in columns.values() for c in of))
        raise DataError(
            f"--without takes a column of labels and some, 'user=u7 u9', not {text!r}; columns of labels: {listed}"
        )
    kind = by_column(found.table[level])[columns[level].index(column)].dtype.kind
    return name, [_label(label, kind, column) for label in labels.split()]


def _label(text: str, kind: str, column: str) -> Any:
    """A label as it is in sums, whole number, number, date or truth value; else the text."""
    import numpy as np

    read: Mapping[str, Callable[[str], Any]] = {
        "i": int,
        "u": int,
        "f": float,
        "M": np.datetime64,
        "b": {"True": True, "False": False}.__getitem__,
    }
    try:
        return read.get(kind, str)(text)
    except (ValueError, KeyError) as error:
        known = {"i": "whole numbers", "u": "whole numbers", "f": "numbers", "M": "dates or times"}
        raise DataError(
            f"--without: the levels of {column!r} are {known.get(kind, 'True and False')}; found {text!r}"
        ) from error
