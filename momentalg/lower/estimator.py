"""`lower`: a solved moment system becomes an `EstimatorIR`.

The order is that of the computation: what may be shifted, the covariates, the mean parameters, the variance
components, and at last the sums that all of this asked for.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING

from momentalg.errors import UnsupportedError
from momentalg.expr.keys import read_key
from momentalg.expr.nodes import Monomial, Node, Value, Variable
from momentalg.lower.accumulators import Accumulators
from momentalg.lower.arrays import ZERO, Expr, Item, Matrix, Plus, Ref, Solved, Vector
from momentalg.lower.assembling import minus, over, plus, times
from momentalg.lower.choices import covariates_used, shifted_covariates, slope_limits
from momentalg.lower.columns import unshift, unshift_covariances
from momentalg.lower.components import Components, coefficient
from momentalg.lower.facts import declared
from momentalg.lower.header import arguments, assumptions, code, defined, require_class, written
from momentalg.lower.identifiers import identifier
from momentalg.lower.ir import (
    RESPONSE,
    CodedColumn,
    Estimate,
    EstimatorIR,
    RankCheck,
    Reweighting,
    RowSymbol,
    TableSpec,
    UnshiftedSlope,
)
from momentalg.lower.level_arrays import SumLevels
from momentalg.lower.needed import needed
from momentalg.lower.place import Places
from momentalg.lower.projections import Projections
from momentalg.lower.reweighting import Reweighted, second_step
from momentalg.lower.scope import Scope, Y
from momentalg.lower.self_test import is_least_squares, make_self_test, vanishes
from momentalg.lower.shapes import table_of
from momentalg.lower.shift import INTERCEPT, first_order, may_shift, response_degree
from momentalg.lower.symbols import resolve
from momentalg.lower.tables import Tables
from momentalg.lower.wording import wording
from momentalg.moments.weighting import KURTOSIS

if TYPE_CHECKING:
    from momentalg.moments.equations import Assignment
    from momentalg.moments.solution import Solution
    from momentalg.moments.system import MomentSystem


def lower(solution: Solution, by_cells: bool = False) -> EstimatorIR:
    """Lower a solution. With `by_cells` all sums are kept on the finest table, whose rows may be resampled.

    Raises `UnsupportedError` for what a generated estimator cannot compute.
    """
    found = _Lowering(solution, by_cells).run()
    return replace(found, arguments=(), code="") if by_cells else found


class _Lowering:
    """One run of `lower`: the choices made first, then the parts in order."""

    def __init__(self, solution: Solution, by_cells: bool) -> None:
        self.solution = solution
        self.system: MomentSystem = solution.system
        self.model = self.system.model
        require_class(self.system)
        self.monomials: tuple[Monomial, ...] = tuple(c.monomial for c in self.model.mean)
        self.keys = tuple(str(c.key) for c in self.model.mean)
        self.equations = solution.equations
        self.least_squares = is_least_squares(self.system)
        statistics = tuple(e.statistic for e in self.equations)
        self.shifts_response = () in self.monomials and may_shift(statistics) and all(map(self._is_safe, statistics))
        self.shifted = shifted_covariates(solution, self.least_squares)
        places = Places(Tables(self.model, by_cells))
        self.symbols = resolve(self.model, covariates_used(solution, self.least_squares), self.shifted, places)
        symbols = [s.name for s in self.symbols.rows.values()]
        shifted_rows = [s.name for s in self.symbols.rows.values() if s.shifted]
        names = [*shifted_rows, *([RESPONSE] if self.shifts_response else [])]
        self.scope = Scope(self.symbols, places, Accumulators(names, places.tables, symbols))
        self.centred: dict[Variable, Expr] = {}
        used = covariates_used(solution, self.least_squares)
        order = [v for v in used if v in self.shifted]
        self.shifts = {v: self._shift(v) for v in order}
        self.scope.project = Projections(self.scope, self.centred).lower

    def run(self) -> EstimatorIR:
        means = self._means()
        variances = self._variances()
        reweighting = self._reweighting()
        accumulators, derived = self.scope.accumulators.finish()
        tables = self.scope.places.tables
        factors = tables.asked_of_model()
        estimates = tuple(sorted((*means, *variances), key=self._rank))
        equations = (*(self.system.common if means else ()), *self.equations)
        limits = slope_limits(self.model)
        response = RowSymbol(RESPONSE, self.model.response, self.model.response, None, self.shifts_response)
        return EstimatorIR(
            formula=self.system.formula,
            arguments=arguments(self.solution),
            code=code(self.solution),
            statistics=self.system.statistics or "",
            means=self.system.means,
            definitions=tuple(map(defined, equations)),
            equations=tuple(map(written, equations)),
            assumptions=assumptions(self.system),
            response=self.model.response,
            factors=factors,
            tables=tuple(TableSpec(t, tables.suffix(t)) for t in tables.accumulated()),
            rows=(response, *self.symbols.rows.values()),
            unshifted_slopes=tuple(
                UnshiftedSlope(s.name, s.label, limits[v])
                for v, s in self.symbols.rows.items()
                if v in limits and not s.shifted
            ),
            levels=self.symbols.columns,
            coded=tuple(CodedColumn(name, labels) for name, labels in self.model.coded.items() if labels),
            accumulators=accumulators,
            steps=needed((*derived, *self.scope.steps), second_step(reweighting) or [e.value for e in estimates]),
            estimates=estimates,
            self_test=make_self_test(self.solution),
            reweighting=reweighting,
            facts=declared(self.model, self.symbols),
        )

    def _rank(self, estimate: Estimate) -> int:
        """Targets first, in their order; then what was estimated on the way."""
        targets = self.solution.targets
        return targets.index(estimate.key) if estimate.key in targets else len(targets)

    def _is_safe(self, statistic: Node) -> bool:
        """Whether two orders in a shift of the response are all: a statistic is quadratic, or does not change."""
        return response_degree(statistic) <= 2 or vanishes(first_order(statistic), self.model)

    # -- what may be shifted -------------------------------------------------------------------------------------

    def _shift(self, variable: Variable) -> Expr:
        """The shift of a covariate: carried with the sums, or, on levels, its mean over the rows."""
        if variable in self.symbols.rows:
            return Ref(f"shift_{self.symbols.rows[variable].name}")
        value = self.symbols.levels[variable]
        name = value.name if isinstance(value, Ref) else "function"
        table = table_of(value)
        mean = over(
            SumLevels(times(self.scope.accumulators.per_level(table, ()), value)), self.scope.accumulators.total(())
        )
        shift = self.scope.name(mean, f"mean_{name}", f"the mean of {wording(Value(variable))} over the rows")
        self.centred[variable] = self.scope.name(minus(value, shift), f"centred_{name}", "per level, about that mean")
        return shift

    # -- mean parameters -----------------------------------------------------------------------------------------

    def _means(self) -> list[Estimate]:
        if not self.monomials or self.solution.common == ():
            return []
        if self.least_squares:
            values = self._fit()
        elif self.solution.common is not None:
            values = tuple(self._assigned(a) for a in self.solution.common)
        else:
            values = self._solve_common()
        found = []
        for key, value in zip(self.keys, values, strict=True):
            self.scope.hats[key] = value
            self.scope.hats[key + "'"] = ZERO
            moved = plus(Ref(f"shift_{RESPONSE}"), value) if key == INTERCEPT and self.shifts_response else value
            if isinstance(moved, Plus):
                moved = self.scope.name(moved, f"estimate_{identifier(key)}", f"{key}, in the covariates as they are")
            found.append(Estimate(key, moved, is_variance=False))
        return found

    def _fit(self) -> tuple[Expr, ...]:
        """Least squares in the shifted covariates, mapped back."""
        if self.monomials == ((),):
            mean = over(self.scope.accumulators.total(Y), self.scope.accumulators.total(()))
            return (self.scope.name(mean, "mean_y", "the mean of y, about its shift"),)
        projection = Projections(self.scope, self.centred).projection(self.monomials)
        self.scope.steps.append(RankCheck(projection.gram(), self.keys, of_means=True))
        return unshift(self.monomials, projection.coefficients(), self.shifts)

    def _assigned(self, assignment: Assignment) -> Expr:
        for equation in self.system.common:
            if equation.name not in self.scope.letters:
                self.scope.letters[equation.name] = self._named(equation.statistic, equation.name)
        value = self.scope.name(self.scope.scalar(assignment.value), identifier(assignment.key), assignment.key)
        self.scope.hats[assignment.key] = value
        return value

    def _solve_common(self) -> tuple[Expr, ...]:
        rows = tuple(tuple(coefficient(self.scope, e, k) for k in self.keys) for e in self.system.common)
        matrix = self.scope.name(Matrix(rows), "common", "coefficients of the mean parameters")
        self.scope.steps.append(RankCheck(matrix, self.keys, of_means=True))
        right = Vector(tuple(self.scope.scalar(e.statistic) for e in self.system.common))
        solved = self.scope.name(Solved(matrix, right), "common_solution", "the mean parameters")
        return tuple(Item(solved, k) for k in range(len(self.keys)))

    # -- variance components -------------------------------------------------------------------------------------

    def _variances(self) -> list[Estimate]:
        found = Components(self.scope, self.solution, self.shifts_response).solve()
        shifted = [self._variance(key, *orders) for key, orders in found.items()]
        self.first = {e.key: e.value for e in shifted}
        return self._moved_back(shifted)

    def _reweighting(self) -> Reweighting | None:
        if self.system.weighting == "none":
            return None
        if self.system.weighting == KURTOSIS:
            raise UnsupportedError(
                "weighting='kurtosis' has no generated module and no sums, and is not resampled: its fourth cumulants "
                "need the rows. model.fit(frame, weighting='kurtosis') fits, with standard errors by sandwich; "
                "weighting='two-step' has all of these"
            )
        step = Reweighted(self.scope, self.model, self.centred, self.shifts, self.first)
        return step.lower(self.system.weighting == "iterated")

    def _variance(self, key: str, value: Expr, moved: Expr) -> Estimate:
        shift = Ref(f"shift_{RESPONSE}")
        whole = plus(value, times(shift, moved)) if moved != ZERO else value
        if key == f"{INTERCEPT}**2" and self.shifts_response:
            whole = plus(whole, times(shift, shift))
        return Estimate(key, whole, is_variance=read_key(key).kind != "mean" and key.startswith("var("))

    def _moved_back(self, estimates: list[Estimate]) -> list[Estimate]:
        """The covariances of the effects with their covariates as they are, from those with the covariates shifted."""
        values = {e.key: e.value for e in estimates}
        for block in self.model.groups:
            monomials = tuple(c.monomial for c in block.coefficients)
            if not any(v in self.shifts for m in monomials for v, _ in m):
                continue
            names = [str(c.key) for c in block.coefficients]
            keys = {
                (i, j): self.model.cumulant_key(block, (names[i], names[j]))
                for i, j in combinations_with_replacement(range(len(names)), 2)
            }
            shifted = {pair: values[key] for pair, key in keys.items()}
            for pair, value in unshift_covariances(monomials, shifted, self.shifts).items():
                if value != shifted[pair]:
                    name = f"estimate_{identifier(keys[pair])}"
                    value = self.scope.name(value, name, f"{keys[pair]}, in the covariates as they are")
                values[keys[pair]] = value
        return [replace(e, value=values[e.key]) for e in estimates]

    # -- shared --------------------------------------------------------------------------------------------------

    def _named(self, node: Node, name: str) -> Expr:
        return self.scope.define(node, identifier(name), f"{name} = {wording(node)}")
