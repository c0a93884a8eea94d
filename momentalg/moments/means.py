"""How mean parameters are treated in the equations of the variance components."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement

from momentalg.errors import UnsupportedError
from momentalg.expr.expanding import with_powers
from momentalg.expr.monomials import multiply_monomials
from momentalg.expr.nodes import Factor, Monomial, Node, Over, add
from momentalg.model.resolved import Column, ResolvedModel
from momentalg.moments.equations import MomentEquation
from momentalg.moments.expectation import expectation, variance_keys
from momentalg.moments.identifiability import Identification
from momentalg.statistics.family import response_total

LARGEST_UNION = 16  # cells of intersections in a count of pairs that share no level


def treatment_of_means(means: str | None, with_means: Sequence[str], model: ResolvedModel, default: str) -> str:
    """One of MEANS: what is asked for, else what applies. `with_means` are the unknowns that hold mean parameters.

    Raises `UnsupportedError` for statistics that are not mean-free where they must be, and for many products unasked.
    """
    if not with_means:
        return "projection"
    if means == "projection":
        raise UnsupportedError(
            f"the expectations contain {', '.join(with_means)}: these statistics are not mean-free. "
            f"Use statistics={default!r} or 'minque0', which project the means off, "
            "or means='products' or 'plug-in'"
        )
    if means is not None:
        return means
    if len(model.mean) <= 2:
        return "products"
    raise UnsupportedError(
        f"products of {len(model.mean)} mean parameters would be {len(with_means)} more unknowns: "
        "ask for means='products' (exactly unbiased) or means='plug-in' (biased), "
        f"or use statistics={default!r}, which is free of the means"
    )


def with_products(equations: list[MomentEquation], model: ResolvedModel) -> list[MomentEquation]:
    """Add products over pairs of different levels, whose expectations hold products of means alone, where needed."""
    components = variance_keys(model)
    present = {key for e in equations for key in e.coefficients}
    columns = list(model.mean)
    needed = []
    for a, b in combinations_with_replacement(columns, 2):
        node = _apart(a.monomial, b.monomial, model)
        name = "XP" if len(columns) == 1 else f"XP[{_short(a)},{_short(b)}]"
        needed.append(MomentEquation(name, node, expectation(node, model)))
    unknowns = sorted(present | {key for e in needed for key in e.coefficients})
    identification = Identification(tuple(equations), tuple(unknowns), model)
    if all(identification.determines(key) for key in present if key in components):
        return equations
    return [*equations, *needed]


def _apart(left: Monomial, right: Monomial, model: ResolvedModel) -> Node:
    """The products of x y and z y over the pairs of observations that share no level of any factor.

    The pairs that share one are counted by inclusion and exclusion over the intersections of factors; with many of
    these, they are all pairs of different observations, whose products hold components as well.
    """
    whole = with_powers(response_total((), left) * response_total((), right))
    signs: dict[Factor, int] = {(): 1}
    for factor in dict.fromkeys(block.factor for block in model.groups):
        for by, sign in list(signs.items()):
            both = model.table_of((*by, *factor))
            signs[both] = signs.get(both, 0) - sign
    if len(signs) > LARGEST_UNION:
        return whole - response_total((), multiply_monomials(left, right), response_power=2)
    parts = [
        sign * Over(by, with_powers(response_total(by, left) * response_total(by, right)))
        for by, sign in signs.items()
        if by and sign
    ]
    return add(whole, *parts)


def _short(column: Column) -> str:
    """A mean column in the name of a statistic, the intercept as 1."""
    return str(column.key) if column.monomial else "1"
