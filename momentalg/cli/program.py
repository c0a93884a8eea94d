"""The program: its commands, its version, and how a refusal is told."""

from __future__ import annotations

import shlex
import sys
from typing import Any

import click

from momentalg.cli import options
from momentalg.cli.check import check
from momentalg.cli.derive import derive
from momentalg.cli.fit import fit
from momentalg.cli.generate import generate
from momentalg.cli.lists import rules, statistics
from momentalg.cli.report import report
from momentalg.cli.sums import sums
from momentalg.errors import MomentalgError

QUOTING = "A formula is one argument: put it in quotes, as in 'y ~ 1 + (1 | user)'."


INTERRUPTED = 130
"""The exit code of a run that was interrupted, as shells have it."""


OPTIONS = {
    "missing='drop'": "--missing drop",
    "separator='": "--separator '",
    "sums - part.unmarked": "--minus-rows FILE",
    "sums - model.sums(rows)": "--minus-rows FILE",
}
"""What is an argument or an expression in Python, and an option here."""


def as_typed(text: str) -> str:
    """A message with options in place of the arguments of Python."""
    for argument, option in OPTIONS.items():
        text = text.replace(argument, option)
    return text


class Refusal(click.ClickException):
    """What momentalg refuses: one message on standard error, and exit code 2."""

    exit_code = 2


class Program(click.Group):
    """A group of commands whose refusals are messages, never tracebacks."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except MomentalgError as error:
            raise Refusal(as_typed(str(error))) from error
        except OSError as error:
            if error.filename is None:
                raise
            raise Refusal(f"{error.filename}: {error.strerror}") from error
        except KeyboardInterrupt as stop:  # click would only say that it was aborted
            told = str(stop)  # where to go on from, if there is a checkpoint
            again = f"{told}: {shlex.join(['momentalg', *sys.argv[1:]])}" if told else f"stopped{_to_go_on(ctx)}"
            click.echo(f"\n{again}", err=True)
            raise SystemExit(INTERRUPTED) from stop
        except click.UsageError as error:
            if "unexpected extra argument" in error.message:
                raise click.UsageError(f"{error.message}\n{QUOTING}", error.ctx) from error
            raise


def _to_go_on(ctx: click.Context) -> str:
    """What a command that was interrupted could have been given."""
    had = any(argument.startswith("--checkpoint") for argument in sys.argv)  # it has ended well, and is removed
    could = ctx.invoked_subcommand in ("fit", "sums") and not had
    return "; with --checkpoint FILE it could go on from there" if could else ""


def _show_version(ctx: click.Context, _option: click.Parameter, asked: bool) -> None:
    if asked:
        import momentalg

        click.echo(f"momentalg {momentalg.__version__}")
        ctx.exit()


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=options.example(
        "momentalg derive 'y ~ 1 + (1 | user)'",
        "momentalg generate 'y ~ 1 + (1 | user)' -o estimator.py",
        "momentalg report 'y ~ 1 + (1 | user)' -o report.html",
    )
    + "\nEach command has its own --help, with an example.",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show the version."
)
def main() -> None:
    """Derive, solve, generate and check the moment equations of mixed models.

    FORMULA is in the syntax of lme4, in quotes: 'y ~ 1 + x + size(user) + (1 | user)'.
    """


for command in (derive, generate, check, report, fit, sums, rules, statistics):
    main.add_command(command)
