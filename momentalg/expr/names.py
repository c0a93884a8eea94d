"""Names that users type: quoting, factor names with intersections, and parameter keys.

A name that is not a plain identifier is back-quoted, a column called ``1`` or ``Intercept`` included. A back-quote
inside a quoted name is doubled.
"""

from __future__ import annotations

import re

from momentalg.errors import ModelError

_PLAIN = re.compile(r"[^\W\d]\w*(\.\w+)*\Z")
RESERVED = frozenset({"Intercept", "residual"})  # words of the keys; a function's name is told by its parenthesis


def quote(name: str) -> str:
    """Return `name` as it stands in a formula or key: back-quoted unless it is a plain, unreserved identifier."""
    return name if _PLAIN.match(name) and name not in RESERVED else "`" + name.replace("`", "``") + "`"


def join_factor(columns: tuple[str, ...]) -> str:
    """The factor's name in keys: its columns joined by ``:``."""
    return ":".join(quote(c) for c in columns)


def split_factor(name: str) -> tuple[str, ...]:
    """Read a factor's name, such as ``user`` or ``a:b``, into its columns, in order.

    A column whose name has a colon or a back-quote is back-quoted; any other name stands for itself.
    """
    parts: list[str] = []
    rest = name
    while True:
        match = re.match(r"`((?:[^`]|``)+)`(?=:|\Z)|([^`:]+)(?=:|\Z)", rest)
        if match is None:
            raise ModelError(f"cannot read the factor name {name!r}: back-quote odd names, as in `my name`:b")
        parts.append(match[1].replace("``", "`") if match[1] is not None else match[2])
        rest = rest[match.end() :]
        if not rest:
            break
        rest = rest[1:]
    if len(set(parts)) != len(parts):
        raise ModelError(f"the factor name {name!r} repeats a column")
    return tuple(parts)
