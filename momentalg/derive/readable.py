"""What can be read by people: LaTeX, Markdown, HTML and text of sections, for derivations, systems and solutions."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from momentalg.derive.reading import Section
    from momentalg.expr.notation import Notation


class Readable:
    """Base of what consists of sections of equations. The views are imported when one is asked for."""

    @abstractmethod
    def reading(self) -> tuple[Sequence[Section], Notation]:
        """The sections, and the notation to write them in."""

    def latex(self) -> str:
        """LaTeX for amsmath: for each section a heading and an ``align*``, with the law or the cost at the right."""
        from momentalg.derive.view import sections_latex

        return sections_latex(*self.reading())

    def markdown(self) -> str:
        """Markdown, with LaTeX formulas between dollars."""
        from momentalg.derive.view import sections_markdown

        return sections_markdown(*self.reading())

    def html(self) -> str:
        """An HTML fragment with MathML; it needs no script and no network."""
        from momentalg.derive.view import sections_html

        return sections_html(*self.reading())

    def text(self, width: int = 100) -> str:
        """Plain text for a terminal of `width` columns."""
        from momentalg.derive.terminal import sections_text

        return sections_text(*self.reading(), width)

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def _repr_html_(self) -> str:
        from momentalg.derive.view import STYLE

        return f"<style>{STYLE}</style>\n{self.html()}"
