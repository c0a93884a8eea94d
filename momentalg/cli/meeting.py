"""Incidences as they are typed, 'draws(user, item, poisson(3), 1/2 1/4 1/4)', and numbers of levels, 'user=40'."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from momentalg.cli import reading
from momentalg.errors import ModelError
from momentalg.expr.keys import split
from momentalg.expr.names import join_factor

if TYPE_CHECKING:
    from momentalg.model.incidence import Incidence
    from momentalg.model.model import Model

EXAMPLE = "draws(user, item, poisson(3), 1/2 1/4 1/4)"


def incidence(text: str) -> Incidence:
    """Read one of `ma.designs`: its name, two columns, laws or numbers, and lists of probabilities with spaces.

    Raises `ModelError` for what is none of them.
    """
    from momentalg.model import incidence as designs

    known: dict[str, Callable[..., Any]] = {name: getattr(designs, name) for name in designs.__all__ if name.islower()}
    match = re.fullmatch(r"\s*(\w+)\s*\((.*)\)\s*", text, re.DOTALL)
    make = known.get(match[1]) if match else None
    parts = [part.strip() for part in split(match[2], ",")] if match else []
    if make is None or len(parts) < 2 or not all(parts):
        raise ModelError(f"an incidence is one of {', '.join(known)}, as in '{EXAMPLE}'; found {text!r}")
    columns = [reading.plain(part) for part in parts[:2]]
    read = [_read(part) for part in parts[2:]]
    lists = [value for value in read if isinstance(value, list)]
    others = [value for value in read if not isinstance(value, list)]
    named = {"probabilities": lists if len(lists) > 1 else lists[0]} if lists else {}
    try:
        found: Incidence = make(*columns, *others, **named)
    except TypeError as error:
        raise ModelError(f"{text!r} gives too many laws or probabilities; write it as in '{EXAMPLE}'") from error
    return found


def units(text: str, model: Model) -> dict[str, int]:
    """Read '40', of the model's units, or 'user=40, item=30'."""
    pairs = {join_factor(model.resolved.unit): text} if "=" not in text else reading.pairs([text], "--units")
    for name, number in pairs.items():
        if not number.strip().isdecimal() or int(number) < 1:
            raise ModelError(f"--units takes a number of levels of 1 or more, as in 40 or {name}=40; found {number!r}")
    return {reading.plain(name): int(number) for name, number in pairs.items()}


def _read(part: str) -> Any:
    """A list of probabilities, a whole number, or a law."""
    numbers = part.split()
    if len(numbers) > 1 and all(re.fullmatch(r"[\d./]+", number) for number in numbers):
        return numbers
    return int(part) if part.isdecimal() else reading.law(part)
