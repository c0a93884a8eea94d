"""ResolvedModel: all that the algebra sees of a model. Factors, levels of covariates, terms and facts.

The response is   y_o = sum_l beta_l x_l(o)  +  sum_f sum_c z_c(o) u_{f,c}(level of f at o)  +  e_o   with
independent blocks of zero-mean effects u_f and residuals e, of any distribution with the needed moments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from momentalg.errors import UnsupportedError
from momentalg.expr.names import join_factor
from momentalg.expr.nodes import Monomial, Node, Variable
from momentalg.model.mapping import FrozenMapping


@dataclass(frozen=True)
class Column:
    """A mean column or a group coefficient: its key in formula syntax, and its covariates."""

    key: str | None  # "Intercept", "x", "x:z"; None for an offset, whose coefficient is 1
    monomial: Monomial = ()


@dataclass(frozen=True)
class GroupBlock:
    """Correlated effects of one factor: one joint draw per level, with a coefficient per column."""

    factor: tuple[str, ...]
    coefficients: tuple[Column, ...]  # the intercept's key is "1"

    @property
    def name(self) -> str:
        """The factor's name in parameter keys."""
        return join_factor(self.factor)


@dataclass(frozen=True)
class Independence:
    """A declared fact: these design variables of a unit are independent of one another."""

    variables: tuple[Variable, ...]


@dataclass(frozen=True)
class ResolvedModel:
    """A model after names are resolved. Immutable, hashable by content, and picklable.

    `constant_on` gives, for a covariate, the factor (its columns) within whose levels it is constant; a covariate
    that is absent varies by observation. `local_to` gives, for a nested column, the column it is local to.
    """

    response: str
    mean: tuple[Column, ...]
    groups: tuple[GroupBlock, ...]
    constant_on: Mapping[Variable, tuple[str, ...]] = field(default_factory=FrozenMapping)
    local_to: Mapping[str, str] = field(default_factory=FrozenMapping)
    definitions: Mapping[Variable, Node] = field(default_factory=FrozenMapping)  # of "function" variables
    independent: tuple[Independence, ...] = ()
    may_be_empty: frozenset[str] = frozenset()  # factors, by name in keys, whose levels may have no observation
    unreplicated: frozenset[tuple[str, ...]] = frozenset()
    known_effects: tuple[tuple[str, ...], ...] = ()  # factors whose effects are conditioned on
    symbols: Mapping[str, str] = field(default_factory=FrozenMapping)

    def __post_init__(self) -> None:
        for name in ("constant_on", "local_to", "definitions", "symbols"):
            object.__setattr__(self, name, FrozenMapping(getattr(self, name)))

    @property
    def columns(self) -> tuple[str, ...]:
        """All label columns, in the order of the group terms."""
        return tuple(dict.fromkeys(c for factor in self.factors for c in factor))

    @property
    def unit(self) -> tuple[str, ...]:
        """The factor whose levels are the i.i.d. units of the random view: the one that all others are nested in.

        Raises `UnsupportedError` for a crossed design, whose rows share columns: see `has_unit`.
        """
        for factor in self.factors:
            if all(self.is_nested(other, factor) for other in self.factors):
                return factor
        crossed = " and ".join(join_factor(f) for f in self.factors)
        raise UnsupportedError(
            f"{crossed} are crossed: levels of one share levels of the other, so that no levels are i.i.d. units. "
            "Given the design everything is derivable, with given=ma.design; a random design needs a named incidence"
        )

    @property
    def has_unit(self) -> bool:
        """Whether all factors are nested in one of them, whose levels may then be i.i.d. units."""
        return any(all(self.is_nested(other, factor) for other in self.factors) for factor in self.factors)

    def is_nested(self, inner: tuple[str, ...], outer: tuple[str, ...]) -> bool:
        """Whether a level of `inner` lies in one level of `outer`; a factor is nested in itself."""
        return set(outer) <= self.closure(inner)

    def closure(self, columns: Iterable[str]) -> frozenset[str]:
        """The columns, and those that they are local to: all that a level of them determines."""
        found = set(columns)
        for column in tuple(found):
            while column in self.local_to:
                column = self.local_to[column]
                found.add(column)
        return frozenset(found)

    @property
    def factors(self) -> tuple[tuple[str, ...], ...]:
        """The factors of the group terms, those whose effects are known included."""
        return (*self.known_effects, *(block.factor for block in self.groups))

    def cumulant_key(self, block: GroupBlock | None, coefficients: tuple[str, ...]) -> str:
        """The key of a joint cumulant of effects of `block` (None: the residual), as in ``cov(1,x|user)``.

        Order inside the key is that of the block; `coefficients` may come in any order.
        """
        order = len(coefficients)
        if block is None:
            return "var(residual)" if order == 2 else f"k{order}(residual)"
        rank = {str(c.key): n for n, c in enumerate(block.coefficients)}
        inside = sorted(coefficients, key=rank.__getitem__)
        if order == 2 and inside[0] != inside[1]:
            return f"cov({inside[0]},{inside[1]}|{block.name})"
        shown = inside[0] if len(set(inside)) == 1 else ",".join(inside)
        return f"{'var' if order == 2 else f'k{order}'}({shown}|{block.name})"
