"""Cumulants of products, and moments, as sums over set partitions (Leonov and Shiryaev).

A statistic is a sum of products of linear forms: level totals, and responses of named observations where several powers
fall on one observation. Its joint cumulants are sums over the indecomposable partitions of these forms.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import islice, product

from momentalg.cumulants.display import monomial_node, symbol_node
from momentalg.cumulants.partitions import counted_partitions
from momentalg.cumulants.terms import (
    DEFAULT,
    OBSERVATION,
    RESPONSE,
    Cell,
    Entry,
    Level,
    Observation,
    Term,
    multiply,
    relabel,
)
from momentalg.cumulants.totals import single
from momentalg.cumulants.translate import translate
from momentalg.expr.indices import level_labels, observation_labels
from momentalg.expr.nodes import (
    Cov,
    Cumulant,
    E,
    Letter,
    LevelSum,
    Node,
    Number,
    Over,
    Response,
    Size,
    Sum,
    Total,
    Var,
    add,
    mul,
    power,
)
from momentalg.model.resolved import ResolvedModel
from momentalg.rules.definition import at_observation
from momentalg.rules.knowledge import knows_design
from momentalg.rules.rule import Context, Rule

BY = ("user",)
S, T, N = Total(Response(), BY), Total(Response() ** 2, BY), Size(BY)


def _rewrite(node: Node, context: Context) -> Node | None:
    if not isinstance(node, Cumulant):
        return None
    statistics = [translate(a, context.model) for a in node.args]
    if not all(_is_of_responses(term, knows_design(node.given, context.model)) for s in statistics for term in s):
        return None
    picked = list(product(*statistics))
    simple = len(context.model.columns) == 1 or len(statistics) > 1  # otherwise the sums would be many
    if simple and any(sum(len(term.bound) for term in terms) > 1 or _runs_over_all(terms) for terms in picked):
        return None
    new = add(*(_of_terms(terms, node.given, context.model) for terms in picked))
    return None if new == node else new


def _is_of_responses(term: Term, known: bool) -> bool:
    """Whether a term is a product of linear forms in the response, and what else stands in it is a constant."""
    draws = [d for o in term.observations for d in o.draws]
    plain = (
        all(len(o.draws) == 1 and not o.covariates for o in term.observations) and not term.entries and not term.bound
    )
    return all(d == RESPONSE for d in draws) and (known or plain)


def _runs_over_all(terms: Sequence[Term]) -> bool:
    """Whether a power of the response is summed over all observations, which belong to no one level."""
    return any(not o.cell and len(o.draws) > 1 for term in terms for o in term.observations)


def _named(whole: Term, model: ResolvedModel) -> dict[Level, Level]:
    """Names for the levels that are summed over: the default one of each column if it is free."""
    taken = {(level.column, level.name) for level in whole.free_levels}
    names: dict[Level, Level] = {}
    for level in sorted(whole.bound):
        labels = (DEFAULT, *islice(level_labels(model.columns.index(level.column), len(model.columns)), 20))
        name = next(label for label in labels if (level.column, label) not in taken)
        taken.add((level.column, name))
        names[level] = Level(level.column, name)
    return names


def _summed(body: Node, whole: Term, names: dict[Level, Level], model: ResolvedModel) -> Node:
    """The sum of the body over the named levels; over cells where they are those of one."""
    if not names:
        return body
    columns = tuple(c for c in model.columns if Level(c, DEFAULT) in names.values())
    if len(columns) == len(names) > 1 and any(set(names.values()) <= set(e.cell) for e in whole.entries):
        return Over(columns, body)
    ordered = sorted(names.values(), key=lambda level: model.columns.index(level.column))
    return LevelSum(tuple((level.column, level.name) for level in ordered), body)


def _of_terms(terms: Sequence[Term], given: tuple[Node, ...], model: ResolvedModel) -> Node:
    whole = reduce(multiply, terms)
    bound = _named(whole, model)
    whole = relabel(whole, bound)
    owner = [n for n, term in enumerate(terms) for _ in term.observations]
    names = observation_labels(len(model.columns))
    forms: list[tuple[int, Node]] = []  # the statistic that a linear form belongs to, and the form
    around: list[tuple[str, Observation]] = []  # observations with several draws are summed over by name
    entries = [_entry(e, model) for e in whole.entries]
    for statistic, observation in zip(owner, whole.observations, strict=True):
        draws = sum(d == RESPONSE for d in observation.draws)
        named = next((v.name for v in observation.cell if v.column == OBSERVATION), "")
        if named or draws > 1:
            index = named or next(names)
            forms += [(statistic, Response(index))] * draws
            entries += [_covariates(observation, index, model)] if named else []
            around += [] if named else [(index, observation)]
        elif draws == 1:
            body = mul(monomial_node(observation.covariates), Response())
            forms.append((statistic, Total(body, *_place(observation.cell, model))))
        else:
            entries.append(_total(observation, model))
    if len(terms) > 1 and {s for s, _ in forms} != set(range(len(terms))):
        return Number(whole.coefficient * 0)
    partitions = counted_partitions(forms, [s for s, _ in forms], len(terms))
    inner = add(
        *(
            mul(Number(whole.coefficient * count), *(Cumulant(tuple(forms[f][1] for f in b), given) for b in blocks))
            for count, blocks in partitions
        )
    )
    for index, observation in reversed(around):
        inner = Sum(index, mul(_covariates(observation, index, model), inner), *_place(observation.cell, model))
    body = mul(*entries, inner)
    return _summed(body, whole, bound, model)


def _place(cell: Cell, model: ResolvedModel) -> tuple[tuple[str, ...], tuple[str, ...]]:
    levels = {v.column: v.name for v in cell if v.column != OBSERVATION}
    by = tuple(c for c in model.columns if c in levels)
    return by, () if all(levels[c] == DEFAULT for c in by) else tuple(levels[c] for c in by)


def _entry(entry: Entry, model: ResolvedModel) -> Node:
    return power(symbol_node(single(entry.cell, entry.what), model), entry.power)


def _covariates(observation: Observation, index: str, model: ResolvedModel) -> Node:
    place = _place(observation.cell, model)
    return mul(*(power(at_observation(v, index, *place, model), exponent) for v, exponent in observation.covariates))


def _total(observation: Observation, model: ResolvedModel) -> Node:
    by, level = _place(observation.cell, model)
    return Total(monomial_node(observation.covariates), by, level) if observation.covariates else Size(by, level)


X, Y, K = Letter("X"), Letter("Y"), (Letter("K"),)

RULE = Rule(
    name="cumulants_of_products",
    title="cumulants of products over set partitions",
    left=E(mul(X, Y), K),
    right=add(Cov(X, Y, K), mul(E(X, K), E(Y, K))),
    rewrite=_rewrite,
    source="Leonov and Shiryaev (1959), Theory Probab. Appl. 4, 319-329",
    examples=((E(S**2, (N,)), ()), (E(T, (N,)), ()), (Var(T, (N,)), ()), (Cov(S, T - S**2 / N, (N,)), ())),
)
