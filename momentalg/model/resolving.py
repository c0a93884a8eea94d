"""From what a formula says, and what is declared about it, to the `ResolvedModel` that the algebra sees."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from momentalg.errors import ModelError, UnsupportedError
from momentalg.expr.keys import variable_key
from momentalg.expr.names import join_factor, quote, split_factor
from momentalg.expr.nodes import Function, Monomial, Value, Variable
from momentalg.model.assumptions import Assumption, GoesWith, Independent, MayBeEmpty, Nested, Unreplicated
from momentalg.model.expansion import Expanded
from momentalg.model.fixed_factors import Fixed, factors_of
from momentalg.model.formula import parse_key
from momentalg.model.functions import monomial_of, variables_of
from momentalg.model.going_with import go_with
from momentalg.model.incidence.base import Incidence
from momentalg.model.resolved import Independence, ResolvedModel, level_indicator, root_of

_LETTER = re.compile(r"[A-Za-z]+(_[A-Za-z0-9]+)?\Z")


def resolve(expanded: Expanded, fixed: Fixed | None = None, written: str = "") -> ResolvedModel:
    """Check that the names of a model agree with one another, and state what follows from them alone.

    In `expanded` the fixed factors are written out; `written` is the formula before that.
    """
    model = ResolvedModel(
        expanded.response,
        expanded.mean,
        expanded.groups,
        definitions=expanded.definitions,
        constant_on={v: factors_of(v) for v in _variables(expanded) if v.kind == "fixed"},
        fixed=fixed or {},
        written=written,
    )
    columns = {v.name for v in basic_variables(model) if v.kind == "column"}
    if model.response in model.columns:
        raise ModelError(f"{model.response!r} is both the response and a grouping factor; they are different columns")
    if model.response in columns:
        raise ModelError(f"{model.response!r} is both the response and a covariate; take it out of the terms")
    for name in columns & set(model.columns) - set(model.coded):
        advice = "if its labels are numbers with a meaning, give the covariate a column of its own"
        raise ModelError(f"{name!r} is both a covariate and a grouping factor; {advice}")
    for variable in basic_variables(model):
        if variable.kind == "size":
            known_factor(model, variable.name, f"size({variable.name})")
    return constant_within(model, {})


def with_residuals(model: ResolvedModel, weights: object, residual_by: Fixed) -> ResolvedModel:
    """Add what is known of the residual's variance: weights, and classes of observations."""
    if weights is not None and (not isinstance(weights, str) or not weights):
        raise ModelError(f"weights= names a column of positive numbers, as in weights='w'; found {weights!r}")
    if len(residual_by) > 1:
        raise ModelError(f"residual_by= names one column, whose labels are the classes; found {', '.join(residual_by)}")
    taken = {model.response, *model.columns}
    if weights in taken:
        raise ModelError(f"weights={weights!r} is a column with another meaning; weights have a column of their own")
    definitions = dict(model.definitions)
    constant = dict(model.constant_on)
    if isinstance(weights, str):
        definitions[root_of(weights)] = Function("sqrt", Value(Variable("column", weights)))
    for column, levels in residual_by.items():
        if column.startswith("size("):
            raise UnsupportedError(
                f"residual_by={column!r}: a variance that depends on a size has no number of parameters; make a column "
                "of classes of sizes, or use statistics of pairs, which hold for any variance of the residuals"
            )
        if column == model.response:
            raise ModelError(f"residual_by={column!r} is the response; classes of residuals are known beforehand")
        known = model.fixed.get(column)
        if levels is not None and known is not None and set(levels) != set(known):
            raise ModelError(f"fixed= and residual_by= give {column!r} different levels; give the same")
        residual_by = {column: levels or known}
        definitions |= dict(level_indicator(column, label) for label in levels or known or ())
    found = replace(model, weights=weights, residual_by=residual_by, definitions=definitions)
    for order in range(2, 9):
        for _, monomial in found.residual_cumulants(order):
            constant |= {v: tuple(residual_by) for v, _ in monomial if v.kind == "fixed"}
    return replace(found, constant_on=constant)


def constant_within(model: ResolvedModel, levels: Mapping[str, str]) -> ResolvedModel:
    """Add that covariates, by column name, are constant within the levels of factors; functions follow."""
    known = {v.name: v for v in basic_variables(model) if v.kind == "column"}
    constant = {v: f for v, f in model.constant_on.items() if v.kind in ("column", "fixed", "law")}
    if not isinstance(levels, Mapping):
        raise ModelError(f"levels= says which factor a covariate is constant within, {{'X': 'user'}}; found {levels!r}")
    for name, factor in levels.items():
        variable = known.get(name) or known.get(_unquoted(name))
        if variable is None and name in model.coded:
            raise ModelError(f"levels= names the factor {name!r}: declare its levels, as in fixed={{{name!r}: [...]}}")
        if variable is None:
            listed = ", ".join(known) or "none"
            raise ModelError(f"levels= names {name!r}, which is no covariate of the model; these are: {listed}")
        on = known_factor(model, factor, f"levels={{{name!r}: {factor!r}}}")
        if constant.setdefault(variable, on) != on:
            was = join_factor(constant[variable])
            raise ModelError(f"{name!r} is declared constant within {was} and within {factor}; declare one of them")
    for variable in basic_variables(model):
        if variable.kind == "size":
            constant[variable] = split_factor(variable.name)
    for variable, node in model.definitions.items():
        factors = {constant.get(v) for v in variables_of(node)}
        if len(factors) == 1 and (only := factors.pop()) is not None:
            constant[variable] = only
    return replace(model, constant_on=constant)


def meeting(model: ResolvedModel, incidence: Incidence | None) -> ResolvedModel:
    """Add how levels come to meet; raises `ModelError` where the incidence is not one of the model's factors."""
    if incidence is None:
        return model
    if not isinstance(incidence, Incidence):
        raise ModelError(f"incidence= takes one of ma.designs, such as ma.designs.draws('a', 'b'); found {incidence!r}")
    grouping = dict.fromkeys(c for factor in model.factors for c in factor)
    if set(incidence.columns) != set(grouping):
        of, found = (", ".join(map(quote, columns)) for columns in (incidence.columns, grouping))
        raise ModelError(f"{incidence!r} is of {of}; the model's factors: {found}")
    if model.unreplicated and incidence.repeats_cells:
        single = ", ".join(sorted(map(join_factor, model.unreplicated)))
        raise ModelError(
            f"{single} is declared unreplicated, but under {incidence!r} a cell may be observed repeatedly"
        )
    if incidence.within and not (model.has_unit and model.unit == incidence.strata[:1]):
        raise ModelError(f"{incidence!r} is of factors nested in {incidence.strata[0]!r}; those of the model are not")
    empty = model.may_be_empty | {join_factor((c,)) for c in incidence.may_be_empty}
    values = {**model.constant_on, **incidence.values}
    return replace(model, incidence=incidence, may_be_empty=empty, constant_on=values)


def given_its_design(model: ResolvedModel) -> ResolvedModel:
    """The model without its incidence, which says nothing once the design is given: levels are those that occur."""
    incidence = model.incidence
    if incidence is None:
        return model
    empty = model.may_be_empty - {join_factor((c,)) for c in incidence.may_be_empty}
    values = {v: on for v, on in model.constant_on.items() if v not in incidence.values}
    return replace(model, incidence=None, may_be_empty=empty, constant_on=values)


def assuming(model: ResolvedModel, assumptions: Iterable[Assumption]) -> ResolvedModel:
    """Add declared facts; raises `ModelError` for unknown names and for facts that contradict one another."""
    for fact in assumptions:
        match fact:
            case Independent():
                found = Independence(tuple(sorted(_design_variable(model, text) for text in fact.variables)))
                _require_unrelated(model, found, fact)
                facts = sorted({*model.independent, found}, key=lambda i: i.variables)
                model = replace(model, independent=tuple(facts))
            case MayBeEmpty():
                factor = known_factor(model, fact.factor, repr(fact))
                model = replace(model, may_be_empty=model.may_be_empty | {join_factor(factor)})
            case Unreplicated():
                factor = known_cell(model, fact.factor, repr(fact))
                model = replace(model, unreplicated=model.unreplicated | {factor})
            case Nested():
                model = _nest(model, fact)
            case GoesWith():
                model = go_with(model, fact, known_factor(model, fact.factor, repr(fact)))
            case _:
                made = "ma.independent(), ma.may_be_empty(), ma.unreplicated(), ma.nested() and ma.goes_with()"
                raise ModelError(f"assume= takes facts made by {made}; found {fact!r}")
    return model


def lettering(model: ResolvedModel, symbols: Mapping[str, str]) -> ResolvedModel:
    """Add the letters that a user chose for the effects of a factor, a covariate, the response or the residual."""
    covariates = [variable_key(v) for v in all_variables(model)]
    known = dict.fromkeys([model.response, *(b.name for b in model.groups), *covariates, "residual"])
    chosen: dict[str, str] = {}
    for name, letter in symbols.items():
        key = name if name in known else quote(str(name))
        if key not in known:
            raise ModelError(f"symbols= names {name!r}, which the model does not have; it has: {', '.join(known)}")
        if not isinstance(letter, str) or not _LETTER.match(letter):
            raise ModelError(f"the symbol of {name!r} is a letter or its name, 'alpha' or 'b_1'; found {letter!r}")
        if letter in chosen.values():
            raise ModelError(f"symbols= gives the letter {letter!r} to two things; choose different letters")
        chosen[key] = letter
    return replace(model, symbols=chosen)


def known_factor(model: ResolvedModel, name: str, asked: str) -> tuple[str, ...]:
    """The columns of a factor of the model, in the model's order; `asked` is what the error quotes."""
    columns = split_factor(name)
    for factor in (*(block.factor for block in model.groups), *((column,) for column in model.coded)):
        if set(columns) == set(factor):
            return factor
    listed = ", ".join(dict.fromkeys(block.name for block in model.groups))
    raise ModelError(f"{asked}: {name!r} is no grouping factor of the model; its factors are: {listed}")


def known_cell(model: ResolvedModel, name: str, asked: str) -> tuple[str, ...]:
    """The columns of a factor, or of an intersection of factors without effects of its own, in the model's order."""
    columns = split_factor(name)
    for block in model.groups:
        if set(columns) == set(block.factor):
            return block.factor
    unknown = [c for c in columns if c not in model.columns]
    if unknown:
        listed = ", ".join(map(quote, model.columns))
        raise ModelError(f"{asked}: {quote(unknown[0])} is no column of a grouping factor; these are: {listed}")
    return tuple(c for c in model.columns if c in columns)


def all_variables(model: ResolvedModel) -> tuple[Variable, ...]:
    """The covariates of the model: columns, sizes and functions, in the order of its terms."""
    return tuple(dict.fromkeys(v for column in model.terms for v, _ in column.monomial))


def basic_variables(model: ResolvedModel) -> tuple[Variable, ...]:
    """The columns and sizes that the covariates of the model are made of."""
    found: list[Variable] = []
    for variable in all_variables(model):
        found += variables_of(model.definitions[variable]) if variable.kind == "function" else [variable]
    return tuple(dict.fromkeys(found))


def _variables(expanded: Expanded) -> tuple[Variable, ...]:
    columns = [*expanded.mean, *(c for block in expanded.groups for c in block.coefficients)]
    return tuple(v for c in columns for v, _ in c.monomial)


def single_variable(monomial: Monomial) -> Variable | None:
    """The variable that a monomial is, if it is one."""
    return monomial[0][0] if len(monomial) == 1 and monomial[0][1] == 1 else None


def _design_variable(model: ResolvedModel, text: str) -> Variable:
    variable = single_variable(monomial_of(parse_key(text), text, {}))
    if variable is not None and variable.kind == "size":
        known_factor(model, variable.name, f"ma.independent({text!r})")
        return variable
    known = (*all_variables(model), *basic_variables(model))
    if variable is None or variable not in known:
        sizes = [f"size({block.name})" for block in model.groups]
        listed = ", ".join(dict.fromkeys([*(variable_key(v) for v in known), *sizes]))
        raise ModelError(f"ma.independent() names {text!r}, which the model does not have; it has: {listed}")
    return variable


def _require_unrelated(model: ResolvedModel, found: Independence, fact: Assumption) -> None:
    """Functions of the same columns cannot be independent of one another."""
    seen: dict[Variable, Variable] = {}
    for variable in found.variables:
        for part in variables_of(model.definitions[variable]) if variable.kind == "function" else (variable,):
            other = seen.setdefault(part, variable)
            if other is not variable:
                pair = f"{variable_key(other)} and {variable_key(variable)}"
                raise ModelError(f"{fact!r}: {pair} are both made of {variable_key(part)}; they cannot be independent")


def _nest(model: ResolvedModel, fact: Nested) -> ResolvedModel:
    for name in (fact.inner, fact.outer):
        if name not in model.columns:
            listed = ", ".join(model.columns)
            raise ModelError(f"{fact!r}: {name!r} is no column of a grouping factor; these are: {listed}")
    if model.local_to.get(fact.inner, fact.outer) != fact.outer:
        raise ModelError(f"{fact!r}: {fact.inner!r} is already nested in {model.local_to[fact.inner]!r}; declare one")
    local = {**model.local_to, fact.inner: fact.outer}
    outer = fact.outer
    while outer in local:
        outer = local[outer]
        if outer == fact.inner:
            raise ModelError(f"{fact!r}: {fact.outer!r} is declared to be nested in {fact.inner!r} already")
    return replace(model, local_to=local)


def _unquoted(name: object) -> str:
    text = str(name)
    return text[1:-1].replace("``", "`") if len(text) > 2 and text[0] == text[-1] == "`" else text
