"""Strategies: which laws, in which order, turn a moment into its result. Directed phases; nothing searches."""

from __future__ import annotations

from collections.abc import Sequence

from momentalg.cumulants.terms import Term
from momentalg.cumulants.translate import translate
from momentalg.cumulants.value import canonical_value
from momentalg.derive.step import Chain, rule_named
from momentalg.errors import StatisticError
from momentalg.expr.nodes import Cumulant, Node, Response
from momentalg.expr.traversal import walk
from momentalg.model.resolved import ResolvedModel
from momentalg.rules.rule import Context

WRITE_OUT = ("definition", "model_equation", "sum_over_level", "multiplying_out")
EXPECTATION = (*WRITE_OUT, "linearity", "taking_out_known", "effects", "collection")
PARTS = ("independence", "expansion_of_sums", "taking_out_known", "effects_of_levels", "iid_sum")
CUMULANT = (*WRITE_OUT, *PARTS, "effects", "sum_over_level", "collection")
PRODUCTS = ("cumulants_of_products", "cumulants_of_totals", "coincidence", "sum_over_level", "collection")
WHOLE = ("core_identity",)
FORMS = 12  # moments of linear forms that are derived one by one
READABLE = 150  # nodes of an intermediate expression; beyond it the table of partitions serves a reader better


def given_design(goal: Cumulant, model: ResolvedModel, title: str) -> Chain:
    """Derive a cumulant given everything about the design: by linear forms, by set partitions, or in one step."""
    phases = _phases(goal, model)
    chain = _run(Chain(title, goal), phases, model)
    if max((sum(1 for _ in walk(s.after)) for s in chain.steps), default=0) > READABLE:
        return in_one_step(goal, model, title)
    # Linear forms of one factor are written out by laws without exceptions: a wrong one is for verify() to find.
    certain = phases == WHOLE or (len(model.columns) == 1 and phases != PRODUCTS)
    return chain if certain or keeps_value(chain, model) else in_one_step(goal, model, title)


def in_one_step(goal: Cumulant, model: ResolvedModel, title: str) -> Chain:
    """The core identity at once: where the smaller steps are too many to read, or cannot tell levels apart."""
    return _run(Chain(title, goal), WHOLE, model)


def keeps_value(chain: Chain, model: ResolvedModel) -> bool:
    """Whether all expressions of a chain have one value, as `Derivation.verify` will ask."""
    try:
        value = canonical_value(chain.start, model)
        return all(canonical_value(step.after, model) == value for step in chain.steps)
    except StatisticError:  # an expression on the way has no value of its own
        return False


def _run(chain: Chain, phases: Sequence[str], model: ResolvedModel) -> Chain:
    for rule in phases:
        chain = chain.then(rule, model)
    return chain


def _phases(goal: Cumulant, model: ResolvedModel) -> Sequence[str]:
    if _whole(model):
        return WHOLE
    statistics = [translate(a, model) for a in goal.args]
    if all(len(_draws(term)) <= 1 and _is_total(term, model) for terms in statistics for term in terms):
        phases = EXPECTATION if len(goal.args) == 1 else CUMULANT
        return phases[:-1] if _of_an_observation(goal, model) else phases
    return PRODUCTS if rule_named(PRODUCTS[0]).rewrite(goal, Context(model)) is not None else WHOLE


def _whole(model: ResolvedModel) -> bool:
    """Whether an observation has more to it than its own levels: random covariates."""
    return bool(model.responses)


def _of_an_observation(goal: Cumulant, model: ResolvedModel) -> bool:
    """Whether a moment is of one observation, whose covariates stay its own: it is to be put in sums over others."""
    return len(model.columns) > 1 and all(isinstance(a, Response) for a in goal.args)


def by_linear_forms(goal: Cumulant, model: ResolvedModel, title: str) -> Chain | None:
    """The expectation of a quadratic statistic in the moments of its linear forms, which are derived by themselves.

    None where there are several statistics, products of more than two forms, or one factor, whose levels are taken one
    by one.
    """
    statistics = [translate(a, model) for a in goal.args]
    if (
        len(model.columns) == 1
        or _whole(model)
        or len(statistics) > 1
        or max(map(len, map(_draws, statistics[0])), default=0) != 2
    ):
        return None
    chain = Chain(title, goal).then(PRODUCTS[0], model)
    forms = {part for part in walk(chain.end) if isinstance(part, Cumulant)}
    return chain if chain.steps and len(forms) <= FORMS else None


def _draws(term: Term) -> list[object]:
    return [d for o in term.observations for d in o.draws]


def _is_total(term: Term, model: ResolvedModel) -> bool:
    """Whether a term is a total times constants; the total of all units is a sum of independent ones instead."""
    return not term.bound and all(o.cell or not model.has_unit for o in term.observations if o.draws)


def total_law(arguments: Sequence[Node]) -> str:
    """The total law for a cumulant of these arguments, by the name it goes by."""
    if len(arguments) == 1:
        return "total_expectation"
    if len(arguments) == 2:
        return "total_variance" if arguments[0] == arguments[1] else "total_covariance"
    return "total_cumulance"
