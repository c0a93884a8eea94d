"""The self-test of a generated module: a few rows, and what exact arithmetic makes of them.

The rows are chosen without chance: the first of a list of small unbalanced designs on which the estimates exist. The
same small designs settle, exactly, whether an expression vanishes and whether equations are those of least squares.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from momentalg.errors import NotIdentifiedError, UnsupportedError
from momentalg.expr.nodes import ZERO, Node
from momentalg.lower.exact import ExactRows, Reading, solve
from momentalg.lower.exact_projections import dot
from momentalg.lower.exact_weighted import two_step
from momentalg.lower.examples import example, require_few_labels, shapes, trials
from momentalg.lower.ir import SelfTest, TestRow
from momentalg.lower.stepwise import stages
from momentalg.model.resolved import ResolvedModel
from momentalg.moments.confounding import in_words
from momentalg.moments.solution import plugged

if TYPE_CHECKING:
    from momentalg.moments.equations import MomentEquation
    from momentalg.moments.solution import Solution
    from momentalg.moments.system import MomentSystem


def make_self_test(solution: Solution) -> SelfTest:
    """Ten rows on which all estimates exist, or more where the model needs them, and the exact answers."""
    model, weighted = solution.system.model, solution.system.weighting != "none"
    require_few_labels(model)
    found = ""  # what the last of them does not identify
    for shape in shapes(model):
        rows = example(model, shape)
        if rows is None:
            continue
        try:
            exact = estimates(solution, rows)
            exact = two_step(model, rows, exact) if weighted else exact
        except NotIdentifiedError as error:
            found = f": {error}"
            continue
        except ZeroDivisionError:
            continue
        lines = []
        for t in range(len(rows)):
            labels = tuple(rows.labels[c][t] for c in model.columns)
            values = (rows.response[t], *(v[t] for v in rows.columns.values()))
            lines.append(TestRow(labels, tuple(map(int, values))))
        return SelfTest((*model.columns, model.response, *rows.columns), tuple(lines), tuple(exact.items()))
    raise NotIdentifiedError(
        f"no small design identifies all parameters{found}. {in_words(model)}Leave out terms that say the same, and "
        "make a column of a function that has no value on whole numbers or on small sizes"
    )


def estimates(solution: Solution, rows: ExactRows) -> dict[str, Fraction]:
    """The exact estimates: mean parameters, then the unknowns of the variance equations.

    Raises `NotIdentifiedError` when the rows do not separate them.
    """
    system, equations = solution.system, solution.equations
    reading = Reading(rows)
    keys = tuple(str(c.key) for c in system.model.mean)
    found = _solve(reading, system.common, keys, {}) if keys and solution.common != () else {}
    letters = {e.name: reading.value(e.statistic) for e in equations} if solution.variance else {}
    for stage in stages(equations, system.plugged_in, keys):
        products = {key: Reading(rows, hats=found).value(plugged(key)) for key in _products(stage, system)}
        unknown = tuple(dict.fromkeys(k for e in stage for k in e.coefficients if k not in {**products, **found}))
        if len(unknown) == len(stage):
            found |= _solve(reading, stage, unknown, products | found)
        else:
            for step in solution.variance or ():
                if step.key in unknown:
                    found[step.key] = Reading(rows, letters=letters, hats=found).value(step.value)
    return found


def _products(equations: Sequence[MomentEquation], system: MomentSystem) -> list[str]:
    return [k for k in system.plugged_in if any(k in e.coefficients for e in equations)]


def vanishes(node: Node, model: ResolvedModel) -> bool:
    """Whether a polynomial statistic is zero for all data: tried exactly on several designs of unequal sizes."""
    if node == ZERO:
        return True
    return all(Reading(rows).value(node) == 0 for rows in _tried(model))


def is_least_squares(system: MomentSystem) -> bool:
    """Whether the equations of the mean parameters are the normal equations of least squares, in their order."""
    columns = [c.monomial for c in system.model.mean]
    if len(system.common) != len(columns):
        return False
    keys = [str(c.key) for c in system.model.mean]
    for rows in _tried(system.model):
        reading = Reading(rows)
        values = [rows.vector(m) for m in columns]
        for equation, column in zip(system.common, values, strict=True):
            if reading.value(equation.statistic) != dot(column, rows.response):
                return False
            for key, other in zip(keys, values, strict=True):
                coefficient = equation.coefficients.get(key, ZERO)
                if reading.value(coefficient) != dot(column, other):
                    return False
    return True


def _solve(
    reading: Reading, equations: Sequence[MomentEquation], keys: tuple[str, ...], known: dict[str, Fraction]
) -> dict[str, Fraction]:
    matrix = [[reading.value(e.coefficients.get(k, ZERO)) for k in keys] for e in equations]
    right = []
    for e in equations:
        plugged = (reading.value(c) * known[k] for k, c in e.coefficients.items() if k in known)
        right.append(reading.value(e.statistic) - sum(plugged, Fraction(0)))
    return solve(matrix, right, keys)


def _tried(model: ResolvedModel) -> list[ExactRows]:
    found = trials(model)
    if not found:
        raise UnsupportedError(
            "a function of the model has no value on whole numbers, or on levels of up to 13 rows, so that an "
            "estimator cannot be tested: make a column of it"
        )
    return found
