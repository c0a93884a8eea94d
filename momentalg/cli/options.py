"""Arguments that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from momentalg.errors import MomentalgError
from momentalg.moments.equations import MEANS
from momentalg.moments.weighting import WEIGHTINGS

formula = click.argument("formula")

DECLARATIONS = (
    click.option(
        "--levels",
        multiple=True,
        metavar="X=FACTOR",
        help="A covariate that is constant within the levels of a factor; commas between several.",
    ),
    click.option(
        "--fixed",
        multiple=True,
        metavar="FACTOR=A B C",
        help="A fixed factor with its levels, the reference first; without levels, those that the data have.",
    ),
    click.option(
        "--nested",
        multiple=True,
        metavar="INNER=OUTER",
        help="The labels of one column are local to those of another: cask=batch. (1 | batch/cask) says the same.",
    ),
    click.option(
        "--unreplicated",
        multiple=True,
        metavar="FACTOR",
        help="A level has one observation at most: user:item; results are shorter, and data are checked.",
    ),
    click.option(
        "--weights", metavar="W", help="A column of weights: the variance of a residual is divided by its own."
    ),
    click.option(
        "--incidence",
        metavar="DESIGN",
        help="How levels of crossed factors meet: 'draws(user, item, poisson(3), 1/2 1/4 1/4)', independent_cells, "
        "multinomial_labels; of nested ones, nested_sampling. Laws that are left out stay symbols.",
    ),
    click.option(
        "--residual-by", metavar="FACTOR", help="The residual variance differs between the levels of a column."
    ),
)
"""What may be declared about a model beside its formula."""

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
weighting = click.option(
    "-w",
    "--weighting",
    type=click.Choice(WEIGHTINGS),
    help="Solve the equations as they are; in a second step with weights that the first gives; renew these until "
    "they are their own, as REML does; or, for one random intercept, have fourth cumulants in them, for heavy tails.  "
    "[default: two-step; none for --statistics and --means]",
)
check_weighting = click.option(
    "-w",
    "--weighting",
    type=click.Choice(WEIGHTINGS),
    default="none",
    show_default=True,
    help="How the equations are weighted; with estimated weights an estimator is consistent, and may show a bias.",
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
engine = click.option(
    "--engine",
    metavar="NAME",
    help="What accumulates the sums: numpy or numba, on pieces of the files; polars or duckdb.  [default: numpy]",
)
checkpoint = click.option(
    "--checkpoint",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file to write the sums so far to, now and then and when interrupted; a run that finds it goes on from "
    "there. It is removed at the end.",
)


def declared(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of a command that declare facts about the model; it gets them as one dictionary, `declared`."""

    @wraps(command)
    def bundled(**given: Any) -> Any:
        names = ("levels", "fixed", "nested", "unreplicated", "weights", "residual_by", "incidence")
        facts = {name: given.pop(name) for name in names}
        return command(**given, declared=facts)

    for option in reversed(DECLARATIONS):
        bundled = option(bundled)
    return bundled


def output(text: str, required: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option -o of a command that writes a file, in a folder that exists."""
    kind = click.Path(dir_okay=False, path_type=Path)
    return click.option("-o", "--output", type=kind, required=required, callback=_in_a_folder, help=text)


def sums_file(*names: str, text: str, required: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """An option that names a file of sums to write: what can be refused of it is, before the long work."""
    kind = click.Path(dir_okay=False, path_type=Path)
    return click.option(*names, type=kind, required=required, callback=_of_sums, help=text)


def _of_sums(ctx: click.Context, option: click.Parameter, path: Path | None) -> Path | None:
    from momentalg.inference.saved_sums import SUFFIX

    if path is not None and path.suffix != SUFFIX:
        named = path.with_name(f"{path.name.split('.')[0] or path.name}{SUFFIX}")
        raise click.BadParameter(f"sums are kept in files that end in {SUFFIX}, by which DATA knows them: {named}")
    return _in_a_folder(ctx, option, path)


def report_and_pictures(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of a command that writes a report, and a folder of pictures, beside what it prints."""
    file = click.Path(dir_okay=False, path_type=Path)
    text = "A report of it to write: .html, .tex, .md, or .pdf where latexmk is installed."
    command = click.option("--report", type=file, callback=_a_report, help=text)(command)
    folder = click.Path(file_okay=False, path_type=Path)
    text = "A folder, made if it is not there, for pictures of it as PNG; needs matplotlib."
    return click.option("--plot", "pictures", metavar="FOLDER", type=folder, callback=_in_a_folder, help=text)(command)


def _a_report(ctx: click.Context, option: click.Parameter, path: Path | None) -> Path | None:
    """Refuse what cannot be a report before the long work that it tells of."""
    from momentalg.emit.report import require_known

    if path is not None:
        try:
            require_known(path)
        except MomentalgError as error:
            raise click.BadParameter(str(error)) from error
    return _in_a_folder(ctx, option, path)


def _in_a_folder(_ctx: click.Context, _option: click.Parameter, path: Path | None) -> Path | None:
    if path is not None and not path.parent.is_dir():
        raise click.BadParameter(f"the folder {str(path.parent)!r} does not exist; create it first")
    return path


def example(*lines: str) -> str:
    """The end of a command's help: lines that click leaves as they are."""
    return "\b\n" + "\n".join(["Example:", *(f"  {line}" for line in lines)])
