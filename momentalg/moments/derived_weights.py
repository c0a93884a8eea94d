"""Weights that the engine derives: for each group term, how much a level should count, and by which law.

The variance of every statistic is known, so that the weights with the least variance can be derived: of the squared
deviations of level means, of the sums of squares within levels, and of the products of least squares slopes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from momentalg.derive.readable import Readable
from momentalg.errors import ModelError, UnsupportedError
from momentalg.expr.names import join_factor
from momentalg.moments.deviations import deviations
from momentalg.moments.level_weights import LevelWeights, level_weights
from momentalg.moments.matrix_weights import MatrixWeights, matrix_weights
from momentalg.moments.pair_weights import PairWeights, pair_weights

if TYPE_CHECKING:
    from momentalg.derive.derivation import Derivation
    from momentalg.derive.reading import Section
    from momentalg.expr.nodes import Node
    from momentalg.expr.notation import Notation
    from momentalg.model.model import Model

Part = LevelWeights | MatrixWeights


@dataclass(frozen=True, repr=False)
class DerivedWeights(Readable):
    """The derived weights of a model, by factor: ``weights["user"]`` is of the levels of user.

    `parts` holds them in the order of the formula; `pair` the equations of both statistics of a level, where there is
    one random intercept. Each is readable by itself, in its own letters.
    """

    parts: Mapping[str, Part]
    pair: PairWeights | None

    def __getitem__(self, factor: str) -> Part:
        """The weights of a factor's levels; `ModelError` for a name that is none."""
        if factor not in self.parts:
            raise ModelError(f"no weights for {factor!r}; there are weights for {', '.join(self.parts)}")
        return self.parts[factor]

    def evaluate(self, parameters: Mapping[str, Any], data: Any) -> dict[str, Any]:
        """The weights of the levels of each factor on these data: Series of numbers, or of matrices with slopes."""
        return {name: part.evaluate(parameters, data) for name, part in self.parts.items()}

    def verify(self) -> bool:
        """Replay every derivation, and check that no other weights do better; raises `RuleError` where one does."""
        return all(part.verify() for part in self._all)

    @property
    def derivations(self) -> tuple[Derivation, ...]:
        """All that the engine derived for them."""
        return tuple(derivation for part in self._all for derivation in part.derivations)

    def readings(self) -> tuple[tuple[Node, tuple[Sequence[Section], Notation]], ...]:
        """The parts, each with what it is for, its sections and its notation: what a report shows."""
        return tuple((part.heading, part.reading()) for part in self._all)

    def reading(self) -> tuple[Sequence[Section], Notation]:
        """The sections of the only part; of several, see `readings`, as each has letters of its own."""
        if len(self._all) > 1:
            raise UnsupportedError("these weights are several derivations with letters of their own: use .readings()")
        return self._all[0].reading()

    def latex(self) -> str:
        """The derivations in LaTeX, one after the other."""
        return "\n".join(part.latex() for part in self._all)

    def markdown(self) -> str:
        """The derivations in Markdown, one after the other."""
        return "\n".join(part.markdown() for part in self._all)

    def html(self) -> str:
        """The derivations as HTML fragments, one after the other."""
        return "\n".join(part.html() for part in self._all)

    def text(self, width: int = 100) -> str:
        """The derivations as plain text, one after the other."""
        return "\n".join(part.text(width) for part in self._all)

    @property
    def _all(self) -> tuple[Part | PairWeights, ...]:
        return (*self.parts.values(), *([self.pair] if self.pair is not None else []))

    def __repr__(self) -> str:
        return f"<DerivedWeights {', '.join(map(repr, self.parts.values()))}>"


def derived_weights(model: Model, kurtosis: bool = False) -> DerivedWeights:
    """Derive the weights of every group term of a model, under its working model.

    With ``kurtosis=True`` the fourth cumulants are kept, as parameters ``k4(1|user)`` and ``k4(residual)``.

    Raises `UnsupportedError` for kurtosis with several coefficients of one factor.
    """
    resolved = model.resolved
    parts: dict[str, Part] = {}
    pair = None
    for block in resolved.groups:
        name = join_factor(block.factor)
        if name in parts:
            continue
        own = [b for b in resolved.groups if set(b.factor) == set(block.factor)]
        about = deviations(resolved, block.factor)
        if sum(len(b.coefficients) for b in own) == 1:
            mine = next(b for b in about.resolved.groups if set(b.factor) == set(block.factor))
            parts[name] = level_weights(about, mine, kurtosis)
            pair = pair_weights(about) if len(resolved.groups) == 1 and not kurtosis else None
        elif kurtosis:
            raise UnsupportedError(
                f"weights of ({name}), which has slopes, are derived for normal effects only: leave out kurtosis=True"
            )
        else:
            parts[name] = matrix_weights(about, block.factor)
    return DerivedWeights(parts, pair)
