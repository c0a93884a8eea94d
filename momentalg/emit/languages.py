"""HTML, LaTeX and Markdown as the reports write them: words made harmless, formulas, code and sections."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from markupsafe import Markup

from momentalg.derive.reading import Section
from momentalg.derive.view import markdown_math, sections_html, sections_latex, sections_markdown
from momentalg.expr.escape import escape_html, escape_latex, escape_markdown, markdown_code
from momentalg.expr.latex import latex, latex_aligned
from momentalg.expr.mathml import mathml, mathml_aligned
from momentalg.expr.nodes import Node
from momentalg.expr.notation import Notation


class Language(Protocol):
    """What a report needs of a language. Every method returns text that is safe where the template puts it."""

    def words(self, text: str) -> str:
        """Plain words, which may contain names of the user's."""
        ...

    def code(self, text: str, in_table: bool = False) -> str:
        """A key or a call, inside a line or in a cell of a table."""
        ...

    def math(self, node: Node, notation: Notation | None = None) -> str:
        """A formula inside a line."""
        ...

    def equation(self, left: Node, right: Node, notation: Notation | None = None) -> str:
        """A displayed equation."""
        ...

    def sections(self, sections: Sequence[Section], notation: Notation) -> str:
        """Sections of equations."""
        ...

    def program(self, source: str) -> str:
        """A program text."""
        ...


class Html:
    """HTML with MathML; what is markup is marked so, everything else is escaped by the template."""

    def words(self, text: str) -> str:
        return _markup(escape_html(text))

    def code(self, text: str, in_table: bool = False) -> str:
        return _markup(f"<code>{escape_html(text)}</code>")

    def math(self, node: Node, notation: Notation | None = None) -> str:
        return _markup(mathml(node, notation))

    def equation(self, left: Node, right: Node, notation: Notation | None = None) -> str:
        return _markup(mathml_aligned(left, [right], notation))

    def sections(self, sections: Sequence[Section], notation: Notation) -> str:
        return _markup(sections_html(sections, notation))

    def program(self, source: str) -> str:
        return _markup("\n".join(map(escape_html, source.rstrip("\n").split("\n"))))


def _markup(code: str) -> Markup:
    """Code of our printers, which have escaped what came from the user: the template is not to escape it again."""
    return Markup(code)  # noqa: S704 - see above


class Latex:
    """LaTeX for pdflatex, in ASCII."""

    def words(self, text: str) -> str:
        return escape_latex(text)

    def code(self, text: str, in_table: bool = False) -> str:
        return rf"\texttt{{{escape_latex(text)}}}"

    def math(self, node: Node, notation: Notation | None = None) -> str:
        return f"${latex(node, notation)}$"

    def equation(self, left: Node, right: Node, notation: Notation | None = None) -> str:
        rows = " \\\\\n".join(latex_aligned(left, [right], notation))
        return f"\\begin{{align*}}\n{rows}\n\\end{{align*}}"

    def sections(self, sections: Sequence[Section], notation: Notation) -> str:
        return sections_latex(sections, notation)

    def program(self, source: str) -> str:
        """Verbatim in an environment whose end does not occur in the source; letters beyond ASCII as escapes."""
        return source.rstrip("\n").encode("ascii", "backslashreplace").decode("ascii")


class Markdown:
    """Markdown as notebooks and GitHub read it."""

    def words(self, text: str) -> str:
        return escape_markdown(text)

    def code(self, text: str, in_table: bool = False) -> str:
        return markdown_code(text, in_table)

    def math(self, node: Node, notation: Notation | None = None) -> str:
        return f"${markdown_math(latex(node, notation))}$"

    def equation(self, left: Node, right: Node, notation: Notation | None = None) -> str:
        rows = markdown_math(" \\\\\n".join(latex_aligned(left, [right], notation)))
        return f"$$\n\\begin{{aligned}}\n{rows}\n\\end{{aligned}}\n$$"

    def sections(self, sections: Sequence[Section], notation: Notation) -> str:
        return sections_markdown(sections, notation)

    def program(self, source: str) -> str:
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", source)), default=0))
        return f"{fence}python\n{source.rstrip()}\n{fence}"
