"""Derivations in LaTeX, HTML and Markdown: pure views of one reading. Text is in `momentalg.derive.terminal`.

Each chain has a heading and rows ``left = right``, with the law at the right. An assumption is numbered where laws use
it, [A1], and stated below the chain that uses it first. In HTML the terms that the next law acts on are underlined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from momentalg.derive.reading import Line, Section, reading
from momentalg.expr.breaking import latex_lines, mathml_lines
from momentalg.expr.escape import escape_html, escape_latex
from momentalg.expr.latex import latex
from momentalg.expr.mathml import mathml
from momentalg.expr.nodes import DESIGN, Node
from momentalg.expr.notation import Notation
from momentalg.expr.text import text

if TYPE_CHECKING:
    from momentalg.derive.derivation import Derivation

WIDTH = 50  # of a right side, in letters; the law stands beside it
ALONE = 70  # of a right side with nothing beside it
NOTE = 26  # a longer note is set as a small paragraph

STYLE = """
.momentalg table.equations { border: 0; }
.momentalg table.equations tr { background: none; }
.momentalg table.equations td { border: 0; padding: 0.25em 0.3em; text-align: left; vertical-align: baseline; }
.momentalg table.equations td:first-child { text-align: right; white-space: nowrap; }
.momentalg table.equations td:last-child { font-size: 85%; padding-left: 2em; opacity: 0.75; }
.momentalg .acted { border-bottom: 1px dotted; }
"""

Printed = Callable[[Node], str]


def sections_latex(sections: Sequence[Section], notation: Notation) -> str:
    """LaTeX for amsmath: a heading and an ``align*`` for each section."""
    parts: list[str] = []
    for section in sections:
        heading = _heading(section, lambda node: f"${latex(node, notation)}$")
        parts.append(f"\\subsubsection*{{{heading}}}")
        rows = " \\\\\n".join(_latex_rows(section.lines, notation, _paragraph))
        if rows:
            parts.append(f"\\begin{{align*}}\n{rows}\n\\end{{align*}}")
        parts += [f"{{\\small {escape_latex(remark)}\\par}}" for remark in section.remarks]
    return "\n".join(parts) + "\n"


def sections_markdown(sections: Sequence[Section], notation: Notation) -> str:
    """Markdown, with LaTeX between double dollars."""
    parts: list[str] = []
    for section in sections:
        parts.append(f"**{_heading(section, lambda node: f'${markdown_math(latex(node, notation))}$')}**")
        rows = " \\\\\n".join(_latex_rows(section.lines, notation, _words))
        if rows:
            parts.append(f"$$\n\\begin{{aligned}}\n{markdown_math(rows)}\n\\end{{aligned}}\n$$")
        parts += section.remarks
    return "\n\n".join(parts) + "\n"


def sections_html(sections: Sequence[Section], notation: Notation) -> str:
    """An HTML fragment with native MathML: no script, no network; `STYLE` is not needed, but pleasant."""
    parts: list[str] = []
    for section in sections:
        parts.append(f"<h4>{_heading(section, lambda node: mathml(node, notation))}</h4>")
        rows = "\n".join(_html_row(line, notation) for line in section.lines)
        parts += [f'<table class="equations">\n{rows}\n</table>'] * bool(rows)
        parts += [f'<p class="remark">{escape_html(remark)}</p>' for remark in section.remarks]
    return "\n".join(['<div class="momentalg">', *parts, "</div>"]) + "\n"


def markdown_math(code: str) -> str:
    """The LaTeX of formulas as MathJax and KaTeX read it, which know no fonts inside a text."""
    for font, command in ((r"\ttfamily", r"\texttt"), (r"\sffamily", r"\textsf"), ("", r"\textrm")):
        code = code.replace(rf"\text{{\normalfont{font} ", rf"{command}{{")
    return code


def equation_latex(derivation: Derivation) -> str:
    """What was asked = the result, in one formula of LaTeX."""
    read = reading(derivation)
    rows = _equation_rows(latex(read.asked, read.notation), latex_lines(read.result, read.notation, ALONE))
    return "$\\displaystyle \\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}$"


def summary(derivation: Derivation) -> str:
    """One line: what was asked, the result, and the number of steps."""
    read = reading(derivation)
    equation = f"{text(read.asked, read.notation)} = {text(read.result, read.notation)}"
    return f"<Derivation {equation}; {len(derivation.steps)} steps>"


def _heading(section: Section, printed: Printed) -> str:
    """The heading with what is given, in the words and letters of one language."""
    if not section.given:
        return section.heading
    given = ["the design" if node == DESIGN else printed(node) for node in section.given]
    return f"{section.heading} given {', '.join(given)}"


def _latex_rows(lines: Sequence[Line], notation: Notation, note: Callable[[str], str]) -> Iterator[str]:
    for line in lines:
        left = latex(line.left, notation) if line.left is not None else ""
        yield from _equation_rows(left, latex_lines(line.node, notation, WIDTH), note(line.note))


def _equation_rows(left: str, lines: Sequence[str], note: str = "") -> Iterator[str]:
    yield f"{left} &= {lines[0]}{note and f' && {note}'}".lstrip()
    for line in lines[1:]:
        yield rf"&\qquad {{}} {line}"


def _paragraph(note: str) -> str:
    """A note for LaTeX proper: a narrow paragraph where it is long."""
    if not note:
        return ""
    words = f"\\footnotesize {escape_latex(note)}"
    return rf"\text{{{words}}}" if len(note) <= NOTE else rf"\parbox[t]{{4cm}}{{\raggedright{words}}}"


def _words(note: str) -> str:
    """A note for the LaTeX of notebooks, which has no paragraphs; titles of laws need no escape."""
    return rf"\text{{{note}}}" if note else ""


def _html_row(line: Line, notation: Notation) -> str:
    left = mathml(line.left, notation) if line.left is not None else ""
    formulas = [
        f'<math display="inline">{_equals(code, n)}</math>'
        for n, code in enumerate(mathml_lines(line.node, notation, WIDTH, line.acted))
    ]
    kind = f' class="{escape_html(line.kind)}"'
    right = "<br>".join(formulas)
    return f"<tr><td>{left}</td><td>{right}</td><td{kind}>{escape_html(line.note)}</td></tr>"


def _equals(code: str, number: int) -> str:
    return f"<mrow><mo>=</mo>{code}</mrow>" if number == 0 else f'<mrow><mspace width="2em"/>{code}</mrow>'
