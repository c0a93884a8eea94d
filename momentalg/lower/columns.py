"""The mean columns: each a part by observation times a part by level, in shifted covariates.

Where the columns are closed under v -> v - c for a covariate v, they span the same space in the shifted covariate: no
projection changes, and the coefficients are mapped back by the binomial theorem. That is what keeps digits when a
covariate is far from zero. Where they are not closed, the covariate is not shifted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from math import comb, prod

from momentalg.expr.keys import monomial_key
from momentalg.expr.monomials import multiply_monomials
from momentalg.expr.nodes import Monomial, Variable
from momentalg.lower.accumulators import label
from momentalg.lower.arrays import ONE, Expr, Item, const
from momentalg.lower.assembling import plus, power, times
from momentalg.lower.ir import RESPONSE, Powers
from momentalg.lower.place import Places
from momentalg.lower.symbols import Symbols


@dataclass(frozen=True)
class MeanColumn:
    """A mean column, as (part by observation) * (part by level)."""

    monomial: Monomial
    rows: Powers
    level: Expr


Side = MeanColumn | None
"""A column, or None for the response."""


def in_order(first: Side, second: Side) -> tuple[Side, Side]:
    """The two in one order, the response last, so that a matrix is symmetric to the last bit."""
    if first is None or second is None:
        return (first, second) if second is None else (second, first)
    return (first, second) if first.monomial <= second.monomial else (second, first)


def shown_column(column: Side) -> str:
    """A column in words."""
    return "y" if column is None else monomial_key(column.monomial)


def shown_product(*columns: Side) -> str:
    """A product of columns in words."""
    product: Monomial = ()
    for column in columns:
        product = multiply_monomials(product, column.monomial if column else ())
    factors = [*([monomial_key(product)] if product else []), *("y" for column in columns if column is None)]
    return " * ".join(factors) or "1"


def shown_total(*columns: Side) -> str:
    """The total of a product of columns in words; N, where that is 1."""
    product = shown_product(*columns)
    return "N" if product == "1" else f"total of {product}"


def shown_totals(first: Side, second: Side) -> str:
    """The product of the totals of two columns in words."""
    one, two = shown_total(first), shown_total(second)
    if one != two:
        return f"{one} * {two}"
    return f"{one}**2" if one == "N" else f"({one})**2"


def spelled(column: Side) -> str:
    """A column as part of a name: its row symbols, where it has any."""
    if column is None:
        return RESPONSE
    return label(column.rows) or ("level" if column.monomial else "one")


def closed_under_shift(monomials: Iterable[Monomial], spanned: Callable[[Monomial], bool]) -> frozenset[Variable]:
    """The covariates that may be shifted: lowering one of their powers never leaves the space of the columns.

    `spanned` tells what is in that space beyond the columns, such as whatever is constant on a factor's levels.
    """
    present = set(monomials)
    found = set()
    for variable in dict.fromkeys(v for m in present for v, e in m if e > 0):
        lowered = [_lowered(m, variable) for m in present if variable in dict(m)]
        if all(m in present or spanned(m) for m in lowered):
            found.add(variable)
    return frozenset(found)


def mean_column(monomial: Monomial, symbols: Symbols, centred: Mapping[Variable, Expr], places: Places) -> MeanColumn:
    """Split a monomial; `centred` are the level covariates about their means, and row symbols carry their own shift."""
    rows: dict[str, int] = {}
    level: list[Expr] = []
    for variable, exponent in monomial:
        if variable in symbols.rows:
            rows[symbols.rows[variable].name] = exponent
        else:
            level.append(power(centred.get(variable, symbols.levels[variable]), exponent))
    return MeanColumn(monomial, tuple(sorted(rows.items())), places.times(ONE, *level))


def unshift(monomials: tuple[Monomial, ...], coefficients: Expr, shifts: Mapping[Variable, Expr]) -> tuple[Expr, ...]:
    """The coefficients of the monomials in the original covariates, from those in the shifted ones."""
    weights = shift_weights(monomials, shifts)
    return tuple(
        plus(*(times(w, Item(coefficients, position)) for position, w in weights[m].items())) for m in monomials
    )


def unshift_covariances(
    monomials: tuple[Monomial, ...], covariances: Mapping[tuple[int, int], Expr], shifts: Mapping[Variable, Expr]
) -> dict[tuple[int, int], Expr]:
    """The covariances of coefficients in the original covariates, from those in the shifted ones, by positions."""
    weights = shift_weights(monomials, shifts)
    found = {}
    for first, second in covariances:
        terms = [
            times(v, w, covariances[min(i, j), max(i, j)])
            for i, v in weights[monomials[first]].items()
            for j, w in weights[monomials[second]].items()
        ]
        found[first, second] = plus(*terms)
    return found


def shift_weights(monomials: tuple[Monomial, ...], shifts: Mapping[Variable, Expr]) -> dict[Monomial, dict[int, Expr]]:
    """For each monomial, by position, what coefficients in shifted covariates are multiplied by to give its own."""
    weights: dict[Monomial, dict[int, Expr]] = {m: {} for m in monomials}
    for position, monomial in enumerate(monomials):
        choices = [[(v, k) for k in (range(e + 1) if v in shifts else (e,))] for v, e in monomial]
        for choice in product(*choices):
            kept = dict(choice)
            moved = {v: e - kept[v] for v, e in monomial}
            sign = (-1) ** sum(moved.values())
            weight = const(sign * prod(comb(e, d) for (_, e), d in zip(monomial, moved.values(), strict=True) if d))
            powers = [power(shifts[v], d) for v, d in moved.items() if d]
            target = tuple((v, k) for v, k in choice if k)
            weights[target][position] = times(weight, *powers)
    return weights


def lower_powers(monomial: Monomial, variable: Variable) -> list[Monomial]:
    """The monomials that appear when a covariate is shifted: with each lower power of it, and the monomial itself."""
    found = [monomial]
    while variable in dict(found[-1]):
        found.append(_lowered(found[-1], variable))
    return found


def _lowered(monomial: Monomial, variable: Variable) -> Monomial:
    return tuple((v, e - (v == variable)) for v, e in monomial if e - (v == variable))
