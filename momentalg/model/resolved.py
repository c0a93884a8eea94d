"""ResolvedModel: all that the algebra sees of a model. Factors, levels of covariates, terms and facts.

The response is   y_o = sum_l beta_l x_l(o)  +  sum_f sum_c z_c(o) u_{f,c}(level of f at o)  +  e_o   with
independent blocks of zero-mean effects u_f and residuals e, of any distribution with the needed moments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from momentalg.errors import UnsupportedError
from momentalg.expr.monomials import multiply_monomials
from momentalg.expr.names import join_factor, quote
from momentalg.expr.nodes import Indicator, Label, LevelColumns, Monomial, Node, Value, Variable
from momentalg.model.incidence.base import Incidence
from momentalg.model.mapping import FrozenMapping


@dataclass(frozen=True)
class Column:
    """A mean column or a group coefficient: its key in formula syntax, and its covariates."""

    key: str | None  # "Intercept", "x", "x:z"; None for an offset, whose coefficient is 1
    monomial: Monomial = ()


def level_indicator(column: str, label: Label) -> tuple[Variable, Indicator]:
    """The covariate ``drug[b]``, and its definition."""
    body = Value(Variable("column", column))
    return Variable("function", f"{quote(column)}[{label_text(label)}]"), Indicator(body, label)


def label_text(label: Label) -> str:
    """The label of a level in keys, as in ``drug[b]``: numbers as they are, texts back-quoted unless they are plain."""
    return quote(label) if isinstance(label, str) else str(label)


def root_of(weights: str) -> Variable:
    """The square root of the weights, a covariate that odd cumulants of the residual need."""
    return Variable("function", f"sqrt({quote(weights)})")


def weight_power(weights: str, order: int) -> Monomial:
    """The weights to the power -order/2, as a monomial in them and in their square root."""
    whole = ((Variable("column", weights), -((order + 1) // 2)),)
    return (*whole, (root_of(weights), 1)) if order % 2 else whole


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
class CovariateResponse:
    """A covariate x = m + xi + delta that is random: see `momentalg.model.going_with`."""

    column: str
    key: str  # of its coefficient in the mean of the response
    on_level: bool = False  # constant on its factor: no delta

    @property
    def mean(self) -> str:
        """The key of m."""
        return f"Intercept@{quote(self.column)}"

    @property
    def effect(self) -> str:
        """The coefficient xi, in the block of the factor."""
        return f"1@{quote(self.column)}"

    def residual(self, order: int) -> str:
        """The key of the cumulants of delta."""
        return f"{'var' if order == 2 else f'k{order}'}(residual@{quote(self.column)})"


@dataclass(frozen=True)
class Independence:
    """A declared fact: these design variables of a unit are independent of one another."""

    variables: tuple[Variable, ...]


@dataclass(frozen=True)
class ResolvedModel:
    """A model after names are resolved. Immutable, hashable by content, and picklable.

    `constant_on` gives, for a covariate, the factor (its columns) within whose levels it is constant; a covariate
    that is absent varies by observation. `local_to` gives, for a nested column, the column it is local to.

    `fixed` gives the levels of the fixed factors, by column, the reference first. Such a factor is a set of 0/1
    covariates: the variable ``drug[b]`` of kind "function" is defined by the node ``Indicator(Value(drug), "b")``, and
    whoever reads covariates from data evaluates that definition on the labels in the column, texts or numbers.
    Of a factor whose levels are None they are not known yet: a term with it is a mean column with the key None, and a
    variable of kind "fixed" whose value on each level of the factor is arbitrary. A model that meets data knows the
    levels (`data.levels`), so that only derivations and symbolic equations see those.
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
    fixed: Mapping[str, tuple[Label, ...] | None] = field(default_factory=FrozenMapping)
    written: str = ""  # the formula in its standard form, where fixed factors are written out in `mean` and `groups`
    residual_by: Mapping[str, tuple[Label, ...] | None] = field(default_factory=FrozenMapping)  # one column at most
    weights: str | None = None  # the column w of known weights: Var(e_o) is the residual variance over w_o
    incidence: Incidence | None = None  # how the levels of factors come to meet
    responses: tuple[CovariateResponse, ...] = ()  # covariates with linear models of their own
    goes_with: tuple[tuple[str, tuple[str, ...]], ...] = ()  # each with the factor whose effects it goes with
    known_effects: tuple[tuple[str, ...], ...] = ()  # factors whose effects are conditioned on
    symbols: Mapping[str, str] = field(default_factory=FrozenMapping)

    def __post_init__(self) -> None:
        for name in ("constant_on", "local_to", "definitions", "fixed", "residual_by", "symbols"):
            object.__setattr__(self, name, FrozenMapping(getattr(self, name)))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """All label columns, in the order of the group terms, and then those of `coded`."""
        return tuple(dict.fromkeys((*(c for factor in self.factors for c in factor), *self.coded)))

    @cached_property
    def coded(self) -> Mapping[str, tuple[Label, ...] | None]:
        """The columns whose labels are known by name, with their levels: fixed factors, and classes of residuals."""
        return FrozenMapping({**self.residual_by, **self.fixed})

    @property
    def terms(self) -> tuple[Column, ...]:
        """All that covariates stand in: mean columns, coefficients of effects, and what residuals are multiplied by."""
        effects = (column for block in self.groups for column in block.coefficients)
        return (*self.mean, *effects, *(Column(None, monomial) for _, monomial in self.residual_cumulants(2)))

    def residual_cumulants(self, order: int) -> tuple[tuple[str | None, Monomial], ...]:
        """The cumulants of a residual: the sum of key times covariates at its observation.

        With weights w a residual is epsilon/sqrt(w), and its k-th cumulant that of epsilon times w^(-k/2). With classes
        it is the cumulant of its class: a sum over the classes times their indicators, or, while the classes are not
        known, a value of the level, with the key None.
        """
        scale = () if self.weights is None else weight_power(self.weights, order)
        classes = next(iter(self.residual_by.items()), None)
        plain = "var(residual)" if order == 2 else f"k{order}(residual)"
        if classes is None:
            return ((plain, scale),)
        column, levels = classes
        if levels is None:
            value = Variable("fixed", f"{plain[:-1]}[{quote(column)}])")
            return ((None, multiply_monomials(scale, ((value, 1),))),)
        return tuple(
            (f"{plain[:-1]}[{label_text(x)}])", multiply_monomials(scale, ((level_indicator(column, x)[0], 1),)))
            for x in levels
        )

    @property
    def levelled(self) -> tuple[str, ...]:
        """The label columns whose levels have effects or values: all but those of fixed factors with known levels."""
        grouping = {c for factor in self.factors for c in factor}
        return tuple(c for c in self.columns if c in grouping or self.coded[c] is None)

    def indicated(self, variable: Variable) -> str | None:
        """The column that a covariate such as ``drug[b]`` is an indicator of a level of."""
        definition = self.definitions.get(variable) if self.coded else None
        return definition.body.variable.name if isinstance(definition, Indicator) else None

    def home(self, variable: Variable) -> tuple[str, ...] | None:
        """The factor on whose levels a covariate is constant: an indicator, on its own factor. None: none is known."""
        column = self.indicated(variable)
        return self.constant_on.get(variable, None if column is None else (column,))

    def projected(self, column: Column) -> Monomial | LevelColumns:
        """What a projection takes to remove a mean column: the levels of a fixed factor whose levels are not known."""
        for variable, _ in column.monomial:
            if variable.kind == "fixed":
                rest = tuple((v, p) for v, p in column.monomial if v != variable)
                return LevelColumns(self.level_values[variable], rest)
        return column.monomial

    @property
    def level_values(self) -> Mapping[Variable, tuple[str, ...]]:
        """The values on levels of fixed factors that are not known, and the columns of those factors."""
        return FrozenMapping({v: on for v, on in self.constant_on.items() if v.kind == "fixed"})

    @cached_property
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
            "Given the design everything is derivable, with given=ma.design; a random design needs a law of which "
            "levels meet: Model(..., incidence=ma.designs.draws(...)); or independent_cells, multinomial_labels"
        )

    @cached_property
    def has_unit(self) -> bool:
        """Whether all factors are nested in one of them, whose levels may then be i.i.d. units.

        Where an incidence says how levels of crossed factors meet, it says all, and there are none.
        """
        if self.incidence is not None and not self.incidence.within:
            return False
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

    def table_of(self, columns: Iterable[str]) -> tuple[str, ...]:
        """The label columns of their closure, in the order of all label columns."""
        closure = self.closure(columns)
        return tuple(column for column in self.columns if column in closure)

    @cached_property
    def local_columns(self) -> tuple[str, ...]:
        """The columns that are local to another one, the outer ones first."""
        return tuple(sorted(self.local_to, key=lambda column: len(self.closure((column,)))))

    @cached_property
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
