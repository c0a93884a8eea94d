"""Relative efficiency: two statistics for the same parameter, and the ratio of their variances, symbolically."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from momentalg.cumulants.display import is_parameter, to_node
from momentalg.cumulants.letters import from_letters
from momentalg.cumulants.level_names import with_letters
from momentalg.cumulants.polynomial import Polynomial, Powers
from momentalg.derive.derivation import Derivation
from momentalg.derive.whatif import WhatIf
from momentalg.errors import ModelError
from momentalg.expr.nodes import Node, as_node, mul, power
from momentalg.expr.text import text

if TYPE_CHECKING:
    from momentalg.model.model import Model

Result = Derivation | WhatIf


@dataclass(frozen=True, repr=False)
class RelativeEfficiency:
    """Var(second / its scale) / Var(first / its scale): above 1 where the first statistic is the better one.

    E[first] = scale * parameter, and so for the second; `means` and `variances` are the derivations behind it.
    """

    means: tuple[Result, Result]
    variances: tuple[Result, Result]

    @property
    def parameter(self) -> Node:
        """What both statistics estimate: a parameter, or a combination with the first's weights, up to scale."""
        first = _by_parameters(self.means[0])
        if len(first) == 1:
            return to_node(Polynomial({_reference(first): Fraction(1)}), self._model)
        return self.means[0].node

    @property
    def scales(self) -> tuple[Node, Node]:
        """What either expectation multiplies the parameter by; of a combination, its first parameter."""
        first, second = (to_node(s, self._model) for s in self._scales)
        return first, second

    @property
    def node(self) -> Node:
        """The efficiency of the first statistic relative to the second."""
        (a, b), (v, w) = self.scales, (to_node(_polynomial(r), self._model) for r in self.variances)
        return mul(power(a, 2), w, power(mul(power(b, 2), v), -1))

    @cached_property
    def result(self) -> Any:
        """The efficiency as a SymPy expression, with common factors cancelled."""
        from momentalg.expr.sympy_door import to_sympy

        a, b = (to_sympy(with_letters(s, self._model)) for s in self.scales)
        v, w = (to_sympy(with_letters(to_node(_polynomial(r), self._model), self._model)) for r in self.variances)
        return (a**2 * w / (b**2 * v)).cancel()

    @property
    def settings(self) -> tuple[str, ...]:
        """What is put into the results, in words."""
        return self.variances[0].settings if isinstance(self.variances[0], WhatIf) else ()

    @property
    def facts(self) -> tuple[str, ...]:
        """What the expectations and variances assume of the design, and what they leave at its realised value."""
        derivations = map(_derivation, (*self.means, *self.variances))
        return tuple(dict.fromkeys(fact for d in derivations for fact in d.facts))

    def assuming(self, *, normal: bool = False, balanced: bool = False) -> RelativeEfficiency:
        """The efficiency if effects were normal, or every cell occurred and had the same size."""
        changed = [r.assuming(normal=normal, balanced=balanced) for r in (*self.means, *self.variances)]
        return RelativeEfficiency((changed[0], changed[1]), (changed[2], changed[3]))

    def evaluate(self, *, parameters: Mapping[str, Any], **where: Any) -> Any:
        """The number that the efficiency takes, ``data=frame`` given the design: exact from exact parameters."""
        known = {"parameters": parameters, **where}
        a, b = (
            replace(_derivation(m), polynomial=s).evaluate(**known)
            for m, s in zip(self.means, self._scales, strict=True)
        )
        v, w = (replace(_derivation(r), polynomial=r.polynomial).evaluate(**known) for r in self.variances)
        if v == 0 or b == 0:
            raise ModelError("the first statistic has variance zero here, or the second has expectation zero")
        return a**2 * w / (b**2 * v)

    @property
    def _scales(self) -> tuple[Polynomial, Polynomial]:
        first, second = (_by_parameters(m) for m in self.means)
        reference = _reference(first)
        return first[reference], second[reference]

    @property
    def _model(self) -> Any:
        return _derivation(self.means[0]).model.resolved

    def __repr__(self) -> str:
        _, notation = _derivation(self.variances[0]).reading()
        first, second = (text(_derivation(m).args[0], notation) for m in self.means)
        of = f"of {first} to {second} for {text(self.parameter, notation)}"
        said = "".join(f"; {remark}" for remark in (*self.settings, *self.facts))
        return f"<RelativeEfficiency {of}: {text(self.node, notation)}{said}>"

    def _repr_latex_(self) -> str:
        from momentalg.expr.latex import latex

        _, notation = _derivation(self.variances[0]).reading()
        return f"$\\displaystyle {latex(self.node, notation)}$"


def relative_efficiency(
    model: Model, first: Any, second: Any, *, given: Any = (), of: str | None = None
) -> RelativeEfficiency:
    """The efficiency of one statistic relative to another for the same parameter: the ratio of their variances.

    The statistics may be unbiased up to a design constant, which is divided out. Either may be the solution of a
    system of moment equations, whose estimator of the parameter `of` is meant:
    ``ma.relative_efficiency(model, henderson, pairs, of="var(1|a)", given=ma.design)``. Raises `ModelError` when the
    expectations are not multiples of one another.
    """
    statistics = [_statistic(s, of) for s in (first, second)]
    a, b = (model.mean(s, given=given) for s in statistics)
    _require_same(a, b)
    v, w = (model.var(s, given=given) for s in statistics)
    return RelativeEfficiency((a, b), (v, w))


def _statistic(given: Any, of: str | None) -> Node:
    estimator = getattr(given, "statistic", None)  # a solution, which is of a later layer
    if estimator is None:
        return as_node(given)
    if of is None:
        raise ModelError('which estimator of the solution is meant? Give its parameter, as in of="var(1|a)"')
    found: Node = estimator(of)
    return found


def _require_same(first: Derivation, second: Derivation) -> None:
    a, b = _by_parameters(first), _by_parameters(second)
    expectations = f"E[first] = {text(first.node)}, E[second] = {text(second.node)}"
    if not a or not b or frozenset() in {*a, *b}:
        raise ModelError(f"both statistics must estimate a parameter, up to scale; {expectations}")
    reference = _reference(a)
    if a.keys() != b.keys() or any(a[k] * b[reference] != b[k] * a[reference] for k in a):
        raise ModelError(
            f"the statistics do not estimate the same parameter, whatever the design: {expectations}. "
            "Subtract or weight them until both expectations are multiples of it"
        )


def _by_parameters(result: Result) -> dict[Powers, Polynomial]:
    return _polynomial(result).split(is_parameter)


def _reference(parts: Mapping[Powers, Polynomial]) -> Powers:
    keys: Sequence[Powers] = sorted(parts, key=lambda k: sorted(map(str, k)))
    return keys[0]


def _polynomial(result: Result) -> Polynomial:
    return from_letters(result.polynomial, _derivation(result).model.resolved)


def _derivation(result: Result) -> Derivation:
    return result.derivation if isinstance(result, WhatIf) else result
