"""Notation: which symbol stands for what. Built once from a model, shared by the printers, explained by `legend`.

Within one notation no two things share a symbol; how that is made sure of is told in `momentalg.expr.claims`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from momentalg.expr import nodes as n
from momentalg.expr.claims import WORDS, assign, letter_glyph
from momentalg.expr.indices import DEFAULT, level_labels, observation_labels
from momentalg.expr.inventory import SIZES, Inventory, NamedModel
from momentalg.expr.keys import ParameterKey, read_key, variable_key
from momentalg.expr.names import join_factor, quote, split_factor
from momentalg.expr.symbols import Glyph, Symbol, placeholder, plain_name, read_glyph
from momentalg.expr.traversal import walk

GOING_WITH = "1@"  # how the keys of effects of random covariates begin: model.resolved.CovariateResponse


@dataclass(frozen=True)
class Notation:
    """Symbols for the things of one model. `units`: how many levels a text speaks of; with two, all are subscripted."""

    columns: tuple[str, ...]  # label columns: the positions of level subscripts
    symbols: Mapping[tuple[str, str], Symbol] = field(hash=False)  # by role and name
    constant_on: Mapping[n.Variable, n.Factor] | None = field(default=None, hash=False)  # None without a model
    monomials: Mapping[str, n.Monomial] = field(default_factory=dict, hash=False)  # of coefficients, by key
    response: str = ""
    units: int = 1
    named: frozenset[str] = frozenset()  # the levels that a text names: default levels of several columns avoid them

    @classmethod
    def of(cls, resolved: NamedModel, units: int = 1, named: frozenset[str] = frozenset()) -> Notation:
        """The notation of a model."""
        terms = [*resolved.mean, *(c for block in resolved.groups for c in block.coefficients)]
        return cls(
            columns=resolved.columns,
            symbols=assign(Inventory.of_model(resolved), resolved.symbols),
            constant_on=resolved.constant_on,
            monomials={str(t.key): t.monomial for t in terms if t.key is not None},
            response=resolved.response,
            units=units,
            named=named - {DEFAULT},
        )

    @classmethod
    def read_from(cls, *expressions: n.Node) -> Notation:
        """A notation for expressions that come without a model, such as the two sides of a law."""
        inventory = Inventory.of_nodes([node for e in expressions for node in walk(e)])
        return cls(columns=inventory.columns, symbols=assign(inventory, {}))

    # -- indices -------------------------------------------------------------------------------------------------

    @property
    def subscripted(self) -> bool:
        """Whether the default level carries its subscripts: there are several units, or several factors."""
        return self.units > 1 or len(self.columns) > 1

    def default_label(self, column: str) -> str:
        """The label of the default level of a column: i, then j, and so on."""
        if len(self.columns) <= 1:
            return DEFAULT
        return next(label for label in self.level_labels(column) if label not in self.named)

    def level_labels(self, column: str) -> Iterator[str]:
        """Labels for levels of a column, in order of preference."""
        position = self.columns.index(column) if column in self.columns else len(self.columns)
        return level_labels(position, max(len(self.columns), position + 1))

    @property
    def observation_label(self) -> str:
        """The label of an observation that a total runs over: j, or t where j is a level's."""
        return next(self.observation_labels())

    def observation_labels(self) -> Iterator[str]:
        """Labels for observations, in order of preference."""
        return observation_labels(len(self.columns))

    def label(self, label: str) -> Symbol:
        """An index: a letter, numbered perhaps; in sans serif when it is no letter, or a covariate's."""
        glyph = read_glyph(label)
        plain = re.fullmatch("[A-Za-z][0-9]*", label) is not None
        if not plain or any(s.glyph == glyph for (role, _), s in self.symbols.items() if role == "covariate"):
            glyph = Glyph("sans", label)
        return Symbol(glyph, label if plain and glyph.style != "sans" else f'"{label}"')

    # -- symbols -------------------------------------------------------------------------------------------------

    def get(self, role: str, name: str = "") -> Symbol:
        """The symbol of a thing; of one that the model does not have, its name in typewriter."""
        return self.symbols.get((role, name)) or Symbol(Glyph("code", name or role), quote(name or role))

    def letter(self, name: str) -> Symbol:
        """A free letter, kept apart from what the notation uses; without a model, the placeholder of a law."""
        if self.constant_on is None and (found := placeholder(name)) is not None:
            return found
        if ("letter", name) in self.symbols:
            return self.symbols["letter", name]
        words = set(WORDS) - {"RSS"}  # a statistic of that name is one: RSS beside RSS(1, x) is no clash
        used = {s.glyph for s in self.symbols.values()} | {Glyph("upright", w) for w in words}
        natural = () if name.isdigit() else (letter_glyph(name), Glyph("upright", name))
        glyph = next((g for g in natural if g not in used), Glyph("code", name + "'"))
        plain = plain_name(name)
        taken = plain in words or any(s.ascii == plain for s in self.symbols.values())
        return Symbol(glyph, f"{plain}'" if taken else plain)

    def factor(self, by: tuple[str, ...]) -> Symbol:
        """A factor's name, as a word."""
        return self.get("factor", join_factor(by))

    def effect(self, by: tuple[str, ...], coefficient: str = "1") -> Symbol:
        """The random effect of a factor: alpha, or alpha_x for the slope of x."""
        symbol = self.get("effect", join_factor(by))
        if coefficient.startswith(GOING_WITH):
            return self._coefficient(coefficient)[0]
        return symbol if coefficient == "1" else symbol.at(*self._coefficient(coefficient))

    def parameter(self, key: str) -> Symbol:
        """The symbol of a parameter's key."""
        parsed = read_key(key)
        if parsed.kind == "mean":
            return self.get("mean", key)
        inside = [self.noise()] if parsed.kind == "residual" else [self.get("effect", parsed.factor)]
        if parsed.kind == "residual" and parsed.factor.startswith("@"):
            inside = [self.noise(parsed.factor[1:])]
        elif parsed.kind == "residual" and parsed.factor:
            inside.append(Symbol(Glyph("upright", parsed.factor), parsed.factor))
        return self._component(parsed, inside, key)

    def _component(self, parsed: ParameterKey, whose: list[Symbol], key: str) -> Symbol:
        slopes = [s for c in parsed.coefficients for s in self._coefficient(c)]
        if set(parsed.coefficients) <= {"1"}:  # var(1|user) is sigma_alpha^2
            slopes = []
        if parsed.order == 2 and parsed.coefficients[:1] == ("1",):  # cov(1,x|user) is sigma_{alpha,x}
            slopes = slopes[1:]
        groups = tuple((s,) for s in whose) + ((tuple(slopes),) if slopes else ())
        if parsed.order == 2:
            base = self.get("variance")
            return Symbol(base.glyph, base.ascii, groups, square=not slopes, plain=key)
        base = self.get("cumulant")
        order = Symbol(Glyph("upright", str(parsed.order)), str(parsed.order))
        return Symbol(base.glyph, base.ascii, ((order,), *groups), plain=key)

    def _coefficient(self, key: str) -> tuple[Symbol, ...]:
        if key == "1":
            return (Symbol(Glyph("upright", "1"), "1"),)
        if key.startswith(GOING_WITH):
            return (self._of_covariate("xi", key.removeprefix(GOING_WITH)),)
        monomial = self.monomials.get(key)
        return (self.get("covariate", key),) if monomial is None else self.monomial(monomial)

    def noise(self, of: str = "") -> Symbol:
        """The residual of the response; or eta, that of a covariate that goes with an effect."""
        return self._of_covariate("eta", of) if of else self.get("noise")

    def _of_covariate(self, letter: str, name: str) -> Symbol:
        """A letter for a part of a random covariate, which says of which where there are several."""
        several = sum(role == "mean" and "@" in key for role, key in self.symbols) > 1
        symbol = self.letter(letter)
        return symbol.at(self.get("covariate", name)) if several else symbol

    def monomial(self, monomial: n.Monomial) -> tuple[Symbol, ...]:
        """A product of covariates, as the subscript of S_{x^2}."""
        return tuple(Symbol(s.glyph, s.ascii, power=p) for v, p in monomial for s in [self.covariate(v)])

    def covariate(self, variable: n.Variable) -> Symbol:
        """A covariate, without its index."""
        if variable.kind == "size":
            return self.size(split_factor(variable.name))
        return self.get("covariate", variable_key(variable))

    def size(self, by: tuple[str, ...]) -> Symbol:
        """The size of a level, without its index: N, of two columns N and M, of three L too; n of other cells."""
        if len(self.columns) <= 1:
            return self.get("size" if by else "grand size")
        own = SIZES[: len(self.columns)]
        position = self.columns.index(by[0]) if len(by) == 1 and by[0] in self.columns else len(own)
        return self.get(own[position] if position < len(own) else "grand size")

    def levels(self, by: tuple[str, ...]) -> Symbol:
        """The number of levels: r, or r_alpha when there are several factors."""
        name = join_factor(by)
        if len(self.columns) <= 1 and self.columns == by:
            return self.get("levels")
        return self.get("levels").at(self.symbols.get(("effect", name)) or self.factor(by))
