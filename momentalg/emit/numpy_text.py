"""Text that is safe where generated code places it: docstrings, literals, wrapped lines."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from momentalg.expr.escape import escape_text


def docstring(text: str) -> str:
    """`text` on one line inside a docstring: no quote, backslash or control character ends it."""
    return escape_text(text).replace("\\", "\\\\").replace('"', '\\"')


def literal(text: str) -> str:
    """`text` as a string literal in double quotes, whatever it contains."""
    shown = repr(text)
    return f'"{shown[1:-1]}"' if shown.startswith("'") and not {'"', "\\"} & set(shown) else shown


def literals(texts: Sequence[str]) -> str:
    """A tuple of `texts` as string literals."""
    inner = ", ".join(map(literal, texts))
    return f"({inner},)" if len(texts) == 1 else f"({inner})"


def wrapped(text: str, width: int = 108, indent: str = "    ") -> tuple[str, ...]:
    """`text` in lines; those after the first are indented."""
    return tuple(textwrap.wrap(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False))
