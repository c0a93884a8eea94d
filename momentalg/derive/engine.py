"""The engine: from what is asked to a derivation, through the stages of conditioning.

Outermost the total law conditions on the first of `via`, and so on inwards; innermost everything about the design is
known, and the strategies for that take over. Each conditional moment is derived once, as a chain of its own, and put
in place where it is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from momentalg.cumulants.crossed import is_realised
from momentalg.cumulants.display import to_node
from momentalg.cumulants.letters import from_letters, units_symbol
from momentalg.cumulants.polynomial import Polynomial
from momentalg.cumulants.random_view import all_design, divides_by_empty, sizes_known, with_effects_known
from momentalg.cumulants.terms import Term
from momentalg.cumulants.totals import DesignTotal
from momentalg.cumulants.translate import translate
from momentalg.cumulants.value import cumulance, known_variables
from momentalg.derive.derivation import Derivation
from momentalg.derive.step import Chain
from momentalg.derive.strategies import by_linear_forms, given_design, in_one_step, keeps_value, total_law
from momentalg.derive.titles import SUM_OVER_LEVELS, law_title, moment_title
from momentalg.errors import AssumptionError, ModelError, UnsupportedError
from momentalg.expr.keys import variable_key
from momentalg.expr.names import join_factor, split_factor
from momentalg.expr.nodes import DESIGN, Cumulant, Design, Effect, Node, Projected, Size, Value, Variable
from momentalg.expr.text import text
from momentalg.expr.traversal import walk
from momentalg.model.resolved import ResolvedModel
from momentalg.model.resolving import basic_variables

if TYPE_CHECKING:
    from momentalg.model.model import Model

DEGREE_LIMIT = 8


def derive(
    model: Model, args: tuple[Node, ...], *, given: Sequence[Any] = (), via: Sequence[Any] = (), kind: str = "cumulant"
) -> Derivation:
    """Derive the joint cumulant of statistics, as equations with a law for each step.

    `given` and `via` take sizes, covariates, names of factors (their effects) and, for `given`, `ma.design`.
    """
    resolved = model.resolved
    if not args:
        raise ModelError("a cumulant needs at least one statistic")
    if any(isinstance(part, Projected) for a in args for part in walk(a)):
        raise UnsupportedError(
            "the variance of a projection statistic is not derivable yet; its expectation is: see moment_equations"
        )
    outside = _conditions(given, resolved)
    steps = [_conditions((item,), resolved) for item in via]
    statistics = tuple(tuple(translate(a, resolved)) for a in args)
    _require_degree(statistics)
    split = _over_levels(Cumulant(args, outside), resolved)
    alone = not split.steps and not steps and _of_the_sample(statistics)
    stages = _stages(outside, steps, resolved, alone)
    known = known_variables(outside, resolved)
    _require_nonempty(statistics, known, resolved)
    polynomial = cumulance(
        tuple(tuple(translate(a, with_effects_known(resolved, known))) for a in args),
        (known, known | all_design(resolved)),
        resolved,
    )
    result = to_node(from_letters(polynomial, resolved), resolved)
    chains = _Prover(resolved, stages, bool(steps)).prove(split, result)
    return Derivation(
        model,
        args,
        outside,
        tuple(n for s in steps for n in s),
        kind,
        chains,
        polynomial,
        result,
        _facts(statistics, polynomial, known, resolved),
    )


def _conditions(items: Iterable[Any], model: ResolvedModel) -> tuple[Node, ...]:
    """What is conditioned on, as nodes; the name of a factor stands for its effects."""
    found: list[Node] = []
    for item in items:
        if isinstance(item, str):
            columns = split_factor(item)
            blocks = [b for b in model.groups if b.factor == columns]
            if not blocks:
                known = ", ".join(b.name for b in model.groups)
                raise ModelError(
                    f"no factor {item!r} whose effects could be conditioned on; the model has {known}"
                    + _meant(item, model)
                )
            found += [Effect(columns, str(c.key)) for b in blocks for c in b.coefficients]
        elif isinstance(item, (Size, Value, Effect, Design)):
            found.append(item)
        else:
            raise ModelError(
                f"cannot condition on {text(item) if isinstance(item, Node) else repr(item)}: "
                "use a size, a covariate, the name of a factor for its effects, or ma.design"
            )
    return tuple(dict.fromkeys(found))


def _meant(item: str, model: ResolvedModel) -> str:
    """What to write for a size or a covariate that was given by name."""
    sizes = [f"size({b.name})" for b in model.groups]
    if item == "N" or item in sizes:
        return f". The sizes are model.size({model.groups[0].name!r})"
    return f". The covariate is model.covariate({item!r})" if item in map(variable_key, basic_variables(model)) else ""


def _over_levels(goal: Cumulant, model: ResolvedModel) -> Chain:
    """A sum over levels splits given all of the design, or nothing of it; without a step where there is no such sum."""
    chain = Chain(SUM_OVER_LEVELS, goal)
    if goal.given and DESIGN not in goal.given:
        return chain
    return chain.then("sum_over_units" if goal.given else "iid_units", model)


def _of_the_sample(statistics: Sequence[Sequence[Term]]) -> bool:
    """Whether no statistic is of a named level."""
    return not any(term.free_levels for terms in statistics for term in terms)


def _stages(
    outside: tuple[Node, ...], steps: Sequence[tuple[Node, ...]], model: ResolvedModel, of_the_sample: bool
) -> list[tuple[Node, ...]]:
    """What is added at each stage; the last one completes the design, of a unit or of the whole sample."""
    stages = [outside]
    known = known_variables(outside, model)
    for step in steps:
        added = known_variables((*outside, *step), model)
        if added <= known:
            raise ModelError("via= names something that is known already: each condition must add to the earlier ones")
        known |= added
        stages.append(step)
    rest = all_design(model) - known
    if rest:
        nodes = tuple(variable_node(v) for v in design_order(rest, model))
        stages.append((DESIGN,) if of_the_sample or not model.has_unit else nodes)
    return stages


def design_order(variables: Iterable[Variable], model: ResolvedModel) -> list[Variable]:
    """Sizes first, then covariates of levels, then of observations; by name within each."""
    return sorted(variables, key=lambda v: (v.kind != "size", v not in model.constant_on, v.name))


def variable_node(variable: Variable) -> Node:
    """The node of a design variable."""
    return Size(split_factor(variable.name)) if variable.kind == "size" else Value(variable)


def _require_degree(statistics: Sequence[Sequence[Term]]) -> None:
    degree = sum(max((sum(len(o.draws) for o in t.observations) for t in terms), default=0) for terms in statistics)
    if degree > DEGREE_LIMIT:
        raise UnsupportedError(
            f"the total degree of what is asked is {degree}; up to {DEGREE_LIMIT} is derivable "
            "(the k-th cumulant of a statistic of degree d has degree k d)"
        )


def _require_nonempty(
    statistics: tuple[tuple[Term, ...], ...], known: frozenset[Variable], model: ResolvedModel
) -> None:
    name = divides_by_empty(statistics, known, model)
    if name is not None:
        raise AssumptionError(
            f"the statistic divides by size({name}), and a level may be empty (ma.may_be_empty): "
            "with P(N = 0) > 0 it has no value. "
            "Use totals without division, a sum over levels (ma.over runs over non-empty ones), or drop the assumption"
        )


def _facts(
    statistics: tuple[tuple[Term, ...], ...], result: Polynomial, known: frozenset[Variable], model: ResolvedModel
) -> tuple[str, ...]:
    """What the statistics assume of the design, and what the result leaves at its realised value."""
    found = [
        f"{variable} goes with the effects of {join_factor(factor)}: it is random, as the response is, and not given"
        for variable, factor in model.goes_with
    ]
    if any(e.power < 0 and e.cell for terms in statistics for t in terms for e in t.entries):
        found.append("every level has at least one observation (N >= 1)")
    if not sizes_known(known, model) and any(_is_ratio(s, p, model) for s, p in powers(result)):
        what = "ratios over the whole sample" if model.has_unit else "ratios of sizes, and numbers of non-empty cells,"
        found.append(f"{what} are kept at the value that they take in the data")
    return tuple(found)


def _is_ratio(symbol: object, power: int, model: ResolvedModel) -> bool:
    if not model.has_unit:
        return is_realised(symbol, model)
    named = isinstance(symbol, DesignTotal) and any(e.what.kind == "named" for e in symbol.entries)
    return named or (isinstance(symbol, DesignTotal) and power < 0 and symbol != units_symbol(model))


def powers(result: Polynomial) -> Iterator[tuple[object, int]]:
    """The symbols of a polynomial with their powers."""
    for monomial in result.terms:
        yield from monomial


class _Prover:
    """Derives conditional moments stage by stage, each once, inner ones first."""

    def __init__(self, model: ResolvedModel, stages: Sequence[tuple[Node, ...]], several: bool) -> None:
        self.model = model
        self.given = [tuple(n for s in stages[: k + 1] for n in s) for k in range(len(stages))]
        self.stages = stages
        self.several = several
        self.chains: list[Chain] = []
        self.proved: dict[Node, Node] = {}

    def prove(self, split: Chain, standard: Node) -> tuple[Chain, ...]:
        """The chains that end in the result of what `split` starts from, and has split over levels if it has a step."""
        if split.steps:
            self._prove(next(part for part in walk(split.end) if isinstance(part, Cumulant)), 0)
            chain = split.then("earlier_result", self.model, lemmas=self.proved).then("collection", self.model)
            if len(self.model.columns) == 1 or len(self.given) > 1 or keeps_value(chain, self.model):
                return (*self.chains, chain)
            self.chains, self.proved = [], {}
        assert isinstance(split.start, Cumulant)
        chain = self._prove(split.start, 0)
        if self.several and chain.end != standard:
            self.chains[-1] = chain.then("tower", self.model, lemmas={chain.end: standard})
        return tuple(self.chains)

    def _prove(self, goal: Cumulant, stage: int) -> Chain:
        title, before = moment_title(goal), (list(self.chains), dict(self.proved))
        if stage == len(self.given) - 1 and (forms := by_linear_forms(goal, self.model, title)):
            for part in walk(forms.end):
                if isinstance(part, Cumulant) and part not in self.proved:
                    self._prove(part, stage)
            chain = forms.then("earlier_result", self.model, lemmas=self.proved).then("sum_over_level", self.model)
            chain = chain.then("collection", self.model)
            if not keeps_value(chain, self.model):
                self.chains, self.proved = before
                chain = in_one_step(goal, self.model, title)
        elif stage == len(self.given) - 1:
            chain = given_design(goal, self.model, title)
        else:
            law = total_law(goal.args)
            chain = Chain(law_title(law), goal).then(law, self.model, on=self.stages[stage + 1])
            for part in walk(chain.end):
                if not isinstance(part, Cumulant) or part.given != self.given[stage + 1] or part == goal:
                    continue
                if part not in self.proved:
                    self._prove(part, stage + 1)
            chain = chain.then("earlier_result", self.model, lemmas=self.proved).then("multilinearity", self.model)
            chain = chain.then("design_independence", self.model).then("moments_of_incidence", self.model)
        self.proved[goal] = chain.end
        self.chains.append(chain)
        return chain
