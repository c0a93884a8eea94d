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
from momentalg.expr.latex import LatexPrinter, latex
from momentalg.expr.mathml import MathmlPrinter
from momentalg.expr.measure import measure
from momentalg.expr.nodes import DESIGN, Add, Node
from momentalg.expr.notation import Notation
from momentalg.expr.text import text

if TYPE_CHECKING:
    from momentalg.derive.derivation import Derivation

LATEX_LINE = 52  # letters on a line of LaTeX, left and right side together; the law stands beside them
HTML_LINE = 72
ALONE = 70  # of a right side with nothing beside it
LEFT = 20  # a wider left side has a row of its own
TERMS = 15  # of a result on the one line of a repr
NOTE = 26  # a longer note is set as a small paragraph

STYLE = """
.momentalg table.equations { border: 0; }
.momentalg table.equations tr { background: none; }
.momentalg table.equations td { border: 0; padding: 0.25em 0.3em; text-align: left; vertical-align: baseline; }
.momentalg table.equations td:first-child { text-align: right; white-space: nowrap; }
.momentalg table.equations td:last-child { font-size: 85%; padding-left: 2em; opacity: 0.75; }
.momentalg table.equations td.left { text-align: left; font-size: 100%; padding-left: 0; opacity: 1; }
.momentalg .acted { border-bottom: 1px dotted; }
"""

Printed = Callable[[Node], str]


def sections_latex(sections: Sequence[Section], notation: Notation) -> str:
    """LaTeX for amsmath: a heading and an ``align*`` for each section."""
    parts: list[str] = []
    for section in sections:
        heading = _heading(section, lambda node: f"${LatexPrinter(notation).condition(node).code}$")
        parts.append(f"\\subsubsection*{{{heading}}}")
        rows = " \\\\\n".join(_latex_rows(section.lines, notation, _paragraph))
        if rows:
            parts.append(f"\\begin{{align*}}\n{rows}\n\\end{{align*}}")
        parts += [f"{{\\noindent\\small {escape_latex(remark)}\\par}}" for remark in section.remarks]
    return "\n".join(parts) + "\n"


def sections_markdown(sections: Sequence[Section], notation: Notation) -> str:
    """Markdown, with LaTeX between double dollars."""
    parts: list[str] = []
    for section in sections:
        parts.append(
            f"**{_heading(section, lambda node: f'${markdown_math(LatexPrinter(notation).condition(node).code)}$')}**"
        )
        rows = " \\\\\n".join(_latex_rows(section.lines, notation, _words))
        if rows:
            parts.append(f"$$\n\\begin{{aligned}}\n{markdown_math(rows)}\n\\end{{aligned}}\n$$")
        parts += section.remarks
    return "\n\n".join(parts) + "\n"


def sections_html(sections: Sequence[Section], notation: Notation) -> str:
    """An HTML fragment with native MathML: no script, no network; `STYLE` is not needed, but pleasant."""
    parts: list[str] = []
    for section in sections:
        parts.append(
            f"<h4>{_heading(section, lambda node: f'<math>{MathmlPrinter(notation).condition(node).code}</math>')}</h4>"
        )
        rows = "\n".join(_html_rows(section.lines, notation))
        parts += [f'<table class="equations">\n{rows}\n</table>'] * bool(rows)
        parts += [section.detail().html()] if section.detail else []
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
    """One line: what was asked, the result, cut after `TERMS` terms, and the number of steps."""
    read = reading(derivation)
    equation = f"{text(read.asked, read.notation)} = {_first_terms(read.result, read.notation)}"
    number = len(derivation.steps)
    return f"<Derivation {equation}; {number} step{'s' * (number != 1)}>"


def _first_terms(result: Node, notation: Notation) -> str:
    terms = result.args if isinstance(result, Add) else ()
    if len(terms) <= TERMS:
        return text(result, notation)
    return f"{text(Add(terms[:TERMS]), notation)} + ... ({len(terms)} terms; .text() has all)"


def _heading(section: Section, printed: Printed) -> str:
    """The heading with what is given, in the words and letters of one language."""
    if not section.given:
        return section.heading
    given = ["the design" if node == DESIGN else printed(node) for node in section.given]
    return f"{section.heading} given {', '.join(given)}"


def _room(lines: Sequence[Line], notation: Notation, line: int) -> int:
    """Letters that are left for right sides beside the left sides that stand on the same row."""
    widths = (measure(latex(x.left, notation)) for x in lines if x.left is not None)
    return line - int(max((w for w in widths if w <= LEFT), default=2))


def _is_wide(node: Node, notation: Notation) -> bool:
    return measure(latex(node, notation)) > LEFT


def _latex_rows(lines: Sequence[Line], notation: Notation, note: Callable[[str], str]) -> Iterator[str]:
    room = _room(lines, notation, LATEX_LINE)
    indent = r"\quad {} " if any(x.left is not None and _is_wide(x.left, notation) for x in lines) else ""
    for line in lines:
        left = latex(line.left, notation) if line.left is not None else ""
        if line.left is not None and _is_wide(line.left, notation):
            yield f"& {left}"
            left = ""
        yield from _equation_rows(left, latex_lines(line.node, notation, room), note(line.note), indent)


def _equation_rows(left: str, lines: Sequence[str], note: str = "", indent: str = "") -> Iterator[str]:
    yield f"{left} &{indent}= {lines[0]}{note and f' && {note}'}".lstrip()
    for line in lines[1:]:
        yield rf"&{indent}\qquad {{}} {line}"


def _paragraph(note: str) -> str:
    """A note for LaTeX proper: a narrow paragraph where it is long."""
    if not note:
        return ""
    words = f"\\footnotesize {escape_latex(note)}"
    return rf"\text{{{words}}}" if len(note) <= NOTE else rf"\parbox[t]{{4cm}}{{\raggedright{words}}}"


def _words(note: str) -> str:
    """A note for the LaTeX of notebooks, which has no paragraphs; titles of laws need no escape."""
    return rf"\text{{{note}}}" if note else ""


def _html_rows(lines: Sequence[Line], notation: Notation) -> Iterator[str]:
    """The rows of a table; where a left side is wide, all of them have rows of their own."""
    room = _room(lines, notation, HTML_LINE)
    indent = any(x.left is not None and _is_wide(x.left, notation) for x in lines)
    for line in lines:
        left = _displayed(line.left, notation) if line.left is not None else ""
        if left and indent:
            yield f'<tr><td class="left" colspan="3">{left}</td></tr>'
            left = ""
        formulas = mathml_lines(line.node, notation, room, line.acted)
        right = "<br>".join(_formula(code, n == 0, indent) for n, code in enumerate(formulas))
        yield f'<tr><td>{left}</td><td>{right}</td><td class="{line.kind}">{escape_html(line.note)}</td></tr>'


def _displayed(node: Node, notation: Notation) -> str:
    return f'<math displaystyle="true">{MathmlPrinter(notation).draw(node).code}</math>'


def _formula(code: str, begins: bool, indent: bool) -> str:
    """A line of a right side: after the sign of equality, or further to the right."""
    space = '<mspace width="1em"/>' if indent else ""
    sign = "<mo>=</mo>" if begins else '<mspace width="2em"/>'
    return f'<math displaystyle="true"><mrow>{space}{sign}{code}</mrow></math>'
