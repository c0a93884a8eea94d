"""Polynomials with rational coefficients in hashable symbols: plain dictionaries, exact, equal when equal.

A monomial is a frozenset of (symbol, power) pairs, so that the order of factors never matters. Symbols are
parameter keys (strings), design totals and design moments; powers may be negative where the algebra allows it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from fractions import Fraction

Symbol = Hashable
Powers = frozenset[tuple[Symbol, int]]
UNIT: Powers = frozenset()


def times(a: Powers, b: Powers) -> Powers:
    """The product of two monomials."""
    if not a or not b:
        return a or b
    powers = dict(a)
    for symbol, power in b:
        powers[symbol] = powers.get(symbol, 0) + power
    return frozenset((s, p) for s, p in powers.items() if p)


class Polynomial:
    """An immutable polynomial; `terms` maps monomials to non-zero Fractions. Its hash is computed once."""

    __slots__ = ("_hash", "terms")

    def __init__(self, terms: Mapping[Powers, Fraction] | Iterable[tuple[Powers, Fraction]] = ()) -> None:
        gathered: dict[Powers, Fraction] = {}
        for monomial, coefficient in terms.items() if isinstance(terms, Mapping) else terms:
            gathered[monomial] = gathered[monomial] + coefficient if monomial in gathered else coefficient
        self.terms: dict[Powers, Fraction] = {m: c for m, c in gathered.items() if c}
        self._hash: int | None = None

    @classmethod
    def constant(cls, value: int | Fraction) -> Polynomial:
        """The constant polynomial."""
        return cls({UNIT: Fraction(value)})

    @classmethod
    def symbol(cls, symbol: Symbol, power: int = 1) -> Polynomial:
        """A single symbol to a power."""
        return cls({frozenset({(symbol, power)}): Fraction(1)})

    def __add__(self, other: Polynomial) -> Polynomial:
        return Polynomial((*self.terms.items(), *other.terms.items()))

    def __sub__(self, other: Polynomial) -> Polynomial:
        return self + other.scale(-1)

    def __mul__(self, other: Polynomial) -> Polynomial:
        return Polynomial((times(m, n), c * d) for m, c in self.terms.items() for n, d in other.terms.items())

    def __pow__(self, exponent: int) -> Polynomial:
        result = Polynomial.constant(1)
        for _ in range(exponent):
            result = result * self
        return result

    def scale(self, factor: int | Fraction) -> Polynomial:
        """The polynomial times a number."""
        return Polynomial({m: c * factor for m, c in self.terms.items()})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Polynomial) and self.terms == other.terms

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self.terms.items()))
        return self._hash

    def __reduce__(self) -> tuple[object, ...]:
        """Hashes of texts differ between processes, and stay behind."""
        return Polynomial, (self.terms,)

    def __bool__(self) -> bool:
        return bool(self.terms)

    def __repr__(self) -> str:
        """Equal polynomials have equal texts, in every process: denominators are sorted by theirs."""
        terms = sorted((sorted(map(repr, monomial)), str(number)) for monomial, number in self.terms.items())
        shown = " + ".join(" ".join((number, *factors)) for factors, number in terms)
        return f"<Polynomial {shown or 0}>"

    def symbols(self) -> set[Symbol]:
        """The symbols that occur."""
        return {s for m in self.terms for s, _ in m}

    def split(self, inner: Callable[[Symbol], bool]) -> dict[Powers, Polynomial]:
        """Collect by the part of each monomial whose symbols are `inner`: {inner part: polynomial in the rest}."""
        parts: dict[Powers, list[tuple[Powers, Fraction]]] = {}
        for monomial, coefficient in self.terms.items():
            kept = frozenset(pair for pair in monomial if inner(pair[0]))
            parts.setdefault(kept, []).append((monomial - kept, coefficient))
        return {kept: Polynomial(rest) for kept, rest in parts.items()}

    def substitute(self, value: Callable[[Symbol, int], Polynomial | None]) -> Polynomial:
        """Replace each symbol to its power by `value(symbol, power)`; None keeps it."""
        found: list[tuple[Powers, Fraction]] = []
        for monomial, coefficient in self.terms.items():
            new = {pair: polynomial for pair in monomial if (polynomial := value(*pair)) is not None}
            product = Polynomial({monomial.difference(new): coefficient})
            for polynomial in new.values():
                product = product * polynomial
            found.extend(product.terms.items())
        return Polynomial(found)


ZERO = Polynomial()
ONE = Polynomial.constant(1)
