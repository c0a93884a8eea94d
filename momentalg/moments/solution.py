"""Solving moment equations: back-substitution, blocks of a few equations in closed form, larger ones numerically."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any

from momentalg.derive.readable import Readable
from momentalg.errors import ModelError
from momentalg.expr.keys import unknown
from momentalg.expr.nodes import ZERO, Add, Hat, Letter, Mul, Node, Parameter, Pow, add, mul, negate, power
from momentalg.expr.traversal import transform, walk
from momentalg.moments.elimination import cramer, solve_block
from momentalg.moments.equations import Assignment, MomentEquation
from momentalg.moments.expectation import parameters_in

if TYPE_CHECKING:
    from momentalg.derive.reading import Section
    from momentalg.expr.notation import Notation
    from momentalg.moments.system import MomentSystem

CLOSED_FORM_LIMIT = 4  # equations solved at once
READABLE = 400  # nodes in the formulas of a block; beyond it nobody reads them, and numerics are better


@dataclass(frozen=True)
class Solution(Readable):
    """The estimators that a system gives.

    `common` estimates the mean parameters, `variance` the components (and the products of means that are unknowns), in
    the order to compute them; None where the linear equations are to be solved numerically, and `common` is empty when
    no target needs the means. `equations` are the variance equations that are used.
    """

    system: MomentSystem
    targets: tuple[str, ...]
    equations: tuple[MomentEquation, ...]
    common: tuple[Assignment, ...] | None
    variance: tuple[Assignment, ...] | None

    @cached_property
    def closed_form(self) -> Mapping[str, Node]:
        """Each estimate in statistics and design constants alone, earlier estimates substituted."""
        known: dict[str, Node] = {}
        for assignment in (*(self.common or ()), *(self.variance or ())):
            known[assignment.key] = substitute_estimates(assignment.value, known)
        return {key: node for key, node in known.items() if key in self.targets}

    @cached_property
    def estimates(self) -> Mapping[str, Any]:
        """The closed forms as SymPy expressions: statistics by their names, design totals by their keys."""
        from momentalg.expr.sympy_door import to_sympy

        return {key: to_sympy(node) for key, node in self.closed_form.items()}

    def statistic(self, key: str) -> Node:
        """The estimator of a parameter as a statistic of the data: its mean, variance and efficiency are derivable."""
        if key not in self.closed_form:
            known = ", ".join(self.closed_form)
            raise ModelError(f"no closed form for {key!r}; there is one for {known or 'no parameter'}")
        names = {e.name: e.statistic for e in (*self.system.common, *self.equations)}
        return transform(self.closed_form[key], lambda n: names.get(n.name, n) if isinstance(n, Letter) else n)

    @cached_property
    def bias(self) -> Mapping[str, Node]:
        """The bias given the design of each component's estimate: zero, unless means are plugged in."""
        from momentalg.moments.bias import plug_in_bias

        return plug_in_bias(self)

    def __getitem__(self, key: str) -> Any:
        return self.estimates[key]

    def reading(self) -> tuple[Sequence[Section], Notation]:
        """The estimators in the order of computation, as sections."""
        from momentalg.moments.view import notation_of, solution_sections

        return solution_sections(self), notation_of(self.system)

    def __repr__(self) -> str:
        from momentalg.moments.view import solution_summary

        return solution_summary(self)


def substitute_estimates(node: Node, known: Mapping[str, Node]) -> Node:
    """Replace ``Hat(Parameter(key))`` by what is known of it, and reassemble."""

    def change(part: Node) -> Node:
        if isinstance(part, Hat) and isinstance(part.body, Parameter):
            return known.get(part.body.key, part)
        if isinstance(part, Add):
            return add(*part.args)
        if isinstance(part, Mul):
            return mul(*part.args)
        return power(part.base, part.exponent) if isinstance(part, Pow) else part

    return transform(node, change)


def plugged(key: str) -> Node:
    """A product of means with each factor estimated: ``Intercept**2`` becomes the square of the estimate."""
    return transform(unknown(key), lambda part: Hat(part) if isinstance(part, Parameter) else part)


def solve_equations(
    equations: Sequence[MomentEquation], unknowns: Sequence[str], plug_in: Sequence[str]
) -> tuple[Assignment, ...] | None:
    """Assignments that solve the equations for `unknowns`, one small block at a time; None when a block is too large.

    The equations must be as many as the unknowns and determine them. Keys in `plug_in` are products of parameters,
    estimated beforehand: of mean parameters, or of unknowns, which are then solved for first.
    """
    left = {e.name: e for e in equations}
    solved: list[Assignment] = []
    known: set[str] = set()
    while len(known) < len(unknowns):
        missing = [u for u in unknowns if u not in known]
        waiting = {key for key in plug_in if not set(missing).isdisjoint(parameters_in(key))}
        block = _smallest_block([e for e in left.values() if waiting.isdisjoint(e.coefficients)], missing)
        if block is None:
            return None
        chosen, keys = block
        sides = {Letter(e.name): _right_side(e, known, plug_in) for e in chosen}
        coefficients = [[e.coefficients.get(key, ZERO) for key in keys] for e in chosen]
        found = solve_block(coefficients, list(sides), keys)
        if sum(1 for assignment in found for _ in walk(assignment.value)) > READABLE:
            return None
        solved.extend(Assignment(a.key, _with_sides(a.value, sides)) for a in found)
        known.update(keys)
        for e in chosen:
            del left[e.name]
    return tuple(solved)


def _with_sides(node: Node, sides: Mapping[Letter, Node]) -> Node:
    """Put the right sides of equations in the place of their names, in what `cramer` makes of these."""
    match node:
        case Letter():
            return sides.get(node, node)
        case Add(args):
            return add(*(_with_sides(a, sides) for a in args))
        case Mul(args):
            return mul(*(_with_sides(a, sides) for a in args))
    return node


def solve_confounded(
    equations: Sequence[MomentEquation], unknowns: Sequence[str], targets: Sequence[str], plug_in: Sequence[str]
) -> tuple[Assignment, ...] | None:
    """Assignments for `targets` where other unknowns occur in one sum alone, with equal coefficients everywhere.

    None when what remains is not square, or too large for a closed form.
    """
    together: dict[tuple[Node, ...], list[str]] = {}
    for key in unknowns:
        together.setdefault(tuple(e.coefficients.get(key, ZERO) for e in equations), []).append(key)
    alone = [t for t in targets if [t] in together.values()]
    if len(together) != len(equations) or len(together) > CLOSED_FORM_LIMIT or len(alone) < len(targets):
        return None
    rows = [list(row) for row in zip(*together, strict=True)]
    sides = [_right_side(e, set(), plug_in) for e in equations]
    places = [keys[0] for keys in together.values()]
    return tuple(Assignment(key, cramer(rows, sides, places.index(key))) for key in targets)


def _smallest_block(
    equations: Sequence[MomentEquation], unknowns: Sequence[str]
) -> tuple[Sequence[MomentEquation], list[str]] | None:
    held = [{u for u in unknowns if e.coefficients.get(u, ZERO) != ZERO} for e in equations]
    for size in range(1, CLOSED_FORM_LIMIT + 1):
        small = [(e, keys) for e, keys in zip(equations, held, strict=True) if len(keys) <= size]
        for chosen in combinations(small, size):
            keys = set().union(*(keys for _, keys in chosen))
            if len(keys) == size:
                return [e for e, _ in chosen], [u for u in unknowns if u in keys]
    return None


def _right_side(equation: MomentEquation, known: set[str], plug_in: Sequence[str]) -> Node:
    terms: list[Node] = [Letter(equation.name)]
    for key, coefficient in equation.coefficients.items():
        if key in plug_in:
            terms.append(negate(mul(coefficient, plugged(key))))
        elif key in known:
            terms.append(negate(mul(coefficient, Hat(Parameter(key)))))
    return add(*terms)
