"""The document of a worked example, as blocks; Markdown and LaTeX are two views of the same blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from momentalg.derive.reading import Reading, Section, readings
from momentalg.derive.view import markdown_math, sections_latex, sections_markdown
from momentalg.expr.escape import escape_latex
from momentalg.expr.latex import latex, latex_aligned
from momentalg.expr.nodes import Cumulant, Hat, Node
from momentalg.expr.notation import Notation
from momentalg.expr.traversal import walk

if TYPE_CHECKING:
    from derivations.worked_example import Published, WorkedExample

READABLE = 200  # nodes of a result; beyond it the published form is shown alone


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
class Equations:
    """Sections of equations, as derivations, systems and solutions give them."""

    sections: Sequence[Section]
    notation: Notation


Block = Heading | Words | Code | Display | Equations


def blocks(example: WorkedExample) -> Iterator[Block]:
    """The parts of the document, in order."""
    yield Heading(1, example.title)
    yield from (Words(words) for words in example.about.strip().split("\n\n"))
    yield Code(f"model = {example.model!r}")
    read = _readings(example.published)
    for answer in example.published:
        yield Heading(2, answer.name)
        yield from _answer(answer, read[answer.name])
        if answer.derived.model != example.model:
            yield Code(f"model = {answer.derived.model!r}")
        yield from _derivation(answer, read[answer.name])
    yield Heading(2, "Moment equations")
    yield Equations(*example.system.reading())
    yield Heading(2, "Estimators")
    yield Equations(*example.system.solve().reading())


def _readings(published: Sequence[Published]) -> dict[str, Reading]:
    """The derivations by the name of the answer; what was derived before on the same path is not derived again."""
    paths: dict[tuple[str, tuple[Node, ...]], list[Published]] = {}
    for answer in published:
        paths.setdefault((repr(answer.derived.model), answer.derived.via), []).append(answer)
    return {
        answer.name: reading
        for answers in paths.values()
        for answer, reading in zip(answers, readings(a.derived for a in answers), strict=True)
    }


def _answer(answer: Published, reading: Reading) -> Iterator[Block]:
    """The published answer and where it is from."""
    asked = answer.statement or answer.derived.asked
    yield Display(tuple(latex_aligned(asked, [answer.answer], reading.notation)))
    if answer.matrix:
        form = answer.derived.matrix_form().latex(reading.notation)
        yield Words("or, with the mean parameters as a vector,")
        yield Display((f"{latex(asked, reading.notation)} &= {form}",))
    if answer.sampled is not None:
        yield Words("where the labels are known, and where they are a sample from the levels,")
        yield Display(tuple(latex_aligned(Cumulant(answer.derived.args), [answer.sampled], reading.notation)))
    yield Words(f"Published: {answer.source}.")


def _derivation(answer: Published, reading: Reading) -> Iterator[Block]:
    if sum(1 for _ in walk(answer.derived.node)) > READABLE:
        yield Words("The derived result is the same, in more terms than can be read.")
    elif reading.sections:
        yield Equations(reading.sections, reading.notation)
    else:
        yield Words("Derived above, on the way.")
    if answer.same_as is not None:
        chain = answer.derived.sample_analog()
        yield Words("With sample analogs of the design moments,")
        yield Display(tuple(latex_aligned(Hat(chain.start), [chain.end], reading.notation)))
        yield Words("which is, term by term, what is derived given the design:")
        other = answer.same_as
        yield Display(tuple(latex_aligned(other.asked, [other.node], reading.notation)))


def markdown(blocks: Iterable[Block]) -> str:
    """The document in Markdown, with formulas as GitHub and notebooks read them."""
    return "\n\n".join(map(_markdown, blocks)) + "\n"


def _markdown(block: Block) -> str:
    match block:
        case Heading(level, words):
            return f"{'#' * level} {words}"
        case Words(words):
            return " ".join(words.split())
        case Code(lines):
            return f"```python\n{lines}\n```"
        case Display(rows):
            inside = markdown_math(" \\\\\n".join(rows))
            return f"$$\n\\begin{{aligned}}\n{inside}\n\\end{{aligned}}\n$$"
        case Equations(sections, notation):
            return sections_markdown(sections, notation).strip()


def latex_article(blocks: Iterable[Block]) -> str:
    """The document as a LaTeX article; it needs geometry and amsmath."""
    head = (
        "\\documentclass[10pt,a4paper]{article}\n\\usepackage[a4paper,margin=24mm]{geometry}\n"
        "\\usepackage{amsmath}\n\\allowdisplaybreaks\n\\setlength{\\parindent}{0pt}\n\\setlength{\\parskip}{4pt}\n"
        "\\begin{document}\n\n"
    )
    return head + "\n\n".join(map(_latex, blocks)) + "\n\n\\end{document}\n"


def _latex(block: Block) -> str:
    match block:
        case Heading(level, words):
            command = {1: "section*", 2: "subsection*"}[level]
            return f"\\{command}{{{_escaped(words)}}}"
        case Words(words):
            return _escaped(" ".join(words.split()))
        case Code(lines):
            return f"\\texttt{{{escape_latex(lines)}}}"
        case Display(rows):
            inside = " \\\\\n".join(rows)
            return f"\\begin{{align*}}\n{inside}\n\\end{{align*}}"
        case Equations(sections, notation):
            return sections_latex(sections, notation).strip()


def _escaped(words: str) -> str:
    """Text for LaTeX; formulas between dollar signs stay."""
    parts = re.split(r"(\$[^$]*\$)", words)
    return "".join(part if part.startswith("$") else escape_latex(part) for part in parts)
