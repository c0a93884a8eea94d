"""`momentalg rules` and `momentalg statistics`: what the catalogues hold, as a list or one entry in full."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import click

from momentalg.catalogue import discover
from momentalg.cli import options
from momentalg.errors import RuleError, StatisticError
from momentalg.expr.text import text


@click.command(short_help="List the laws, or show one.", epilog=options.example("momentalg rules total_variance"))
@click.argument("name", required=False)
def rules(name: str | None) -> None:
    """List the laws that derivations use, or show the law NAME."""
    known = discover("momentalg.rules", "RULE")
    if name is None:
        _table(("name", "law", "kind"), [(r.name, r.title, r.kind) for r in known.values()])
        return
    rule = known.get(name)
    if rule is None:
        raise RuleError(_unknown("law", name, known, "momentalg rules"))
    from momentalg.expr.latex import latex
    from momentalg.expr.notation import Notation

    notation = Notation.read_from(rule.left, rule.right)
    law = f"{text(rule.left, notation)} {rule.relation} {text(rule.right, notation)}"
    click.echo(f"{rule.name}: {rule.title}\n\n    {law}\n")
    _facts(
        [
            ("where", rule.where),
            ("kind", rule.kind),
            ("assumes", rule.assumes),
            ("source", rule.source),
            ("LaTeX", f"{latex(rule.left, notation)} {_RELATIONS[rule.relation]} {latex(rule.right, notation)}"),
        ]
    )


_RELATIONS = {"=": "=", "<=": r"\le", ">=": r"\ge"}


@click.command(
    short_help="List the named statistics, or show one with its equations.",
    epilog=options.example(
        "momentalg statistics henderson3 --formula 'y ~ 1 + x + (1 | user)'",
        "momentalg statistics gao_owen --formula 'y ~ 1 + (1 | user) + (1 | item)'",
    ),
)
@click.argument("name", required=False)
@click.option("--formula", default="y ~ 1 + (1 | user)", show_default=True, help="The model whose equations are shown.")
def statistics(name: str | None, formula: str) -> None:
    """List the named statistics, or show those called NAME with their equations for a model."""
    known = discover("momentalg.statistics", "STATISTIC")
    if name is None:
        _table(("name", "title", "definition"), [(s.name, s.title, s.definition) for s in known.values()])
        return
    family = known.get(name)
    if family is None:
        raise StatisticError(_unknown("statistics", name, known, "momentalg statistics"))
    from momentalg.model.model import Model

    click.echo(f"{family.name}: {family.title}\n")
    _facts([("definition", family.definition), *(("assumes", a) for a in family.assumes), ("source", family.source)])
    system = Model(formula).moment_equations(name)
    click.echo(f"\n{system.formula}\n\n{system.text()}", nl=False)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table as wide as the terminal; in a pipe, wide enough for a line each."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    if console.is_terminal:
        console.print(table)
        return
    wide = Console(width=1000)
    with wide.capture() as shown:
        wide.print(table, crop=False)
    click.echo("\n".join(map(str.rstrip, shown.get().splitlines())))


def _facts(facts: Iterable[tuple[str, str]]) -> None:
    for name, value in facts:
        if value:
            click.echo(_hanging(f"{name}: ", value))


def _hanging(head: str, body: str) -> str:
    """`body` after `head`, wrapped and indented by the width of the head."""
    columns = min(shutil.get_terminal_size((100, 24)).columns, 120)
    indent = " " * len(head)
    return textwrap.fill(
        body, columns, initial_indent=head, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _unknown(what: str, name: str, known: Mapping[str, Any], listing: str) -> str:
    asked = name.lower()
    named = [n for n in known if asked in n]
    titled = [n for n, entry in known.items() if asked in entry.title.lower()]
    near = (named or titled)[:3] or get_close_matches(asked, list(known), n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(near)}?" if near else "."
    return f"no {what} called {name!r}{hint} `{listing}` lists all."
