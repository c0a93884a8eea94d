"""Equations and estimates as lines of a terminal."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from momentalg.expr.notation import Notation
from momentalg.expr.text import text

if TYPE_CHECKING:
    from momentalg.expr.nodes import Node
    from momentalg.model.model import Model
    from momentalg.moments.equations import MomentEquation
    from momentalg.moments.system import MomentSystem

INDENT = "    "


def width() -> int:
    """The columns of the terminal, at most 120; 100 in a pipe."""
    return min(shutil.get_terminal_size((100, 24)).columns, 120)


def hanging(head: str, body: str) -> str:
    """`body` after `head`, wrapped and indented by the width of the head."""
    return textwrap.fill(
        body,
        width(),
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )


def equations(found: Iterable[MomentEquation], model: Model) -> Iterator[str]:
    """Moment equations: each statistic, what it is, and its expectation given the design."""
    from momentalg.expr.keys import unknown
    from momentalg.expr.nodes import add, mul

    notation = Notation.of(model.resolved)
    for equation in found:
        parts: list[Node] = [mul(constant, unknown(key)) for key, constant in equation.coefficients.items()]
        yield hanging(f"{INDENT}{equation.name} = ", text(equation.statistic, notation))
        yield hanging(f"{INDENT}E[{equation.name} | design] = ", text(add(*parts), notation))
        yield ""


def system(found: MomentSystem, model: Model) -> Iterator[str]:
    """A moment system and its solution, one estimate a line, in the order in which they are computed."""
    notation = Notation.of(model.resolved)
    solution = found.solve()
    yield from equations((*found.common, *solution.equations), model)
    yield "Estimates"
    for assignments, keys in ((solution.common, found.mean_keys), (solution.variance, found.unknowns)):
        if assignments is None:
            yield hanging(f"{INDENT}", f"{', '.join(keys)}: from their linear equations, solved numerically")
        for assignment in assignments or ():
            yield hanging(f"{INDENT}hat({assignment.key}) = ", text(assignment.value, notation))
