"""What a report says, before it is said in a language: sections of equations, facts and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from momentalg.derive.reading import Line, Section
from momentalg.emit.backend import estimator
from momentalg.errors import UnsupportedError
from momentalg.expr.keys import variable_key
from momentalg.expr.legend import legend
from momentalg.expr.names import join_factor
from momentalg.expr.nodes import (
    DESIGN,
    ONE,
    Average,
    Cumulant,
    Levels,
    LevelSum,
    Node,
    Projected,
    Response,
    Size,
    Total,
    Value,
    Variable,
    add,
    mul,
    negate,
    power,
)
from momentalg.expr.notation import Notation
from momentalg.expr.traversal import transform, walk
from momentalg.model.resolved import ResolvedModel
from momentalg.rules.model_equation import equation
from momentalg.rules.rule import Rule

if TYPE_CHECKING:
    from momentalg.derive.derivation import Derivation
    from momentalg.model.model import Model
    from momentalg.moments.system import MomentSystem

Sections = tuple[Sequence[Section], Notation]
Facts = tuple[tuple[str, str], ...]

ANALOGS = (
    "Expectations over the design become averages over the levels. A variance or covariance of the design takes the "
    "divisor r - 1: then the equation holds on average given every design; with r it would be biased.",
    "In general, replacing an expected coefficient by its average over the levels gives the equation for the fixed design: "
    "the estimates are the same numbers, whether or not the design is taken as random.",
)


@dataclass(frozen=True)
class Grid:
    """A table: headings, and rows whose first cell names the row."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    keys: frozenset[str] = frozenset()  # headings that are keys of parameters


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
    derivations: tuple[tuple[Node, Sections], ...]
    laws: tuple[Rule, ...]
    equations: Sections
    coefficients: Grid | None
    analogs: Sections
    solution: Sections
    source: str
    fit_facts: Facts
    fit: Grid | None
    check_facts: Facts
    check: Grid | None
    verdict: str


def content(model: Model, data: Any = None, fit: Any = None, check: Any = None) -> Content:
    """Collect what a report says; the equations are those of the fit, when there is one."""
    resolved = model.resolved
    system: MomentSystem = fit.system if fit is not None else model.moment_equations()
    derivations = tuple(_derivations(model, system))
    notation = Notation.of(resolved, units=2)
    labels = tuple(notation.default_label(column) for column in resolved.unit)
    index = notation.observation_label
    summary, coefficients = _data(data, system, resolved) if data is not None else ((), None)
    return Content(
        formula=model.formula,
        code=repr(model),
        equation=(Response(index), equation(index, labels, resolved), notation),
        symbols=Notation.of(resolved),
        legend=legend(Notation.of(resolved)),
        assumptions=tuple(_assumptions(resolved)),
        data=summary,
        derivations=tuple((d.asked, d.reading()) for d in derivations),
        laws=tuple({step.rule: step.law for d in derivations for step in d.steps}.values()),
        equations=system.reading(),
        coefficients=coefficients,
        analogs=_analogs(derivations[0], resolved),
        solution=system.solve().reading(),
        source=_source(system),
        fit_facts=tuple(_fit_facts(fit)) if fit is not None else (),
        fit=_fit(fit) if fit is not None else None,
        check_facts=tuple(check.facts) if check is not None else (),
        check=_check(check) if check is not None else None,
        verdict=check.verdict if check is not None else "",
    )


def _derivations(model: Model, system: MomentSystem) -> Iterator[Derivation]:
    """The variance of a level's total, its covariances with covariates, and the expectations of the statistics."""
    resolved = model.resolved
    total = Total(Response(), resolved.unit)
    yield model.var(total)
    for variable in dict.fromkeys(v for column in resolved.mean for v, _ in column.monomial):
        yield model.cov(total, _of_level(variable, resolved))
    for found in (*system.common, *system.variance):
        if not any(isinstance(part, Projected) for part in walk(found.statistic)):
            yield model.mean(found.statistic, given=DESIGN)


def _of_level(variable: Variable, model: ResolvedModel) -> Node:
    """A covariate as a variable of a level: its size, the value there, or the total of a covariate by observation."""
    if variable.kind == "size":
        return Size(model.unit)
    return Value(variable) if variable in model.constant_on else Total(Value(variable), model.unit)


def _assumptions(model: ResolvedModel) -> Iterator[str]:
    factors = ", ".join(join_factor(block.factor) for block in model.groups)
    yield f"The effects of {factors} and the residuals have mean zero and finite variances; they may have any distribution."
    yield "Effects and residuals are independent of one another and of the design."
    yield f"In the random view, the levels of {join_factor(model.unit)} are independent and identically distributed."
    for variable, factor in model.constant_on.items():
        if variable.kind == "column":
            yield f"{variable.name} is constant within {join_factor(factor)}."
    for fact in model.independent:
        yield f"{', '.join(map(variable_key, fact.variables))} are independent of one another."
    for name in sorted(model.may_be_empty):
        yield f"A level of {name} may have no observation."


def _data(data: Any, system: MomentSystem, model: ResolvedModel) -> tuple[Facts, Grid | None]:
    """What the data are, and the coefficients of the equations on them."""
    import numpy as np

    from momentalg.data.coefficients import coefficients
    from momentalg.data.columns import read_columns

    columns = read_columns(data, model, missing="drop")
    _, sizes = np.unique(np.stack([columns.arrays[c] for c in model.unit]), axis=1, return_counts=True)
    facts = (
        ("Observations", f"{columns.n}"),
        ("Dropped", f"{columns.dropped} rows with missing values"),
        (f"Levels of {join_factor(model.unit)}", f"{len(sizes)}"),
        ("Observations in a level", f"{sizes.min()} to {sizes.max()}, on average {columns.n / len(sizes):.4g}"),
        (f"Mean of {model.response}", f"{columns.arrays[model.response].mean():.6g}"),
    )
    table = coefficients(system, data, missing="drop")
    rows = tuple(
        (str(name), *(f"{value:.6g}" for value in row)) for name, row in zip(table.index, table.to_numpy(), strict=True)
    )
    shown = tuple(fact for fact in facts if fact[0] != "Dropped" or columns.dropped)
    return shown, Grid(("statistic", *map(str, table.columns)), rows, frozenset(map(str, table.columns)))


def _analogs(derivation: Derivation, model: ResolvedModel) -> Sections:
    """The design moments of the variance of a total, and what estimates them."""
    notation = Notation.of(model)
    found = dict.fromkeys(p for p in walk(derivation.node) if isinstance(p, Cumulant))
    lines = [Line(_analog(moment, model, notation), "", left=moment) for moment in found if len(moment.args) <= 2]
    total = Total(Response(), model.unit)
    lines.append(Line(_analog(Cumulant((total, total)), model, notation), "", left=Cumulant((total, total))))
    return (Section(0, "Sample analogs", (), tuple(lines), ANALOGS),), notation


def _analog(moment: Cumulant, model: ResolvedModel, notation: Notation) -> Node:
    """An average over the levels; for variances and covariances, of products of deviations, with divisor r - 1."""
    labels = tuple(notation.default_label(column) for column in model.unit)
    levels, number = tuple(zip(model.unit, labels, strict=True)), Levels(model.unit)

    def labelled(node: Node) -> Node:
        on_level = isinstance(node, (Size, Total)) or (isinstance(node, Value) and node.variable in model.constant_on)
        return replace(node, level=labels) if on_level else node  # type: ignore[call-arg]

    args = [transform(a, labelled) for a in moment.args]
    if len(args) == 1:
        return mul(power(number, -1), LevelSum(levels, args[0]))
    deviations = [add(a, negate(Average(plain))) for a, plain in zip(args, moment.args, strict=True)]
    body = power(deviations[0], 2) if deviations[0] == deviations[1] else mul(*deviations)
    return mul(power(add(number, negate(ONE)), -1), LevelSum(levels, body))


def _source(system: MomentSystem) -> str:
    try:
        return str(estimator(system).source)
    except UnsupportedError as error:
        return f"# No estimator is generated for this system: {error}\n"


def _fit_facts(fit: Any) -> Iterator[tuple[str, str]]:
    yield "Statistics", fit.statistics
    yield "Observations", f"{fit.nobs}" + (f" ({fit.dropped} with missing values dropped)" if fit.dropped else "")
    for name, count in fit.n_groups.items():
        yield f"Levels of {name}", f"{count}"


def _fit(fit: Any) -> Grid:
    rows = []
    for key in fit.keys:
        truncated = f"{fit.truncated[key]:.6g}" if key in fit.truncated and key in fit.variance_components.index else ""
        rows.append((key, f"{fit.estimates[key]:.6g}", truncated, "negative" if key in fit.negative else ""))
    return Grid(("parameter", "estimate", "truncated at 0", ""), tuple(rows))


def _check(check: Any) -> Grid:
    return Grid(("parameter", "truth", "mean", "Monte-Carlo error", "z"), tuple(row.cells for row in check.rows))
