"""What a computation needs of its steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from momentalg.lower.absorbed_arrays import Group
from momentalg.lower.arrays import Expr, Ref
from momentalg.lower.ir import Margin, Quantity, RankCheck

Step = Quantity | Margin | RankCheck


def needed(steps: tuple[Step, ...], values: Iterable[Expr]) -> tuple[Step, ...]:
    """The steps without those that no value, and no check, uses."""
    used = {name for value in values for name in names(value)}
    kept: list[Step] = []
    for step in reversed(steps):
        match step:
            case RankCheck(matrix):
                used.update(names(matrix))
            case Quantity(name, value) if name in used:
                used.update(names(value))
            case Margin(name, through=through) if name in used:
                used.update(through or ())
            case _:
                continue
        kept.append(step)
    return tuple(reversed(kept))


def parts(expr: Expr) -> Iterator[Expr]:
    """`expr` and everything below it."""
    yield expr
    waiting: list[object] = list(vars(expr).values())
    while waiting:
        value = waiting.pop()
        if isinstance(value, Expr):
            yield from parts(value)
        elif isinstance(value, tuple):
            waiting.extend(value)
        elif isinstance(value, Group):
            waiting.extend(vars(value).values())


def names(expr: Expr) -> set[str]:
    """The names of quantities that an expression uses."""
    return {part.name for part in parts(expr) if isinstance(part, Ref)}
