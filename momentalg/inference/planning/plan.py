"""`plan`: how many levels, how many observations in each, what it costs; the cheapest design that reaches a target.

For every combination of the other numbers the number of levels of one column is found by bisection: standard errors
fall as it grows. What is searched is whole numbers, and what is reported are standard errors of the design itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from momentalg.data.levels import with_levels
from momentalg.errors import ModelError
from momentalg.expr.names import join_factor, quote
from momentalg.inference.planning.balanced import balanced_errors
from momentalg.inference.planning.drawn_sizes import drawn_errors, support
from momentalg.inference.planning.partly_observed import MOST_LEVELS, partly_observed_errors
from momentalg.inference.planning.pilot import pilot_errors, read_pilot
from momentalg.inference.planning.result import Plan, PlannedDesign
from momentalg.inference.planning.truth import Errors, Truth, require_intercepts, truth
from momentalg.model.distributions.base import SizeLaw
from momentalg.model.keys import canonical_key
from momentalg.model.resolved import ResolvedModel

if TYPE_CHECKING:
    from momentalg.model.model import Model

SIZES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 50)
"""Numbers of observations in a cell that are tried where none are given."""

LEVELS = (5, 10, 20, 30, 50, 100, 200)
"""Numbers of levels of the other columns that are tried where none are given."""

MOST = 10_000_000
"""The largest number of levels that is looked for."""


@dataclass(frozen=True)
class _Candidates:
    """A family of designs: everything but the number of levels that is searched for.

    `shown` are its numbers for the table; `errors` and `observations` depend on the number of levels.
    """

    shown: Mapping[str, Any]
    errors: Callable[[int], Errors] = field(compare=False)
    observations: Callable[[int], float] = field(compare=False)
    levels: Callable[[int], Mapping[str, float]] = field(compare=False)  # of every factor, for the cost
    most: int = MOST


def plan(
    model: Model,
    parameters: Mapping[str, Any],
    target_se: Mapping[str, float],
    *,
    size: Any = None,
    levels: Mapping[str, int | Iterable[int]] | None = None,
    vary: str | None = None,
    observed: float | Iterable[float] = 1.0,
    cost: Mapping[str, float] | None = None,
    design: Any = None,
    seed: int = 1,
) -> Plan:
    """Find designs whose standard errors are at most those of `target_se`, and the cheapest of them.

    Args:
        model: one intercept and random intercepts of any factors; any model with units where a pilot is given.
        parameters: the components that are taken for true; fourth cumulants, ``k4(1|user)``, are 0 unless given.
        target_se: by key, the standard error that is wanted, ``{"var(1|user)": 0.05, "Intercept": 0.1}``.
        size: observations in each cell (of one factor: each level): numbers to try, or laws such as ``ma.Poisson(5)``.
        levels: numbers of levels to try of the other columns; of b in ``(1 | a/b)``, within a level of a.
        vary: the column whose number of levels is found; by default the first that is not nested.
        observed: the share of cells of crossed factors that are observed; numbers to try.
        cost: of a level of each factor and of an ``"observation"``; by default an observation costs 1.
        design: a pilot, a frame whose units are taken as the population; the number of units is found.
        seed: of the incidence that is drawn where not all cells are observed.

    Raises:
        ModelError: no design reaches the target, with what the best one reaches; arguments that do not fit the model.
        UnsupportedError: what is planned only with a pilot.

    """
    if design is not None:
        model, design = with_levels(
            model, design, elsewhere=(model.resolved.response,)
        )  # coefficients of fixed factors
    known = truth(model.resolved, _components(model), parameters)
    targets = _targets(model.resolved, target_se)
    if design is not None:
        if size is not None or levels or vary is not None or observed != 1.0:
            raise ModelError(
                "design= is a pilot, whose units are taken as they are: leave out size=, levels=, vary=, observed="
            )
        families: Iterable[_Candidates] = [_like_the_pilot(model, known, design)]
        column = join_factor(model.resolved.unit)
    else:
        require_intercepts(model.resolved, "a design without a pilot")
        column = _varied(model.resolved, vary)
        families = _families(known, column, size, levels or {}, observed, seed)
    prices = _prices(model.resolved, cost)
    found: list[PlannedDesign] = []
    best: dict[str, float] = {}
    most = 0
    for family in families:
        unknown = [key for key in targets if key not in family.errors(2)]
        if unknown:
            raise ModelError(
                f"target_se= is of means and components; no standard error is planned for {', '.join(unknown)}"
            )
        count = _fewest(family, targets)
        if count is None:
            _closest(best, family.errors(family.most), targets)
            most = max(most, family.most)
            continue
        found.append(_planned(family, count, column, prices))
    if not found:
        reached = ", ".join(f"{key}: {value:.4g}" for key, value in best.items())
        raise ModelError(
            f"no design reaches {dict(targets)}; with up to {most} levels of {column} the smallest standard errors of "
            f"those tried are {reached}. Try more levels of the others (levels=), another size=, a larger target"
        )
    found.sort(key=lambda d: (d.cost, d.observations))
    return Plan(model.formula, column, targets, known.values, tuple(found), known.normal, prices)


def _families(
    known: Truth, column: str, size: Any, levels: Mapping[str, Any], observed: Any, seed: int
) -> Iterator[_Candidates]:
    model = known.model
    others = [c for c in model.levelled if c != column]
    strange = [c for c in levels if c not in others]
    if strange:
        searched = f" (that of {column} is found)" if column in strange else ""
        raise ModelError(f"levels= is of {', '.join(others) or 'no column'}; not of {', '.join(strange)}{searched}")
    grid = [[_count(n, f"levels of {c}") for n in _listed(levels.get(c, LEVELS))] for c in others]
    shares = [float(p) for p in _listed(observed)]
    if any(not 0 < p <= 1 for p in shares):
        raise ModelError(f"observed= is a share of cells, above 0 and up to 1; found {observed!r}")
    sizes = _listed(SIZES if size is None else size)
    for one in sizes:
        if isinstance(one, SizeLaw):
            yield _of_law(known, one)
            continue
        n = _count(one, "observations, size=", 1)
        for numbers in product(*grid):
            for share in shares:
                yield _of_cells(known, column, dict(zip(others, numbers, strict=True)), n, share, shares != [1.0], seed)


def _of_cells(
    known: Truth, column: str, others: dict[str, int], size: int, share: float, partly: bool, seed: int
) -> _Candidates:
    model = known.model

    def all_levels(count: int) -> dict[str, int]:
        return {c: count if c == column else others[c] for c in model.levelled}

    def whole(count: int) -> dict[str, int]:
        within = all_levels(count)
        return {join_factor(f): math.prod(within[c] for c in model.closure(f)) for f in model.factors}

    def observations(count: int) -> float:
        return share * size * math.prod(all_levels(count).values())

    shown: dict[str, Any] = {_level_label(model, c): n for c, n in others.items()} | {"size": size}
    shown |= {"observed": share} if partly else {}
    if share == 1:
        return _Candidates(shown, lambda m: balanced_errors(known, all_levels(m), size), observations, whole)
    if len(model.levelled) == 1 or model.local_to:
        raise ModelError("observed= is of cells of crossed factors; this model has none, or nested ones")
    return _Candidates(
        shown,
        lambda m: partly_observed_errors(known, all_levels(m), size, share, seed),
        observations,
        whole,
        _most_partly(model, column, others),
    )


def _most_partly(model: ResolvedModel, column: str, others: Mapping[str, int]) -> int:
    """The largest number of levels of the column with which all factors together have few enough levels."""
    per_level = sum(
        math.prod(others[c] for c in factor if c != column)
        for factor in dict.fromkeys(model.factors)
        if column in factor
    )
    fixed = sum(math.prod(others[c] for c in f) for f in dict.fromkeys(model.factors) if column not in f)
    return max(2, (MOST_LEVELS - fixed) // per_level)


def _of_law(known: Truth, law: SizeLaw) -> _Candidates:
    if len(dict.fromkeys(known.model.factors)) > 1 or len(known.model.levelled) > 1:
        raise ModelError("size= is a law for models with one factor; for nested factors give a pilot, design=frame")
    values, probabilities = support(law)
    mean = float(law.mean)
    return _Candidates(
        {"size": law},
        lambda m: drawn_errors(known, m, values, probabilities),
        lambda m: m * mean,
        lambda m: {join_factor(known.model.factors[0]): m},
    )


def _like_the_pilot(model: Model, known: Truth, frame: Any) -> _Candidates:
    observations = read_pilot(model, frame)
    errors, units = pilot_errors(replace(known, model=observations.model), observations)
    own = observations.model
    counts = {join_factor(f): len(observations.tables.cells(f)[0]) for f in own.factors}
    return _Candidates(
        {"size": f"as in the pilot, {observations.columns.n / units:.3g} on average"},
        lambda m: {key: value * math.sqrt(units / m) for key, value in errors.items()},
        lambda m: m * observations.columns.n / units,
        lambda m: {c: m * n / units for c, n in counts.items()},
    )


def _fewest(family: _Candidates, targets: Mapping[str, float]) -> int | None:
    """The smallest number of levels, 2 or more, that reaches the targets; None where not even the largest does."""

    def reaches(count: int) -> bool:
        errors = family.errors(count)
        return all(errors[key] <= target for key, target in targets.items())

    low, high = 1, 2
    while not reaches(high):
        if high >= family.most:
            return None
        low, high = high, min(2 * high, family.most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
    return high


def _planned(family: _Candidates, count: int, column: str, prices: Mapping[str, float]) -> PlannedDesign:
    levels, observations = family.levels(count), family.observations(count)
    total = prices.get("observation", 0.0) * observations + sum(prices.get(f, 0.0) * n for f, n in levels.items())
    return PlannedDesign({f"levels({column})": count, **family.shown}, observations, total, family.errors(count))


def _closest(best: dict[str, float], errors: Errors, targets: Mapping[str, float]) -> None:
    for key in targets:
        best[key] = min(best.get(key, math.inf), errors[key])


def _varied(model: ResolvedModel, vary: str | None) -> str:
    if vary is None:
        alone = [c for c in model.levelled if any(model.closure(f) == {c} for f in model.factors)]
        return (alone or list(model.levelled))[0]
    if vary not in model.levelled:
        raise ModelError(f"vary= is one of {', '.join(map(repr, model.levelled))}; found {vary!r}")
    return vary


def _level_label(model: ResolvedModel, column: str) -> str:
    """The number of levels of a column in words: within those of the others, where it is no factor of its own."""
    if any(model.closure(f) == {column} for f in model.factors):
        return f"levels({quote(column)})"
    smallest = min((model.closure(f) for f in model.factors if column in model.closure(f)), key=len)
    return f"levels({quote(column)}) per {join_factor(tuple(c for c in model.levelled if c in smallest - {column}))}"


def _targets(model: ResolvedModel, target_se: Mapping[str, float]) -> dict[str, float]:
    found = {canonical_key(model, key): float(value) for key, value in target_se.items()}
    if not found or any(not value > 0 for value in found.values()):
        raise ModelError('target_se= gives positive standard errors by key, as in {"var(1|user)": 0.05}')
    return found


def _prices(model: ResolvedModel, cost: Mapping[str, float] | None) -> dict[str, float]:
    prices = {"observation": 1.0} if cost is None else {key: float(value) for key, value in cost.items()}
    names = list(dict.fromkeys(block.name for block in model.groups))
    strange = [key for key in prices if key != "observation" and key not in names]
    if strange or any(value < 0 for value in prices.values()):
        raise ModelError(
            f"cost= gives what a level of {', '.join(names)} and an 'observation' cost, 0 or more; found {cost!r}"
        )
    return prices


def _components(model: Model) -> tuple[str, ...]:
    means = {c.key for c in model.resolved.mean}
    return tuple(key for key in model.parameters if key not in means)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Iterable) and not isinstance(value, (str, SizeLaw)) else [value]


def _count(value: Any, what: str, least: int = 2) -> int:
    if isinstance(value, bool) or int(value) != value or value < least:
        raise ModelError(f"the number of {what} is whole, {least} or more; found {value!r}")
    return int(value)
