"""Who gets which letter: everything that a notation must name claims a symbol, and no two get the same.

Structural letters (S, N, ...) are claimed first, then the letters that the model's `symbols` ask for, then parameters,
then covariates; whoever finds its letter taken is written as an upright word, and as a typewriter word when that is
taken too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from momentalg.expr import nodes as n
from momentalg.expr.inventory import STRUCTURE, Inventory
from momentalg.expr.keys import variable_key
from momentalg.expr.names import join_factor, split_factor
from momentalg.expr.symbols import Glyph, Symbol, plain_name, read_glyph

WORDS = ("E", "Var", "Cov", "design", "observations", "tr", "RSS", "residual", "sum", "hat", "mean")
_EFFECTS = ("alpha", "beta", "gamma", "eta", "zeta", "xi", "nu", "omega", "tau", "rho", "phi", "psi")


class _Claims:
    """Hands out glyphs and their plain-text forms, each once."""

    def __init__(self) -> None:
        self.given: dict[tuple[str, str], Symbol] = {}
        self._glyphs: set[Glyph] = {Glyph("upright", w) for w in WORDS}
        self._plain: set[str] = set(WORDS)

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

    def combine(self, role: str, name: str, parts: Sequence[tuple[str, str]]) -> None:
        """Give (role, name) the symbols of its parts side by side; they are no one else's."""
        if (role, name) in self.given:
            return
        symbols = [self.given[part] for part in parts]
        first, *others = (Glyph(s.glyph.style, s.glyph.text + s.glyph.number) for s in symbols)
        ascii_ = f"({' '.join(s.ascii for s in symbols)})"
        self.given[role, name] = Symbol(first, ascii_, beside=tuple(others))


def assign(inventory: Inventory, overrides: Mapping[str, str]) -> dict[tuple[str, str], Symbol]:
    """Give everything in the inventory its symbol."""
    claims = _Claims()
    for role, letter in STRUCTURE.items():
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
    crossed = [by for by in inventory.blocks if _is_interaction(by, inventory.blocks)]
    for position, by in enumerate(by for by in inventory.blocks if by not in crossed):
        letters = [e for e in _EFFECTS[min(position, 1) :] if e != "beta" or len(inventory.means) < 2]
        claims.claim("effect", join_factor(by), *map(read_glyph, letters))
    for by in crossed:
        claims.combine("effect", join_factor(by), [("effect", join_factor((column,))) for column in by])
    for variable in inventory.covariates:
        key, plain = variable_key(variable), _plain(variable)
        glyph = read_glyph(variable.name)
        natural = [glyph] if glyph.style == "italic" and "_" not in variable.name else []
        if variable.kind == "law":
            claims.claim("covariate", key, _law_letter(variable, inventory.columns), word=variable.name)
            continue
        claims.claim("covariate", key, *natural, word=variable.name, plain=plain)
    for name in inventory.letters:
        claims.claim("letter", name, letter_glyph(name), plain=plain_name(name))
    return claims.given


def _is_interaction(by: tuple[str, ...], blocks: Sequence[tuple[str, ...]]) -> bool:
    """Whether a factor combines factors that have effects of their own; of a nested one no column has all by itself."""
    return len(by) > 1 and all((column,) in blocks for column in by)


def _mean_letters(inventory: Inventory) -> dict[str, str]:
    """Letters of the mean parameters, by one of three rules; `legend` tells which."""
    keys = inventory.means
    if keys == ("Intercept",):
        return {"Intercept": "mu"}
    if len(inventory.blocks) == 1 and keys == ("Intercept", f"size({join_factor(inventory.blocks[0])})"):
        return {keys[0]: "c_1", keys[1]: "c_2"}
    slopes = [key for key in keys if key != "Intercept"]
    letters = {key: f"beta_{position}" for position, key in enumerate(slopes, start=1)}
    return ({"Intercept": "beta_0"} if "Intercept" in keys else {}) | letters


def _law_letter(variable: n.Variable, columns: Sequence[str]) -> Glyph:
    """Of the constants of a random design: p_i and q_j for the probabilities of labels, J for a number of subgroups."""
    kind, _, inside = variable.name.rstrip(")").partition("(")
    of = split_factor(inside)
    if kind == "levels":
        return read_glyph("J")
    if len(of) > 1 or of[0] not in columns:
        return read_glyph("pi")
    position = columns.index(of[0])
    return read_glyph("pqs"[position] if position < 3 else f"q_{position}")


def _plain(variable: n.Variable) -> str:
    return plain_name(variable.name) if variable.kind == "column" else variable_key(variable)


def letter_glyph(name: str) -> Glyph:
    """A letter's glyph; ``x1`` without an underscore is a word, so that two names never look alike."""
    glyph = read_glyph(name)
    return Glyph("upright", name) if glyph.number and "_" not in name else glyph
