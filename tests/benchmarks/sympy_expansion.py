"""The same moments by expanding polynomials in SymPy, on one small design, as a person would begin.

momentalg derives them for any design, so that the comparison flatters SymPy: its result holds for six observations.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache, reduce
from itertools import product
from typing import Any

import sympy

import momentalg as ma
from tests.benchmarks.timing import Measurement, interleaved_processes

CELLS = [(i, j) for i in range(2) for j in range(3)]
REPEATS = 9
ORDERS = {"a": 2, "b": 3, "e": len(CELLS)}


def responses() -> list[Any]:
    """mu + a_i + b_j + e_ij for every cell, one observation each."""
    mu = sympy.Symbol("mu")
    effects = {name: sympy.symbols(f"{name}0:{count}") for name, count in ORDERS.items()}
    return [mu + effects["a"][i] + effects["b"][j] + effects["e"][k] for k, (i, j) in enumerate(CELLS)]


def within_rows() -> Any:
    """The sum of squares within rows, in the effects."""
    y = responses()
    rows = [[y[k] for k, (i, _) in enumerate(CELLS) if i == row] for row in range(2)]
    return sum((v - sum(row) / len(row)) ** 2 for row in rows for v in row)


@cache
def moment(name: str, power: int) -> Any:
    """E of a power of one effect, by its cumulants."""
    variance, k3, k4 = sympy.symbols(f"v_{name} k3_{name} k4_{name}")
    return (1, 0, variance, k3, k4 + 3 * variance**2)[power]


def expectation(polynomial: Any) -> Any:
    """E of a polynomial in independent effects of mean zero, term by term."""
    effects = [s for s in polynomial.free_symbols if s.name[0] in ORDERS]
    total = sympy.Integer(0)
    for powers, coefficient in sympy.Poly(polynomial, *effects).terms():
        factors = [moment(s.name[0], p) for s, p in zip(effects, powers, strict=True)]
        total += reduce(lambda a, b: a * b, factors, coefficient)
    return sympy.expand(total)


def by_sympy() -> tuple[Any, Any]:
    """Mean and variance of the sum of squares within rows."""
    statistic = sympy.expand(within_rows())
    mean = expectation(statistic)
    return mean, sympy.expand(expectation(sympy.expand(statistic**2)) - mean**2)


def by_momentalg() -> tuple[Any, Any]:
    """The same for any design."""
    model = ma.Model("y ~ 1 + (1 | a) + (1 | b)")
    total = model.total(model.y, by="a")
    statistic = model.total(model.y**2) - ma.over("a", total**2 / model.size("a"))
    return model.mean(statistic, given=ma.design), model.var(statistic, given=ma.design)


def agree() -> bool:
    """Whether both give the same numbers on the small design."""
    import pandas as pd

    keys = ["Intercept", *(f"{kind}({where})" for kind in ("var", "k3", "k4") for where in ("1|a", "1|b", "residual"))]
    names = ["mu", *("".join(p) for p in product(("v_", "k3_", "k4_"), "abe"))]
    values = [Fraction(n + 2, 3) for n in range(len(keys))]
    frame = pd.DataFrame(CELLS, columns=["a", "b"])
    parameters = dict(zip(keys, values, strict=True))
    found = [derivation.evaluate(data=frame, parameters=parameters) for derivation in by_momentalg()]
    known = {sympy.Symbol(n): sympy.Rational(v.numerator, v.denominator) for n, v in zip(names, values, strict=True)}
    expected = [Fraction(int(r.p), int(r.q)) for r in (sympy.Rational(e.subs(known)) for e in by_sympy())]
    return found == expected


CODE = """
import json, time
from tests.benchmarks import sympy_expansion
start = time.perf_counter()
sympy_expansion.{}()
print(json.dumps({{"call": time.perf_counter() - start}}))
"""


def measure() -> Measurement:
    """The ratio of the medians of first calls, after checking that both give the same moments."""
    if not agree():
        raise RuntimeError("the expansion in SymPy and momentalg differ")
    codes = {"momentalg": CODE.format("by_momentalg"), "sympy": CODE.format("by_sympy")}
    seconds = {name: taken["call"] for name, taken in interleaved_processes(codes, REPEATS).items()}
    return Measurement(
        what="mean and variance of U_a for any design",
        unit="SymPy on 6",
        ratio=seconds["momentalg"] / seconds["sympy"],
        limit=1.0,
        seconds=seconds,
        notes={"observations of SymPy's design": len(CELLS)},
    )
