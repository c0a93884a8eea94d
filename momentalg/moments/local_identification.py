"""What statistics identify whose expectations are not linear in the parameters: the rank of their derivatives.

At almost all parameter values, expectations determine a parameter, near its value, if and only if the vectors that the
matrix of their derivatives annuls do not hold it. Derivatives are exact, on generic designs and parameters.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from momentalg.cumulants.evaluate import DesignTable, evaluate
from momentalg.cumulants.identity import joint_cumulant
from momentalg.cumulants.polynomial import Polynomial
from momentalg.cumulants.translate import translate
from momentalg.errors import NotIdentifiedError, StatisticError
from momentalg.expr.nodes import Node
from momentalg.model.keys import parameter_keys
from momentalg.model.resolved import ResolvedModel
from momentalg.moments.confounding import SEEDS
from momentalg.moments.generic_design import generic_design
from momentalg.moments.rational import Matrix, null_space


@dataclass(frozen=True)
class Identified:
    """The parameters that statistics determine, and those that they do not: either group names those confounded."""

    statistics: tuple[str, ...]
    identified: tuple[str, ...]
    confounded: tuple[str, ...]

    def require(self, *parameters: str) -> None:
        """Raise `NotIdentifiedError`, naming what cannot be separated, unless all of `parameters` are identified."""
        missing = [key for key in parameters or self.confounded if key in self.confounded]
        if missing:
            raise NotIdentifiedError(
                f"the statistics {', '.join(self.statistics)} do not determine {', '.join(missing)}: they cannot be "
                f"separated among {', '.join(self.confounded)}. Identified: {', '.join(self.identified) or 'none'}"
            )


def identified(model: ResolvedModel, statistics: Mapping[str, Node]) -> Identified:
    """Which parameters of the first and second order the expectations of statistics of the sample determine."""
    keys = parameter_keys(model)
    expectations = []
    for name, statistic in statistics.items():
        terms = translate(statistic, model)
        if any(term.free_levels for term in terms):
            raise StatisticError(f"{name} is of one level: sum it over the levels, as in ma.over(...)")
        expectations.append(joint_cumulant([terms], model))
    free: set[str] | None = None
    for seed in SEEDS:
        matrix = _derivatives(expectations, keys, generic_design(model, seed), seed)
        annulled = null_space(matrix, len(keys))
        held = {key for place, key in enumerate(keys) if any(vector[place] for vector in annulled)}
        free = held if free is None else free & held
    lost = free or set()
    return Identified(tuple(statistics), tuple(k for k in keys if k not in lost), tuple(k for k in keys if k in lost))


def _derivatives(expectations: list[Polynomial], keys: tuple[str, ...], design: DesignTable, seed: int) -> Matrix:
    rng = random.Random(seed)  # noqa: S311 - values that nothing singles out, no secret
    values = {key: Fraction(rng.randrange(1, 50), rng.randrange(1, 20)) for key in keys}
    return [[evaluate(derivative(e, key), values, design) for key in keys] for e in expectations]


def derivative(polynomial: Polynomial, key: str) -> Polynomial:
    """The derivative in one parameter."""
    found = []
    for monomial, coefficient in polynomial.terms.items():
        power = dict(monomial).get(key, 0)
        if power:
            rest = (monomial - {(key, power)}) | ({(key, power - 1)} if power > 1 else set())
            found.append((rest, coefficient * power))
    return Polynomial(found)
