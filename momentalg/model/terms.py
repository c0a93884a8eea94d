"""Term objects, for programs that build a model: the same language as formulas, without their text.

Each object knows its text in formula syntax, and a model made of term objects is read from that text: the two ways
cannot differ.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

from momentalg.errors import ModelError
from momentalg.expr.monomials import multiply_monomials
from momentalg.expr.names import join_factor, quote, split_factor
from momentalg.expr.nodes import Monomial, Variable
from momentalg.model.functions import term_key


class Term(ABC):
    """A term of the common part; products and whole powers of terms are terms."""

    @property
    @abstractmethod
    def monomial(self) -> Monomial:
        """The covariates that the term is a product of."""

    @property
    def text(self) -> str:
        """The term in formula syntax."""
        return term_key(self.monomial) if self.monomial else "1"

    def __mul__(self, other: Term) -> Product:
        if not isinstance(other, Term):
            raise ModelError(f"terms are multiplied by terms, not by {other!r}; coefficients are estimated")
        return Product(multiply_monomials(self.monomial, other.monomial))

    def __pow__(self, exponent: int) -> Product:
        if isinstance(exponent, bool) or not isinstance(exponent, int) or exponent < 1:
            raise ModelError(f"a term has whole powers from 1 up, not {exponent!r}; compute a column for others")
        return Product(tuple((v, p * exponent) for v, p in self.monomial))


@dataclass(frozen=True)
class Product(Term):
    """A product of covariates; made by ``*`` and ``**``."""

    factors: Monomial

    @property
    def monomial(self) -> Monomial:
        return self.factors


@dataclass(frozen=True)
class Intercept(Term):
    """The constant 1, the ``1`` of a formula: ``ma.Group("user", [ma.Intercept(), "x"])`` is ``(1 + x | user)``."""

    @property
    def monomial(self) -> Monomial:
        return ()


@dataclass(frozen=True)
class Covariate(Term):
    """A column of the data, by its name, whatever characters that has: ``ma.Covariate("body mass") ** 2``."""

    name: str

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ModelError(f"a covariate is named by its column, a non-empty text; found {self.name!r}")

    @property
    def monomial(self) -> Monomial:
        return ((Variable("column", self.name), 1),)


@dataclass(frozen=True)
class Size(Term):
    """The number of observations in a level of a factor as a covariate: ``ma.Size("user")`` is ``size(user)``."""

    factor: str

    def __post_init__(self) -> None:
        split_factor(_factor_name(self.factor))

    @property
    def monomial(self) -> Monomial:
        return ((Variable("size", join_factor(split_factor(self.factor))), 1),)


@dataclass(frozen=True)
class Group:
    """A group term: a factor, and the coefficients that vary over its levels; ``ma.Group("user")`` is ``(1 | user)``.

    Coefficients are terms, or texts in formula syntax such as ``"x"`` or ``"log(x)"``; ``"1"`` or ``ma.Intercept()``
    is the random intercept. Without `correlated`, each coefficient is independent of the others.
    """

    factor: str
    coefficients: Iterable[Term | str] = ("1",)
    correlated: bool = True

    def __post_init__(self) -> None:
        split_factor(_factor_name(self.factor))
        given = (self.coefficients,) if isinstance(self.coefficients, (str, Term)) else tuple(self.coefficients)
        object.__setattr__(self, "coefficients", given)

    @property
    def text(self) -> str:
        """The term in formula syntax."""
        inside = [term_text(c) for c in self.coefficients]
        shown = inside if "1" in inside else ["0", *inside]
        bar = "|" if self.correlated else "||"
        return f"({' + '.join(shown)} {bar} {join_factor(split_factor(self.factor))})"


def term_text(term: Term | str) -> str:
    """A term in formula syntax; a text is taken to be that already."""
    if isinstance(term, Term):
        return term.text
    if isinstance(term, str) and term.strip():
        return term.strip()
    raise ModelError(f"a term is ma.Intercept(), ma.Covariate(...), ma.Size(...) or a formula text; found {term!r}")


def formula_text(
    response: str | None,
    common: Iterable[Term | str] | Term | str | None,
    group: Iterable[Group] | Group | None,
    intercept: bool,
) -> str:
    """The formula that term objects stand for."""
    if not isinstance(response, str) or not response:
        raise ModelError("a model needs a formula, or response= and group=: ma.Model('y ~ x + (1 | user)')")
    terms = [common] if isinstance(common, (Term, str)) else list(common or ())
    texts = [] if intercept else ["0"]
    texts += [term_text(t) for t in terms]
    for block in [group] if isinstance(group, (Group, str)) else list(group or ()):
        if not isinstance(block, Group):
            raise ModelError(f"group= takes ma.Group(...), such as ma.Group('user'); found {block!r}")
        texts.append(block.text)
    return f"{quote(response)} ~ {' + '.join(texts or ['1'])}"


def _factor_name(name: object) -> str:
    if not isinstance(name, str) or not name:
        raise ModelError(f"a factor is named by its column, a non-empty text; found {name!r}")
    return name
