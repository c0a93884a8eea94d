"""Letters for writing textbook formulas by hand, and the test that a derivation agrees with one."""

from __future__ import annotations

from typing import Any

import sympy

import momentalg as ma
from momentalg.cumulants.partitions import set_partitions


class Letters:
    """The letters of a model's results: parameters, moments of the design, totals over a fixed design."""

    def __init__(self, model: ma.Model) -> None:
        self.model = model
        self.mu = model.parameter("Intercept")
        self.sa, self.se = model.parameter("var(1|user)"), model.parameter("var(residual)")
        self.k3a, self.k3e = model.parameter("k3(1|user)"), model.parameter("k3(residual)")
        self.k4a, self.k4e = model.parameter("k4(1|user)"), model.parameter("k4(residual)")

    def E(self, **powers: int) -> Any:
        """The raw moment E[N^a X^b s^c], written ``E(N=2, X=1)``; s is the total of x over the unit."""
        names = {"N": "size(user)", "X": "X", "s": "total(x|user)"}
        factors = [names[name] if power == 1 else f"{names[name]}^{power}" for name, power in powers.items() if power]
        return self.model.parameter(f"E({'*'.join(factors)})") if factors else sympy.Integer(1)

    def kappa(self, *monomials: dict[str, int]) -> Any:
        """The joint cumulant of design monomials, from raw moments by the formula over set partitions."""
        total = sympy.Integer(0)
        for blocks in set_partitions(len(monomials)):
            product = (-1) ** (len(blocks) - 1) * sympy.factorial(len(blocks) - 1)
            for block in blocks:
                powers = {name: sum(monomials[n].get(name, 0) for n in block) for name in ("N", "X", "s")}
                product *= self.E(**powers)
            total += product
        return total


def by_name(expression: Any) -> Any:
    """The expression in plain letters, so that a letter is its name."""
    return expression.xreplace({s: sympy.Symbol(str(s)) for s in expression.free_symbols})


def agrees(found: Any, expected: Any) -> bool:
    """Whether two rational expressions are equal; letters are matched by name."""
    return bool(sympy.cancel(sympy.together(by_name(found) - by_name(expected))) == 0)


def design_letter(name: str) -> Any:
    """A letter of a fixed design, such as ``size()``, ``sum(size(user)^2)`` or ``size(user)[i]``."""
    return sympy.Symbol(name)
