"""No, complete and partial pooling: the mean squared error of lambda Ybar + (1 - lambda) mu, and the best lambda.

The law of total variance splits the variance of a level's mean, given the design, into noise about what the level
truly has, and signal, the variance of that truth:

    Var(Ybar) = E[Var(Ybar | effects)] + Var(E[Ybar | effects]) = noise + signal.

Shrinking by lambda makes the noise a variance, lambda^2 noise, and loses signal to bias, (1 - lambda)^2 signal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from momentalg.cumulants.display import to_node
from momentalg.cumulants.letters import from_letters
from momentalg.derive.derivation import Derivation
from momentalg.derive.engine import derive
from momentalg.derive.readable import Readable
from momentalg.derive.reading import Section
from momentalg.errors import ModelError, RuleError
from momentalg.expr.names import join_factor
from momentalg.expr.nodes import (
    DESIGN,
    ONE,
    Letter,
    Node,
    Number,
    Parameter,
    Size,
    add,
    mul,
    negate,
    power,
)
from momentalg.model.resolving import known_cell
from momentalg.moments.generic_functions import columns_read
from momentalg.statistics.family import response_total

if TYPE_CHECKING:
    from momentalg.expr.notation import Notation
    from momentalg.model.model import Model
    from momentalg.moments.ridge import Ridge

LAMBDA = Letter("lambda")


@dataclass(frozen=True)
class PoolingValues:
    """The numbers of one level: what its mean's variance consists of, and the errors that follow for any lambda."""

    noise: Any
    signal: Any

    @property
    def minimiser(self) -> Any:
        """The lambda with the least mean squared error."""
        return self.signal / (self.noise + self.signal)

    @property
    def none(self) -> Any:
        """The mean squared error without pooling, lambda = 1."""
        return self.noise

    @property
    def complete(self) -> Any:
        """The mean squared error of complete pooling, lambda = 0."""
        return self.signal

    @property
    def partial(self) -> Any:
        """The mean squared error at the minimiser; never above the other two."""
        return self.noise * self.minimiser

    def variance(self, shrinkage: Any) -> Any:
        """The variance at a lambda."""
        return shrinkage**2 * self.noise

    def bias2(self, shrinkage: Any) -> Any:
        """The squared bias at a lambda, averaged over the effects."""
        return (1 - shrinkage) ** 2 * self.signal

    def mse(self, shrinkage: Any) -> Any:
        """The mean squared error at a lambda."""
        return self.variance(shrinkage) + self.bias2(shrinkage)

    def curve(self, points: int = 101) -> tuple[tuple[Any, Any, Any, Any], ...]:
        """(lambda, variance, squared bias, mean squared error) from lambda = 0 to 1: what a plot draws."""
        if points < 2:
            raise ModelError(f"a curve needs at least two points; found points={points!r}")
        steps = [Fraction(n, points - 1) for n in range(points)]
        return tuple((step, self.variance(step), self.bias2(step), self.mse(step)) for step in steps)


@dataclass(frozen=True, repr=False)
class Pooling(Readable):
    """The mean squared error of lambda Ybar + (1 - lambda) E(Ybar) for what a level's mean would be without noise.

    `total` is the variance of the level's mean by the law of total variance, over the effects that the level has for
    itself or shares as a whole; `within` is that variance given these effects.
    """

    model: Model
    by: tuple[str, ...]
    total: Derivation
    within: Derivation

    @cached_property
    def noise(self) -> Node:
        """E[Var(Ybar | effects)]: the mean squared error without pooling."""
        return self.within.node

    @cached_property
    def signal(self) -> Node:
        """Var(E[Ybar | effects]): the mean squared error of complete pooling."""
        resolved = self.model.resolved
        return to_node(from_letters(self.total.polynomial - self.within.polynomial, resolved), resolved)

    @property
    def variance(self) -> Node:
        """The variance of the estimator given the effects, on average: lambda^2 noise."""
        return mul(power(LAMBDA, 2), self.noise)

    @property
    def bias2(self) -> Node:
        """The squared bias of the estimator given the effects, on average: (1 - lambda)^2 signal."""
        return mul(power(ONE - LAMBDA, 2), self.signal)

    @property
    def mse(self) -> Node:
        """The mean squared error as a function of lambda."""
        return add(self.variance, self.bias2)

    @property
    def derivative(self) -> Node:
        """The derivative of the mean squared error by lambda."""
        two = Number(Fraction(2))
        return add(mul(two, LAMBDA, self.noise), negate(mul(two, ONE - LAMBDA, self.signal)))

    @property
    def minimiser(self) -> Node:
        """The best lambda: signal/(noise + signal), or where the residual is all the noise as `ratio`."""
        return self.ratio or mul(self.signal, power(add(self.signal, self.noise), -1))

    @cached_property
    def result(self) -> Any:
        """The mean squared error as a SymPy expression in ``lambda`` and the parameters."""
        return self._sympy(self.mse)

    def evaluate(
        self,
        parameters: Mapping[str, Any],
        size: int | None = None,
        *,
        data: Any = None,
        at: Mapping[str, Any] | None = None,
    ) -> Any:
        """The numbers, `PoolingValues`: of a level with `size` observations, or of `data`, a Series of them by level.

        ``at={"user": "ann"}`` is one level of the data. Exact (Fraction) from int, Fraction and "1/3". The size is
        enough where the design of a level is its size: one factor, no slopes.
        """
        if (size is None) == (data is None):
            raise ModelError("give the size of a level, or data=frame for the levels of a design")
        if size is not None:
            if len(self.model.resolved.columns) > 1 or not self._is_simple:
                raise ModelError(
                    f"what pooling does to a level of {join_factor(self.by)} depends on more than its size here: "
                    "evaluate(parameters, data=frame)"
                )
            if isinstance(size, bool) or not isinstance(size, int) or size < 1:
                raise ModelError(f"the size of a level is a whole number of at least 1; found {size!r}")
            covariates = [v.name for v in columns_read(self.model.resolved) if v.kind == "column"]  # in the means alone
            data = {c: ["1"] * size for c in self.by} | dict.fromkeys(covariates, [1] * size)
            at = dict.fromkeys(self.by, "1")
        known = {"parameters": parameters, "data": data, "at": at}
        total, noise = (d.evaluate(**known) for d in self._given_design)
        if hasattr(noise, "index"):  # by level
            pairs = zip(noise, total, strict=True)
            return type(noise)([PoolingValues(a, b - a) for a, b in pairs], index=noise.index, dtype=object)
        return PoolingValues(noise, total - noise)

    def verify(self) -> bool:
        """Replay both derivations, and check the split, the derivative, its zero and the comparison symbolically.

        Raises `RuleError` where something does not follow.
        """
        self.total.verify()
        self.within.verify()
        symbol, mse, best = self._lambda, self.result, self._sympy(self.minimiser)
        noise, signal = self._sympy(self.noise), self._sympy(self.signal)
        checks = {
            "the split": mse - symbol**2 * noise - (1 - symbol) ** 2 * signal,
            "the derivative": mse.diff(symbol) - self._sympy(self.derivative),
            "its zero": (mse.diff(symbol)).subs(symbol, best),
            "the minimum": mse.subs(symbol, best) - noise * signal / (noise + signal),
            "the second derivative": mse.diff(symbol, 2) - 2 * (noise + signal),
            "the total": self._sympy(self.total.node) - noise - signal,
        }
        for name, difference in checks.items():
            if difference.together().expand().cancel() != 0:
                raise RuleError(f"pooling: {name} does not follow")
        return True

    def reading(self) -> tuple[Sequence[Section], Notation]:
        """The derivation of the variance, then the mean squared error, the best lambda and the three poolings."""
        from momentalg.moments.pooling_view import sections

        derived, notation = self.total.reading()
        return (*derived, *sections(self, max((s.number for s in derived), default=0))), notation

    @property
    def _is_simple(self) -> bool:
        """Whether a level's design is its size."""
        resolved = self.model.resolved
        return all(not c.monomial for b in resolved.groups for c in b.coefficients) and resolved.weights is None

    @property
    def ratio(self) -> Node | None:
        """The minimiser as N/(N + var(residual)/var(1|f)); None where a level's mean has more in it."""
        size, residual = Size(self.by), Parameter("var(residual)")
        alone = (mul(residual, power(size, -1)), mul(power(size, -1), residual))
        if not isinstance(self.signal, Parameter) or self.noise not in alone:
            return None
        return mul(size, power(add(size, mul(residual, power(self.signal, -1))), -1))

    @cached_property
    def _given_design(self) -> tuple[Derivation, Derivation]:
        mean, effects = self.total.args[0], self.within.given[len(self.total.given) :]
        return self.model.var(mean, given=DESIGN), self.model.var(mean, given=(DESIGN, *effects))

    @cached_property
    def _lambda(self) -> Any:
        from momentalg.expr.sympy_door import symbol

        return symbol("lambda")

    def _sympy(self, node: Node) -> Any:
        from momentalg.cumulants.level_names import with_letters
        from momentalg.expr.sympy_door import to_sympy

        return to_sympy(with_letters(node, self.model.resolved), {LAMBDA: self._lambda})

    def ridge(self) -> Ridge:
        """The ridge regression that BLUP is: its penalty is the residual variance over that of the effects."""
        from momentalg.moments.ridge import ridge

        return ridge(self.model)

    def __repr__(self) -> str:
        from momentalg.expr.text import text

        _, notation = self.total.reading()
        return f"<Pooling MSE = {text(self.mse, notation)}; least at lambda = {text(self.minimiser, notation)}>"


def pooling(model: Model, by: str | None = None) -> Pooling:
    """Derive the mean squared error of partial pooling for the levels of a factor, the only one unless `by` names it.

    Raises `ModelError` for a factor whose levels have no effects.
    """
    resolved = model.resolved
    if by is None:
        if len(resolved.groups) > 1 and len({frozenset(b.factor) for b in resolved.groups}) > 1:
            known = ", ".join(b.name for b in resolved.groups)
            raise ModelError(f"pooling of which levels? Give by=, one of {known}")
        by = resolved.groups[0].name
    factor = known_cell(resolved, by, f"pooling(by={by!r})")
    names = tuple(dict.fromkeys(b.name for b in resolved.groups if resolved.is_nested(factor, b.factor)))
    if not names:
        known = ", ".join(b.name for b in resolved.groups)
        raise ModelError(f"levels of {by} have no effects that pooling could shrink; the model has effects of {known}")
    mean = response_total(factor) / Size(factor)
    alone = len(resolved.columns) == 1 and all(c.monomial == () for c in resolved.terms)
    given = (Size(factor),) if alone else (DESIGN,)
    total = model.var(mean, given=given, via=names)
    return Pooling(model, factor, total, derive(model, (mean, mean), given=(*given, *names), kind="var"))
