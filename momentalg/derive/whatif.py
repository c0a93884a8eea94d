"""What if: substitutions into the result of a derivation, each named, none part of the derivation itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from momentalg.cumulants.design_moments import Moment
from momentalg.cumulants.display import parameter_rank, to_node
from momentalg.cumulants.evaluate import powers_by_key
from momentalg.cumulants.letters import from_letters
from momentalg.cumulants.level_names import with_letters
from momentalg.cumulants.polynomial import Polynomial
from momentalg.cumulants.raw_moments import raw
from momentalg.derive.balance import balanced as balanced_design
from momentalg.derive.balance import description
from momentalg.derive.step import Chain, Step
from momentalg.errors import ModelError, UnsupportedError
from momentalg.expr.keys import read_key, variable_key
from momentalg.expr.nodes import Cumulant, Node, Parameter
from momentalg.model.resolved import ResolvedModel
from momentalg.rules.rule import Context
from momentalg.rules.shortcut import RULE as SHORTCUT
from momentalg.rules.shortcut import dropped, of_residual

if TYPE_CHECKING:
    from momentalg.derive.bounds import Bound
    from momentalg.derive.derivation import Derivation
    from momentalg.model.designs import UnitLaw


_BALANCED_WITH_LAW = "balanced=True and a law of the size contradict each other; use law={...: ma.Constant(n)}"


@dataclass(frozen=True, repr=False)
class WhatIf:
    """The result of a derivation under further assumptions, or of an approximation.

    `settings` says in words what was put in; `left_out` are the terms that an approximation drops.
    """

    derivation: Derivation
    settings: tuple[str, ...]
    polynomial: Polynomial
    law: UnitLaw | None = None
    left_out: tuple[Node, ...] = ()

    @property
    def node(self) -> Node:
        """The result as a node, before moments are put in for a law."""
        return to_node(self.polynomial, self.derivation.model.resolved)

    @property
    def asked(self) -> Cumulant:
        """The moment that was asked for."""
        return self.derivation.asked

    @cached_property
    def result(self) -> Any:
        """The result as a SymPy expression, with the moments of the law, where one is given."""
        from momentalg.expr.sympy_door import to_sympy

        if self.law is None:
            return to_sympy(with_letters(self.node, self.derivation.model.resolved))
        return _with_law(self.polynomial, self.law, self.derivation.model.resolved)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The step to the moments of N, in which a law is put in; none without a law."""
        start = Chain("Moments of N", self.node)
        return start.then("moments_of_size", self.derivation.model.resolved).steps if self.law is not None else ()

    def assuming(self, *, normal: bool = False, balanced: bool = False, law: Mapping[str, Any] | None = None) -> WhatIf:
        """Assume more; see `Derivation.assuming`."""
        return assume(self, normal=normal, balanced=balanced, law=law)

    def evaluate(self, *, parameters: Mapping[str, Any], **where: Any) -> Any:
        """The number that the result takes: as `Derivation.evaluate`, without the parameters that are assumed away."""
        model = self.derivation.model.resolved
        if self.law is not None or description(model) in self.settings:
            raise UnsupportedError(
                "a what-if of a law, or of equal sizes, is a formula: its .result is a SymPy expression, for .subs()"
            )
        return replace(self.derivation, polynomial=self.polynomial).evaluate(parameters=parameters, **where)

    def bounded(self, direction: str = "upper") -> Bound:
        """A bound of the result, as `Derivation.bounded` gives it."""
        from momentalg.derive.bounds import bounded

        return bounded(self, direction)

    def _repr_latex_(self) -> str | None:
        from momentalg.expr.latex import latex

        if self.law is not None:  # the result is SymPy's then, in keys, which are no LaTeX: a notebook shows the text
            return None
        _, notation = self.derivation.reading()
        sign = r"\approx" if self.left_out else "="
        return f"$\\displaystyle {latex(self.asked, notation)} {sign} {latex(self.node, notation)}$"

    def __repr__(self) -> str:
        from momentalg.expr.text import text

        _, notation = self.derivation.reading()
        shown = self._in_letters() if self.law is not None else text(self.node, notation)
        left_out = "".join(f"; left out: {text(node, notation)}" for node in self.left_out)
        sign = "~" if self.left_out else "="
        return f"<WhatIf {text(self.asked, notation)} {sign} {shown}; {'; '.join(self.settings)}{left_out}>"

    def _in_letters(self) -> str:
        """The result with its mean parameters as they are printed: the key of the coefficient of X is X too."""
        from momentalg.expr.text import text

        means = parameter_rank(self.derivation.model.resolved)
        symbols = (s for s in self.result.free_symbols if s.name in means)
        return str(self.result.xreplace({s: s.func(text(Parameter(s.name))) for s in symbols}))


def assume(base: Derivation | WhatIf, *, normal: bool, balanced: bool, law: Mapping[str, Any] | None) -> WhatIf:
    """Substitute into a result: no cumulants beyond the second, equal sizes, a law of the sizes."""
    what = base if isinstance(base, WhatIf) else WhatIf(base, (), base.polynomial)
    model = what.derivation.model.resolved
    settings, polynomial, known = list(what.settings), what.polynomial, what.law
    if (balanced or law is not None) and not model.has_unit and not what.derivation.given:
        raise UnsupportedError(
            "balanced= and law= are of the sizes of i.i.d. units, which crossed factors have not; a law of the whole "
            f"design gives numbers: .evaluate(parameters=..., law=...) with {model.incidence!r} and its laws filled in"
        )
    if normal:
        settings.append("normal effects and residuals: cumulants beyond the second are zero")
        polynomial = polynomial.substitute(_normal)
    if balanced and known is not None:
        raise ModelError(_BALANCED_WITH_LAW)
    if balanced:
        settings.append(description(model))
        polynomial = balanced_design(polynomial, model)
    if law is not None:
        if what.derivation.given:
            raise ModelError("the result is conditional on the design: a law of the sizes says nothing about it")
        if description(model) in settings:
            raise ModelError(_BALANCED_WITH_LAW)
        from momentalg.model.designs import read_law

        known = read_law(law, model)
        _require_declared(known, model)
        settings.append(known.describe())
    if not (normal or balanced or law is not None):
        raise ModelError("assuming() needs at least one of normal=True, balanced=True, law={...}")
    return WhatIf(what.derivation, tuple(settings), polynomial, known, what.left_out)


def shortcut(derivation: Derivation) -> WhatIf:
    """Neglect the residuals of totals, and say what that drops."""
    model = derivation.model.resolved
    node = to_node(from_letters(derivation.polynomial, model), model)
    gone = dropped(node)
    if SHORTCUT.rewrite(node, Context(model)) is None:
        raise UnsupportedError("the result contains no residual: the shortcut has nothing to drop")
    kept = derivation.polynomial.substitute(
        lambda symbol, _: Polynomial() if isinstance(symbol, str) and of_residual(symbol) else None
    )
    return WhatIf(derivation, (SHORTCUT.title,), kept, left_out=gone)


def _normal(symbol: object, _: int) -> Polynomial | None:
    return Polynomial() if isinstance(symbol, str) and read_key(symbol).order > 2 else None


def _require_declared(law: UnitLaw, model: ResolvedModel) -> None:
    """The result uses the independence that was declared: a joint law must have it."""
    from momentalg.model.distributions.joint import JointLaw

    for fact in model.independent:
        keys = [key for key in map(variable_key, fact.variables) if key in law.variables]
        if isinstance(law, JointLaw) and not law.makes_independent(keys):
            raise ModelError(
                f"{' and '.join(keys)} are declared independent, and are not under this law: leave the declaration "
                "out of assume=, or use evaluate(law=...), which takes the law's own joint moments"
            )


def _with_law(polynomial: Polynomial, law: UnitLaw, model: ResolvedModel) -> Any:
    """Put in raw moments of the variables that a law is given for; a joint moment with others stays."""
    from momentalg.expr.sympy_door import to_sympy

    moments = raw(polynomial, model)
    values = {
        to_node(Polynomial.symbol(symbol), model): value
        for symbol in moments.symbols()
        if isinstance(symbol, Moment) and (value := _moment_value(symbol, law, model)) is not None
    }
    return to_sympy(to_node(from_letters(moments, model), model), values).expand()


def _moment_value(moment: Moment, law: UnitLaw, model: ResolvedModel) -> Any:
    powers = powers_by_key(moment.arguments[0], model)
    return law.moment(powers) if powers is not None and set(powers) <= set(law.variables) else None
