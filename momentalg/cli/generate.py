"""`momentalg generate`: a model becomes a standalone NumPy module."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from momentalg.cli import options, reading
from momentalg.moments.weighting import chosen_weighting


@click.command(
    short_help="Write an estimator, a NumPy module.",
    epilog=options.example(
        "momentalg generate 'rating ~ 1 + (1 | user)' -o ratings_estimator.py",
        "momentalg generate 'score ~ 1 + (1 | user) + (1 | item)' -o scores_estimator.py",
        "python ratings_estimator.py --self-test",
        "python ratings_estimator.py ratings.csv",
    ),
)
@options.formula
@options.output("The file to write; else standard output.")
@options.statistics
@options.means
@options.weighting
@options.declared
def generate(
    formula: str,
    output: Path | None,
    statistics: str | None,
    means: str | None,
    weighting: str | None,
    declared: Mapping[str, Any],
) -> None:
    """Write a NumPy module that estimates the parameters of FORMULA.

    The module needs NumPy alone. It is a program too, and tests itself.
    """
    model = reading.model(formula, declared)
    chosen = chosen_weighting(model.resolved, weighting, statistics is means is None)
    module = model.moment_equations(statistics, means=means, weighting=chosen).estimator()
    if output is None:
        click.echo(module.source, nl=False)
        return
    module.write(output)
    click.echo(f"wrote {output}; try: python {output} --self-test", err=True)
