"""Plain identifiers of generated code: our own, and those of users where they are plain and free."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterable

_TAKEN = frozenset(  # local names of the generated code, and what it calls
    """
    y n size level levels code codes sums left right columns shift move moved np csv sys math os estimates e i j k row
    rows table gram moment moments inverse rank slopes cross coefficients totals within matrix value values within_gram
    within_moments within_inverse name names key keys total sum mean scale chunk path main solve combine accumulate
    truncate argv print len min max abs all range list dict str int float
    """.split()
)
_PREFIXES = ("sum_", "total_", "shift_", "move_", "level_", "levels_", "size_", "mean_", "centred_", "estimate_")


def is_taken(name: str) -> bool:
    """Whether generated code has another use for `name`, or Python does."""
    return name in _TAKEN or keyword.iskeyword(name) or name.startswith(_PREFIXES) or "_of_" in name


def identifier(name: str) -> str:
    """A plain lower-case identifier from a name, which is none of those that the rest of the module uses."""
    plain = re.sub(r"[^0-9a-z]+", "_", name.lower(), flags=re.ASCII).strip("_")
    if not re.fullmatch(r"[a-z][0-9a-z_]{0,30}", plain):
        return "statistic"
    return f"{plain}_" if is_taken(plain) else plain


def identifiers(names: Iterable[str], stem: str, taken: Callable[[str], bool] = is_taken) -> dict[str, str]:
    """A distinct plain identifier for each name: the name itself where it is one, else `stem` and a number.

    An indicator such as ``drug[b]`` is called ``drugb``, where that is free.
    """
    found: dict[str, str] = {}
    for name in names:
        own = re.fullmatch(r"([A-Za-z][A-Za-z0-9]{0,23})(?:\[([A-Za-z0-9]{1,12})\])?", name)
        letters = "".join(part for part in own.groups() if part) if own else ""
        chosen = letters if letters and not taken(letters) and letters not in found.values() else ""
        number = 1
        while not chosen or chosen in found.values():
            chosen, number = f"{stem}{number}", number + 1
        found[name] = chosen
    return found
