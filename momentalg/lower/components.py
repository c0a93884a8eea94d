"""The unknowns of the variance equations: in closed form step by step, or as numeric solutions, stage by stage.

Every value comes in two orders of the shift of the response: what the statistics of the shifted response give, and what
a unit of shift adds to that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from momentalg.errors import UnsupportedError
from momentalg.lower.arrays import ZERO, Const, Expr, Item, Matrix, Plus, Settled, Solved, Times, Vector, const
from momentalg.lower.assembling import minus, plus, times
from momentalg.lower.identifiers import identifier
from momentalg.lower.ir import RankCheck
from momentalg.lower.scope import Scope
from momentalg.lower.self_test import vanishes
from momentalg.lower.shift import first_order
from momentalg.lower.stepwise import is_stepwise, stages
from momentalg.lower.wording import wording
from momentalg.moments.solution import plugged

if TYPE_CHECKING:
    from momentalg.moments.equations import Assignment, MomentEquation
    from momentalg.moments.solution import Solution

Orders = tuple[Expr, Expr]


@dataclass(frozen=True)
class Components:
    """Solves the variance equations within a scope, which then knows the estimates as hats."""

    scope: Scope
    solution: Solution
    shifts_response: bool

    def solve(self) -> dict[str, Orders]:
        """Each unknown with its two orders."""
        for equation in self.solution.equations:
            self._name_statistic(equation)
        products, known = self.solution.system.plugged_in, self.solution.system.mean_keys
        found: dict[str, Orders] = {}
        for stage in stages(self.solution.equations, products, known):
            solved = self._stage(stage)
            for key, (value, moved) in solved.items():
                self.scope.hats[key], self.scope.hats[key + "'"] = value, moved
            found |= solved
        return found

    def _name_statistic(self, equation: MomentEquation) -> None:
        hint, shown = identifier(equation.name), wording(equation.statistic)
        self.scope.letters[equation.name] = self.scope.define(equation.statistic, hint, f"{equation.name} = {shown}")
        moved = first_order(equation.statistic) if self.shifts_response else None
        prime = equation.name + "'"
        if moved is None or vanishes(moved, self.solution.system.model):
            self.scope.letters[prime] = ZERO
        else:
            shown = f"what a unit of shift adds to {equation.name}: {wording(moved)}"
            self.scope.letters[prime] = self.scope.define(moved, f"{hint}_first_order", shown)

    def _stage(self, equations: list[MomentEquation]) -> dict[str, Orders]:
        products = [k for k in self.solution.system.plugged_in if any(k in e.coefficients for e in equations)]
        involved = {k for e in equations for k in e.coefficients} - {*products, *self.scope.hats}
        keys = tuple(k for k in self.solution.system.unknowns if k in involved)
        rows = tuple(tuple(coefficient(self.scope, e, k) for k in keys) for e in equations)
        matrix = self.scope.name(Matrix(rows), "coefficients", f"coefficients of {', '.join(keys)}")
        if len(keys) <= len(rows):
            self.scope.steps.append(RankCheck(matrix, keys))
        steps = [a for a in self.solution.variance or () if a.key in keys]
        if steps and (len(keys) != len(rows) or is_stepwise(equations, {*products, *self.scope.hats})):
            return {step.key: self._assigned(step) for step in steps}
        if len(keys) != len(rows):
            raise UnsupportedError(
                f"{len(rows)} equations for {len(keys)} unknowns ({', '.join(keys)}): a numeric solution takes as many"
            )
        value, moved = self._solved(matrix, equations, {k: self._plugged(k) for k in products})
        return {k: (Item(value, n), Item(moved, n) if moved != ZERO else ZERO) for n, k in enumerate(keys)}

    def _assigned(self, step: Assignment) -> Orders:
        name = identifier(step.key)
        value = self.scope.name(self.scope.scalar(step.value), name, f"{step.key} = {wording(step.value)}")
        self.scope.hats[step.key] = value
        moved = self.scope.scalar(first_order(step.value)) if self.shifts_response else ZERO
        moved = self.scope.name(moved, f"{name}_first_order", f"what a unit of shift adds to {step.key}")
        self.scope.hats[step.key + "'"] = moved
        return value, moved

    def _solved(self, matrix: Expr, equations: list[MomentEquation], products: dict[str, Orders]) -> Orders:
        """The unknowns as a vector, and what a unit of shift adds to them."""
        right: list[Expr] = []
        moved: list[Expr] = []
        for equation in equations:
            known = [(coefficient(self.scope, equation, k), orders) for k, orders in products.items()]
            left = (self.scope.letters[equation.name], self.scope.letters[equation.name + "'"])
            for side, value, order in ((right, left[0], 0), (moved, left[1], 1)):
                side.append(minus(value, plus(*(times(c, orders[order]) for c, orders in known))))
        first = self.scope.name(Solved(matrix, Vector(tuple(right))), "solution", "the unknowns, from the equations")
        if all(m == ZERO for m in moved):
            return first, ZERO
        second = Solved(matrix, Vector(tuple(moved)))
        return first, self.scope.name(second, "solution_first_order", "what a unit of shift adds to the unknowns")

    def _plugged(self, key: str) -> Orders:
        """A product of estimates, in both orders."""
        node = plugged(key)
        return self.scope.scalar(node), self.scope.scalar(first_order(node)) if self.shifts_response else ZERO


def coefficient(scope: Scope, equation: MomentEquation, key: str) -> Expr:
    """What an unknown is multiplied by in an equation: exactly 0 where it is only the rounding of a difference."""
    if key not in equation.coefficients:
        return const(0)
    value = scope.scalar(equation.coefficients[key])
    if not isinstance(value, Plus) or scope.is_counted(value):
        return value
    return Settled(value, plus(*(term for term in value.args if not _is_subtracted(term))))


def _is_subtracted(term: Expr) -> bool:
    return isinstance(term, Times) and isinstance(term.args[0], Const) and term.args[0].value < 0
