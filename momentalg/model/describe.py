"""A model in words: its standard formula, the code that declares it, and Markdown for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from momentalg.expr.escape import markdown_code
from momentalg.expr.keys import variable_key
from momentalg.expr.names import join_factor, quote
from momentalg.expr.nodes import Label
from momentalg.model.assumptions import Assumption, GoesWith, Independent, MayBeEmpty, Nested, Unreplicated
from momentalg.model.functions import term_key
from momentalg.model.keys import parameter_keys
from momentalg.model.resolved import Column, ResolvedModel


def formula(model: ResolvedModel) -> str:
    """The formula in its standard form: one spelling for all formulas that declare the same terms."""
    if model.written:
        return model.written
    mean = [_term(c) for c in model.mean]
    terms = mean if "1" in mean else ["0", *mean]
    for block in model.groups:
        inside = [str(c.key) for c in block.coefficients]
        terms.append(f"({' + '.join(inside if '1' in inside else ['0', *inside])} | {block.name})")
    return f"{quote(model.response)} ~ {' + '.join(terms)}"


def levels(model: ResolvedModel) -> dict[str, str]:
    """The columns declared constant within a factor, as `Model` takes them."""
    return {v.name: join_factor(f) for v, f in model.constant_on.items() if v.kind == "column"}


def assumptions(model: ResolvedModel) -> tuple[Assumption, ...]:
    """The declared facts, as `Model` takes them, in a fixed order."""
    return (
        *(Independent(tuple(map(variable_key, i.variables))) for i in model.independent),
        *(MayBeEmpty(factor) for factor in sorted(model.may_be_empty - _said(model))),
        *(Unreplicated(factor) for factor in sorted(map(join_factor, model.unreplicated))),
        *(Nested(inner, outer) for inner, outer in model.local_to.items()),
        *(GoesWith(variable, join_factor(factor)) for variable, factor in model.goes_with),
    )


def _said(model: ResolvedModel) -> frozenset[str]:
    """The factors whose levels may be empty by what the incidence says."""
    return frozenset() if model.incidence is None else frozenset(map(quote, model.incidence.may_be_empty))


def arguments(model: ResolvedModel, known: Mapping[str, Iterable[Label] | None] | None = None) -> dict[str, Any]:
    """What `Model` takes beside the formula, with the levels of fixed factors and classes that are `known` now."""
    terms = {v.name for column in model.terms for v, _ in column.monomial if v.kind == "column"}
    found = {
        **model.fixed,
        **{name: levels for name, levels in (known or {}).items() if name in terms | {*model.fixed}},
    }
    fixed = {name: None if levels is None else list(levels) for name, levels in found.items()}
    classes = {name: (known or {}).get(name, levels) for name, levels in model.residual_by.items()}
    declared: dict[str, Any] = {
        "levels": levels(model),
        "assume": list(assumptions(model)),
        "symbols": dict(model.symbols),
        "weights": model.weights,
        "residual_by": next((name if c is None else {name: list(c)} for name, c in classes.items()), None),
        "fixed": fixed if any(fixed.values()) else [name for name in fixed if f"C({quote(name)})" not in model.written],
        "incidence": model.incidence,
    }
    return {name: value for name, value in declared.items() if value}


def code(model: ResolvedModel) -> str:
    """The call that makes the model."""
    parts = [repr(formula(model)), *(f"{name}={value!r}" for name, value in arguments(model).items())]
    return f"ma.Model({', '.join(parts)})"


def markdown(model: ResolvedModel) -> str:
    """The model as a list in Markdown; names stand in code spans, where no markup is read."""
    lines = [f"Mixed model {markdown_code(formula(model))}", ""]
    lines.append(f"- response: {markdown_code(model.response)}")
    lines.append(f"- grouping factor: {', '.join(dict.fromkeys(markdown_code(b.name) for b in model.groups))}")
    lines.append(f"- parameters: {', '.join(map(markdown_code, parameter_keys(model)))}")
    constant = levels(model).items()
    lines += [f"- {markdown_code(name)} is constant within {markdown_code(factor)}" for name, factor in constant]
    for name, known in model.fixed.items():
        shown = ", ".join(markdown_code(str(label)) for label in known) if known else "levels as in the data"
        lines.append(f"- fixed factor {markdown_code(name)}: {shown}")
    for name in model.residual_by:
        lines.append(f"- residual variance by {markdown_code(name)}")
    if model.weights is not None:
        lines.append(f"- residual variance over the weights {markdown_code(model.weights)}")
    lines += [f"- assumed: {markdown_code(repr(fact))}" for fact in assumptions(model)]
    return "\n".join(lines) + "\n"


def _term(column: Column) -> str:
    key = term_key(column.monomial) if column.monomial else "1"
    return key if column.key is not None else f"offset({key})"
