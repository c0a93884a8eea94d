"""Sections for a terminal: an equality a line, wrapped to the width, with its law at the right."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from itertools import pairwise

from momentalg.derive.reading import Line, Section
from momentalg.expr.nodes import DESIGN
from momentalg.expr.notation import Notation
from momentalg.expr.text import TextPrinter, text

WIDTH = 100
GLUE = "\N{NO-BREAK SPACE}"  # formulas break before + and - only


def sections_text(sections: Sequence[Section], notation: Notation, width: int = WIDTH) -> str:
    """Plain text, `width` columns wide; only what cannot be broken is wider."""
    lines: list[str] = []
    for section in sections:
        printer = TextPrinter(notation)
        given = ["the design" if node == DESIGN else printer.condition(node).code for node in section.given]
        lines += ["", f"{section.heading} given {', '.join(given)}" if given else section.heading]
        for line, following in pairwise((*section.lines, None)):
            if line is not None:
                lines += _equality(line, notation, width, alone=following is None or following.left is not None)
        lines += [row for remark in section.remarks for row in _wrapped("  ", remark, width)]
    return "\n".join(lines[1:]) + "\n"


def _equality(line: Line, notation: Notation, width: int, alone: bool) -> Iterator[str]:
    """The rows of one equality; the left side stands before it when nothing else follows from it, else above."""
    right = text(line.node, notation)
    left = f"  {text(line.left, notation)}" if line.left is not None else ""
    if left and alone and len(left) + len(" = ") + len(right) <= width:
        rows = [f"{left} = {right}"]
    else:
        glued = re.sub(f"{GLUE}([+-]){GLUE}", rf" \1{GLUE}", right.replace(" ", GLUE))
        rows = [*([left] if left else []), *(row.replace(GLUE, " ") for row in _wrapped("    = ", glued, width))]
    note = f"[{line.note}]" if line.note else ""
    if note and len(rows[-1]) + 2 + len(note) <= width:
        rows[-1] += note.rjust(width - len(rows[-1]))
    elif note:
        rows.append(note.rjust(width))
    yield from rows


def _wrapped(head: str, body: str, width: int) -> list[str]:
    """`body` after `head`, broken at spaces; lines after the first are indented by the width of the head."""
    indent = " " * len(head)
    return textwrap.wrap(
        body, width, initial_indent=head, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
