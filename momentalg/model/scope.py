"""The class of models that can be derived now; what parses and lies outside it is refused by name."""

from __future__ import annotations

from momentalg.errors import ModelError, UnsupportedError
from momentalg.expr.names import quote
from momentalg.model.expansion import Expanded
from momentalg.model.resolved import GroupBlock

LATER_ARGUMENTS = {
    "incidence": "random designs of crossed factors",
    "residual_by": "residual variances that differ between classes or depend on a size",
    "weights": "weights of observations",
    "family": "generalised linear mixed models",
    "kernels": "known relatedness between levels",
}
"""Arguments of `Model` that belong to later versions, and what each would declare."""


def refuse_argument(name: str) -> UnsupportedError:
    """The error for an argument of `LATER_ARGUMENTS`."""
    works = "leave it out; the residual variance is one number, the same for all observations"
    return UnsupportedError(f"{name}= is not available yet ({LATER_ARGUMENTS[name]}); {works}")


def require_derivable(expanded: Expanded, text: str) -> None:
    """Raise `UnsupportedError` or `ModelError` unless the model has one factor with a random intercept alone."""
    if not expanded.groups:
        raise ModelError(f"no group term in {text!r}: this is not a mixed model; add one, such as (1 | user)")
    _require_covariates(expanded, text)
    names = list(dict.fromkeys(block.name for block in expanded.groups))
    first = expanded.groups[0]
    if len(names) > 1:
        raise UnsupportedError(
            f"more than one grouping factor is not available yet: {text!r} has {', '.join(names)} "
            f"({_arrangement(expanded.groups)}); one factor works now, as in (1 | {first.name})"
        )
    if len(first.factor) > 1:
        pasted = quote("_".join(first.factor))
        raise UnsupportedError(
            f"an intersection as the grouping factor is not available yet: (1 | {first.name}) in {text!r}; "
            f"a column that holds the combined label works now, as in (1 | {pasted})"
        )
    works = f"the random intercept works now: (1 | {first.name})"
    slopes = [c for block in expanded.groups for c in block.coefficients if c.monomial]
    for slope in slopes:
        if any(variable.kind == "size" for variable, _ in slope.monomial):
            raise UnsupportedError(f"a random effect on {slope.key} is not available yet, in {text!r}; {works}")
    if slopes:
        shown = ", ".join(str(s.key) for s in slopes)
        alone = "" if any(not c.monomial for b in expanded.groups for c in b.coefficients) else " without an intercept"
        raise UnsupportedError(f"random slopes{alone} are not available yet: {shown} in {text!r}; {works}")


def _require_covariates(expanded: Expanded, text: str) -> None:
    columns = [*expanded.mean, *(c for block in expanded.groups for c in block.coefficients)]
    for variable, _ in (pair for column in columns for pair in column.monomial):
        if variable.kind == "factor":
            advice = "numeric indicator columns, one fewer than the factor has levels, work now"
            raise UnsupportedError(f"fixed factors are not available yet: {variable.name} in {text!r}; {advice}")


def _arrangement(groups: tuple[GroupBlock, ...]) -> str:
    sets = [set(block.factor) for block in groups]
    if any(a < b for a in sets for b in sets):
        return "nested or with an interaction"
    return "crossed"
