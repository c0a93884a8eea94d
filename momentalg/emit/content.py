"""What a report says, before it is said in a language: sections of equations, facts and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from momentalg.data.levels import with_levels
from momentalg.derive.reading import Line, Section, readings
from momentalg.emit.backend import estimator
from momentalg.emit.design import data_facts, design_grid
from momentalg.emit.tables import Facts, Grid, check_grid, coefficient_grid, fit_facts, fit_grid, mean_square_grid
from momentalg.errors import UnsupportedError
from momentalg.expr.keys import variable_key
from momentalg.expr.legend import legend
from momentalg.expr.names import join_factor
from momentalg.expr.nodes import (
    DESIGN,
    Cumulant,
    Node,
    Projected,
    Response,
    Size,
    Total,
    Value,
    Variable,
)
from momentalg.expr.notation import Notation
from momentalg.expr.traversal import walk
from momentalg.model.resolved import ResolvedModel
from momentalg.moments.weighting import KURTOSIS
from momentalg.rules.model_equation import equation_of_one
from momentalg.rules.rule import Rule
from momentalg.rules.sample_analog import analog

if TYPE_CHECKING:
    from momentalg.derive.derivation import Derivation
    from momentalg.model.model import Model
    from momentalg.moments.derived_weights import DerivedWeights
    from momentalg.moments.system import MomentSystem

Sections = tuple[Sequence[Section], Notation]

DIVISOR = (
    "Expectations over the design become averages over the levels. A variance or covariance of the design takes the "
    "divisor r - 1: then the equation holds on average given every design; with r it would be biased."
)
SAME_ANSWER = (
    "In general, replacing an expected coefficient by its average over the levels gives the equation for the fixed "
    "design: the estimates are the same numbers, whether or not the design is taken as random."
)


@dataclass(frozen=True)
class Content:
    """A whole report; what was not given is empty."""

    formula: str
    code: str
    equation: tuple[Node, Node, Notation]
    symbols: Notation
    legend: tuple[tuple[Node, str, str], ...]
    assumptions: tuple[str, ...]
    data: Facts
    design: Grid | None
    derivations: tuple[tuple[Node, Sections], ...]
    laws: tuple[Rule, ...]
    equations: Sections
    coefficients: Grid | None
    mean_squares: Grid | None
    analogs: Sections
    solution: Sections
    weights: tuple[tuple[Node, Sections], ...]
    source: str
    fit_facts: Facts
    fit: Grid | None
    check_facts: Facts
    check: Grid | None
    verdict: str


def content(model: Model, data: Any = None, fit: Any = None, check: Any = None) -> Content:
    """Collect what a report says; the equations are those of the fit, when there is one."""
    model = fit.model if fit is not None else with_levels(model, data)[0] if data is not None else model
    resolved = model.resolved
    system: MomentSystem = fit.system if fit is not None else model.moment_equations()
    derivations = tuple(_derivations(model, system))
    weights = None if system.weighting == "none" else model.derived_weights(system.weighting == KURTOSIS)
    notation = Notation.of(resolved, units=2)
    index = notation.observation_label
    return Content(
        formula=model.formula,
        code=repr(model),
        equation=(Response(index), equation_of_one(index, resolved), notation),
        symbols=Notation.of(resolved),
        legend=legend(Notation.of(resolved), resolved.groups, _residual_keys(resolved)),
        assumptions=tuple(_assumptions(resolved)),
        data=data_facts(data, resolved) if data is not None else (),
        design=design_grid(data, resolved) if data is not None else None,
        derivations=tuple((read.asked, (read.sections, read.notation)) for read in readings(derivations)),
        laws=tuple({step.rule: step.law for d in (*derivations, *_within(weights)) for step in d.steps}.values()),
        equations=system.reading(),
        coefficients=coefficient_grid(data, system) if data is not None else None,
        mean_squares=mean_square_grid(data, system) if data is not None else None,
        analogs=_analogs(derivations[0], resolved) if _is_one_way(resolved) else ((), notation),
        solution=system.solve().reading(),
        weights=weights.readings() if weights is not None else (),
        source=_source(system),
        fit_facts=tuple(fit_facts(fit)) if fit is not None else (),
        fit=fit_grid(fit) if fit is not None else None,
        check_facts=tuple(check.facts) if check is not None else (),
        check=check_grid(check) if check is not None else None,
        verdict=check.verdict if check is not None else "",
    )


def _within(weights: DerivedWeights | None) -> Iterator[Derivation]:
    """The derivations that weights rest on."""
    if weights is not None:
        yield from weights.derivations


def _residual_keys(model: ResolvedModel) -> list[str]:
    """The keys of the residual variances, one for each class that is known."""
    return [key for key, _ in model.residual_cumulants(2) if key is not None]


def _is_one_way(model: ResolvedModel) -> bool:
    """Whether the levels of one factor are units whose totals have a variance of few terms."""
    plain = model.weights is None and not model.residual_by
    intercepts = all(not c.monomial for block in model.groups for c in block.coefficients)
    return plain and intercepts and len(model.factors) == 1


def _derivations(model: Model, system: MomentSystem) -> Iterator[Derivation]:
    """Moments of level totals, their covariances with covariates, and the expectations of the statistics."""
    resolved = model.resolved
    if _is_one_way(resolved):
        total = Total(Response(), resolved.unit)
        yield model.var(total)
        for variable in dict.fromkeys(v for column in resolved.mean for v, _ in column.monomial):
            if variable.kind in ("size", "column"):
                yield model.cov(total, _of_level(variable, resolved))
    else:
        yield from _several(model)
    for found in (*system.common, *system.variance):
        if not any(isinstance(part, Projected) for part in walk(found.statistic)):
            yield model.mean(found.statistic, given=DESIGN)


def _several(model: Model) -> Iterator[Derivation]:
    """The variances of the totals by each factor, and the covariance of those by two that are crossed.

    In the random view, where there is one: what is given the design is a step there. Otherwise given the design.
    """
    resolved = model.resolved
    totals = [Total(Response(), factor) for factor in dict.fromkeys(block.factor for block in resolved.groups)]
    random = totals if resolved.incidence is not None else []
    if resolved.has_unit:
        random = [total for total in totals if total.by == resolved.unit]
    derived: list[Total] = []
    for total in random:
        with suppress(UnsupportedError):
            yield model.var(total)
            derived.append(total)
    for total in totals:
        if total not in derived:
            yield model.var(total, given=DESIGN)
    if len(totals) > 1 and not resolved.has_unit:
        yield model.cov(*totals[:2], given=() if derived else DESIGN)


def _of_level(variable: Variable, model: ResolvedModel) -> Node:
    """A covariate as a variable of a level: its size, the value there, or the total of a covariate by observation."""
    if variable.kind == "size":
        return Size(model.unit)
    return Value(variable) if variable in model.constant_on else Total(Value(variable), model.unit)


def _assumptions(model: ResolvedModel) -> Iterator[str]:
    factors = ", ".join(dict.fromkeys(join_factor(block.factor) for block in model.groups))
    yield f"The effects of {factors} and the residuals have mean zero and finite variances, and any distribution."
    for block in model.groups:
        if len(block.coefficients) > 1:
            keys = ", ".join(str(c.key) for c in block.coefficients)
            yield f"The effects ({keys}) of a level of {join_factor(block.factor)} may be correlated."
    others = "Otherwise effects" if any(len(b.coefficients) > 1 for b in model.groups) else "Effects"
    yield f"{others} and residuals are independent of one another and of the design."
    if model.weights is not None:
        yield f"The variance of a residual is divided by its weight, {model.weights}, which is known."
    for column in model.residual_by:
        yield f"The variance of the residuals has a value for each level of {column}."
    if model.incidence is not None:
        yield f"In the random view, levels meet as in {model.incidence!r}."
    elif model.has_unit:
        unit = join_factor(model.unit)
        yield f"In the random view, the levels of {unit} are independent and identically distributed."
    else:
        yield "Factors are crossed: everything is given the design, in which levels of one factor share others."
    for name, levels in model.fixed.items():
        shown = f", with levels {', '.join(map(str, levels))}; the first is the reference" if levels else ""
        yield f"{name} is a fixed factor{shown}."
    for inner, outer in model.local_to.items():
        yield f"The labels of {inner} are local to {outer}: the same label in two levels of {outer} is two levels."
    for factor in sorted(model.unreplicated):
        yield f"A level of {join_factor(factor)} has one observation at most."
    for variable, factor in model.constant_on.items():
        if variable.kind == "column":
            yield f"{variable.name} is constant within {join_factor(factor)}."
    for fact in model.independent:
        yield f"{', '.join(map(variable_key, fact.variables))} are independent of one another."
    for name in sorted(model.may_be_empty):
        yield f"A level of {name} may have no observation."


def _analogs(derivation: Derivation, model: ResolvedModel) -> Sections:
    """The design moments of the variance of a total, and what estimates them."""
    notation = Notation.of(model)
    found = dict.fromkeys(p for p in walk(derivation.node) if isinstance(p, Cumulant))
    lines = [Line(derivation.node, "", left=derivation.asked)]
    lines += [Line(analog(moment, model), "", left=moment) for moment in found if len(moment.args) <= 2]
    total = Total(Response(), model.unit)
    lines.append(Line(analog(Cumulant((total, total)), model), "", left=Cumulant((total, total))))
    return (
        Section(0, "Sample analogs in the unconditional equation", (), tuple(lines), (DIVISOR, SAME_ANSWER)),
    ), notation


def _source(system: MomentSystem) -> str:
    try:
        return str(estimator(system).source)
    except UnsupportedError as error:
        return f"# No estimator is generated for this system: {error}\n"
