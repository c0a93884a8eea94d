"""`momentalg derive`: a moment of named statistics, or the equations of a named set of them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from momentalg.catalogue import discover
from momentalg.cli import options, reading
from momentalg.errors import StatisticError

if TYPE_CHECKING:
    from momentalg.derive.derivation import Derivation
    from momentalg.expr.nodes import Node
    from momentalg.model.model import Model

MOMENTS = {"mean": (1, (1,)), "var": (2, (1,)), "cov": (2, (2,)), "k3": (3, (1, 3)), "k4": (4, (1, 4))}
"""Each moment with its order, and of how many statistics it is asked."""

NAMED = {
    "S": "total of the response over a level",
    "Ybar": "mean of the response over a level, S/N",
    "T": "total of the squared response over a level",
    "D": "sum of squares within a level, T - S^2/N",
    "P": "products of ordered pairs within a level, S^2 - T",
    "Y": "the response at one observation",
    "N": "number of observations in a level",
}


@click.command(
    short_help="Derive a moment, each step with its law.",
    epilog=options.example(
        "momentalg derive 'y ~ 1 + (1 | user)' --statistic S --moment var",
        "momentalg derive 'y ~ 1 + X + (1 | user)' --levels X=user --given N",
        "momentalg derive 'y ~ 1 + (1 | user)' --statistic D --sum --moment mean --given design",
        "momentalg derive 'y ~ 1 + (1 | user)' --statistic henderson3",
    )
    + "\n\n\b\nStatistics of a level:\n"
    + "\n".join(f"  {name:<5} {what}" for name, what in NAMED.items())
    + "\nProducts of these and of covariates: 'S*N', 'S*X'. Named sets: see `momentalg statistics`."
)
@options.formula
@click.option(
    "--statistic", "names", multiple=True, default=("S",), show_default=True, metavar="NAME", help="What of; see below."
)
@click.option("--moment", type=click.Choice(list(MOMENTS)), help="Which moment.  [default: var; cov of two statistics]")
@click.option("--sum", "summed", is_flag=True, help="The sum of the statistic over all levels.")
@click.option("--given", metavar="N,X", help="What the result is conditional on: sizes, covariates, factors, design.")
@click.option("--via", metavar="N,X", help="The order in which the total laws are applied.")
@options.levels
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "latex", "markdown"]),
    default="text",
    show_default=True,
    help="How to print.",
)
def derive(
    formula: str,
    names: tuple[str, ...],
    moment: str | None,
    summed: bool,
    given: str | None,
    via: str | None,
    levels: tuple[str, ...],
    form: str,
) -> None:
    """Derive a moment of statistics of FORMULA, each step with its law, and verify it."""
    from momentalg.model.model import Model

    model = Model(formula, levels=reading.levels(levels))
    families = discover("momentalg.statistics", "STATISTIC")
    if names[0] in families:
        if len(names) > 1 or moment or given or via or summed:
            raise StatisticError(f"{names[0]} is a set of statistics with moments of its own: give it alone")
        system = model.moment_equations(names[0])
        click.echo("\n".join(_printed(part, form) for part in (system, system.solve())))
        return
    statistics = [_statistic(name, model) for name in names]
    if summed:
        statistics = [_over_levels(s, model) for s in statistics]
    d = _derived(model, statistics, moment, reading.conditions(given, model), reading.conditions(via, model))
    checked = d.verify()
    click.echo(_printed(d, form), nl=False)
    steps = "1 step" if checked.steps == 1 else f"{checked.steps} steps"
    click.echo(f"verified: {steps} replayed, each keeps the value", err=form != "text")


def _printed(found: Any, form: str) -> str:
    """The views of a derivation, a system or a solution; text as wide as the terminal."""
    if form == "text":
        found_text: str = found.text(max(60, min(shutil.get_terminal_size((100, 24)).columns, 120)))
        return found_text
    other: str = found.latex() if form == "latex" else found.markdown()
    return other


def _derived(
    model: Model, statistics: Sequence[Node], moment: str | None, given: list[Any], via: list[Any]
) -> Derivation:
    moment = moment or ("var" if len(statistics) == 1 else "cov")
    order, allowed = MOMENTS[moment]
    if len(statistics) not in allowed:
        wanted = " or ".join("one statistic" if n == 1 else f"{n} statistics" for n in allowed)
        raise StatisticError(f"--moment {moment} is of {wanted}; found {len(statistics)}. Repeat --statistic for more")
    args = [*statistics] * order if len(statistics) == 1 else [*statistics]
    if moment == "mean":
        result: Derivation = model.mean(args[0], given=given, via=via)
    elif moment == "var":
        result = model.var(args[0], given=given, via=via)
    elif moment == "cov":
        result = model.cov(*args, given=given, via=via)
    else:
        result = model.cumulant(*args, given=given, via=via)
    return result


def _statistic(name: str, model: Model) -> Node:
    """A named statistic, or a product of named statistics and covariates."""
    from momentalg.expr.nodes import mul

    return mul(*(_factor(part.strip(), model) for part in name.split("*")))


def _factor(name: str, model: Model) -> Node:
    from momentalg.model.resolving import all_variables, basic_variables

    by = model.resolved.groups[0].name
    total, squares, size = model.total(model.y, by=by), model.total(model.y**2, by=by), model.size(by)
    named: dict[str, Node] = {
        "S": total,
        "Ybar": total / size,
        "T": squares,
        "D": squares - total**2 / size,
        "P": total**2 - squares,
        "Y": model.y,
        "N": size,
    }
    if name in named:
        reading.not_a_covariate(name, model)
        return named[name]
    covariates = {v.name for v in (*all_variables(model.resolved), *basic_variables(model.resolved))}
    if reading.plain(name) in covariates or name.startswith("size("):
        return model.covariate(reading.plain(name))
    sets = ", ".join(discover("momentalg.statistics", "STATISTIC"))
    raise StatisticError(
        f"no statistic called {name!r}; there are {', '.join(named)}, products of these such as 'S*N', and the sets "
        f"{sets}. Others are built in Python, from model.total(...)"
    )


def _over_levels(statistic: Node, model: Model) -> Node:
    from momentalg.expr.nodes import over

    return over(model.resolved.groups[0].name, statistic)
