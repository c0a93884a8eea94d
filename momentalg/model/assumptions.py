"""Facts that a model may declare and the algebra may use; each is printed where a derivation uses it."""

from __future__ import annotations

from dataclasses import dataclass

from momentalg.errors import ModelError
from momentalg.model.terms import Term, term_text


class Assumption:
    """Base of the declarations that ``assume=[...]`` takes."""


@dataclass(frozen=True)
class Independent(Assumption):
    """These design variables of a unit, in formula syntax, are mutually independent."""

    variables: tuple[str, ...]

    def __repr__(self) -> str:
        return f"ma.independent({', '.join(map(repr, self.variables))})"


@dataclass(frozen=True)
class MayBeEmpty(Assumption):
    """Levels of this factor may have no observation: N = 0 is possible."""

    factor: str

    def __repr__(self) -> str:
        return f"ma.may_be_empty({self.factor!r})"


@dataclass(frozen=True)
class Unreplicated(Assumption):
    """A level of this factor has at most one observation."""

    factor: str

    def __repr__(self) -> str:
        return f"ma.unreplicated({self.factor!r})"


@dataclass(frozen=True)
class Nested(Assumption):
    """The labels of `inner` are local to `outer`: the same label in two levels of `outer` is two levels."""

    inner: str
    outer: str

    def __repr__(self) -> str:
        return f"ma.nested({self.inner!r}, {self.outer!r})"


@dataclass(frozen=True)
class GoesWith(Assumption):
    """The covariate is random, with effects that are correlated with those of the factor."""

    variable: str
    factor: str

    def __repr__(self) -> str:
        return f"ma.goes_with({self.variable!r}, {self.factor!r})"


def independent(*variables: Term | str) -> Independent:
    """Declare that variables of a unit are independent: ``ma.independent("X", "size(user)")``."""
    texts = tuple(term_text(v) for v in variables)
    if len(set(texts)) < 2 or len(set(texts)) < len(texts):
        raise ModelError(f"independence is between two or more different variables; found {', '.join(texts) or 'none'}")
    return Independent(texts)


def may_be_empty(factor: str) -> MayBeEmpty:
    """Declare that levels of a factor may have no observation, ``ma.may_be_empty("user")``; else N >= 1 is assumed."""
    return MayBeEmpty(_text(factor))


def unreplicated(factor: str) -> Unreplicated:
    """Declare that a level has at most one observation, usually of an intersection: ``ma.unreplicated("a:b")``.

    It is checked in the data. Of data in several parts, each part is, and all together where the sums have the cells;
    ``fit.explain()`` says where they have not, as with ``weighting="none"``.
    """
    return Unreplicated(_text(factor))


def nested(inner: str, outer: str) -> Nested:
    """Declare that levels of `inner` lie within levels of `outer`: ``ma.nested("batch", "plant")``."""
    if _text(inner) == _text(outer):
        raise ModelError(f"{inner!r} cannot be nested in itself")
    return Nested(inner, outer)


def goes_with(variable: str, factor: str) -> GoesWith:
    """Declare that a covariate goes with the effects of a factor, ``ma.goes_with("x", "user")``: it is then random.

    It has its own linear model x = m + xi + delta with Cov(xi, alpha) = c: see `momentalg.model.going_with`.
    """
    if not isinstance(variable, str) or not variable:
        raise ModelError(f"goes_with() names a covariate by its column, a non-empty text; found {variable!r}")
    return GoesWith(variable, _text(factor))


def _text(name: object) -> str:
    if not isinstance(name, str) or not name:
        raise ModelError(f"a factor is named by its column, a non-empty text; found {name!r}")
    return name
