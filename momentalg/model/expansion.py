"""Meaning of a formula: crossing, nesting, removal and bars expanded into mean columns and blocks of effects.

The algebra is R's (``* / : ^ ** - 0 1 %in%``, and lme4's ``|`` and ``||``), with nothing dropped: a term that comes
up twice, a removal that removes nothing and ``x**2`` outside I() are errors, where R passes over them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from momentalg.errors import FormulaError
from momentalg.expr.monomials import multiply_monomials
from momentalg.expr.names import join_factor
from momentalg.expr.nodes import Monomial, Node, Variable
from momentalg.model.formula import error_at
from momentalg.model.functions import (
    KNOWN,
    argument,
    column,
    factor_of,
    monomial_of,
    node_of,
    term_key,
    unknown_function,
)
from momentalg.model.resolved import Column, GroupBlock
from momentalg.model.syntax import Bar, Binary, Call, Formula, LevelOf, Name, Numeral, Syntax, Unary, text_of

_MOST_TERMS = 5000


@dataclass(frozen=True)
class Expanded:
    """What a formula says: columns in its order, and blocks whose effects are correlated within, not between.

    A fixed factor C(x) is a variable of kind "factor", which only the model can accept or refuse.
    """

    response: str
    mean: tuple[Column, ...]
    groups: tuple[GroupBlock, ...]
    definitions: dict[Variable, Node]


@dataclass(frozen=True)
class _Product:
    """An interaction: the covariates that it is a product of, and where it stands. No covariates: the intercept."""

    atoms: tuple[Monomial, ...]
    place: Syntax
    offset: bool = False

    @property
    def monomial(self) -> Monomial:
        return multiply_monomials(*self.atoms)

    @property
    def key(self) -> str:
        return f"offset({term_key(self.monomial)})" if self.offset else term_key(self.monomial)


def expand(formula: Formula) -> Expanded:
    """Expand `formula`; raises `FormulaError` with the place of what has no meaning."""
    try:
        return _Expansion(formula.text).formula(formula)
    except RecursionError:
        raise error_at(formula.text, 0, "the formula is nested too deeply", "compute columns of the data") from None


class _Expansion:
    """One formula being expanded: its text, for errors, and the definitions met so far."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.definitions: dict[Variable, Node] = {}

    def formula(self, formula: Formula) -> Expanded:
        response = formula.response
        if not isinstance(response, Name):
            advice = "compute it as a column of the data, and name that column"
            raise self.error(response, f"the response must be a column, not {text_of(response)}", advice)
        column(response, self.text)
        signed = list(_summands(formula.terms))
        bars = [part for sign, part in signed if isinstance(part, Bar) and self.added(sign, part)]
        common = self.collect((s, p) for s, p in signed if not isinstance(p, Bar))
        mean = tuple(Column(None if p.offset else p.key, p.monomial) for p in common)
        return Expanded(response.text, mean, tuple(self.blocks(bars)), self.definitions)

    def added(self, sign: int, bar: Bar) -> bool:
        if sign < 0:
            raise self.error(bar, "a group term cannot be taken away", "leave it out")
        return True

    # Sums: adding and removing, from left to right.

    def collect(self, signed: Iterable[tuple[int, Syntax]]) -> tuple[_Product, ...]:
        """The terms of a sum in order, the implied intercept first unless it is removed."""
        terms: dict[tuple[Monomial, bool], _Product] = {}
        implied, removed = True, False
        for sign, part in signed:
            number = part.value if isinstance(part, Numeral) else None
            if number is not None and (number not in (0, 1) or (number == 0 and sign < 0)):
                raise self.error(part, "this number is not a term", "1 is the intercept, and 0 or -1 removes it")
            if number == 0 or (number == 1 and sign < 0 and ((), False) not in terms):
                if removed:
                    raise self.error(part, "the intercept is removed twice", "remove it once, by 0 or -1")
                if ((), False) in terms:
                    raise self.error(part, "the intercept is both asked for and removed", "write 1 or 0, not both")
                implied, removed = False, True
                continue
            for term in self.products(part) if number is None else [_Product((), part)]:
                key = (term.monomial, term.offset)
                if sign < 0 and terms.pop(key, None) is None:
                    raise self.error(part, f"{term.key} is removed but was never added", "take the removal away")
                if sign < 0:
                    implied = implied and number is None
                    continue
                if key in terms:
                    raise self.error(part, f"{term.key} is there twice", "write each term once")
                if number == 1 and removed:
                    raise self.error(part, "the intercept is both asked for and removed", "write 1 or 0, not both")
                terms[key] = term
        intercept = terms.pop(((), False), None)
        if intercept is None and implied:
            intercept = _Product((), Numeral(Fraction(1)))
        return tuple(terms.values()) if intercept is None else (intercept, *terms.values())

    # Products: crossing, interaction, nesting and powers of terms.

    def products(self, part: Syntax) -> list[_Product]:
        """The terms that one summand stands for."""
        match part:
            case Name() | Call():
                return [self.single(part)]
            case Binary(operator="*"):
                left, right = self.products(part.left), self.products(part.right)
                return sorted([*left, *right, *self.cross(left, right, part)], key=lambda p: len(p.atoms))
            case Binary(operator=":" | "%in%"):
                return self.cross(self.products(part.left), self.products(part.right), part)
            case Binary(operator="/"):
                left = self.products(part.left)
                whole = _Product(tuple(dict.fromkeys(a for p in left for a in p.atoms)), part.left)
                return [*left, *self.cross([whole], self.products(part.right), part)]
            case Binary(operator="**"):
                return self.to_power(part)
            case Binary(operator="+" | "-"):
                return list(self.inner_sum(part))
        if isinstance(part, Numeral):
            raise self.error(part, "a number cannot be part of an interaction", "arithmetic stands in I(): I(2*x)")
        if isinstance(part, Unary):
            raise self.error(part, "a sign cannot stand here", "arithmetic stands in I(): I(-x)")
        if isinstance(part, LevelOf):
            node_of(part, self.text)  # it may not stand here, and this says why
        advice = "add it with +; a slope that varies stands before the bar, as in (1 + x | g)"
        raise self.error(part, "a group term cannot be part of an interaction or of another term", advice)

    def inner_sum(self, part: Syntax) -> tuple[_Product, ...]:
        """A sum in parentheses that is a factor of a product: it has no intercept of its own."""
        signed = list(_summands(part))
        for _, summand in signed:
            if isinstance(summand, (Numeral, Bar)):
                self.products(summand)  # neither may stand here, and this says why
        return self.collect([(1, Numeral(Fraction(0))), *signed])

    def cross(self, left: list[_Product], right: list[_Product], part: Syntax) -> list[_Product]:
        """All products of a term of one list and a term of the other."""
        self.limit(len(left) * len(right), part)
        found = []
        for one, other in product(left, right):
            shared = [a for a in one.atoms if a in other.atoms]
            if shared or one.offset or other.offset:
                key = term_key(shared[0]) if shared else "an offset"
                advice = f"for the square write I({key}**2)" if shared else "give the offset a term of its own"
                raise self.error(part, f"{key} cannot be crossed with {'itself' if shared else 'a term'}", advice)
            found.append(_Product(one.atoms + other.atoms, part))
        return found

    def to_power(self, part: Binary) -> list[_Product]:
        """(a + b)**2: the terms, and their interactions of up to that many."""
        exponent = part.right.value if isinstance(part.right, Numeral) else None
        if exponent is None or exponent < 1 or exponent.denominator != 1:
            raise self.error(part.right, "terms have whole powers, from 1 up", "arithmetic stands in I(): I(x**-1)")
        base = self.products(part.left)
        if len(base) == 1 and exponent > 1:
            key, inside = base[0].key, text_of(part)
            advice = f"for the arithmetic power write I({inside}); for the term, {key}"
            raise self.error(part, f"{inside} is {key} crossed with itself, which is {key}", advice)
        found = {frozenset(p.atoms): p for p in base}
        for _ in range(min(int(exponent), sum(len(p.atoms) for p in base)) - 1):
            for one, other in list(product(found.values(), base)):
                atoms = tuple(dict.fromkeys(one.atoms + other.atoms))
                found.setdefault(frozenset(atoms), _Product(atoms, part))
            self.limit(len(found), part)
        return sorted(found.values(), key=lambda p: len(p.atoms))

    def limit(self, count: int, part: Syntax) -> None:
        if count > _MOST_TERMS:
            raise self.error(part, f"this makes more than {_MOST_TERMS} terms", "write fewer crossings")

    def single(self, part: Name | Call) -> _Product:
        """A term that is no interaction: a column, or a function of columns."""
        if isinstance(part, Name):
            return _Product((((column(part, self.text), 1),),), part)
        if part.function not in KNOWN:
            raise unknown_function(part, self.text)
        if part.function == "C":
            inside = argument(part, self.text)
            if not isinstance(inside, Name):
                raise self.error(inside, "C() takes a column", "write C(x)")
            return _Product((((Variable("factor", inside.text), 1),),), part)
        if part.function == "offset":
            inside = argument(part, self.text)
            return _Product((monomial_of(inside, self.text, self.definitions),), part, offset=True)
        return _Product((monomial_of(part, self.text, self.definitions),), part)

    # Group terms.

    def blocks(self, bars: Iterable[Bar]) -> Iterator[GroupBlock]:
        """The blocks of the group terms; `||` gives every coefficient a block of its own."""
        seen: set[tuple[frozenset[str], Monomial]] = set()
        for bar in bars:
            coefficients = self.coefficients(bar)
            for factor in self.factors(bar.factor):
                for coefficient in coefficients:
                    same = (frozenset(factor), coefficient.monomial)
                    if same in seen:
                        what = f"the coefficient {coefficient.key} of the factor {join_factor(factor)}"
                        raise self.error(bar, f"{what} is there twice", "keep it in one group term")
                    seen.add(same)
                for block in [coefficients] if bar.bar == "|" else [(c,) for c in coefficients]:
                    yield GroupBlock(factor, block)

    def coefficients(self, bar: Bar) -> tuple[Column, ...]:
        """What stands before the bar: intercept and slopes."""
        signed = list(_summands(bar.left))
        for _, part in signed:
            if isinstance(part, Bar):
                raise self.error(part, "a group term stands inside another", "add group terms: (1 | a) + (1 | b)")
        products = self.collect(signed)
        for term in products:
            if term.offset:
                raise self.error(term.place, "an offset has no coefficient to vary", "give it a term of its own")
        if not products:
            raise self.error(bar, "this group term has no coefficient", "write (1 | g) for a random intercept")
        return tuple(Column(p.key if p.monomial else "1", p.monomial) for p in products)

    def factors(self, part: Syntax) -> list[tuple[str, ...]]:
        """The factors after the bar: a/b stands for a and a:b."""
        if isinstance(part, Binary) and part.operator == "/":
            left, right = self.factors(part.left), self.factors(part.right)
            whole = tuple(dict.fromkeys(c for f in left for c in f))
            for inner in right:
                if set(inner) & set(whole):
                    raise self.error(part, f"{join_factor(inner)} is nested in itself", "name each column once")
            return [*left, *(whole + inner for inner in right)]
        if isinstance(part, Binary) and part.operator in "+*":
            advice = "write one group term for each factor, such as (1 | a) + (1 | b) + (1 | a:b)"
            raise self.error(part, f"'{part.operator}' cannot join factors", advice)
        return [factor_of(part, self.text)]

    def error(self, part: Syntax, message: str, advice: str) -> FormulaError:
        return error_at(self.text, part, message, advice)


def _summands(part: Syntax) -> Iterator[tuple[int, Syntax]]:
    """The terms of a sum with their signs, in order; sums in parentheses are part of it."""
    pending = [(1, part)]
    while pending:
        sign, part = pending.pop()
        match part:
            case Binary(operator="+" | "-"):
                pending.append((sign if part.operator == "+" else -sign, part.right))
                pending.append((sign, part.left))
            case Unary():
                pending.append((sign if part.operator == "+" else -sign, part.operand))
            case _:
                yield sign, part
