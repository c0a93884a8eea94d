"""What a NumPy module says of itself: the sums that it keeps, how it was made, and what its numbers are about."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from momentalg.emit.numpy_text import docstring, literal, wrapped
from momentalg.expr.names import join_factor
from momentalg.lower.ir import EstimatorIR, Quantity


@dataclass(frozen=True)
class Content:
    """A line of the list of sums: a name, and what it is."""

    name: str
    text: str


def contents(ir: EstimatorIR) -> tuple[Content, ...]:
    """The list of the sums, with what they are."""
    found = []
    for table in ir.tables:
        name = docstring(join_factor(table.columns))
        where = "per level" if not table.suffix else f"per level of {name}"
        found.append(Content(f"level{table.suffix}", f"the labels of the levels of {name} that occur"))
        found.append(Content(f"size{table.suffix}", f"{where}, N: the number of rows"))
        sums = [a for a in ir.accumulators if a.table == table.columns]
        found += [Content(a.name, f"{where}, the sum of {docstring(a.formula)}") for a in sums]
        values = [s.name for s in ir.levels if s.table == table.columns]
        found += [Content(v, f"{where}, the value of a covariate that is constant on it") for v in values]
    found += [Content(a.name, f"the sum of {docstring(a.formula)}") for a in ir.accumulators if a.table is None]
    for slope in ir.unshifted_slopes:
        found.append(Content(f"mean_{slope.name}", f"the mean of {slope.name}"))
        found.append(Content(f"squares_{slope.name}", f"the sum of squares of {slope.name} about its mean"))
    shifts = [s.name for s in ir.rows if s.shifted]
    return (*found, *(Content(f"shift_{s}", f"what is subtracted from {s} in all sums") for s in shifts))


def shift_note(ir: EstimatorIR) -> str:
    """What the sums are taken about."""
    shifted = [s.name for s in ir.rows if s.shifted]
    if "y" not in shifted:
        return "The model has no intercept that could take up a shift of the response, so that its sums are about 0."
    notes = [f"Sums of {', '.join(shifted)} are taken about shifts, so that values far from 0 lose no digits."]
    if any(isinstance(step, Quantity) and step.name.endswith("_first_order") for step in ir.steps):
        notes.append(
            "The equations are solved for y less its shift, and for what a unit of shift adds to the solution; "
            "together they are the solution for y itself."
        )
    return "\n".join(line for note in notes for line in wrapped(note, indent=""))


def command(ir: EstimatorIR, options: Mapping[str, str | tuple[str, ...]] | None = None, suffix: str = ".py") -> str:
    """The line that regenerates the module, or with `options` what another backend makes, in a file of that suffix."""
    given = options or {}
    asked = f"estimator({', '.join(f'{name}={value!r}' for name, value in given.items())})"
    if not ir.arguments and not ir.code:
        return f"model.moment_equations(statistics).{asked}.write(path), with statistics or targets of one's own"
    words = [word for name, value in given.items() if isinstance(value, str) for word in (f"--{name}", value)]
    if not ir.arguments or len(words) < 2 * len(given):
        code = ir.code.removesuffix("estimator()") + asked
        return "\n".join(wrapped(f"{code}.write({literal(file_name(ir, suffix))})", indent="        "))
    return f"momentalg generate {shlex.join([*ir.arguments, *words])} -o {file_name(ir, suffix)}"


def file_name(ir: EstimatorIR, suffix: str = ".py") -> str:
    """The name of the module's file, after the response."""
    plain = re.sub(r"\W+", "_", ir.response, flags=re.ASCII).strip("_").lower()
    return f"{plain or 'response'}_estimator{suffix}"
