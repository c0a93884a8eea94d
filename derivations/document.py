"""The document of a worked example, as blocks; Markdown and LaTeX are two pure views of the same blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from momentalg.derive.derivation import Derivation
from momentalg.expr.escape import escape_latex
from momentalg.expr.keys import unknown
from momentalg.expr.latex import latex_aligned
from momentalg.expr.nodes import DESIGN, Cumulant, Hat, Letter, Node, Parameter, add, mul
from momentalg.expr.notation import Notation
from momentalg.expr.traversal import transform, walk
from momentalg.moments.equations import MomentEquation

if TYPE_CHECKING:
    from derivations.worked_example import Published, WorkedExample

READABLE = 200  # nodes; a longer line is left out, and the published form of the result stands for it


@dataclass(frozen=True)
class Heading:
    """A heading: level 1 is the title."""

    level: int
    words: str


@dataclass(frozen=True)
class Words:
    """A paragraph; formulas stand between dollar signs."""

    words: str


@dataclass(frozen=True)
class Code:
    """Program text, as it is."""

    lines: str


@dataclass(frozen=True)
class Display:
    """Displayed formulas: the rows of an ``align*``."""

    rows: tuple[str, ...]


@dataclass(frozen=True)
class Told:
    """A derivation, told by its own views."""

    derivation: Derivation


Block = Heading | Words | Code | Display | Told


def blocks(example: WorkedExample) -> Iterator[Block]:
    """The parts of the document, in order."""
    yield Heading(1, example.title)
    yield from (Words(words) for words in example.about.strip().split("\n\n"))
    yield Code(f"model = {example.model!r}")
    told: set[Node] = set()
    for answer in example.published:
        yield from _answer(answer, told)
    yield from _equations(example)


def _answer(answer: Published, told: set[Node]) -> Iterator[Block]:
    """The published answer and its derivation; a derivation that is part of an earlier one is not told again."""
    d = answer.derived
    yield Heading(2, answer.name)
    yield Display(tuple(latex_aligned(answer.statement or d.asked, [answer.answer], notation(d))))
    yield Words(f"Published: {answer.source}.")
    if d.asked in told and len(d.chains) == 1:
        yield Words("Derived above, on the way.")
    elif _length(d.node) > READABLE:
        yield Words("The derived result is the same, in more terms than can be read.")
    else:
        yield Told(d)
        told.update(chain.start for chain in d.chains)


def notation(derivation: Derivation) -> Notation:
    """The symbols of a derivation: with subscripts where it speaks of more than one level."""
    labelled = any(getattr(part, "level", ()) for a in derivation.args for part in walk(a))
    return Notation.of(derivation.model.resolved, units=2 if labelled else 1)


def _equations(example: WorkedExample) -> Iterator[Block]:
    """The moment equations, and the estimators in the order in which they are computed."""
    solution = example.system.solve()
    symbols = Notation.of(example.system.model)
    common, variance = example.system.common, solution.equations
    yield Heading(2, "Moment equations")
    yield _display(((Letter(e.name), e.statistic) for e in variance), symbols)
    yield _display(((Cumulant((e.statistic,), (DESIGN,)), _right_side(e)) for e in common), symbols)
    yield _display(((Cumulant((Letter(e.name),), (DESIGN,)), _right_side(e)) for e in variance), symbols)
    yield Heading(2, "Estimators")
    statistics = {e.name: e.statistic for e in common}
    steps = (*(solution.common or ()), *(solution.variance or ()))
    yield _display(((Hat(Parameter(s.key)), with_statistics(s.value, statistics)) for s in steps), symbols)


def _display(equations: Iterable[tuple[Node, Node]], symbols: Notation) -> Display:
    return Display(tuple(row for left, right in equations for row in latex_aligned(left, [right], symbols)))


def _right_side(equation: MomentEquation) -> Node:
    return add(*(mul(coefficient, unknown(key)) for key, coefficient in equation.coefficients.items()))


def with_statistics(node: Node, statistics: dict[str, Node]) -> Node:
    """Put statistics in the place of the letters that name them."""
    return transform(node, lambda n: statistics.get(n.name, n) if isinstance(n, Letter) else n)


def _length(node: Node) -> int:
    return sum(1 for _ in walk(node))


def markdown(blocks: Iterable[Block]) -> str:
    """The document in Markdown, with formulas as GitHub and notebooks read them."""
    return "\n\n".join(map(_markdown, blocks)) + "\n"


def _markdown(block: Block) -> str:
    match block:
        case Heading(level, words):
            return f"{'#' * level} {words}"
        case Words(words):
            return " ".join(words.split())
        case Told(derivation):
            return derivation.markdown().strip()
        case Code(lines):
            return f"```python\n{lines}\n```"
        case Display(rows):
            inside = " \\\\\n".join(rows).replace(r"\normalfont ", "").replace(r"\normalfont", "")
            return f"$$\n\\begin{{aligned}}\n{inside}\n\\end{{aligned}}\n$$"


def latex(blocks: Iterable[Block]) -> str:
    """The document as a LaTeX article that needs amsmath alone."""
    head = "\\documentclass{article}\n\\usepackage{amsmath}\n\\allowdisplaybreaks\n\\begin{document}\n\n"
    return head + "\n\n".join(map(_latex, blocks)) + "\n\n\\end{document}\n"


def _latex(block: Block) -> str:
    match block:
        case Heading(level, words):
            command = {1: "section*", 2: "subsection*"}[level]
            return f"\\{command}{{{_escaped(words)}}}"
        case Words(words):
            return _escaped(" ".join(words.split()))
        case Told(derivation):
            return derivation.latex().strip()
        case Code(lines):
            return f"\\begin{{verbatim}}\n{lines}\n\\end{{verbatim}}"
        case Display(rows):
            inside = " \\\\\n".join(rows)
            return f"\\begin{{align*}}\n{inside}\n\\end{{align*}}"


def _escaped(words: str) -> str:
    """Text for LaTeX; formulas between dollar signs stay."""
    parts = re.split(r"(\$[^$]*\$)", words)
    return "".join(part if part.startswith("$") else escape_latex(part) for part in parts)
