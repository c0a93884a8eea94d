"""Fixed factors: terms with a factor become indicator columns, one for each level but the reference.

``drug[b]`` is 1 at the observations of level b of drug, else 0. A factor has contrasts with its first level, the
reference, where the rest of its term is in the model already, and an indicator of each level where it is not: the
columns span what R's do, and none is there twice. While the levels are not known, a term stands for one value a level:
a variable of kind "fixed", constant on the levels of its factors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, permutations, product

from momentalg.errors import ModelError, UnsupportedError
from momentalg.expr.monomials import multiply_monomials
from momentalg.expr.nodes import Label, Monomial, Node, Variable
from momentalg.model.expansion import Expanded
from momentalg.model.formula import parse_key
from momentalg.model.functions import term_key, term_of, variables_of
from momentalg.model.resolved import Column, GroupBlock, label_text, level_indicator

Levels = tuple[Label, ...]
Fixed = dict[str, Levels | None]
"""The fixed factors of a model by column, with their levels, the reference first; None: not known."""


def declared(given: object, argument: str = "fixed") -> Fixed:
    """Read ``fixed={"drug": ["a", "b", "c"]}``, ``fixed=["drug"]`` or ``fixed="drug"``."""
    if given is None:
        return {}
    pairs = given.items() if isinstance(given, Mapping) else [(name, None) for name in _names(given, argument)]
    return {
        _name(name, argument): None if levels is None else _levels(str(name), levels, argument)
        for name, levels in pairs
    }


def fixed_columns(expanded: Expanded, fixed: Fixed) -> Fixed:
    """All fixed factors of a model, those written ``C(drug)`` included."""
    found = dict(fixed)
    for variable in _variables(expanded):
        if variable.kind == "factor":
            found.setdefault(variable.name, None)
    used = {v.name for v in _variables(expanded) if _is_factor(v, found)}
    for name in found:
        if name not in used:
            raise ModelError(f"fixed= names {name!r}, which is no common term of the formula; add it, as in y ~ {name}")
    for variable, node in expanded.definitions.items():
        for part in variables_of(node):
            if part.kind == "column" and part.name in found:
                raise ModelError(f"{variable.name} computes with {part.name!r}, a fixed factor, which has no numbers")
    return found


def coded(expanded: Expanded, fixed: Fixed) -> Expanded:
    """The formula with every fixed factor written out: columns of indicators, or of values a level."""
    return _Writing(fixed, dict(expanded.definitions)).formula(expanded)


def factors_of(value: Variable) -> tuple[str, ...]:
    """The columns of the factors that a value of kind "fixed" is the value of a level of."""
    monomial = term_of(parse_key(value.name), value.name, {})
    return tuple(v.name for v, _ in monomial if v.kind == "factor")


@dataclass(frozen=True)
class Term:
    """A term taken apart: its fixed factors, and the covariates that they are crossed with."""

    factors: frozenset[str]
    numeric: Monomial


@dataclass(frozen=True)
class Coding:
    """Which factors of a term have an indicator for each level but the first, and which one for each."""

    contrasts: frozenset[str]
    full: frozenset[str] = frozenset()


def contrasts(terms: Iterable[Term]) -> dict[Term, list[Coding]]:
    """The codings of terms, without columns that terms of lower order span already.

    A fully coded a:b spans the constant and the contrasts of a, of b, and of both. Those that the model has are left
    out, and of the rest one that differs by a single factor makes that factor's coding full.
    """
    spanned: set[Term] = set()
    found: dict[Term, list[Coding]] = {}
    for term in sorted(terms, key=lambda t: len(t.factors)):
        names = sorted(term.factors)
        subsets = [frozenset(some) for size in range(len(names) + 1) for some in combinations(names, size)]
        fresh = [Coding(some) for some in subsets if Term(some, term.numeric) not in spanned]
        spanned.update(Term(some, term.numeric) for some in subsets)
        found[term] = _joined(fresh)
    return found


def _joined(codings: list[Coding]) -> list[Coding]:
    """Contrasts without and with a factor, put together: the factor's indicators, one for each level."""
    for one, other in permutations(codings, 2):
        more = other.contrasts - one.contrasts
        if one.full == other.full and one.contrasts < other.contrasts and len(more) == 1:
            joined = Coding(one.contrasts, one.full | more)
            return _joined([joined if c == other else c for c in codings if c != one])
    return codings


@dataclass(frozen=True)
class _Writing:
    """One formula being written out; indicators are entered in `definitions` as they are met."""

    fixed: Fixed
    definitions: dict[Variable, Node]

    def formula(self, expanded: Expanded) -> Expanded:
        for column in expanded.mean:
            if column.key is None and self.term(column.monomial).factors:
                raise UnsupportedError("an offset has no fixed factor: make a numeric column of it")
        mean = tuple(self.columns(expanded.mean, "Intercept"))
        groups = tuple(self.block(block) for block in expanded.groups)
        return replace(expanded, mean=mean, groups=groups, definitions=self.definitions)

    def block(self, block: GroupBlock) -> GroupBlock:
        for column in block.coefficients:
            for name in self.term(column.monomial).factors:
                if self.fixed[name] is None:
                    raise UnsupportedError(
                        f"slopes of the fixed factor {name!r} need its levels: declare fixed={{{name!r}: [...]}}"
                    )
        return GroupBlock(block.factor, tuple(self.columns(block.coefficients, "1")))

    def columns(self, columns: Sequence[Column], intercept: str) -> Iterator[Column]:
        """Each column, or those that its fixed factors stand for."""
        terms = [self.term(c.monomial) for c in columns if c.key is not None]
        _require_distinct(terms)
        codings = contrasts([t for t in terms if all(self.fixed[name] is not None for name in t.factors)])
        for column in columns:
            term = self.term(column.monomial)
            if not term.factors:
                yield column if column.monomial or column.key is None else Column(intercept)
            elif term not in codings:
                yield self.value(column.monomial, term)
            else:
                for coding in codings[term]:
                    yield from self.indicators(column.monomial, term, coding)

    def indicators(self, monomial: Monomial, term: Term, coding: Coding) -> Iterator[Column]:
        """The products of one indicator of each factor; the first factor's level changes fastest."""
        levels = []
        for name in (v.name for v, _ in monomial if _is_factor(v, self.fixed)):
            if name in coding.contrasts | coding.full:
                all_levels = self.fixed[name] or ()
                levels.append([self.define(name, x) for x in (all_levels if name in coding.full else all_levels[1:])])
        for picked in product(*reversed(levels)):
            found = multiply_monomials(term.numeric, *(((v, 1),) for v in picked))
            yield Column(term_key(found), found)

    def define(self, name: str, label: Label) -> Variable:
        variable, definition = level_indicator(name, label)
        self.definitions[variable] = definition
        return variable

    def value(self, monomial: Monomial, term: Term) -> Column:
        """The column of a term whose factor has no known levels: its value at the level."""
        shown = tuple(sorted((Variable("factor", v.name) if _is_factor(v, self.fixed) else v, p) for v, p in monomial))
        variable = Variable("fixed", term_key(shown))
        return Column(None, multiply_monomials(term.numeric, ((variable, 1),)))

    def term(self, monomial: Monomial) -> Term:
        factors = frozenset(v.name for v, _ in monomial if _is_factor(v, self.fixed))
        for variable, power in monomial:
            if power != 1 and _is_factor(variable, self.fixed):
                raise ModelError(f"{variable.name!r} is a fixed factor; it has no powers")
        return Term(factors, tuple((v, p) for v, p in monomial if not _is_factor(v, self.fixed)))


def _is_factor(variable: Variable, fixed: Mapping[str, Levels | None]) -> bool:
    return variable.kind == "factor" or (variable.kind == "column" and variable.name in fixed)


def _variables(expanded: Expanded) -> Iterator[Variable]:
    for column in (*expanded.mean, *(c for block in expanded.groups for c in block.coefficients)):
        yield from (v for v, _ in column.monomial)


def _require_distinct(terms: Iterable[Term]) -> None:
    seen: set[Term] = set()
    for term in terms:
        if term in seen and term.factors:
            name = ":".join(sorted(term.factors))
            raise ModelError(f"the fixed factor {name!r} is there twice, as a column and as C(); write it once")
        seen.add(term)


def _names(given: object, argument: str) -> list[object]:
    if isinstance(given, str):
        return [given]
    if isinstance(given, Iterable):
        return list(given)
    raise ModelError(
        f"{argument}= names columns, ['drug'], or gives their levels, {{'drug': ['a', 'b']}}; found {given!r}"
    )


def _name(name: object, argument: str) -> str:
    if not isinstance(name, str) or not name:
        raise ModelError(f"{argument}= names columns, each a non-empty text; found {name!r}")
    return name


def _levels(name: str, levels: object, argument: str) -> Levels:
    """The levels, the reference first: two or more different texts or numbers."""
    if isinstance(levels, str) or not isinstance(levels, Iterable):
        raise ModelError(f"{argument}={{{name!r}: ...}} takes a list of the levels; found {levels!r}")
    found = tuple(plain_label(label) for label in levels)
    if len(found) < 2:
        raise ModelError(f"{argument}= gives {name!r} {len(found)} level; it has to have two or more")
    texts = [label_text(label) for label in found]
    if len(set(found)) < len(found) or len(set(texts)) < len(texts):
        raise ModelError(f"the levels of {name!r} are not all different: {', '.join(map(str, found))}")
    return found


def plain_label(label: object) -> Label:
    """A label as plain Python has it; NumPy's numbers and texts are unwrapped."""
    plain = label.item() if hasattr(label, "item") else label
    if not isinstance(plain, (str, int, float)) or plain != plain:
        raise ModelError(f"a level of a fixed factor is a text or a number; found {label!r}")
    return plain
