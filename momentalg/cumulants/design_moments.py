"""Moments of the design of one unit: letters, their joint cumulants, and what independence makes of them.

A *letter* is a design variable of a unit: its size N, a level-constant covariate, a total of observation covariates, an
effect that is conditioned on, or a conditional moment of these. Units are i.i.d., so letters of different units are
independent; within a unit nothing is, unless it is declared. Joint cumulants of products are split by the law of total
cumulance over independent blocks,

    kappa(a_1 b_1, ..., a_k b_k) = sum over partitions of prod_B kappa(a_B)  *  kappa(b_B : B),

which prints E[X] Var(N) where X is independent of N. What cannot be split stays joint: E[N X] is never E[N] E[X].
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from momentalg.cumulants.design_symbols import COUNT as COUNT
from momentalg.cumulants.design_symbols import NONEMPTY as NONEMPTY
from momentalg.cumulants.design_symbols import WITHIN as WITHIN
from momentalg.cumulants.design_symbols import Known as Known
from momentalg.cumulants.design_symbols import Letter as Letter
from momentalg.cumulants.design_symbols import Letters as Letters
from momentalg.cumulants.design_symbols import Moment as Moment
from momentalg.cumulants.incidence import Totals, joint_cumulant
from momentalg.cumulants.level_weights import WEIGHT
from momentalg.cumulants.partitions import counted_partitions, set_partitions
from momentalg.cumulants.polynomial import ONE, Polynomial
from momentalg.cumulants.terms import DEFAULT, OBSERVATION, SIZE, Entry, Level, What, cell_of
from momentalg.cumulants.totals import DesignTotal, single
from momentalg.expr.names import join_factor
from momentalg.expr.nodes import Value, Variable
from momentalg.expr.traversal import walk
from momentalg.model.resolved import ResolvedModel


def effect_variable(block: int, coefficient: int, model: ResolvedModel) -> Variable:
    """The variable that stands for an effect that is conditioned on."""
    group = model.groups[block]
    return Variable("effect", f"{block}:{coefficient}:{group.name}")


def is_effect(what: What) -> bool:
    """Whether a letter is an effect."""
    return bool(what.monomial) and what.monomial[0][0].kind == "effect"


def bases(variable: Variable, model: ResolvedModel) -> frozenset[Variable]:
    """The variables that a covariate is a function of."""
    definition = model.definitions.get(variable)
    if definition is None:
        return frozenset({variable})
    found = {v for node in walk(definition) if isinstance(node, Value) for v in bases(node.variable, model)}
    return frozenset(found)


def size_variable(model: ResolvedModel) -> Variable:
    """The size of a unit, as a variable."""
    return Variable("size", join_factor(model.unit))


def size_of(columns: Iterable[str], model: ResolvedModel) -> Variable:
    """The sizes that determine how many observations the cells of these columns have: of the coarsest such factor."""
    finer = [f for f in model.factors if set(columns) <= model.closure(f)]
    return Variable("size", join_factor(min(finer, key=lambda f: len(model.closure(f)), default=tuple(columns))))


def variables(what: What, model: ResolvedModel) -> frozenset[Variable]:
    """The variables that determine a letter."""
    if what.kind == "moment":
        return frozenset(what.detail.given)
    if what.kind == COUNT:
        return frozenset({Variable("size", join_factor(what.detail))})
    if what.kind == WITHIN:
        return frozenset(v for e in what.detail.entries for v in entry_variables(e, model))
    if what.kind == WEIGHT:
        totals = [s for s in what.detail.symbols() if isinstance(s, DesignTotal)]
        return frozenset(v for total in totals for e in total.entries for v in entry_variables(e, model))
    found = {v for variable, _ in what.monomial for v in bases(variable, model)}
    if what.kind in ("total", "nonempty"):
        found.add(size_variable(model))
    return frozenset(found)


def entry_variables(entry: Entry, model: ResolvedModel) -> frozenset[Variable]:
    """The variables that determine an entry on a cell of a unit."""
    columns = tuple(level.column for level in entry.cell if level.column != OBSERVATION)
    found = variables(entry.what, model)
    if set(columns) == set(model.unit) or entry.what.kind not in ("total", "nonempty"):
        return found
    return (found - {size_variable(model)}) | {size_of(columns, model)}


def close(known: Iterable[Variable], model: ResolvedModel) -> Known:
    """Knowing a covariate of every observation of a unit is knowing how many observations there are.

    Knowing the sizes of subgroups is knowing those of the groups that they lie in.
    """
    closed = {v for variable in known for v in bases(variable, model)}
    sizes = {Variable("size", join_factor(f)): f for f in model.factors}
    if any(v.kind == "column" and v not in model.constant_on for v in closed):
        closed.update(sizes)
    for inner in [sizes[v] for v in closed if v in sizes]:
        closed.update(v for v, outer in sizes.items() if model.is_nested(inner, outer))
    return frozenset(closed)


def is_zero_when_empty(what: What, power: int) -> bool:
    """Whether a letter to a power is zero for an empty unit: a total is, and a sum of totals within the unit."""
    if what.kind == WITHIN:
        return power > 0 and any(is_zero_when_empty(e.what, e.power) for e in what.detail.entries)
    return what.kind == "total" and power > 0


def multiply_letters(parts: Iterable[Letters]) -> Letters:
    """The product of letter monomials; the indicator of a non-empty unit is its own square, and N^p implies it."""
    powers: dict[Letter, int] = {}
    for part in parts:
        for letter, power in part:
            powers[letter] = powers.get(letter, 0) + power
    for letter in [x for x in powers if x.what == NONEMPTY]:
        implied = any(x.unit == letter.unit and is_zero_when_empty(x.what, p) for x, p in powers.items())
        powers[letter] = 0 if implied else 1
    return frozenset((x, p) for x, p in powers.items() if p)


def cumulant_of_letters(products: Sequence[Letters], known: Known, model: ResolvedModel) -> Polynomial:
    """The joint cumulant of products of letters given `known`, in letters that are known and in design moments."""
    outside = ONE
    inside: list[Letters] = []
    for product in products:
        fixed = frozenset((x, p) for x, p in product if variables(x.what, model) <= known)
        for letter, power in fixed:
            outside = outside * Polynomial.symbol(letter, power)
        inside.append(product - fixed)
    return outside * _split(tuple(inside), known, model)


def _split(products: tuple[Letters, ...], known: Known, model: ResolvedModel) -> Polynomial:
    """The joint cumulant of products of unknown letters, split over independent blocks."""
    if any(not product for product in products):
        return ONE if len(products) == 1 else Polynomial()
    blocks = independent_blocks({x for product in products for x, _ in product}, model)
    if len(blocks) == 1:
        return _joint(products, known, model)
    first = blocks[0]
    here = [frozenset(pair for pair in product if pair[0] in first) for product in products]
    rest = [product - part for product, part in zip(products, here, strict=True)]
    result = Polynomial()
    for partition in set_partitions(len(products)):
        value = _split(tuple(multiply_letters(rest[n] for n in block) for block in partition), known, model)
        for block in partition:
            if not value:
                break
            value = value * _split(tuple(here[n] for n in block), known, model)
        result = result + value
    return result


def independent_blocks(letters: set[Letter], model: ResolvedModel) -> list[set[Letter]]:
    """Split letters into independent blocks: by unit, effects from design, and by declaration."""
    blocks: dict[tuple[str, str], set[Letter]] = {}
    for letter in letters:
        kind = letter.what.monomial[0][0].name.split(":")[0] if is_effect(letter.what) else ""
        blocks.setdefault((str(letter.unit), kind), set()).add(letter)
    result = []
    for key in sorted(blocks, key=repr):
        block = blocks[key]
        result.extend([block] if key[1] else _declared(block, model))
    return result


def _declared(block: set[Letter], model: ResolvedModel) -> list[set[Letter]]:
    """Split design letters of a unit when a declaration covers all their variables."""
    involved = {x: variables(x.what, model) for x in block}
    everything = frozenset().union(*involved.values())
    if not any(everything <= set(fact.variables) for fact in model.independent):
        return [block]
    parts: list[tuple[set[Variable], set[Letter]]] = []
    for letter in sorted(block, key=repr):
        mine: tuple[set[Variable], set[Letter]] = (set(involved[letter]), {letter})
        apart = []
        for part in parts:
            if part[0] & mine[0]:
                mine = (mine[0] | part[0], mine[1] | part[1])
            else:
                apart.append(part)
        parts = [*apart, mine]
    return [part[1] for part in parts]


def _joint(products: tuple[Letters, ...], known: Known, model: ResolvedModel) -> Polynomial:
    """A cumulant that cannot be split: of effects in terms of their cumulants, of design variables a named moment."""
    letters = {x for product in products for x, _ in product}
    some = next(iter(letters))
    if is_effect(some.what):
        return _effect_cumulant(products, model)
    arguments = tuple(sorted(_anonymous(product) for product in products))
    involved = frozenset().union(*(variables(x.what, model) for x in letters))
    given = frozenset(v for v in known if v.kind != "effect")
    if any(involved | given <= set(fact.variables) for fact in model.independent) and not involved & given:
        given = frozenset()
    if model.incidence is not None and model.has_unit and not given:
        totals = [t for t in (_totals(product, model) for product in products) if t is not None]
        if len(totals) == len(products):
            return joint_cumulant(totals, model.incidence, frozenset())
    moment = Moment(arguments, tuple(sorted(given)))
    if not given:
        return Polynomial.symbol(moment)
    return Polynomial.symbol(Letter(some.unit, "", What("moment", (), moment)))


def _totals(product: Letters, model: ResolvedModel) -> Totals | None:
    """A product of sizes of a unit, and of sums of such within it, as design totals; None where it is of more."""
    unit = cell_of({c: Level(c, DEFAULT) for c in model.unit})
    totals = frozenset((x.what.detail if x.what.kind == WITHIN else single(unit, x.what), p) for x, p in product)
    sizes = all(p > 0 and e.what == SIZE and e.power > 0 for total, p in totals for e in total.entries)
    return totals if sizes else None


def _anonymous(product: Letters) -> tuple[tuple[tuple[str, What], int], ...]:
    return tuple(sorted((((x.observation, x.what), p) for x, p in product), key=repr))


def _effect_cumulant(products: tuple[Letters, ...], model: ResolvedModel) -> Polynomial:
    """kappa of products of zero-mean effects of one block, by indecomposable partitions without singletons."""
    draws: list[int] = []
    group: list[int] = []
    block = 0
    for n, product in enumerate(products):
        for letter, power in sorted(product, key=repr):
            number, coefficient = letter.what.monomial[0][0].name.split(":")[:2]
            block = int(number)
            draws += [int(coefficient)] * power
            group += [n] * power
    columns = model.groups[block].coefficients
    terms = []
    for number_of, partition in counted_partitions(draws, group, len(products)):
        if min(len(b) for b in partition) < 2:
            continue
        powers: dict[object, int] = {}
        for b in partition:
            key = model.cumulant_key(model.groups[block], tuple(str(columns[draws[d]].key) for d in b))
            powers[key] = powers.get(key, 0) + 1
        terms.append((frozenset(powers.items()), Fraction(number_of)))
    return Polynomial(terms)
