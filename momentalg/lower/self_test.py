"""The self-test of a generated module: a few rows, and what exact arithmetic makes of them.

The rows are chosen without chance: the first of a list of small unbalanced designs on which the estimates exist. The
same small designs settle, exactly, whether an expression vanishes and whether equations are those of least squares.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING

from momentalg.errors import NotIdentifiedError, UnsupportedError
from momentalg.expr.keys import product_key
from momentalg.expr.nodes import ZERO, Node, Variable
from momentalg.lower.exact import ExactRows, Reading, solve
from momentalg.lower.ir import SelfTest, TestRow
from momentalg.lower.symbols import leaves
from momentalg.model.resolved import ResolvedModel

if TYPE_CHECKING:
    from momentalg.moments.equations import MomentEquation
    from momentalg.moments.solution import Solution
    from momentalg.moments.system import MomentSystem

_SIZES = ((4, 3, 2, 1), (3, 3, 2, 1, 1), (3, 2, 2, 1, 1, 1), (2, 2, 2, 2, 1, 1))
_TRIALS = (((4, 2, 1), 4), ((1, 3, 2, 2), 5), ((3, 5, 4), 4), ((13, 11, 12), 5))
_STARTS = (0, 10_000, -10_000)  # whole numbers begin after these: the first on which functions have values
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def make_self_test(solution: Solution) -> SelfTest:
    """Ten rows on which all estimates exist, or a multiple of ten where the model needs more, and the exact answers."""
    model = solution.system.model
    for sizes, seed in _designs():
        rows = example(model, sizes, seed)
        if rows is None:
            continue
        try:
            exact = estimates(solution, rows)
        except (NotIdentifiedError, ZeroDivisionError):
            continue
        columns = (*model.groups[0].factor, model.response, *rows.columns)
        lines = []
        for t, label in enumerate(rows.labels):
            labels = tuple(str(label) for _ in model.groups[0].factor)
            values = (rows.response[t], *(v[t] for v in rows.columns.values()))
            lines.append(TestRow(labels, tuple(map(int, values))))
        return SelfTest(columns, tuple(lines), tuple(exact.items()))
    raise NotIdentifiedError(
        "no small design identifies all parameters: leave out mean columns that say the same, and make a column of a "
        "function that has no value on whole numbers or on small sizes"
    )


def estimates(solution: Solution, rows: ExactRows) -> dict[str, Fraction]:
    """The exact estimates: mean parameters, then the unknowns of the variance equations.

    Raises `NotIdentifiedError` when the rows do not separate them.
    """
    system, equations = solution.system, solution.equations
    reading = Reading(rows)
    keys = tuple(str(c.key) for c in system.model.mean)
    found = _solve(reading, system.common, keys, {}) if keys and solution.common != () else {}
    plugged = _plugged(keys, found) if system.means == "plug-in" else {}
    unknown = tuple(dict.fromkeys(k for e in equations for k in e.coefficients if k not in plugged))
    if solution.variance is None or len(unknown) == len(equations):
        solved = _solve(reading, equations, unknown, plugged)
        if solution.variance is None:
            return found | solved
    letters = {e.name: reading.value(e.statistic) for e in equations}
    hats = dict(found)
    for step in solution.variance:
        hats[step.key] = Reading(rows, letters=letters, hats=hats).value(step.value)
    return {k: v for k, v in hats.items() if k in keys} | {s.key: hats[s.key] for s in solution.variance}


def vanishes(node: Node, model: ResolvedModel) -> bool:
    """Whether a polynomial statistic is zero for all data: tried exactly on several designs of unequal sizes."""
    if node == ZERO:
        return True
    return all(Reading(rows).value(node) == 0 for rows in _trials(model))


def is_least_squares(system: MomentSystem) -> bool:
    """Whether the equations of the mean parameters are the normal equations of least squares, in their order."""
    columns = [c.monomial for c in system.model.mean]
    if len(system.common) != len(columns):
        return False
    keys = [str(c.key) for c in system.model.mean]
    for rows in _trials(system.model):
        reading = Reading(rows)
        values = [[rows.monomial(m, t) for t in range(len(rows.labels))] for m in columns]
        for equation, column in zip(system.common, values, strict=True):
            if reading.value(equation.statistic) != _dot(column, rows.response):
                return False
            for key, other in zip(keys, values, strict=True):
                coefficient = equation.coefficients.get(key, ZERO)
                if reading.value(coefficient) != _dot(column, other):
                    return False
    return True


def example(model: ResolvedModel, sizes: tuple[int, ...], seed: int) -> ExactRows | None:
    """Rows with levels of the given sizes, and whole numbers that depend on `seed` alone, small ones where they do.

    None where a function of the model, such as ``log(x - 100)``, has no value on any of them.
    """
    candidates = (_rows(model, sizes, seed, start) for start in _STARTS)
    return next((rows for rows in candidates if _have_values(rows)), None)


def _have_values(rows: ExactRows) -> bool:
    try:
        for column in rows.model.mean:
            for t in range(len(rows.labels)):
                rows.monomial(column.monomial, t)
    except (ArithmeticError, ValueError):
        return False
    return True


def _rows(model: ResolvedModel, sizes: tuple[int, ...], seed: int, start: int) -> ExactRows:
    numbers = _numbers(seed)
    labels = [_LETTERS[i % 26] + (str(i // 26) if i >= 26 else "") for i, size in enumerate(sizes) for _ in range(size)]
    columns = {}
    for variable in covariates(model):
        if model.constant_on.get(variable) == model.groups[0].factor:
            of_level = {label: Fraction(start + next(numbers)) for label in dict.fromkeys(labels)}
            columns[variable.name] = [of_level[label] for label in labels]
        else:
            columns[variable.name] = [Fraction(start + next(numbers)) for _ in labels]
    return ExactRows(model, labels, [Fraction(next(numbers)) for _ in labels], columns)


def covariates(model: ResolvedModel) -> tuple[Variable, ...]:
    """The data columns that the mean of a model reads, in order."""
    used = (leaf for c in model.mean for v, _ in c.monomial for leaf in leaves(model, v))
    return tuple(dict.fromkeys(v for v in used if v.kind == "column"))


def _solve(
    reading: Reading, equations: tuple[MomentEquation, ...], keys: tuple[str, ...], known: dict[str, Fraction]
) -> dict[str, Fraction]:
    matrix = [[reading.value(e.coefficients.get(k, ZERO)) for k in keys] for e in equations]
    right = []
    for e in equations:
        plugged = (reading.value(c) * known[k] for k, c in e.coefficients.items() if k in known)
        right.append(reading.value(e.statistic) - sum(plugged, Fraction(0)))
    return solve(matrix, right, keys)


def _plugged(keys: tuple[str, ...], means: dict[str, Fraction]) -> dict[str, Fraction]:
    return {product_key(a, b): means[a] * means[b] for a, b in combinations_with_replacement(keys, 2)}


def _designs() -> Iterator[tuple[tuple[int, ...], int]]:
    for seed in (1, 2):
        for sizes in _SIZES:
            yield sizes, seed
    for copies in (2, 4):
        yield (4, 3, 2, 1, *(5, 2, 2, 1) * (copies - 1)), 3
    yield (8, 7, 6, 5, 4), 3
    yield (13, 12, 14, 11), 3


def _trials(model: ResolvedModel) -> list[ExactRows]:
    """Two examples of unequal sizes on which the functions of the model have values."""
    found = (example(model, sizes, seed) for sizes, seed in _TRIALS)
    kept = [rows for rows in found if rows is not None][:2]
    if not kept:
        raise UnsupportedError(
            "a function of the model has no value on whole numbers, or on levels of up to 13 rows, so that an "
            "estimator cannot be tested: make a column of it"
        )
    return kept


def _numbers(seed: int) -> Iterator[int]:
    """Whole numbers from 1 to 17 in an order without pattern, the same everywhere (a linear congruence)."""
    state = seed
    while True:
        state = (1103515245 * state + 12345) % 2**31
        yield 1 + (state >> 16) % 17


def _dot(first: Sequence[Fraction], second: Sequence[Fraction]) -> Fraction:
    return sum((a * b for a, b in zip(first, second, strict=True)), Fraction(0))
