"""Moment systems: the equations of a model from named or own statistics, and the way to their solution."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from momentalg.catalogue import discover
from momentalg.derive.readable import Readable
from momentalg.errors import ModelError, NotIdentifiedError, StatisticError, UnsupportedError
from momentalg.expr.keys import is_form
from momentalg.expr.nodes import Node
from momentalg.model.resolved import ResolvedModel
from momentalg.model.resolving import given_its_design
from momentalg.moments.confounding import confounded_means, in_words
from momentalg.moments.equations import MEANS, MomentEquation
from momentalg.moments.expectation import expectation, is_cumulant, parameters_in, unknown_order, variance_keys
from momentalg.moments.identifiability import Identification
from momentalg.moments.means import treatment_of_means, with_products
from momentalg.moments.solution import Solution, solve_confounded, solve_equations
from momentalg.moments.weighting import require_weighting
from momentalg.statistics.family import NamedStatistic, StatisticFamily, offsets

if TYPE_CHECKING:
    from momentalg.derive.reading import Section
    from momentalg.expr.notation import Notation
    from momentalg.model.model import Model

DEFAULT_STATISTICS = "henderson3"  # of a model with one random intercept; see `default_statistics`


@dataclass(frozen=True)
class MomentSystem(Readable):
    """Linear equations for the variance components, and the normal equations for the mean parameters.

    `means` says how mean parameters are treated in the variance equations: "projection" (they do not occur),
    "products" (their products are unknowns, exactly unbiased) or "plug-in" (estimates are put in their place, biased).
    """

    model: ResolvedModel
    formula: str
    means: str
    common: tuple[MomentEquation, ...]
    variance: tuple[MomentEquation, ...]
    statistics: str | None = None  # the catalogue's name, when it is one
    code: str = ""  # the model as Python code
    weighting: str = "none"  # of `momentalg.moments.weighting`

    @cached_property
    def unknowns(self) -> tuple[str, ...]:
        """The unknowns of the variance equations: components, then products of means unless they are plugged in."""
        keys = dict.fromkeys(key for e in self.variance for key in e.coefficients)
        means = {str(c.key) for c in self.model.mean}
        kept = [
            k
            for k in keys
            if is_cumulant(k) or is_form(k) or (self.means != "plug-in" and means.issuperset(parameters_in(k)))
        ]
        return tuple(sorted(kept, key=lambda key: unknown_order(key, self.model)))

    @property
    def plugged_in(self) -> tuple[str, ...]:
        """The products of parameters that estimates are put in place of: of components, and perhaps of means."""
        return tuple(sorted({key for e in self.variance for key in e.coefficients} - set(self.unknowns)))

    @property
    def products_of_components(self) -> tuple[str, ...]:
        """The products of components that estimates are put in place of."""
        means = {str(c.key) for c in self.model.mean}
        return tuple(key for key in self.plugged_in if not means.issuperset(parameters_in(key)))

    @property
    def mean_keys(self) -> tuple[str, ...]:
        """The mean parameters, in the order of the normal equations."""
        return tuple(str(c.key) for c in self.model.mean if c.key is not None) if self.common else ()

    @property
    def targets(self) -> tuple[str, ...]:
        """What a full solution estimates: means, components, and cumulants of higher order that statistics are for."""
        components = variance_keys(self.model)
        higher = [key for key in self.unknowns if is_cumulant(key) and key not in components]
        return (*self.mean_keys, *components, *higher)

    @cached_property
    def identification(self) -> Identification:
        """What the variance equations determine."""
        return Identification(self.variance, self.unknowns, self.model)

    def solve(self, targets: str | Sequence[str] | None = None) -> Solution:
        """Solve for all parameters, or for `targets` alone with only the equations that these need.

        ``solve("var(1|user)")`` is for one, ``solve(["var(1|user)", "var(residual)"])`` for several.

        Raises `NotIdentifiedError` for parameters that the equations do not separate.
        """
        targets = (targets,) if isinstance(targets, str) else targets
        wanted = tuple(targets) if targets is not None else self.targets
        unknown = [t for t in wanted if t not in self.targets and t not in self.unknowns]
        if unknown:
            raise ModelError(f"no such parameter: {', '.join(unknown)}; the system has {', '.join(self.targets)}")
        columns = [t for t in wanted if (t in self.unknowns and t not in self.mean_keys) or is_cumulant(t)]
        missing = [t for t in columns if t not in self.unknowns]
        if missing:
            raise NotIdentifiedError(
                f"none of the statistics {', '.join(e.name for e in self.variance or self.common)} has "
                f"{' or '.join(missing)} in its expectation. {in_words(self.model)}{self._advice}"
            )
        lost = not all(map(self.identification.determines, columns))
        self.identification.require(columns, f"{in_words(self.model)}{self._advice}" if lost else "")
        equations = self._needed(columns)
        involved = [u for u in self.unknowns if any(u in e.coefficients for e in equations)]
        variance = solve_equations(equations, involved, self.plugged_in) if len(involved) == len(equations) else None
        if len(involved) > len(equations):
            variance = solve_confounded(equations, involved, columns, self.plugged_in)
        if variance is None and len(involved) != len(equations):
            raise UnsupportedError(
                f"{len(equations)} equations for {len(involved)} unknowns; moment equations are solved, not fitted: "
                f"leave out statistics, or name targets. Equations: {', '.join(e.name for e in equations)}"
            )
        plugged = {p for e in equations for key in self.plugged_in if key in e.coefficients for p in parameters_in(key)}
        with_means = not {*plugged, *wanted}.isdisjoint(self.mean_keys)
        if with_means and confounded_means(self.model):
            raise NotIdentifiedError(
                f"the normal equations do not separate {', '.join(confounded_means(self.model))}. "
                f"{in_words(self.model)}{self._advice}"
            )
        common = solve_equations(self.common, self.mean_keys, ()) if with_means else ()
        return Solution(self, wanted, equations, common, variance)

    def coefficients(self, frame: Any, missing: str = "refuse", mean_squares: bool = False) -> Any:
        """The coefficients on these data, a DataFrame of statistics by unknowns.

        With ``mean_squares=True`` each row is divided by its coefficient of var(residual): the table of expected mean
        squares.
        """
        from momentalg.data.coefficients import coefficients

        return coefficients(self, frame, missing, mean_squares)

    def estimator(self, backend: str = "numpy", **options: Any) -> Any:
        """Generate the estimator of all parameters; `source`, `write(path)` and `load()` of what is returned.

        Options are the backend's: ``estimator("sql", dialect="duckdb", table="ratings")``.
        """
        from momentalg.emit.backend import estimator

        return estimator(self, backend, **options)

    def reading(self) -> tuple[Sequence[Section], Notation]:
        """The statistics and their expectations, as sections."""
        from momentalg.moments.view import notation_of, system_sections

        return system_sections(self), notation_of(self)

    def __repr__(self) -> str:
        from momentalg.moments.view import system_summary

        return system_summary(self)

    def _needed(self, targets: Sequence[str]) -> tuple[MomentEquation, ...]:
        """The equations for `targets`, and for the components that these hold products of."""
        rows, left, seen = set[int](), list(targets), set[str]()
        while left:
            target = left.pop()
            if target in seen:
                continue
            seen.add(target)
            needed = self.identification.needed(target)
            rows.update(needed)
            products = {key for row in needed for key in self.variance[row].coefficients if key in self.plugged_in}
            left += [p for key in products for p in parameters_in(key) if p in self.unknowns]
        return tuple(self.variance[row] for row in sorted(rows))

    @property
    def _advice(self) -> str:
        name = default_statistics(self.model)
        if self.statistics == name:
            found = [key for key in self.unknowns if self.identification.determines(key)]
            return f"What is identified has an answer: system.solve({found!r})" if found else "Leave out a group term"
        return f"The nearest thing that works: model.moment_equations({name!r}).solve()"


def moment_equations(
    model: Model, statistics: Any = None, means: str | None = None, weighting: str = "none"
) -> MomentSystem:
    """The moment equations of a model.

    `statistics` is a name of the catalogue, a list of names and expressions, or a dictionary of named expressions;
    the default is Henderson III for one random intercept, which is ANOVA when that is all, and "within" otherwise.
    `means` is one of "projection", "products" and "plug-in"; by default, whichever of the first two applies.
    `weighting` is one of "none", "two-step", "iterated" and "kurtosis": see `momentalg.moments.weighting`.
    """
    resolved = given_its_design(model.resolved)
    require_weighting(weighting, resolved)
    if resolved.responses:
        raise UnsupportedError(
            "a covariate that goes with an effect makes equations that are products of parameters: model.identified() "
            "says which of them statistics determine; for equations given the covariate, leave out goes_with()"
        )
    if offsets(resolved):
        raise UnsupportedError(
            "moment equations with an offset are not derivable yet: subtract the column from the response"
        )
    if means is not None and means not in MEANS:
        raise ModelError(f"means={means!r} is none of {', '.join(MEANS)}")
    name, chosen = _chosen(default_statistics(resolved) if statistics is None else statistics, resolved)
    family = discover("momentalg.statistics", "STATISTIC")["normal_equations"]
    means_of = () if resolved.level_values else family.build(resolved)  # fixed factors whose levels are not known
    common = tuple(MomentEquation(s.name, s.node, expectation(s.node, resolved)) for s in means_of)
    if name == family.name:  # the mean parameters alone: every system has these equations
        return MomentSystem(resolved, model.formula, "projection", common, (), name, repr(model))
    equations = [MomentEquation(s.name, s.node, expectation(s.node, resolved, s.form)) for s in chosen]
    means_keys = {str(c.key) for c in resolved.mean}
    held = {key for e in equations for key in e.coefficients}
    with_means = sorted(key for key in held if not means_keys.isdisjoint(parameters_in(key)))
    treatment = treatment_of_means(means, with_means, resolved, default_statistics(resolved))
    if treatment == "products":
        equations = with_products(equations, resolved)
    return MomentSystem(resolved, model.formula, treatment, common, tuple(equations), name, repr(model), weighting)


def default_statistics(model: ResolvedModel) -> str:
    """The catalogue's name of the statistics that a model gets unasked."""
    coefficients = [c for block in model.groups for c in block.coefficients]
    return DEFAULT_STATISTICS if len(coefficients) == 1 and not coefficients[0].monomial else "within"


def _chosen(statistics: Any, model: ResolvedModel) -> tuple[str | None, list[NamedStatistic]]:
    catalogue: Mapping[str, StatisticFamily] = discover("momentalg.statistics", "STATISTIC")
    if isinstance(statistics, str):
        return statistics, list(_family(statistics, catalogue).build(model))
    if isinstance(statistics, Mapping):
        return None, [NamedStatistic(str(k), _statistic(v)) for k, v in statistics.items()]
    if isinstance(statistics, Node) or not isinstance(statistics, Iterable):
        raise StatisticError(
            "statistics= takes a name of ma.statistics(), a list of names and expressions, or a dictionary"
        )
    found: list[NamedStatistic] = []
    for position, item in enumerate(statistics, start=1):
        if isinstance(item, str):
            found.extend(_family(item, catalogue).build(model))
        else:
            found.append(NamedStatistic(f"Q{position}", _statistic(item)))
    if not found:
        raise StatisticError("no statistics: name some, see ma.statistics()")
    names = [s.name for s in found]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        found = list(dict.fromkeys(found))
        if len({s.name for s in found}) < len(found):
            raise StatisticError(
                f"two statistics are called {', '.join(twice)}; give a dictionary with names of your own"
            )
    return None, found


def _family(name: str, catalogue: Mapping[str, StatisticFamily]) -> StatisticFamily:
    if name not in catalogue:
        raise StatisticError(f"no statistics called {name!r}; there are {', '.join(catalogue)}")
    return catalogue[name]


def _statistic(value: Any) -> Node:
    if not isinstance(value, Node):
        raise StatisticError(f"a statistic is a name or an expression built from model.total(...); found {value!r}")
    return value
