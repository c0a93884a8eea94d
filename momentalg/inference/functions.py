"""Smooth functions of the parameters, by the delta method, derived symbolically.

For g(theta) with gradient d_k and second derivatives h_kl, and V the covariance of the estimates,

    Var g(theta-hat) ~ sum_kl d_k d_l V_kl,        E g(theta-hat) - g(theta) ~ 1/2 sum_kl h_kl V_kl:

the variance to first order, the bias to second (of an unbiased theta-hat). Derivatives are SymPy's; the formula of the
variance is a result, in Var and Cov of the estimates. Intervals are Wald's on a scale that fits the range of g, and are
taken back: the logit for shares, the logarithm for what is positive, Fisher's z for correlations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from momentalg.errors import ModelError
from momentalg.expr.escape import escape_latex
from momentalg.expr.latex import latex
from momentalg.expr.nodes import Cumulant, Hat, Node, Parameter
from momentalg.expr.notation import Notation
from momentalg.expr.sympy_door import from_sympy, symbol, typeset
from momentalg.expr.text import text
from momentalg.inference.reference import quantile, require_alpha

if TYPE_CHECKING:
    import pandas as pd

    from momentalg.model.model import Model

DIGITS = 30


class Scale(NamedTuple):
    """A transformation, its derivative, its inverse, and the open interval where it is defined."""

    forward: Callable[[float], float]
    slope: Callable[[float], float]
    back: Callable[[float], float]
    low: float = -math.inf
    high: float = math.inf


SCALES: Mapping[str, Scale] = {
    "identity": Scale(lambda g: g, lambda _: 1.0, lambda t: t),
    "log": Scale(math.log, lambda g: 1 / g, math.exp, 0.0),
    "logit": Scale(
        lambda g: math.log(g / (1 - g)),
        lambda g: 1 / (g * (1 - g)),
        lambda t: 1 / (1 + math.exp(-t)) if t > 0 else math.exp(t) / (1 + math.exp(t)),
        0.0,
        1.0,
    ),
    "fisher": Scale(math.atanh, lambda g: 1 / (1 - g * g), math.tanh, -1.0, 1.0),
}
"""The scales of intervals, by name."""


class Fitted(Protocol):
    """What the delta method needs of a fit."""

    @property
    def model(self) -> Model:
        """The model."""

    @property
    def estimates(self) -> Mapping[str, float]:
        """The estimates by key."""

    def cov_params(self) -> pd.DataFrame:
        """The covariance of the estimates, by key."""


@dataclass(frozen=True, repr=False)
class FunctionEstimate:
    """A function of the parameters at their estimates, with its standard error and bias by the delta method.

    `gradient` has the derivatives by key and `hessian` the second ones by pairs of keys, as SymPy expressions;
    `covariance` is what they meet, by pairs of keys. `scale` is that of the interval.
    """

    name: str
    expression: Any
    estimate: float
    std_error: float
    bias: float
    scale: str
    gradient: Mapping[str, Any]
    hessian: Mapping[tuple[str, str], Any]
    covariance: Mapping[tuple[str, str], float]
    model: Model = field(repr=False, compare=False)

    @property
    def corrected(self) -> float:
        """The estimate less its second-order bias."""
        return self.estimate - self.bias

    def interval(self, alpha: float = 0.05) -> tuple[float, float]:
        """The interval of level 1 - alpha: Wald's on `scale`, taken back."""
        require_alpha(alpha)
        scale = SCALES[self.scale]
        if not math.isfinite(self.std_error):
            return math.nan, math.nan
        centre = scale.forward(self.estimate)
        width = quantile(1 - alpha / 2) * self.std_error * scale.slope(self.estimate)
        return scale.back(centre - width), scale.back(centre + width)

    @cached_property
    def variance(self) -> Any:
        """The variance to first order as a SymPy expression, in the parameters and ``Var(hat(key))``, ``Cov(...)``."""
        keys = [k for k, d in self.gradient.items() if d != 0]
        terms = [
            (1 if k == m else 2) * self.gradient[k] * self.gradient[m] * symbol(_moment_name(k, m))
            for n, k in enumerate(keys)
            for m in keys[n:]
        ]
        return sum(terms)

    @property
    def variance_text(self) -> str:
        """The formula of the variance as plain text."""
        node = self._variance_node()
        return str(self.variance) if node is None else text(node)

    @property
    def variance_latex(self) -> str:
        """The formula of the variance as LaTeX."""
        notation = Notation.of(self.model.resolved)
        node = self._variance_node()
        if node is not None:
            return latex(node, notation)
        pairs = {_moment_name(k, m): _moment(k, m) for k in self.gradient for m in self.gradient}
        names = {key: latex(Hat(Parameter(key)), notation) for key in self.gradient}
        names |= {name: latex(moment, notation) for name, moment in pairs.items()}
        return typeset(self.variance, {name: rf"\left({code}\right)" for name, code in names.items()})

    def _variance_node(self) -> Node | None:
        pairs = {_moment_name(k, m): _moment(k, m) for k in self.gradient for m in self.gradient}
        return from_sympy(self.variance, lambda name: pairs.get(name, Hat(Parameter(name))))

    def __repr__(self) -> str:
        low, high = self.interval()
        scale = "" if self.scale == "identity" else f" on the {self.scale} scale"
        return (
            f"<{self.name}: {self.estimate:.6g}, standard error {self.std_error:.4g}, 95 % interval{scale} "
            f"({low:.6g}, {high:.6g}), bias {self.bias:.3g}>"
        )

    def _repr_latex_(self) -> str:
        return (
            rf"$\displaystyle \operatorname{{Var}}(\text{{{escape_latex(self.name)}}}) \approx {self.variance_latex}$"
        )


def function_of(fit: Fitted, expression: Any, name: str = "", scale: str = "identity") -> FunctionEstimate:
    """A smooth function of the parameters, a SymPy expression in ``model.parameter(key)``.

    ``fit.function(a / (a + e), scale="logit")`` with ``a = model.parameter("var(1|user)")``, say. `scale` is one of
    "identity", "log", "logit", "fisher"; where the estimate is outside its range, the interval is on its own.

    Raises:
        ModelError: text, symbols that are no parameters of the fit, no finite value or derivative at the estimates.

    """
    if scale not in SCALES:
        raise ModelError(f"scale= is one of {', '.join(map(repr, SCALES))}, not {scale!r}")
    if isinstance(expression, str) or not hasattr(expression, "free_symbols"):
        raise ModelError(
            f"a function is a SymPy expression, never text: found {expression!r}; build it from the symbols, such as "
            'a = model.parameter("var(1|user)"); a / (a + model.parameter("var(residual)"))'
        )
    keys = _keys(fit, expression)
    values = {s: fit.estimates[key] for key, s in keys.items()}
    gradient = {key: expression.diff(s).together() for key, s in keys.items()}
    hessian = {(k, m): d.diff(keys[m]) for k, d in gradient.items() for m in keys}
    frame = fit.cov_params()
    places, matrix = list(frame.index), frame.to_numpy(dtype=float)
    covariance = {(k, m): float(matrix[places.index(k), places.index(m)]) for k in keys for m in keys}
    estimate = _number(expression, values, expression)
    slopes = {k: _number(d, values, expression) for k, d in gradient.items()}
    variance = math.fsum(slopes[k] * slopes[m] * v for (k, m), v in covariance.items())
    bias = math.fsum(_number(h, values, expression) * covariance[pair] for pair, h in hessian.items()) / 2
    return FunctionEstimate(
        name or str(expression),
        expression,
        estimate,
        math.sqrt(variance) if variance >= 0 else math.nan,
        bias,
        scale if SCALES[scale].low < estimate < SCALES[scale].high else "identity",
        gradient,
        hessian,
        covariance,
        fit.model,
    )


def _keys(fit: Fitted, expression: Any) -> dict[str, Any]:
    """The parameters in an expression, in the order of the fit, each with its symbol."""
    known = {symbol(key): key for key in fit.estimates}
    strange = sorted(s.name for s in expression.free_symbols if s not in known)
    if strange:
        raise ModelError(
            f"{', '.join(strange)}: no estimate of this fit; an expression is built from model.parameter(key), and the "
            f"keys of the fit are {', '.join(fit.estimates)}"
        )
    return {key: s for s, key in known.items() if s in expression.free_symbols}


def _number(expression: Any, values: Mapping[Any, float], whole: Any) -> float:
    try:
        found = float(expression.evalf(DIGITS, subs=dict(values)))
    except (TypeError, ValueError):  # complex, or not a number
        found = math.nan
    if not math.isfinite(found):
        at = ", ".join(f"{s.name} = {v:g}" for s, v in values.items())
        raise ModelError(f"{whole} has no finite value or derivative at the estimates ({at})")
    return found


def _moment_name(k: str, m: str) -> str:
    return f"Var(hat({k}))" if k == m else f"Cov(hat({k}),hat({m}))"


def _moment(k: str, m: str) -> Node:
    return Cumulant((Hat(Parameter(k)), Hat(Parameter(m))))
