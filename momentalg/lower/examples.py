"""Small designs that are chosen without chance, the same everywhere: for self-tests, and to settle questions exactly.

A model of one factor gets levels of given sizes. With several, each label column gets a number of labels, and each row
one of them: cells are empty, single and replicated, as they come.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from momentalg.errors import UnsupportedError
from momentalg.expr.names import quote
from momentalg.expr.nodes import Label, Variable
from momentalg.lower.exact import ExactRows
from momentalg.lower.symbols import leaves
from momentalg.model.resolved import ResolvedModel

_STARTS = (0, 10_000, -10_000)  # whole numbers begin after these: the first on which functions have values
_ALPHABETS = ("abcdefghijklmno", "pqrstuvwxyz", "ABCDEFGH", "PQRSTUVW")


@dataclass(frozen=True)
class Shape:
    """A design: the sizes of the levels of one factor, or rows and numbers of labels by column; and where to start."""

    sizes: tuple[int, ...]
    rows: int
    labels: tuple[int, ...]
    seed: int


_SIZES: tuple[tuple[int, ...], ...] = ((4, 3, 2, 1), (3, 3, 2, 1, 1), (3, 2, 2, 1, 1, 1), (2, 2, 2, 2, 1, 1))
_MORE: tuple[tuple[int, ...], ...] = (
    (4, 3, 2, 1, 5, 2, 2, 1),
    (4, 3, 2, 1, *(5, 2, 2, 1) * 3),
    (8, 7, 6, 5, 4),
    (13, 12, 14, 11),
)
_CROSSED = (
    (10, (3, 3, 2)),
    (12, (4, 3, 2)),
    (15, (4, 3, 3)),
    (20, (5, 4, 3)),
    (30, (5, 4, 3)),
    (40, (6, 5, 4)),
    (60, (3, 4, 3)),
)


_BY_CHANCE = 10  # known labels that chance shows all of; those of a longer list are taken in turn
_MOST = 64  # known labels of a column, as exact answers take a time that grows with their cube


def require_few_labels(model: ResolvedModel) -> None:
    """Raise `UnsupportedError` for a fixed factor, or classes, with more levels than can be."""
    for column, known in model.coded.items():
        if known and len(known) > _MOST:
            raise UnsupportedError(
                f"{column!r} has {len(known)} levels, and a fixed factor may have {_MOST}: (1 | {quote(column)}) makes "
                "it random, and where numbers are read as texts, make the column numeric"
            )


def shapes(model: ResolvedModel) -> Iterator[Shape]:
    """Designs for a model, small ones first; with more known labels than chance shows, those that show all of them."""
    most = max((len(known or ()) for known in model.coded.values()), default=0)
    if most > _BY_CHANCE:
        for more in (1, 2):
            large = (most + 2, most + 1, 5, 3) * more
            yield Shape((), sum(large), (6, 5, 4), more) if _has_several(model) else Shape(large, sum(large), (), more)
        return
    if not _has_several(model):
        for seed in (1, 2):
            for sizes in _SIZES:
                yield Shape(sizes, sum(sizes), (), seed)
        for sizes in _MORE:
            yield Shape(sizes, sum(sizes), (), 3)
        return
    for rows, labels in _CROSSED:
        for seed in (1, 2, 3):
            yield Shape((), rows, labels, seed)


def trials(model: ResolvedModel) -> list[ExactRows]:
    """Two designs on which the functions of the model have values, to decide by whether something is zero."""
    one = (((4, 2, 1), 4), ((1, 3, 2, 2), 5), ((3, 5, 4), 4), ((13, 11, 12), 5))
    several = ((9, (3, 3, 2), 4), (10, (4, 3, 2), 5), (14, (2, 3, 3), 4), (30, (2, 3, 2), 5))
    designs = [Shape(sizes, sum(sizes), (), seed) for sizes, seed in one]
    if _has_several(model):
        designs = [Shape((), rows, labels, seed) for rows, labels, seed in several]
    found = (example(model, shape) for shape in designs)
    return [rows for rows in found if rows is not None][:2]


def example(model: ResolvedModel, shape: Shape) -> ExactRows | None:
    """Rows of a shape, with whole numbers that depend on its seed alone, small ones where these do.

    None where a function of the model, such as ``log(x - 100)``, has no value on any of them.
    """
    candidates = (_rows(model, shape, start) for start in _STARTS)
    return next((rows for rows in candidates if _have_values(rows)), None)


def covariates(model: ResolvedModel) -> tuple[Variable, ...]:
    """The data columns that the covariates of a model are read from, in order."""
    used = (leaf for c in model.terms for v, _ in c.monomial for leaf in leaves(model, v))
    return tuple(dict.fromkeys(v for v in used if v.kind == "column"))


def _has_several(model: ResolvedModel) -> bool:
    return len({model.closure(factor) for factor in model.factors}) > 1


def _have_values(rows: ExactRows) -> bool:
    try:
        for column in rows.model.terms:
            rows.vector(column.monomial)
    except (ArithmeticError, ValueError):
        return False
    return True


def _rows(model: ResolvedModel, shape: Shape, start: int) -> ExactRows:
    numbers = _numbers(shape.seed)
    labels = _labels(model, shape, numbers)
    rows = ExactRows(model, labels, [Fraction(0)] * shape.rows, {})
    columns = {}
    for variable in covariates(model):
        factor = model.constant_on.get(variable)
        if factor is None:
            columns[variable.name] = [Fraction(start + next(numbers)) for _ in range(shape.rows)]
        else:
            of_level: dict[Hashable, Fraction] = {}
            for t in range(shape.rows):
                level = tuple(rows.level(factor, t).values())
                if level not in of_level:
                    of_level[level] = Fraction(start + next(numbers))
            columns[variable.name] = [of_level[tuple(rows.level(factor, t).values())] for t in range(shape.rows)]
    return ExactRows(model, labels, [Fraction(next(numbers)) for _ in range(shape.rows)], columns)


def _labels(model: ResolvedModel, shape: Shape, numbers: Iterator[int]) -> dict[str, list[Label]]:
    if shape.sizes:
        names: list[Label] = [_letter(0, i) for i, size in enumerate(shape.sizes) for _ in range(size)]
        found = {column: names for column in model.columns if column not in model.coded}
    else:
        found = {}
        for position, column in enumerate(c for c in model.columns if c not in model.coded):
            count = shape.labels[position % len(shape.labels)]
            found[column] = [_letter(position, next(numbers) % count) for _ in range(shape.rows)]
    for column, known in model.coded.items():
        if known is None:
            raise UnsupportedError(f"the levels of {column} are not known: declare them, fixed={{{column!r}: [...]}}")
        turns = range(shape.rows) if len(known) > _BY_CHANCE else (next(numbers) for _ in range(shape.rows))
        found[column] = [known[turn % len(known)] for turn in turns]
    return found


def _letter(position: int, number: int) -> str:
    """A label, of an alphabet of its own for each column."""
    letters = _ALPHABETS[position % len(_ALPHABETS)]
    return letters[number % len(letters)] + (str(number // len(letters)) if number >= len(letters) else "")


def _numbers(seed: int) -> Iterator[int]:
    """Whole numbers from 1 to 17 in an order without pattern, the same everywhere (a linear congruence)."""
    state = seed
    while True:
        state = (1103515245 * state + 12345) % 2**31
        yield 1 + (state >> 16) % 17
