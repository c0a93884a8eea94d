"""How wide LaTeX code prints, estimated in letters: for breaking lines, not for placing things."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[^\s]")
_SCRIPT = 0.7  # the size of subscripts and superscripts
_NOTHING = set(
    r"\operatorname \mathrm \mathbf \mathtt \boldsymbol \text \textit \normalfont \ttfamily \sffamily \ensuremath "
    r"\left \right \middle \bigl \bigr \biggl \biggr \displaystyle \hat \widehat \overline \! { }".split()
)
_WIDTHS = {r"\,": 0.3, r"\quad": 2.0, r"\qquad": 4.0, r"\mid": 1.4, r"\sum": 2.0, ",": 0.7}
_WIDTHS |= dict.fromkeys("+-=", 2.2) | dict.fromkeys("()[]|", 0.7) | dict.fromkeys("ijlt", 0.7)


def measure(code: str) -> float:
    """The width of a formula in letters; a fraction is as wide as its wider side, scripts are smaller."""
    width, _ = _row(_TOKEN.findall(code), 0)
    return width


def _row(parts: list[str], start: int) -> tuple[float, int]:
    """The width of the parts up to the end of their group, and the place after it."""
    width, above, below, place, base = 0.0, 0.0, 0.0, start, ""
    while place < len(parts) and parts[place] != "}":
        part = parts[place]
        if part in "_^":
            script, place = _atom(parts, place + 1)
            above, below = (above, script) if part == "_" else (script, below)
            continue
        width += _scripts(above, below, base)
        above = below = 0.0
        base = part
        if part == r"\frac":
            upper, place = _atom(parts, place + 1)
            lower, place = _atom(parts, place)
            width += max(upper, lower) + 0.4
        else:
            own, place = _atom(parts, place)
            width += own
    return width + _scripts(above, below, base), place


def _scripts(above: float, below: float, base: str) -> float:
    """What scripts add; the limits of a sum stand above and below it."""
    widest = _SCRIPT * max(above, below)
    return max(0.0, widest - _WIDTHS[base]) if base == r"\sum" else widest


def _atom(parts: list[str], place: int) -> tuple[float, int]:
    """The width of one symbol or group, and the place after it."""
    if place >= len(parts):
        return 0.0, place
    part = parts[place]
    if part == "{":
        width, place = _row(parts, place + 1)
        return width, place + 1
    return (0.0 if part in _NOTHING else _WIDTHS.get(part, 1.0)), place + 1
