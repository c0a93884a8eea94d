"""Notation: which symbol stands for what. Built once from a model, shared by the printers, explained by `legend`.

No two things share a symbol. Structural letters (S, N, ...) are claimed first, then the letters that the model's
`symbols` ask for, then parameters, then covariates; whoever finds its letter taken is written as an upright word, and
as a typewriter word when that is taken too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from momentalg.expr import nodes as n
from momentalg.expr.keys import ParameterKey, monomial_key, read_key, split, variable_key
from momentalg.expr.names import join_factor, quote
from momentalg.expr.symbols import Glyph, Symbol, plain_name, read_glyph
from momentalg.expr.traversal import walk

_STRUCTURE = {  # what the letters of the design and the response are
    "response": "Y",
    "level total": "S",
    "total of squares": "T",
    "noise": "varepsilon",
    "variance": "sigma",
    "cumulant": "kappa",
    "delta": "delta",
    "levels": "r",
    "size": "N",
    "grand size": "n",
}
_WORDS = ("E", "Var", "Cov", "design", "observations", "tr", "RSS", "residual", "sum", "hat", "mean")
_EFFECTS = ("alpha", "beta", "gamma", "eta", "zeta", "xi", "nu", "omega", "tau", "rho", "phi", "psi")
LABELS = "ijklmpqstuvwabcdefgh"


class _Claims:
    """Hands out glyphs and their plain-text forms, each once."""

    def __init__(self) -> None:
        self.given: dict[tuple[str, str], Symbol] = {}
        self._glyphs: set[Glyph] = {Glyph("upright", w) for w in _WORDS}
        self._plain: set[str] = set(_WORDS)

    def claim(self, role: str, name: str, *wanted: Glyph, word: str = "", plain: str | None = None) -> None:
        """Give (role, name) the first free glyph of `wanted`, then the upright `word`, then the typewriter one."""
        if (role, name) in self.given:
            return
        word = word or name
        words = () if word.isdigit() else (Glyph("upright", word),)  # an upright 1 is the number
        glyph = next((g for g in (*wanted, *words) if g not in self._glyphs), Glyph("code", word))
        while glyph in self._glyphs:  # the same name in two roles: primes keep them apart
            glyph = Glyph("code", glyph.text + "'")
        ascii_ = glyph.text + glyph.number if plain is None else plain
        while ascii_ in self._plain:
            ascii_ = f"`{ascii_}`" if not ascii_.startswith("`") else f"{ascii_}'"
        self._glyphs.add(glyph)
        self._plain.add(ascii_)
        self.given[role, name] = Symbol(glyph, ascii_)


class _Column(Protocol):
    @property
    def key(self) -> str | None: ...
    @property
    def monomial(self) -> n.Monomial: ...


class _Block(Protocol):
    @property
    def factor(self) -> tuple[str, ...]: ...
    @property
    def coefficients(self) -> tuple[_Column, ...]: ...


class NamedModel(Protocol):
    """What a notation needs of a model: as `ResolvedModel` has it; expr is a layer before model."""

    @property
    def response(self) -> str: ...
    @property
    def mean(self) -> tuple[_Column, ...]: ...
    @property
    def groups(self) -> tuple[_Block, ...]: ...
    @property
    def columns(self) -> tuple[str, ...]: ...
    @property
    def constant_on(self) -> Mapping[n.Variable, tuple[str, ...]]: ...
    @property
    def symbols(self) -> Mapping[str, str]: ...


@dataclass(frozen=True)
class _Inventory:
    """What needs a symbol: found in a model, or in an expression that comes without one."""

    means: tuple[str, ...] = ()
    blocks: tuple[tuple[str, ...], ...] = ()
    columns: tuple[str, ...] = ()
    covariates: tuple[n.Variable, ...] = ()
    factors: tuple[tuple[str, ...], ...] = ()
    letters: tuple[str, ...] = ()
    structure: frozenset[str] = frozenset(_STRUCTURE)


@dataclass(frozen=True)
class Notation:
    """Symbols for the things of one model. `units`: how many levels a text speaks of; with two, all are subscripted."""

    columns: tuple[str, ...]  # label columns: the positions of level subscripts
    symbols: Mapping[tuple[str, str], Symbol]
    constant_on: Mapping[n.Variable, tuple[str, ...]] | None = None  # None: not known, there is no model
    monomials: Mapping[str, n.Monomial] = field(default_factory=lambda: MappingProxyType({}))  # of coefficients, by key
    response: str = ""
    units: int = 1

    @classmethod
    def of(cls, resolved: NamedModel, units: int = 1) -> Notation:
        """The notation of a model."""
        terms = [*resolved.mean, *(c for block in resolved.groups for c in block.coefficients)]
        variables = dict.fromkeys(v for term in terms for v, _ in term.monomial)
        variables.update(dict.fromkeys(resolved.constant_on))
        blocks = tuple(dict.fromkeys(block.factor for block in resolved.groups))
        inventory = _Inventory(
            means=tuple(c.key for c in resolved.mean if c.key is not None),
            blocks=blocks,
            columns=resolved.columns,
            covariates=tuple(v for v in variables if v.kind != "size"),
            factors=blocks,
        )
        return cls(
            columns=resolved.columns,
            symbols=MappingProxyType(_assign(inventory, resolved.symbols)),
            constant_on=resolved.constant_on,
            monomials=MappingProxyType({str(t.key): t.monomial for t in terms if t.key is not None}),
            response=resolved.response,
            units=units,
        )

    @classmethod
    def read_from(cls, *expressions: n.Node) -> Notation:
        """A notation for expressions that come without a model, such as the two sides of a law."""
        inventory = _inspect([node for e in expressions for node in walk(e)])
        return cls(columns=inventory.columns, symbols=MappingProxyType(_assign(inventory, {})))

    # -- indices -------------------------------------------------------------------------------------------------

    @property
    def subscripted(self) -> bool:
        """Whether the default level carries its subscripts: there are several units, or several factors."""
        return self.units > 1 or len(self.columns) > 1

    def default_label(self, column: str) -> str:
        """The label of the default level of a column: i, then j, and so on."""
        position = self.columns.index(column) if column in self.columns else len(self.columns)
        return LABELS[position] if position < len(LABELS) else f"i{position}"

    @property
    def observation_label(self) -> str:
        """The label of an observation that a total runs over: the letter after the levels'."""
        return LABELS[max(1, len(self.columns)) % len(LABELS)]

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
        """A free letter, kept apart from what the notation uses."""
        if ("letter", name) in self.symbols:
            return self.symbols["letter", name]
        used = {s.glyph for s in self.symbols.values()} | {Glyph("upright", w) for w in _WORDS}
        natural = () if name.isdigit() else (_letter_glyph(name), Glyph("upright", name))
        glyph = next((g for g in natural if g not in used), Glyph("code", name + "'"))
        plain = plain_name(name)
        taken = plain in _WORDS or any(s.ascii == plain for s in self.symbols.values())
        return Symbol(glyph, f"{plain}'" if taken else plain)

    def factor(self, by: tuple[str, ...]) -> Symbol:
        """A factor's name, as a word."""
        return self.get("factor", join_factor(by))

    def effect(self, by: tuple[str, ...], coefficient: str = "1") -> Symbol:
        """The random effect of a factor: alpha, or alpha_x for the slope of x."""
        symbol = self.get("effect", join_factor(by))
        return symbol if coefficient == "1" else symbol.at(*self._coefficient(coefficient))

    def parameter(self, key: str) -> Symbol:
        """The symbol of a parameter's key."""
        parsed = read_key(key)
        if parsed.kind == "mean":
            return self.get("mean", key)
        inside = [self.get("noise")] if parsed.kind == "residual" else [self.get("effect", parsed.factor)]
        if parsed.kind == "residual" and parsed.factor:
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
        monomial = self.monomials.get(key)
        return (self.get("covariate", key),) if monomial is None else self.monomial(monomial)

    def monomial(self, monomial: n.Monomial) -> tuple[Symbol, ...]:
        """A product of covariates, as the subscript of S_{x^2}."""
        return tuple(Symbol(s.glyph, s.ascii, power=p) for v, p in monomial for s in [self.covariate(v)])

    def covariate(self, variable: n.Variable) -> Symbol:
        """A covariate, without its index."""
        return self.get("size") if variable.kind == "size" else self.get("covariate", variable_key(variable))

    def levels(self, by: tuple[str, ...]) -> Symbol:
        """The number of levels: r, or r_alpha when there are several factors."""
        name = join_factor(by)
        if len(self.columns) <= 1 and self.columns == by:
            return self.get("levels")
        return self.get("levels").at(self.symbols.get(("effect", name)) or self.factor(by))


def _plain(variable: n.Variable) -> str:
    return plain_name(variable.name) if variable.kind == "column" else variable_key(variable)


def _letter_glyph(name: str) -> Glyph:
    """A letter's glyph; ``x1`` without an underscore is a word, so that two names never look alike."""
    glyph = read_glyph(name)
    return Glyph("upright", name) if glyph.number and "_" not in name else glyph


def _assign(inventory: _Inventory, overrides: Mapping[str, str]) -> dict[tuple[str, str], Symbol]:
    """Give everything in the inventory its symbol."""
    claims = _Claims()
    for role, letter in _STRUCTURE.items():
        if role in inventory.structure:
            claims.claim(role, "", read_glyph(letter), plain={"varepsilon": "epsilon"}.get(letter))
    for by in inventory.factors:
        claims.claim("factor", join_factor(by))
    wanted = {name: read_glyph(symbol) for name, symbol in overrides.items()}
    for by in inventory.blocks:
        if join_factor(by) in wanted:
            claims.claim("effect", join_factor(by), wanted[join_factor(by)])
    for variable in inventory.covariates:
        if variable.name in wanted and variable.kind == "column":
            key, plain = variable_key(variable), _plain(variable)
            claims.claim("covariate", key, wanted[variable.name], word=variable.name, plain=plain)
    for key, letter in _mean_letters(inventory).items():
        glyphs = [wanted[key]] if key in wanted else []
        plain = key if key == "Intercept" else f"beta({key})"
        claims.claim("mean", key, *glyphs, read_glyph(letter), plain=plain)
    for position, by in enumerate(inventory.blocks):
        letters = [e for e in _EFFECTS[min(position, 1) :] if e != "beta" or len(inventory.means) < 2]
        claims.claim("effect", join_factor(by), *map(read_glyph, letters))
    for variable in inventory.covariates:
        key, plain = variable_key(variable), _plain(variable)
        glyph = read_glyph(variable.name)
        natural = [glyph] if glyph.style == "italic" and "_" not in variable.name else []
        claims.claim("covariate", key, *natural, word=variable.name, plain=plain)
    for name in inventory.letters:
        claims.claim("letter", name, _letter_glyph(name), plain=plain_name(name))
    return claims.given


def _mean_letters(inventory: _Inventory) -> dict[str, str]:
    """Letters of the mean parameters, by one of three rules; `legend` tells which."""
    keys = inventory.means
    if keys == ("Intercept",):
        return {"Intercept": "mu"}
    if len(inventory.blocks) == 1 and keys == ("Intercept", f"size({join_factor(inventory.blocks[0])})"):
        return {keys[0]: "c_1", keys[1]: "c_2"}
    slopes = [key for key in keys if key != "Intercept"]
    letters = {key: f"beta_{position}" for position, key in enumerate(slopes, start=1)}
    return ({"Intercept": "beta_0"} if "Intercept" in keys else {}) | letters


def _inspect(nodes: list[n.Node]) -> _Inventory:
    """Find what a bare expression speaks of."""
    factors: dict[tuple[str, ...], None] = {}
    blocks: dict[tuple[str, ...], None] = {}
    covariates: dict[n.Variable, None] = {}
    means: dict[str, None] = {}
    structure = {"variance", "cumulant", "delta"}
    for node in nodes:
        structure |= _structure_of(node)
        for by in _factors_of(node):
            factors[by] = None
        if isinstance(node, n.Effect):
            blocks[node.by] = None
        elif isinstance(node, n.Value):
            covariates[node.variable] = None
        elif isinstance(node, n.Parameter):
            for key in (k for k in split(node.key, "*") if k and not k.isdigit()):
                parsed = read_key(key)
                if parsed.kind == "mean":
                    means[key] = None
                elif parsed.kind == "group":
                    blocks[_columns_of(parsed.factor)] = None
        for monomial in _monomials_of(node):
            covariates.update(dict.fromkeys(v for v, _ in monomial))
    everything = tuple(dict.fromkeys((*factors, *blocks)))
    return _Inventory(
        means=tuple(sorted(means, key=lambda key: key != "Intercept")),
        blocks=tuple(blocks),
        columns=tuple(dict.fromkeys(c for by in everything for c in by)),
        covariates=tuple(v for v in covariates if v.kind != "size"),
        factors=everything,
        letters=tuple(dict.fromkeys(node.name for node in nodes if isinstance(node, n.Letter))),
        structure=frozenset(structure),
    )


def _columns_of(factor: str) -> tuple[str, ...]:
    return tuple(p[1:-1].replace("``", "`") if p.startswith("`") else p for p in split(factor, ":"))


def _structure_of(node: n.Node) -> set[str]:
    """The structural letters that a node's printed form may use."""
    match node:
        case n.Total():
            return {"level total", "total of squares", "size", "grand size", "response"}
        case n.Size():
            return {"size", "grand size"}
        case n.Sum():
            return {"size", "grand size"}
        case n.Response() | n.Projected():
            return {"response"}
        case n.Noise():
            return {"noise"}
        case n.Levels() | n.Average():
            return {"levels"}
        case n.Value(variable=n.Variable(kind="size")):
            return {"size"}
        case n.Parameter():
            return {"noise"}
    return set()


def _factors_of(node: n.Node) -> Iterator[tuple[str, ...]]:
    if isinstance(node, n.Size | n.Total | n.Sum | n.Over | n.Levels | n.Effect) and node.by:
        yield node.by
    elif isinstance(node, n.LevelSum):
        yield tuple(dict.fromkeys(column for column, _ in node.levels))
    elif isinstance(node, n.Value) and node.variable.kind == "size":
        yield _columns_of(node.variable.name)
    elif isinstance(node, n.Projected | n.Trace):
        kernels = (node.kernel, node.of) if isinstance(node, n.Trace) else (node.kernel,)
        yield from (k for k in kernels if k)
        yield from (c for c in node.columns if c and isinstance(c[0], str))


def _monomials_of(node: n.Node) -> Iterable[n.Monomial]:
    if isinstance(node, n.Projected | n.Trace):
        return [c for c in node.columns if not c or not isinstance(c[0], str)]  # type: ignore[misc]
    return []


def legend(notation: Notation) -> tuple[tuple[n.Node, str, str], ...]:
    """What each symbol stands for: (node, key, meaning), parameters first, then the design."""
    means = [name for role, name in notation.symbols if role == "mean"]
    rows: list[tuple[n.Node, str, str]] = [(n.Parameter(key), key, _mean_meaning(key, means)) for key in means]
    for role, name in notation.symbols:
        if role == "effect":
            by = _columns_of(name)
            key = f"var(1|{name})"
            rows.append((n.Effect(by), name, f"random effect of {name}"))
            rows.append((n.Parameter(key), key, f"variance of the random effect of {name}"))
    rows.append((n.Noise("j"), "residual", "residual of an observation"))
    rows.append((n.Parameter("var(residual)"), "var(residual)", "variance of the residuals"))
    rows.append((n.Response("j"), notation.response or "response", "response of an observation"))
    for by in [_columns_of(name) for role, name in notation.symbols if role == "effect"]:
        name = join_factor(by)
        rows.append((n.Size(by), f"size({name})", f"number of observations in a level of {name}"))
        response = f"total of the response over a level of {name}"
        rows.append((n.Total(n.Response(), by), f"total(response|{name})", response))
        squares = f"total of the squared response over a level of {name}"
        rows.append((n.Total(n.power(n.Response(), 2), by), f"total(response^2|{name})", squares))
        rows.append((n.Levels(by), f"levels({name})", f"number of levels of {name}"))
    rows.append((n.Size(()), "size()", "number of observations"))
    for variable in [v for v in _variables(notation) if v.kind != "size"]:
        on = (notation.constant_on or {}).get(variable)
        where = f"constant within {join_factor(on)}" if on else "by observation"
        rows.append((n.Value(variable), monomial_key(((variable, 1),)), f"covariate, {where}"))
    return tuple(rows)


def _variables(notation: Notation) -> Iterator[n.Variable]:
    found = dict.fromkeys(v for monomial in notation.monomials.values() for v, _ in monomial)
    found.update(dict.fromkeys(notation.constant_on or {}))
    yield from found


def _mean_meaning(key: str, means: list[str]) -> str:
    if means == ["Intercept"]:
        return "overall mean"
    meaning = "intercept" if key == "Intercept" else f"coefficient of {key}"
    line = means[0] == "Intercept" and len(means) == 2 and means[1].startswith("size(")
    return f"{meaning}; the mean is a line in the group size" if line else meaning
