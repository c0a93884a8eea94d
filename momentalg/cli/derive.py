"""`momentalg derive`: a moment of named statistics, or the equations of a named set of them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from momentalg.catalogue import discover
from momentalg.cli import naming, options, reading
from momentalg.errors import StatisticError
from momentalg.expr.names import join_factor
from momentalg.expr.nodes import DESIGN, over

if TYPE_CHECKING:
    from momentalg.derive.derivation import Derivation
    from momentalg.expr.nodes import Node
    from momentalg.model.model import Model

MOMENTS = {"mean": (1, (1,)), "var": (2, (1,)), "cov": (2, (2,)), "k3": (3, (1, 3)), "k4": (4, (1, 4))}
"""Each moment with its order, and of how many statistics it is asked."""


@click.command(
    short_help="Derive a moment, each step with its law.",
    epilog=options.example(
        "momentalg derive 'y ~ 1 + (1 | user)' --statistic S --moment var",
        "momentalg derive 'y ~ 1 + X + (1 | user)' --levels X=user --given N",
        "momentalg derive 'y ~ 1 + (1 | user)' --statistic D --sum --moment mean --given design",
        "momentalg derive 'y ~ 1 + (1 | user)' --statistic henderson3",
        "momentalg derive 'y ~ 1 + (1 | user) + (1 | item)' --statistic 'S(user)' --statistic 'S(item)'",
        "momentalg derive 'y ~ 1 + (1 | user) + (1 | item)' --statistic 'D(user)' --sum --moment mean",
        "momentalg derive 'y ~ 1 + (1 | user) + (1 | item)' --incidence 'draws(user, item)'",
    )
    + "\n\n\b\nStatistics:\n"
    + "\n".join(f"  {name:<5} {what}" for name, what in (naming.OF_A_LEVEL | naming.OTHERS).items())
    + f"\n{naming.SCHEME}",
)
@options.formula
@click.option(
    "--statistic", "names", multiple=True, default=("S",), show_default=True, metavar="NAME", help="What of; see below."
)
@click.option("--moment", type=click.Choice(list(MOMENTS)), help="Which moment.  [default: var; cov of two statistics]")
@click.option("--sum", "summed", is_flag=True, help="The sum of the statistic over all levels of its factor.")
@click.option(
    "--given",
    metavar="N,X",
    help="What the result is conditional on: sizes N, N(item), covariates, factors (their effects), design.  "
    "[default: nothing; the design where factors are crossed]",
)
@click.option("--via", metavar="N,X", help="The order in which the total laws are applied.")
@options.declared
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
    declared: Mapping[str, Any],
    form: str,
) -> None:
    """Derive a moment of statistics of FORMULA, each step with its law, and verify it."""
    model = reading.model(formula, declared)
    families = discover("momentalg.statistics", "STATISTIC")
    if names[0] in families:
        if len(names) > 1 or moment or given or via or summed:
            raise StatisticError(f"{names[0]} is a set of statistics with moments of its own: give it alone")
        system = model.moment_equations(names[0])
        click.echo("\n".join(_printed(part, form) for part in (system, system.solve())))
        return
    statistics = [_summed(name, model) if summed else naming.statistic(name, model) for name in names]
    known = reading.conditions(given, model)
    if given is None and not model.resolved.has_unit and model.resolved.incidence is None:
        known = [DESIGN]
        crossed = " and ".join(dict.fromkeys(block.name for block in model.resolved.groups))
        click.echo(f"given the design: {crossed} are crossed, and share levels", err=True)
    d = _derived(model, statistics, moment, known, reading.conditions(via, model))
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


def _summed(name: str, model: Model) -> Node:
    """The sum of a statistic over the levels of its factor, or over the cells of several."""
    return over(join_factor(naming.factors_of(name, model)), naming.statistic(name, model))
