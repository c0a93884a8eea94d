"""`Model`: what a user declares, and the way to everything that follows from it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from momentalg.errors import ModelError
from momentalg.expr.keys import variable_key
from momentalg.expr.nodes import Node, Response, Size, Total, Variable, as_node
from momentalg.model import describe, scope
from momentalg.model.assumptions import Assumption, GoesWith
from momentalg.model.expansion import expand
from momentalg.model.fixed_factors import coded, declared, fixed_columns
from momentalg.model.formula import parse_formula
from momentalg.model.functions import variable_node
from momentalg.model.incidence.base import Incidence
from momentalg.model.keys import parameter_keys, parameter_symbol
from momentalg.model.resolved import ResolvedModel
from momentalg.model.resolving import (
    all_variables,
    assuming,
    basic_variables,
    constant_within,
    known_cell,
    lettering,
    meeting,
    resolve,
    with_residuals,
)
from momentalg.model.terms import Group, Term, formula_text

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path

    from momentalg.check.verdict import SimulationCheck
    from momentalg.derive.derivation import Derivation
    from momentalg.inference.planning.result import Plan
    from momentalg.inference.result import FitResult
    from momentalg.inference.size_effect import SizeEffect
    from momentalg.inference.sizes import Sizes
    from momentalg.inference.sums import Sums
    from momentalg.moments.derived_weights import DerivedWeights
    from momentalg.moments.local_identification import Identified
    from momentalg.moments.pooling import Pooling
    from momentalg.moments.system import MomentSystem

    Given = Node | Iterable[Node]
    Via = Node | str | Iterable[Node | str]
    Names = str | Iterable[str]


@dataclass(frozen=True, init=False, repr=False)
class Model:
    """A linear mixed model, by a formula or by term objects; equal when it says the same.

    The response is  y_o = sum_l beta_l x_l(o) + sum_f u_f(level of f at o) + e_o,  with independent zero-mean effects
    u_f and residuals e of any distribution::

        model = ma.Model("y ~ 1 + X + (1 | user)", levels={"X": "user"})
        S, N = model.total(model.y, by="user"), model.size("user")
        model.var(S), model.var(S, given=[N]), model.moment_equations().solve(), model.fit(frame)

    Args:
        formula: lme4 syntax, such as ``"y ~ 1 + x + size(user) + (1 | user)"``.
        response, common, group: the same from term objects; the intercept is implied unless ``intercept=False``.
        levels: covariates that are constant within the levels of a factor, ``{"X": "user"}``.
        assume: declared facts, such as ``ma.independent("X", "size(user)")``.
        symbols: letters to print, ``{"user": "alpha"}``.
        fixed: the fixed factors, with their levels, the reference first, ``{"drug": ["a", "b", "c"]}``, or
            without, ``["drug"]``, until the model meets data; ``C(drug)`` in the formula says the same.
        incidence: how levels of crossed factors come to meet in a random design, one of `ma.designs`.
        weights: a column w of known weights: the variance of a residual is var(residual)/w, as in lme4.
        residual_by: a column whose labels are classes with residuals of their own, ``"site"``, or with its labels,
            ``{"site": ["n", "s"]}``: the parameters are ``var(residual[n])``, ``k3(residual[n])``, ...

    Raises:
        FormulaError: a formula that cannot be read, with a caret under the place.
        ModelError: no group term, unknown or clashing names, contradictory facts.
        UnsupportedError: what can be declared but not yet derived, by name.

    """

    resolved: ResolvedModel
    """All that the algebra sees of the model."""

    def __init__(
        self,
        formula: str | None = None,
        *,
        response: str | None = None,
        common: Iterable[Term | str] | Term | str | None = None,
        group: Iterable[Group] | Group | None = None,
        intercept: bool = True,
        levels: Mapping[str, str] | None = None,
        assume: Iterable[Assumption] | Assumption = (),
        symbols: Mapping[str, str] | None = None,
        fixed: Mapping[str, Iterable[Any] | None] | Iterable[str] | None = None,
        weights: str | None = None,
        residual_by: Mapping[str, Iterable[Any] | None] | str | None = None,
        incidence: Incidence | None = None,
        **later: Any,
    ) -> None:
        for name, value in later.items():
            if name not in scope.LATER_ARGUMENTS:
                raise TypeError(f"Model() has no argument {name!r}")
            if value is not None:
                raise scope.refuse_argument(name)
        if formula is None:
            formula = formula_text(response, common, group, intercept)
        elif response is not None or common is not None or group is not None or not intercept:
            raise ModelError("give a formula, or response=, common=, group= and intercept=, not both; 0 + removes one")
        expanded = expand(parse_formula(formula))
        scope.require_derivable(expanded, formula)
        factors = fixed_columns(expanded, declared(fixed))
        written = describe.formula(ResolvedModel(expanded.response, expanded.mean, expanded.groups)) if factors else ""
        expanded = coded(expanded, factors) if factors else expanded
        model = with_residuals(resolve(expanded, factors, written), weights, declared(residual_by, "residual_by"))
        model = constant_within(model, levels or {})
        facts = (assume,) if isinstance(assume, Assumption) else tuple(assume)
        if any(isinstance(fact, GoesWith) for fact in facts):
            model = replace(model, written=describe.formula(model))
        model = assuming(model, facts)
        model = meeting(model, incidence)
        object.__setattr__(self, "resolved", lettering(model, symbols or {}))

    # What it is.

    @property
    def formula(self) -> str:
        """The formula in its standard form."""
        return describe.formula(self.resolved)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The keys of the first- and second-order parameters: means, then variance components."""
        return parameter_keys(self.resolved)

    def parameter(self, key: str) -> Any:
        """The SymPy symbol of a parameter or design moment; of a product of means, the product of their symbols."""
        return parameter_symbol(self.resolved, key)

    def resolve(self, schema: Mapping[str, str]) -> ResolvedModel:
        """Merge facts found in data: which columns are constant within which factor; other columns are passed over."""
        known = {v.name for v in basic_variables(self.resolved) if v.kind == "column"}
        return constant_within(self.resolved, {name: on for name, on in schema.items() if name in known})

    def with_fixed(self, fixed: Mapping[str, Iterable[Any]]) -> Model:
        """The same model with these levels of its fixed factors, the reference first, and of its residuals' classes."""
        return Model(self.formula, **describe.arguments(self.resolved, fixed))

    def with_levels(self, data: Any, elsewhere: Collection[str] = ()) -> Model:
        """The same model with the levels that its fixed factors have in a frame: sorted, the first as reference.

        A covariate that holds texts is a fixed factor. The frame need not have the columns in `elsewhere`.
        """
        from momentalg.data.levels import with_levels

        return with_levels(self, data, elsewhere)[0]

    # The statistic language.

    @property
    def y(self) -> Response:
        """The response at an observation."""
        return Response()

    def covariate(self, name: str) -> Node:
        """A covariate of the model, by its name or key: ``"X"``, ``"size(user)"``, ``"log(x)"``."""
        random = (Variable("column", r.column) for r in self.resolved.responses)
        known = dict.fromkeys((*all_variables(self.resolved), *basic_variables(self.resolved), *random))
        for variable in known:
            if name in (variable_key(variable), variable.name if variable.kind == "column" else None):
                return variable_node(variable)
        listed = ", ".join(variable_key(v) for v in known) or "none"
        raise ModelError(f"{name!r} is no covariate of {self.formula!r}; its covariates are: {listed}")

    def total(self, body: Node | int | Fraction, by: str | None = None) -> Total:
        """The total of `body` over the observations of a level of the factor `by`, or over all observations."""
        return Total(as_node(body), self._factor(by, "total"))

    def size(self, by: str | None = None) -> Size:
        """The number of observations in a level of the factor `by`, or of all observations."""
        return Size(self._factor(by, "size"))

    def _factor(self, by: str | None, asked: str) -> tuple[str, ...]:
        return () if by is None else known_cell(self.resolved, by, f"{asked}(by={by!r})")

    # What follows from it: each method hands over to a later layer.

    def mean(self, a: Node, *, given: Given = (), via: Via = (), as_random: Names = ()) -> Derivation:
        """Derive E(a), the expectation of a statistic; see `cumulant` for `given` and `via`."""
        return self._derive((a,), given, via, "mean", as_random)

    def var(self, a: Node, *, given: Given = (), via: Via = (), as_random: Names = ()) -> Derivation:
        """Derive Var(a), the variance of a statistic; see `cumulant` for `given` and `via`."""
        return self._derive((a, a), given, via, "var", as_random)

    def cov(self, a: Node, b: Node, *, given: Given = (), via: Via = (), as_random: Names = ()) -> Derivation:
        """Derive Cov(a, b), the covariance of two statistics; see `cumulant` for `given` and `via`."""
        return self._derive((a, b), given, via, "cov", as_random)

    def cumulant(self, *args: Node, given: Given = (), via: Via = (), as_random: Names = ()) -> Derivation:
        """Derive the joint cumulant of statistics: kappa_3 by ``model.cumulant(S, S, S)``.

        `given` is what the result is conditional on, ``[N]`` or ``ma.design``; `via` is the order in which total laws
        are applied, ``[N, X]``, or ``["user"]`` for the effects of a factor. With ``as_random=["drug"]`` a fixed
        factor is also read as a random one, and as a sample of labels, given all else: `momentalg.derive.readings`.

        Raises:
            UnsupportedError: a total degree above 8, or a projection statistic.
            AssumptionError: a division by a size that may be 0.

        """
        return self._derive(args, given, via, "cumulant", as_random)

    def _derive(self, args: tuple[Node, ...], given: Given, via: Via, kind: str, as_random: Names) -> Derivation:
        from momentalg.derive.engine import derive
        from momentalg.derive.readings import readings

        if as_random:
            return readings(self, tuple(as_node(a) for a in args), as_random, _sequence(given), _sequence(via), kind)
        return derive(self, tuple(as_node(a) for a in args), given=_sequence(given), via=_sequence(via), kind=kind)

    def moment_equations(
        self, statistics: Any = None, means: str | None = None, weighting: str = "none"
    ) -> MomentSystem:
        """Derive the moment equations E[statistic | design] = sum of (design constant) * (unknown).

        `statistics` is a name of `ma.statistics()`, a list of names and expressions, or a dictionary of named
        expressions; the default, Henderson III, identifies the model. `means` is how mean parameters are treated in the
        variance equations: "projection", "products" or "plug-in"; by default what the statistics ask for. With a
        `weighting`, "two-step" or "iterated", estimators of the system take their solution for the weights of a second
        step.
        """
        from momentalg.moments.system import moment_equations

        return moment_equations(self, statistics, means=means, weighting=weighting)

    def identified(self, statistics: Mapping[str, Node]) -> Identified:
        """Which parameters the expectations of these statistics determine, linear in them or not: `Identified`."""
        from momentalg.moments.local_identification import identified

        return identified(self.resolved, statistics)

    def derived_weights(self, kurtosis: bool = False) -> DerivedWeights:
        """Derive how much each level should count, for normal effects or with `kurtosis`: `DerivedWeights`."""
        from momentalg.moments.derived_weights import derived_weights

        return derived_weights(self, kurtosis)

    def pooling(self, by: str | None = None) -> Pooling:
        """Derive what no, complete and partial pooling of a factor's levels do to the mean squared error: `Pooling`."""
        from momentalg.moments.pooling import pooling

        return pooling(self, by)

    def fit(
        self,
        data: Any,
        statistics: Any = None,
        means: str | None = None,
        missing: str = "refuse",
        weighting: str | None = None,
        engine: str | None = None,
        checkpoint: str | PathLike[str] | None = None,
        progress: Any = None,
    ) -> FitResult:
        """Estimate the parameters: ``model.fit(frame).params``, ``model.fit("ratings/*.parquet", progress=True)``.

        Args:
            data: a frame of pandas, Polars or Arrow, a mapping of arrays, or an iterable of these; a path, folder or
                pattern of files (Parquet, Arrow, CSV), or a list of them, which are read in pieces, and stay with the
                fit up to 500,000 rows; a LazyFrame of Polars, a relation of DuckDB, a data frame of Dask or Spark;
                `Sums`; what ``.results(frames)`` of an ``.estimator("sql")`` gives.
            statistics: what the equations are made of, a name of `ma.statistics` or expressions by name.
            means: how mean parameters are treated: "projection", "products" or "plug-in".
            missing: "refuse" rows with missing values, or "drop" and count them.
            weighting: "two-step", with weights that a first step gives; "iterated", renewed until they are their own,
                which solves the equations of REML; "kurtosis", with fourth cumulants in them (one random intercept);
                "none", the first step alone, as for `statistics` that are named.
            engine: what accumulates the sums: "numpy", "numba", "polars", "duckdb", "dask" or "spark"; by default that
                of the data's own kind, and for files and frames "numpy".
            checkpoint: of files, a file that sums are written to now and then, and when the run is interrupted; the
                same call goes on from there. It is removed at the end.
            progress: of files, True for a bar, or a function that is told.

        Raises:
            DataError: data that cannot be used as they are: files, columns, kinds, missing values, levels.
            NotIdentifiedError: data that do not separate the parameters, with what they do estimate.
            UnsupportedError: an engine or a choice that there is not, by name.

        """
        from momentalg.inference.fit import fit

        return fit(self, data, statistics, means, missing, weighting, engine, checkpoint, progress)

    def sums(
        self,
        data: Any,
        statistics: Any = None,
        means: str | None = None,
        missing: str = "refuse",
        weighting: str | None = None,
        engine: str | None = None,
        checkpoint: str | PathLike[str] | None = None,
        progress: Any = None,
    ) -> Sums:
        """Accumulate the sums of a part of the data; they add: ``model.fit(model.sums(first) + model.sums(second))``.

        What data may be, and the other arguments, are as in `fit`.
        """
        from momentalg.inference.fit import sums

        return sums(self, data, statistics, means, missing, weighting, engine, checkpoint, progress)

    def load_sums(
        self,
        path: str | PathLike[str],
        statistics: Any = None,
        means: str | None = None,
        weighting: str | None = None,
    ) -> Sums:
        """Read sums that ``sums.save(path)`` wrote; refused unless they are of this model, and of what is asked for."""
        from momentalg.inference.saved_sums import load

        return load(self, path, statistics, means, weighting)

    def sizes(self, data: Any, by: str | None = None, moments: Names = (), missing: str = "refuse") -> Sizes:
        """Moments of the sizes and of what goes with them, with standard errors: ``model.sizes(frame).table``."""
        from momentalg.inference.sizes import sizes

        return sizes(self, data, by, moments, missing)

    def size_effect(self, data: Any, by: str | None = None, missing: str = "refuse") -> SizeEffect:
        """Test whether the size of a factor's levels goes with the response: the coefficient of size(user) is 0."""
        from momentalg.inference.size_effect import size_effect

        return size_effect(self, data, by, missing)

    def plan(self, parameters: Mapping[str, Any], target_se: Mapping[str, float], **settings: Any) -> Plan:
        """Find how many levels, and observations in each, reach standard errors and at what cost.

        ``model.plan({"var(1|user)": 1, "var(residual)": 2}, {"var(1|user)": 0.1})``; `parameters` are taken for true,
        as `fit.params` may be. Settings: numbers to try, size=, levels=, vary=, observed=; cost=; design=, a pilot:
        see `momentalg.inference.planning.plan.plan`.
        """
        from momentalg.inference.planning.plan import plan

        return plan(self, parameters, target_se, **settings)

    def check(self, **settings: Any) -> SimulationCheck:
        """Check the estimators by simulation: known parameters in, the mean of the estimates beside them out.

        The settings are those of `momentalg.check.simulation.check`, as in ``model.check(parameters={"Intercept": 2,
        "var(1|user)": 1, "var(residual)": 1}, design={"size(user)": ma.Poisson(3)}, units={"user": 40},
        effects={"user": "exponential"}, replicates=2000, seed=1)``.
        """
        from momentalg.check.simulation import check

        return check(self, **settings)

    def report(self, path: str | PathLike[str], data: Any = None, fit: Any = None, check: Any = None) -> Path:
        """Write a report to ``"ratings.html"``, .tex, .md or .pdf, with data, a fit and a check if given."""
        from momentalg.data.levels import with_levels
        from momentalg.emit.report import write_report

        model = self if data is None else with_levels(self, data)[0]
        return write_report(model, path, data=data, fit=fit, check=check)

    def __repr__(self) -> str:
        return describe.code(self.resolved)

    def _repr_markdown_(self) -> str:
        return describe.markdown(self.resolved)


def _sequence(value: Any) -> tuple[Any, ...]:
    return (value,) if isinstance(value, (Node, str)) else tuple(value)
