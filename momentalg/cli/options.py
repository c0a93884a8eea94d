"""Arguments that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from momentalg.moments.equations import MEANS

formula = click.argument("formula")
levels = click.option(
    "--levels",
    multiple=True,
    metavar="X=FACTOR",
    help="A covariate that is constant within the levels of a factor; commas between several.",
)
nested = click.option(
    "--nested",
    multiple=True,
    metavar="INNER=OUTER",
    help="The labels of one column are local to those of another: cask=batch. (1 | batch/cask) says the same.",
)
unreplicated = click.option(
    "--unreplicated",
    multiple=True,
    metavar="FACTOR",
    help="A level has one observation at most: user:item; results are shorter, and data are checked.",
)
statistics = click.option(
    "--statistics",
    metavar="NAME",
    help="What the moment equations are made of; see `momentalg statistics`.  [default: henderson3 for one random"
    " intercept, otherwise within]",
)
means = click.option(
    "--means",
    type=click.Choice(list(MEANS)),
    help="How mean parameters are treated in the variance equations; by default what the statistics ask for.",
)
missing = click.option(
    "--missing",
    type=click.Choice(["refuse", "drop"]),
    default="refuse",
    show_default=True,
    help="Refuse rows with missing values, or leave them out and count them.",
)
separator = click.option(
    "--separator",
    metavar="CHARACTER",
    help="What separates the columns of the data.  [default: a comma; a tab in .tsv]",
)


def output(text: str, required: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option -o of a command that writes a file, in a folder that exists."""
    kind = click.Path(dir_okay=False, path_type=Path)
    return click.option("-o", "--output", type=kind, required=required, callback=_in_a_folder, help=text)


def _in_a_folder(_ctx: click.Context, _option: click.Parameter, path: Path | None) -> Path | None:
    if path is not None and not path.parent.is_dir():
        raise click.BadParameter(f"the folder {str(path.parent)!r} does not exist; create it first")
    return path


def example(*lines: str) -> str:
    """The end of a command's help: lines that click leaves as they are."""
    return "\b\n" + "\n".join(["Example:", *(f"  {line}" for line in lines)])
