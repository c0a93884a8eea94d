"""The random view: one more application of the total laws, over the design.

    kappa(W_1, ..., W_k | K) = sum over partitions of kappa( kappa(W_B | K') : B | K )        (total cumulance)

for K' containing K. Innermost everything about the design is known, and the core identity applies; outside it, results
are polynomials in the design variables of i.i.d. units. A sum over units runs over their coincidences: m of them alike,
m (m - 1) pairs of different ones, and so on. Conditioning on effects turns a group term into a known mean column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, lru_cache

from momentalg.cumulants.design_moments import Known, close, effect_variable, size_variable
from momentalg.cumulants.identity import joint_cumulant
from momentalg.cumulants.incidence import readable
from momentalg.cumulants.letters import to_letters
from momentalg.cumulants.partitions import set_partitions
from momentalg.cumulants.polynomial import Polynomial
from momentalg.cumulants.terms import SIZE, Term
from momentalg.cumulants.unit_sums import design_cumulant
from momentalg.expr.names import join_factor, split_factor
from momentalg.expr.nodes import Variable
from momentalg.model.resolved import Column, ResolvedModel

Statistics = tuple[tuple[Term, ...], ...]
INCIDENCE = Variable("design", "incidence")
"""Which levels of crossed factors meet, and how often."""


@cache
def all_design(model: ResolvedModel) -> Known:
    """Every design variable of a unit, or of the sample where there are no units."""
    found = {Variable("size", join_factor(factor)) for factor in model.factors}
    if not model.has_unit:
        found.add(INCIDENCE)
    for column in model.terms:
        found.update(v for v, _ in column.monomial)
    return close(found, model)


@lru_cache(maxsize=256)
def with_effects_known(model: ResolvedModel, known: Known) -> ResolvedModel:
    """The model given some effects: their group terms become mean columns with coefficient 1."""
    columns, groups, constant = list(model.mean), [], dict(model.constant_on)
    fixed = list(model.known_effects)
    for number, block in enumerate(model.groups):
        names = [effect_variable(number, c, model) for c in range(len(block.coefficients))]
        if not set(names) <= known:
            groups.append(block)
            continue
        fixed.append(block.factor)
        for name, column in zip(names, block.coefficients, strict=True):
            columns.append(Column(None, tuple(sorted((*column.monomial, (name, 1))))))
            constant[name] = block.factor
    return replace(model, mean=tuple(columns), groups=tuple(groups), constant_on=constant, known_effects=tuple(fixed))


def total_cumulance(statistics: Statistics, stages: Sequence[Known], model: ResolvedModel) -> Polynomial:
    """The joint cumulant given `stages[0]`, through every further stage in turn; the last one knows the design."""

    @cache
    def at(stage: int, chosen: tuple[int, ...]) -> Polynomial:
        if stages[stage] == stages[-1]:  # nothing is left to average over
            given_effects = with_effects_known(model, stages[stage])
            result = joint_cumulant([statistics[n] for n in chosen], given_effects)
            return to_letters(result, model)
        result = Polynomial()
        for partition in set_partitions(len(chosen)):
            inner = [at(stage + 1, tuple(chosen[n] for n in block)) for block in partition]
            result = result + design_cumulant(inner, stages[stage], model)
        return result

    result = at(0, tuple(range(len(statistics))))
    return result if model.incidence is None or stages[0] == stages[-1] else readable(result)


def sizes_known(known: Known, model: ResolvedModel) -> bool:
    """Whether the sizes of units, and of all that is nested in them, are known; of a crossed design, all of it."""
    if not model.has_unit:
        return INCIDENCE in known
    return size_variable(model) in known and all(Variable("size", join_factor(f)) in known for f in model.factors)


def divides_by_empty(statistics: Statistics, known: Known, model: ResolvedModel) -> str | None:
    """The factor by whose random size a statistic of one level divides, although the level may be empty."""
    if sizes_known(known, model):
        return None
    for entry in (e for terms in statistics for term in terms for e in term.entries):
        if entry.power < 0 and entry.what == SIZE and entry.cell and all(v.free for v in entry.cell):
            columns = {level.column for level in entry.cell}
            for name in sorted(model.may_be_empty):
                if set(split_factor(name)) <= columns and Variable("size", name) not in known:
                    return name
    return None
