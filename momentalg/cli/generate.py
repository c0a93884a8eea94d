"""`momentalg generate`: a model becomes a standalone NumPy module, or queries of a database."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from momentalg.cli import options, reading
from momentalg.moments.weighting import chosen_weighting


@click.command(
    short_help="Write an estimator, a NumPy module or SQL.",
    epilog=options.example(
        "momentalg generate 'rating ~ 1 + (1 | user)' -o ratings_estimator.py",
        "momentalg generate 'score ~ 1 + (1 | user) + (1 | item)' -o scores_estimator.py",
        "python ratings_estimator.py --self-test",
        "python ratings_estimator.py ratings.csv",
        "momentalg generate 'rating ~ 1 + (1 | user)' --backend sql --dialect postgres --table ratings -o ratings.sql",
    ),
)
@options.formula
@options.output("The file to write; else standard output.")
@options.statistics
@options.means
@options.weighting
@click.option(
    "--backend",
    default="numpy",
    show_default=True,
    metavar="NAME",
    help="The language: numpy, a module that is a program too; numba, the same with a compiled pass; sql, queries that "
    "accumulate the sums in a database.",
)
@click.option(
    "--dialect", metavar="NAME", help="Of SQL, as sqlglot calls it: postgres, bigquery, sqlite.  [default: duckdb]"
)
@click.option("--table", metavar="NAME", help="The table in the database: ratings, shop.ratings.  [default: data]")
@options.declared
def generate(
    formula: str,
    output: Path | None,
    statistics: str | None,
    means: str | None,
    weighting: str | None,
    backend: str,
    dialect: str | None,
    table: str | None,
    declared: Mapping[str, Any],
) -> None:
    """Write a NumPy module that estimates the parameters of FORMULA.

    The module needs NumPy alone. It is a program too, and tests itself. As SQL, queries accumulate its sums in a
    database, and the module's solve() finishes.
    """
    if backend != "sql" and not dialect is table is None:
        raise click.UsageError(f"--dialect and --table are of --backend sql; the backend is {backend}")
    model = reading.model(formula, declared)
    chosen = chosen_weighting(model.resolved, weighting, statistics is means is None)
    asked = {name: value for name, value in (("dialect", dialect), ("table", table)) if value is not None}
    module = model.moment_equations(statistics, means=means, weighting=chosen).estimator(backend, **asked)
    if output is None:
        click.echo(module.source, nl=False)
        return
    module.write(output)
    hint = "" if backend == "sql" else f"; try: python {output} --self-test"
    click.echo(f"wrote {output}{hint}", err=True)
