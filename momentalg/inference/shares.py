"""Intraclass correlations, shares of variance and reliability: named functions of the components.

With V_f = z'G z the variance of the effects of factor f at given values of the covariates, s_e^2 that of the residual:

* share of f: V_f/(sum_g V_g + s_e^2); for one factor the ICC, the correlation of two observations that share its level;
* ICC of several factors, ``by=["a", "a:b"]``: of two observations that share the levels of all of them;
* reliability of the mean of N observations of a level of f: V_f/(V_f + sum_g V_g/L_g + s_e^2/N), with L_g the number of
  levels of g among the N, all equally frequent; N s_a^2/(N s_a^2 + s_e^2) for one factor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from momentalg.errors import ModelError, UnsupportedError
from momentalg.expr.keys import monomial_key
from momentalg.expr.names import join_factor
from momentalg.expr.sympy_door import symbol
from momentalg.inference.functions import Fitted, FunctionEstimate, function_of
from momentalg.model.resolved import Column, GroupBlock, ResolvedModel
from momentalg.model.resolving import known_factor

if TYPE_CHECKING:
    import pandas as pd

    from momentalg.model.model import Model

At = Mapping[str, Any]


def icc(
    fit: Fitted, by: str | Iterable[str] | None = None, at: At | None = None, residual: str | None = None
) -> FunctionEstimate:
    """The intraclass correlation of observations that share the levels of the factors in `by`.

    With slopes it depends on the covariates, whose values are given in `at`, ``{"x": 1}``; with classes of residuals on
    the class, ``residual="var(residual[north])"``. The interval is on the logit scale.

    Raises `ModelError` for several factors without `by`, `UnsupportedError` for slopes without `at`.
    """
    model = fit.model.resolved
    factors = _factors(model)
    if by is None and len(factors) > 1:
        named = ", ".join(map(repr, map(join_factor, factors)))
        raise ModelError(
            f"of which factors? by= is one of {named}, or several; ma.variance_shares(fit) has all of them"
        )
    names = [join_factor(factors[0])] if by is None else [by] if isinstance(by, str) else list(by)
    chosen = [known_factor(model, name, f"icc(by={name!r})") for name in names]
    parts = {f: component(fit.model, f, at) for f in factors}
    total = sum(parts.values()) + _residual(fit.model, residual)
    named = "" if by is None else f" of {' and '.join(names)}"
    return function_of(fit, sum(parts[f] for f in dict.fromkeys(chosen)) / total, f"ICC{named}", "logit")


def variance_shares(fit: Fitted, at: At | None = None, residual: str | None = None) -> pd.DataFrame:
    """The share of each factor and of the residual in the variance of an observation.

    Columns: estimate, std_error, conf_low, conf_high (95 %, on the logit scale inside 0 to 1), bias.
    """
    import pandas as pd

    parts = {join_factor(f): component(fit.model, f, at) for f in _factors(fit.model.resolved)}
    parts["residual"] = _residual(fit.model, residual)
    total = sum(parts.values())
    found = [function_of(fit, part / total, name, "logit") for name, part in parts.items()]
    rows = [(g.estimate, g.std_error, *g.interval(), g.bias) for g in found]
    columns = ["estimate", "std_error", "conf_low", "conf_high", "bias"]
    return pd.DataFrame(rows, index=pd.Index(list(parts), name="component"), columns=columns)


def reliability(
    fit: Fitted,
    size: float,
    by: str | None = None,
    levels: Mapping[str, float] | None = None,
    at: At | None = None,
    residual: str | None = None,
) -> FunctionEstimate:
    """The reliability of the mean of `size` observations of a level: the share of its variance that is the level's.

    `levels` gives for other factors how many of their levels the observations lie in; without, each observation lies in
    another one. A factor in which `by` is nested counts with the level: it is the same for all of them.

    Raises `ModelError` for a size below 1, or more levels than observations.
    """
    model = fit.model.resolved
    factors = _factors(model)
    if by is None and len(factors) > 1:
        raise ModelError(f"of which factor? by= is one of {', '.join(map(repr, map(join_factor, factors)))}")
    chosen = factors[0] if by is None else known_factor(model, by, f"reliability(by={by!r})")
    counts = {known_factor(model, name, "reliability(levels=...)"): n for name, n in (levels or {}).items()}
    wrong = [n for n in (size, *counts.values()) if not 1 <= n <= size]
    if wrong:
        raise ModelError(f"a number of observations is 1 or more, and of levels at most that; found {wrong[0]!r}")
    signal: Any = 0
    noise: Any = _residual(fit.model, residual) / _exact(size)
    for factor in factors:
        part = component(fit.model, factor, at)
        if model.is_nested(chosen, factor):
            signal = signal + part
        else:
            noise = noise + part / _exact(counts.get(factor, size))
    name = f"reliability of the mean of {size:g} observations" + ("" if by is None else f" of {by}")
    return function_of(fit, signal / (signal + noise), name, "logit")


def component(model: Model, factor: tuple[str, ...], at: At | None) -> Any:
    """The variance z'G z of the effects of a factor at given covariates, as a SymPy expression."""
    blocks = [b for b in model.resolved.groups if b.factor == factor]
    return sum(_of_block(model.resolved, block, at) for block in blocks)


def _of_block(model: ResolvedModel, block: GroupBlock, at: At | None) -> Any:
    z = [_value(column, block, at) for column in block.coefficients]
    keys = [str(c.key) for c in block.coefficients]
    terms = [
        z[i] * z[j] * symbol(model.cumulant_key(block, (a, b))) for i, a in enumerate(keys) for j, b in enumerate(keys)
    ]
    return sum(terms)


def _value(column: Column, block: GroupBlock, at: At | None) -> Any:
    """The value of what a coefficient is multiplied by."""
    if not column.monomial:
        return 1
    found: Any = 1
    for variable, power in column.monomial:
        key = monomial_key(((variable, 1),))
        if at is None or key not in at:
            raise UnsupportedError(
                f"the variance of the effects of {block.name} depends on {key}: there is no one share or correlation; "
                f"say at which value, as in at={{{key!r}: 1}}"
            )
        found = found * _exact(at[key]) ** power
    return found


def _exact(value: Any) -> Any:
    """A number for a SymPy expression: whole where it is."""
    number = float(value)
    return int(number) if number.is_integer() else number


def _factors(model: ResolvedModel) -> Sequence[tuple[str, ...]]:
    return tuple(dict.fromkeys(block.factor for block in model.groups))


def _residual(model: Model, key: str | None) -> Any:
    """The residual variance; of the class that is named, where there are several."""
    keys = [k for k, _ in model.resolved.residual_cumulants(2) if k is not None]
    if key is None and len(keys) != 1:
        raise ModelError(f"the residuals have classes: give residual=, one of {', '.join(map(repr, keys))}")
    if key is not None and key not in keys:
        raise ModelError(f"no residual variance {key!r}; there is {', '.join(keys)}")
    return symbol(keys[0] if key is None else key)
