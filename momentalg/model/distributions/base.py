"""The contract of a law: raw moments and a sampler, from which cumulants and standardised effects follow.

A law of sizes has whole values of 0 or more, and also says where its support begins, its probabilities and its
truncated form. A parameter that is not given is free: moments are then SymPy expressions in a named symbol.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from momentalg.errors import AssumptionError, ModelError, UnsupportedError
from momentalg.model.distributions import combinatorics
from momentalg.model.distributions.bounded import BoundedFloat, Interval, square_root
from momentalg.model.distributions.exact import ExactLike, exact, shown

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Size = int | tuple[int, ...]
Moment = Any
"""A Fraction where it is rational, a `BoundedFloat` where it is not, a SymPy expression where a parameter is free."""


class Law(ABC):
    """The law of one random variable."""

    @property
    @abstractmethod
    def parameters(self) -> dict[str, Fraction | None]:
        """The parameters by name; None is free."""

    @abstractmethod
    def raw(self, p: int) -> Any:
        """E[X^p] for p != 0, as a Fraction, an `Interval` or a SymPy expression."""

    @abstractmethod
    def draw(self, rng: np.random.Generator, size: Size) -> Array:
        """Draws from the law, all of whose parameters are given."""

    @abstractmethod
    def describe(self) -> str:
        """The law in words, as it stands in a report."""

    @property
    def is_size(self) -> bool:
        """Whether all values are whole numbers of 0 or more."""
        return False

    @property
    def free(self) -> tuple[str, ...]:
        """The names of the parameters that are not given."""
        return tuple(name for name, value in self.parameters.items() if value is None)

    def moment(self, p: int) -> Moment:
        """E[X^p] for a whole p, positive or negative; `AssumptionError` where it does not exist."""
        _check_order(p, "moment")
        return Fraction(1) if p == 0 else _finish(self.raw(p))

    @property
    def mean(self) -> Moment:
        """E[X]."""
        return self.moment(1)

    @property
    def variance(self) -> Moment:
        """Var(X)."""
        return self.cumulant(2)

    def cumulant(self, k: int, variance: ExactLike | None = None) -> Moment:
        """The k-th cumulant; of the law centred and scaled to `variance`, if that is given.

        Scaled: kappa_1 = 0, kappa_2 = variance, kappa_k = kappa_k(X) (variance / Var X)^(k/2).
        """
        _check_order(k, "cumulant")
        if k < 1:
            raise ModelError(f"the order of a cumulant must be 1, 2, ...; found {k}")
        if variance is None:
            return _finish(combinatorics.cumulant(k, self.raw))
        target = _not_negative(variance)
        if k <= 2:
            return target if k == 2 else Fraction(0)
        if self.free:
            raise self._needs_values("scaled to a variance")
        own = combinatorics.cumulant(k, self.raw)
        if own == 0:
            return Fraction(0)
        ratio = target / self._own_variance()
        scale = ratio ** (k // 2)
        return _finish(own * (scale * square_root(ratio) if k % 2 else scale))

    def sample(self, rng: np.random.Generator, size: Size) -> Array:
        """Draws from the law, as an array of the given size."""
        if self.free:
            raise self._needs_values("sampled")
        return self.draw(rng, size)

    def effect_sampler(self, variance: ExactLike) -> Callable[[np.random.Generator, Size], Array]:
        """The sampler of the law centred at zero and scaled to `variance`: of a random effect or a residual."""
        if self.free:
            raise self._needs_values("sampled")
        centre = float(self.mean)
        scale = (float(_not_negative(variance)) / float(_finish(self._own_variance()))) ** 0.5

        def sample(rng: np.random.Generator, size: Size) -> Array:
            drawn: Array = (self.draw(rng, size) - centre) * scale
            return drawn

        return sample

    def _own_variance(self) -> Any:
        value = combinatorics.cumulant(2, self.raw)
        if value == 0:
            raise ModelError(f"{self!r} has variance 0 and cannot be scaled to another variance")
        return value

    def _needs_values(self, what: str) -> ModelError:
        return ModelError(f"{self!r} has free parameters ({', '.join(self.free)}) and cannot be {what}: give values")

    def _set(self, **values: Any) -> None:
        """Fill the fields of a frozen law while it is constructed."""
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        given = [f"{name}={shown(v)}" for name, v in self.parameters.items() if v is not None]
        if len(self.parameters) == 1:
            given = [text.partition("=")[2] for text in given]
        return f"{type(self).__name__}({', '.join(given)})"


class SizeLaw(Law):
    """The law of a number of observations."""

    @property
    @abstractmethod
    def support_min(self) -> Any:
        """The smallest value with positive probability."""

    @abstractmethod
    def probability(self, k: int) -> Any:
        """P(N = k) for k >= 0, as a Fraction, an `Interval` or a SymPy expression."""

    @property
    def is_size(self) -> bool:
        return True

    @property
    def may_be_zero(self) -> bool:
        """Whether P(N = 0) > 0."""
        return bool(self.support_min == 0)

    def pmf(self, k: int) -> Moment:
        """P(N = k)."""
        return Fraction(0) if k < self.support_min else _finish(self.probability(k))

    def truncated(self) -> SizeLaw:
        """The law of N given N >= 1: what is seen when empty units are not observed."""
        if not self.may_be_zero:
            return self
        raise UnsupportedError(f"{self!r} has no truncated form; give the law of the observed sizes")

    def moment(self, p: int) -> Moment:
        _check_order(p, "moment")
        if p < 0 and self.may_be_zero:
            raise AssumptionError(
                f"E[N^{p}] does not exist for {self!r}: P(N = 0) > 0. "
                "If empty units are not observed, use the law of the observed sizes: law.truncated()"
            )
        return super().moment(p)


@dataclass(frozen=True)
class Distribution:
    """An entry of the catalogue of laws.

    `examples` have all parameters given; `free` has none given, where the law allows it. `default` is what the bare
    name stands for, as in ``effects={"user": "exponential"}``, where a law has a shape that needs no parameter.
    """

    name: str
    title: str
    law: type[Law]
    roles: tuple[str, ...]  # of "size", "effect", "covariate"
    examples: tuple[Law, ...]
    source: str
    free: Law | None = None
    default: Law | None = None


def given_or_free(value: Fraction | None, symbol: str) -> Any:
    """The value of a parameter, or the SymPy symbol that stands for it."""
    if value is not None:
        return value
    import sympy

    return sympy.Symbol(symbol, positive=True)


def in_words(value: Fraction | None, symbol: str) -> str:
    """The value of a parameter as text, or the name of the symbol that stands for it."""
    return f"{symbol} (free)" if value is None else str(value)


def no_moment(law: Law, p: int, why: str) -> AssumptionError:
    """The error of a moment that does not exist."""
    return AssumptionError(f"E[X^{p}] does not exist for {law!r}: {why}")


def _check_order(order: object, what: str) -> None:
    if isinstance(order, bool) or not isinstance(order, int):
        raise ModelError(f"the order of a {what} must be a whole number; found {order!r}")


def _not_negative(variance: ExactLike) -> Fraction:
    number = exact(variance, "a variance")
    if number < 0:
        raise ModelError(f"a variance must not be negative; found {variance!r}")
    return number


def _finish(value: Any) -> Moment:
    if isinstance(value, Interval):
        return BoundedFloat.of(value)
    if isinstance(value, int):
        return Fraction(value)
    return value if isinstance(value, Fraction) else value.expand(power_base=False, power_exp=False, log=False)
