"""Moment systems and solutions as sections: statistics, equations with costs, estimators in order of computation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from momentalg.derive.reading import Line, Section
from momentalg.expr.columns import level_columns
from momentalg.expr.keys import is_form, unknown
from momentalg.expr.nodes import DESIGN, Cumulant, Hat, Letter, Node, Parameter, Projected, Trace, add, mul
from momentalg.expr.notation import Notation
from momentalg.expr.text import text
from momentalg.expr.traversal import transform, walk
from momentalg.moments.costs import statistic_cost
from momentalg.moments.equations import MEANS, Assignment, MomentEquation

if TYPE_CHECKING:
    from momentalg.moments.solution import Solution
    from momentalg.moments.system import MomentSystem

READABLE = 60  # nodes in the formula of an estimator
PROJECTION = (
    "P projects on what is orthogonal to the columns in its index, where a factor stands for the indicators of its "
    "levels; Z has these indicators as columns; RSS = y'Py."
)
PRODUCTS = (
    "Estimates are put in place of the products of components, which makes the estimators of higher cumulants "
    "consistent, with a bias of the order of one over the number of levels."
)
SLOPES = (
    "With a covariate, these indicators are multiplied by it, row by row, in what is projected off and in Z; K is the "
    "symmetric part of Z Z' with two covariates."
)
FORMS = "Q is the quadratic form in the means that the sum of squares of a common term holds, (X beta)'A(X beta)."
NUMERICAL = "The solution of the linear equations above; as a formula it is too long to read here."


def system_sections(system: MomentSystem) -> tuple[Section, ...]:
    """The statistics with their cost, and their expectations given the design."""
    sections: list[Section] = []
    if system.common:
        lines = tuple(
            Line(right_side(e), _cost(e, system), left=Cumulant((e.statistic,), (DESIGN,))) for e in system.common
        )
        sections.append(Section(0, "Normal equations of the mean", (), lines))
    if system.variance:
        statistics = tuple(Line(e.statistic, _cost(e, system), left=Letter(e.name)) for e in system.variance)
        sections.append(Section(0, "Statistics", (), statistics))
        lines = tuple(Line(right_side(e), "", left=Cumulant((Letter(e.name),), (DESIGN,))) for e in system.variance)
        sections.append(Section(0, "Equations of the variance components", (), lines, tuple(_remarks(system, lines))))
    return tuple(sections)


def _remarks(system: MomentSystem, lines: Sequence[Line]) -> Iterator[str]:
    """What a reader of the equations must know: how means are treated, and the letters of projections."""
    yield f"Means: {MEANS[system.means]}."
    if system.products_of_components:
        yield PRODUCTS
    if any(is_form(key) for key in system.unknowns):
        yield FORMS
    projected = [part for line in lines for part in walk(line.node) if isinstance(part, (Projected, Trace))]
    if projected:
        yield PROJECTION
    if any(c.monomial for part in projected for c in level_columns((*part.columns, *(part.kernel or ())))):
        yield SLOPES


def solution_sections(solution: Solution) -> tuple[Section, ...]:
    """The estimators, in the order in which they are computed."""
    parts = (("Mean parameters", solution.common), ("Variance components", solution.variance))
    named = {e.name: e.statistic for e in solution.system.common}
    sections: list[Section] = []
    for title, assignments in parts:
        if assignments is None or any(sum(1 for _ in walk(a.value)) > READABLE for a in assignments):
            sections.append(Section(0, title, (), (), (NUMERICAL,)))
        elif assignments:
            sections.append(Section(0, title, (), tuple(_estimate(a, named) for a in assignments)))
    return tuple(sections)


def notation_of(system: MomentSystem) -> Notation:
    """The symbols of a system, those of its model."""
    return Notation.of(system.model)


def system_summary(system: MomentSystem) -> str:
    """One line: the model, the statistics and the unknowns."""
    names = ", ".join(e.name for e in (*system.common, *system.variance))
    unknowns = ", ".join((*system.mean_keys, *system.unknowns))
    return f"<MomentSystem of {system.formula}: statistics {names}; unknowns {unknowns}>"


def solution_summary(solution: Solution) -> str:
    """One line for each estimate that has a closed form."""
    notation = notation_of(solution.system)
    steps = (*(solution.common or ()), *(solution.variance or ()))
    lines = [f"{text(Hat(Parameter(a.key)), notation)} = {text(a.value, notation)}" for a in steps]
    numeric = [
        title
        for title, found in (("mean parameters", solution.common), ("variance components", solution.variance))
        if found is None
    ]
    return "\n".join([*lines, *(f"{title}: solved numerically" for title in numeric)])


def right_side(equation: MomentEquation) -> Node:
    """The expectation of a statistic: coefficients times unknowns."""
    return add(*(mul(coefficient, unknown(key)) for key, coefficient in equation.coefficients.items()))


def _cost(equation: MomentEquation, system: MomentSystem) -> str:
    return f"cost: {statistic_cost(equation.statistic, system.model).name}"


def _estimate(assignment: Assignment, statistics: Mapping[str, Node]) -> Line:
    """An estimate; the statistics of the normal equations stand as they are, not by name."""
    value = transform(
        assignment.value, lambda part: statistics.get(part.name, part) if isinstance(part, Letter) else part
    )
    return Line(value, "", left=Hat(Parameter(assignment.key)))
