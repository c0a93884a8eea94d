"""`momentalg check`: an estimator is checked by simulation."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from momentalg.cli import meeting, options, reading
from momentalg.errors import ModelError, UnsupportedError
from momentalg.expr.names import join_factor

FAILED = 1  # the exit code of a check that is not passed; a refusal has 2


@click.command(
    short_help="Compare estimates from simulated data with the truth.",
    epilog=options.example(
        "momentalg check 'y ~ 1 + (1 | user)' \\",
        "  --parameters 'Intercept=2, var(1|user)=1/3, var(residual)=1' \\",
        "  --sizes 'poisson(3)' --units 40 --effects exponential --replicates 2000 --seed 1",
        "momentalg check 'y ~ 1 + (1 | user) + (1 | item)' --data design.csv --replicates 2000 \\",
        "  --parameters 'Intercept=2, var(1|user)=1/3, var(1|item)=1, var(residual)=1'",
        "momentalg check 'y ~ 1 + (1 | user) + (1 | item)' --replicates 2000 \\",
        "  --incidence 'independent_cells(user, item, poisson(1))' --units user=20,item=9 \\",
        "  --parameters 'Intercept=2, var(1|user)=1/3, var(1|item)=1, var(residual)=1'",
    ),
)
@options.formula
@click.option(
    "--parameters", multiple=True, required=True, metavar="KEY=VALUE", help="True values, commas between them."
)
@click.option("--sizes", metavar="LAW", help="The law of the sizes of the levels, such as 'poisson(3)'; with --units.")
@click.option("--units", metavar="NUMBER", help="The number of levels to draw: 40, or 'user=40,item=30'.")
@click.option(
    "--data", type=click.Path(dir_okay=False, exists=True, path_type=Path), help="Take the design of this file."
)
@click.option(
    "--effects", metavar="LAW", help="The law of effects and residuals, such as 'exponential'.  [default: normal]"
)
@click.option("--covariates", multiple=True, metavar="X=LAW", help="Laws of covariates, such as 'X=normal(0, 1)'.")
@click.option(
    "--replicates", type=click.IntRange(min=2), default=2000, show_default=True, help="The number of data sets."
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="The seed of the random numbers."
)
@click.option("--allow-failures", type=click.IntRange(min=0), default=0, help="Data sets that may not be estimable.")
@options.statistics
@options.means
@options.check_weighting
@options.declared
@options.separator
def check(
    formula: str,
    parameters: tuple[str, ...],
    sizes: str | None,
    units: str | None,
    data: Path | None,
    effects: str | None,
    covariates: tuple[str, ...],
    replicates: int,
    seed: int,
    allow_failures: int,
    statistics: str | None,
    means: str | None,
    weighting: str,
    declared: Mapping[str, Any],
    separator: str | None,
) -> None:
    """Simulate data of FORMULA with known parameters, and compare the mean of the estimates with the truth.

    Effects may have any law: no normality is assumed. The exit code is 0 if the check is passed, and 1 if not.
    """
    model = reading.model(formula, declared)
    design, counted = _design(model, sizes, units, data, separator)
    result = model.check(
        parameters=reading.pairs(parameters, "--parameters"),
        design=design,
        units=counted,
        effects=reading.effects(effects, model),
        covariates={reading.plain(k): reading.law(v) for k, v in reading.pairs(covariates, "--covariates").items()},
        replicates=replicates,
        seed=seed,
        allow_failures=allow_failures,
        statistics=statistics,
        means=means,
        weighting=weighting,
        progress=sys.stderr.isatty(),
    )
    click.echo(result.summary())
    if not result.passed:
        raise SystemExit(FAILED)


def _design(
    model: Any, sizes: str | None, units: str | None, data: Path | None, separator: str | None
) -> tuple[Any, Any]:
    """The design of a check, and the number of units of a random one."""
    from momentalg.data.files.datafiles import read

    if data is not None:
        if sizes is not None or units is not None:
            raise ModelError(
                "--data gives the design of a file, --sizes and --units one at random: give one of the two"
            )
        return read(data, model.resolved, separator, design_only=True), None
    if model.resolved.incidence is not None:
        if sizes is not None:
            raise ModelError("--incidence says all about the sizes of levels: leave out --sizes")
        return None, meeting.units(units, model) if units is not None else None
    if sizes is None or units is None:
        raise ModelError("a check needs a design: --sizes 'poisson(3)' --units 40, --incidence, or --data file.csv")
    if not model.resolved.has_unit:
        crossed = " and ".join(dict.fromkeys(block.name for block in model.resolved.groups))
        raise UnsupportedError(
            f"{crossed} are crossed, and --sizes says nothing of which levels meet: give the labels of a design as "
            f"--data file.csv, or --incidence '{meeting.EXAMPLE}'"
        )
    factor = join_factor(model.resolved.unit)
    return {f"size({factor})": reading.law(sizes)}, meeting.units(units, model)
