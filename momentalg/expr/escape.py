"""User text made harmless: the only places where a name becomes LaTeX, HTML, Markdown or terminal output.

Names are data. Whatever a user types, the result has balanced braces, no markup and no control characters. The
LaTeX is ASCII, so that it compiles with any engine and font encoding.
"""

from __future__ import annotations

import html
import re
import unicodedata

from momentalg.expr.greek import GREEK

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "`": "{`}",
    "'": "{'}",
    '"': r"{\char34}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "-": "{-}",  # no ligatures: two hyphens stay two
    **dict(zip("ßæœøłÆŒØŁ", (f"\\{c}{{}}" for c in "ss ae oe o l AE OE O L".split()), strict=True)),
    **{letter: rf"\ensuremath{{\{name}}}" for name, letter in GREEK.items()},
}
_MARKS = "\u0300\u0301\u0302\u0303\u0308\u030a\u030c\u0327\u0304\u0307\u0306\u030b"  # Unicode's combining accents
_ACCENTS = dict(zip(_MARKS, "`'^~\"rvc=.uH", strict=True))


def _visible(text: str) -> str:
    """Replace what does not print (newlines, controls, direction marks) by its backslash escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _latex_character(character: str) -> str:
    if character in _LATEX:
        return _LATEX[character]
    if character.isascii():
        return character
    decomposed = unicodedata.normalize("NFD", character)
    base, marks = decomposed[0], decomposed[1:]
    if not base.isascii() or not marks or any(m not in _ACCENTS for m in marks):
        return f"[U+{ord(character):04X}]"
    written = rf"\{base}" if base in "ij" else _latex_character(base)
    for mark in marks:
        written = rf"\{_ACCENTS[mark]}{{{written}}}"
    return f"{{{written}}}"


def escape_latex(text: str) -> str:
    r"""Return `text` as ASCII for LaTeX text mode, which is where all words go, ``\text{...}`` in formulas included."""
    return "".join(_latex_character(c) for c in unicodedata.normalize("NFC", _visible(text)))


def escape_html(text: str) -> str:
    """Return `text` for HTML and MathML, in an element or a quoted attribute."""
    return html.escape(_visible(text), quote=True)


def escape_text(text: str) -> str:
    """Return `text` for a terminal: no control character, so that one line stays one line."""
    return _visible(text)


def escape_markdown(text: str) -> str:
    """Return `text` for Markdown: its punctuation is escaped, so that nothing is markup or mathematics."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|$&~!" else c for c in _visible(text))


def markdown_code(text: str, in_table: bool = False) -> str:
    """Return `text` as a code span, in a fence longer than any run of back-quotes inside it."""
    shown = _visible(text) or " "
    fence = "`" * (max(map(len, re.findall("`+", shown)), default=0) + 1)
    pad = " " if shown[0] == "`" or shown[-1] == "`" else ""
    return f"{fence}{pad}{shown.replace('|', chr(92) + '|') if in_table else shown}{pad}{fence}"
