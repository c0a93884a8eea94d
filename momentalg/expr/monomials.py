"""Products of covariate monomials."""

from __future__ import annotations

from momentalg.expr.nodes import Monomial, Variable


def multiply_monomials(*monomials: Monomial) -> Monomial:
    """The product, sorted, without powers that cancel; the constant 1 of none."""
    factors = [m for m in monomials if m]
    if len(factors) < 2:
        return factors[0] if factors else ()
    powers: dict[Variable, int] = {}
    for monomial in factors:
        for variable, exponent in monomial:
            powers[variable] = powers.get(variable, 0) + exponent
    return tuple(sorted((v, p) for v, p in powers.items() if p))
