"""Bounds of results: dear design totals replaced by cheap ones, by named inequalities, from above or from below."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from momentalg.cumulants.cost import Cost, cost
from momentalg.cumulants.display import symbol_node, to_node
from momentalg.cumulants.letters import from_letters
from momentalg.cumulants.level_names import with_letters
from momentalg.cumulants.polynomial import Polynomial, Powers, times
from momentalg.cumulants.totals import DesignTotal
from momentalg.derive.step import rule_named
from momentalg.derive.whatif import WhatIf
from momentalg.errors import ModelError, UnsupportedError
from momentalg.expr.nodes import Cumulant, Node
from momentalg.model.resolved import ResolvedModel
from momentalg.rules.bounding import has_known_sign, is_dear, simplest
from momentalg.rules.cauchy_schwarz import cauchy_schwarz
from momentalg.rules.cell_in_margin import cell_in_margin
from momentalg.rules.coincident_levels import coincident_levels
from momentalg.rules.row_over_cell import row_over_cell

if TYPE_CHECKING:
    from momentalg.derive.derivation import Derivation

SIGNS = {"upper": "<=", "lower": ">="}
UPPER = {"cauchy_schwarz": cauchy_schwarz, "cell_in_margin": cell_in_margin}
LOWER = {"coincident_levels": coincident_levels, "row_over_cell": row_over_cell}


@dataclass(frozen=True)
class Replacement:
    """A dear design total, what stands in its place, and the law that compares them: total <= by, or total >= by."""

    total: Node
    by: Node
    sign: str
    rule: str

    @property
    def title(self) -> str:
        """The law in words."""
        return rule_named(self.rule).title


@dataclass(frozen=True, repr=False)
class Bound:
    """A bound of a result that is linear in the cells, with the totals that it replaces; `gap` is what it gives away.

    It holds for every design, and for all variances and means; `sign` is ``"<="`` for an upper bound of what is asked.
    """

    base: Derivation | WhatIf
    direction: str
    polynomial: Polynomial
    replaced: tuple[Replacement, ...]

    @property
    def derivation(self) -> Derivation:
        """The exact derivation."""
        return self.base.derivation if isinstance(self.base, WhatIf) else self.base

    @property
    def asked(self) -> Cumulant:
        """The moment that is bounded."""
        return self.derivation.asked

    @property
    def sign(self) -> str:
        """How the moment compares with the bound."""
        return SIGNS[self.direction]

    @property
    def node(self) -> Node:
        """The bound."""
        return to_node(self.polynomial, self._model)

    @cached_property
    def result(self) -> Any:
        """The bound as a SymPy expression."""
        from momentalg.expr.sympy_door import to_sympy

        return to_sympy(with_letters(self.node, self._model))

    @property
    def gap(self) -> Node:
        """The bound minus the exact result: not negative for an upper bound."""
        return to_node(self.polynomial - from_letters(self.base.polynomial, self._model), self._model)

    @property
    def cost(self) -> Cost:
        """What the bound costs to compute."""
        return cost(self.polynomial)

    @property
    def _model(self) -> ResolvedModel:
        return self.derivation.model.resolved

    def evaluate(self, *, parameters: Mapping[str, Any], data: Any, at: Mapping[str, Any] | None = None) -> Any:
        """The number that the bound takes on the design of `data`; see `Derivation.evaluate`."""
        return replace(self.derivation, polynomial=self.polynomial).evaluate(parameters=parameters, data=data, at=at)

    def _repr_latex_(self) -> str:
        from momentalg.expr.latex import latex

        _, notation = self.derivation.reading()
        sign = {"<=": r"\le", ">=": r"\ge"}[self.sign]
        return f"$\\displaystyle {latex(self.asked, notation)} {sign} {latex(self.node, notation)}$"

    def __repr__(self) -> str:
        from momentalg.expr.text import text

        _, notation = self.derivation.reading()
        why = [f"{text(r.total, notation)} {r.sign} {text(r.by, notation)}: {r.title}" for r in self.replaced]
        settings = self.base.settings if isinstance(self.base, WhatIf) else ()
        said = "; ".join([*settings, *why])
        return f"<Bound {text(self.asked, notation)} {self.sign} {text(self.node, notation)}{said and '; ' + said}>"


def bounded(base: Derivation | WhatIf, direction: str) -> Bound:
    """Replace every dear design total of a result so that the whole is a bound in this direction.

    Raises `UnsupportedError` for a dear total that no law bounds, or that stands with what may be negative.
    """
    if direction not in SIGNS:
        raise ModelError(f'a bound is "upper" or "lower"; found {direction!r}')
    model = (base.derivation if isinstance(base, WhatIf) else base).model.resolved
    found: list[tuple[Powers, Fraction]] = []
    replaced: dict[Replacement, None] = {}
    for monomial, number in from_letters(base.polynomial, model).terms.items():
        kept, new = [], frozenset[tuple[object, int]]()
        if any(is_dear(s) for s, _ in monomial) and not has_known_sign(monomial):
            raise UnsupportedError(_unknown_sign(monomial, model))
        for symbol, power in monomial:
            if not isinstance(symbol, DesignTotal) or not is_dear(symbol):
                kept.append((symbol, power))
                continue
            above = (number > 0) == (direction == "upper")
            rule, by = next(_bounds(symbol, power, above, model), ("", None))
            if by is None:
                total = symbol_node(symbol, model)
                raise UnsupportedError(f"no law gives a cheap {'upper' if above else 'lower'} bound of {total}")
            one = to_node(Polynomial({by: Fraction(1)}), model)
            replaced[Replacement(symbol_node(symbol, model), one, SIGNS["upper" if above else "lower"], rule)] = None
            for _ in range(power):
                new = times(new, by)
        found.append((times(frozenset(kept), new), number))
    return Bound(base, direction, Polynomial(found), tuple(replaced))


def _bounds(total: DesignTotal, power: int, above: bool, model: ResolvedModel) -> Iterator[tuple[str, Powers]]:
    for rule, law in (UPPER if above else LOWER).items():
        by = simplest(law, total, model) if power > 0 else None
        if by is not None:
            yield rule, by


def _unknown_sign(monomial: Powers, model: ResolvedModel) -> str:
    shown = to_node(Polynomial({monomial: Fraction(1)}), model)
    return (
        f"{shown} is dear, and may be negative or positive, so that nothing can be put in its place: "
        "cumulants beyond the second and covariances have any sign. Under normal effects, .assuming(normal=True), "
        "the first are zero"
    )
