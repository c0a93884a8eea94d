"""Swamy's moments: the covariance matrix of least squares coefficients level by level, each level counted once."""

from collections.abc import Sequence
from itertools import combinations, permutations

from momentalg.errors import UnsupportedError
from momentalg.expr.expanding import with_powers
from momentalg.expr.monomials import multiply_monomials
from momentalg.expr.nodes import ONE, Factor, Monomial, Node, Over, add, mul, negate, power
from momentalg.model.resolved import ResolvedModel
from momentalg.statistics.family import (
    NamedStatistic,
    StatisticFamily,
    block_columns,
    block_kernels,
    level_total,
    mean_columns,
    response_total,
)
from momentalg.statistics.projection import residual_sum_of_squares

MOST = 2  # coefficients: the inverse of a larger matrix of totals is too long a formula


def _build(model: ResolvedModel) -> tuple[NamedStatistic, ...]:
    if len(model.groups) > 1 or len(model.groups[0].coefficients) > MOST:
        raise UnsupportedError(
            "Swamy's moments are for one group term with one or two coefficients, whose least squares estimates are "
            "written out level by level; use statistics='within', or 'perry' for one factor"
        )
    (block,) = model.groups
    columns = block_columns(block)
    monomials = [c.monomial for c in columns]
    others = [c for c in mean_columns(model) if c not in monomials]
    if others:
        raise UnsupportedError(
            "Swamy's moments need every common term to be a coefficient of the group term, so that levels estimate the "
            f"same mean; {len(others)} of them are not: use statistics='perry'"
        )
    above, below = _least_squares(block.factor, monomials)
    found = []
    for name, (left, right) in block_kernels(block):
        first, second = above[columns.index(left)], above[columns.index(right)]
        found.append(NamedStatistic(f"S[{name}]", _covariance(block.factor, first, second, below)))
    return (*found, NamedStatistic("SSE", residual_sum_of_squares((*mean_columns(model), *columns), model)))


def _covariance(by: Factor, left: Node, right: Node, below: Node) -> Node:
    """The sum over levels of the products of two coefficients about their averages."""
    product = with_powers(mul(left, right)) / power(below, 2)
    return Over(by, product) - with_powers(mul(*(Over(by, side / below) for side in (left, right)))) / Over(by, ONE)


def _least_squares(by: Factor, monomials: Sequence[Monomial]) -> tuple[list[Node], Node]:
    """(Z_i'Z_i)^-1 Z_i'y of a level by Cramer's rule: what stands above the bar, and what below."""
    gram = [[level_total(by, multiply_monomials(a, b)) for b in monomials] for a in monomials]
    sides = [response_total(by, m) for m in monomials]
    above = [
        _determinant([[*row[:n], side, *row[n + 1 :]] for row, side in zip(gram, sides, strict=True)])
        for n in range(len(monomials))
    ]
    return above, _determinant(gram)


def _determinant(rows: Sequence[Sequence[Node]]) -> Node:
    terms = []
    for picked in permutations(range(len(rows))):
        odd = sum(a > b for a, b in combinations(picked, 2)) % 2
        product = with_powers(mul(*(row[c] for row, c in zip(rows, picked, strict=True))))
        terms.append(negate(product) if odd else product)
    return add(*terms)


STATISTIC = StatisticFamily(
    name="swamy",
    title="Swamy",
    definition="S = sum_i (b_i - b)(b_i - b)', entry by entry, b_i = (Z_i'Z_i)^-1 Z_i'y least squares in level i and b "
    "the average of the b_i; SSE = RSS(Z), within levels",
    source="Swamy (1970), Econometrica 38, 311-323",
    assumes=("in every level Z_i has full rank: two different values of x, say",),
    build=_build,
)
