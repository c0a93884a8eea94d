"""What a generated estimator says of itself: its statistics, equations and assumptions; and what has no estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from momentalg.errors import UnsupportedError
from momentalg.expr.names import join_factor, quote
from momentalg.lower.wording import wording
from momentalg.moments.system import default_statistics

if TYPE_CHECKING:
    from momentalg.model.resolved import GroupBlock
    from momentalg.moments.equations import MomentEquation
    from momentalg.moments.solution import Solution
    from momentalg.moments.system import MomentSystem


def defined(equation: MomentEquation) -> str:
    """The definition of an equation's statistic."""
    return f"{equation.name} = {wording(equation.statistic)}"


def written(equation: MomentEquation) -> str:
    """An equation: the expectation of its statistic."""
    terms = [f"({wording(c)}) * {key}" for key, c in equation.coefficients.items()]
    return f"E[{equation.name}] = " + (" + ".join(terms) or "0")


def arguments(solution: Solution) -> tuple[str, ...]:
    """The arguments of ``momentalg generate`` that give this estimator; none for own statistics or chosen targets."""
    system = solution.system
    if system.statistics is None or solution.targets != system.targets:
        return ()
    found = [system.formula]
    for variable, factor in system.model.constant_on.items():
        if variable.kind == "column":
            found += ["--levels", f"{quote(variable.name)}={join_factor(factor)}"]
    if system.statistics != default_statistics(system.model):
        found += ["--statistics", system.statistics]
    if system.means != "projection":
        found += ["--means", system.means]
    return tuple(found)


def assumptions(system: MomentSystem) -> tuple[str, ...]:
    """What the estimators assume of the data."""
    found = [
        *(_effects(block) for block in system.model.groups),
        "the residuals are independent, with mean 0 and one variance",
        "the effects and residuals are independent of the design: labels, sizes and covariates",
        "no normality: any distribution with finite variance",
    ]
    if system.means == "plug-in":
        found.append("estimates of the mean parameters are plugged in for them: the variance components are biased")
    return tuple(found)


def _effects(block: GroupBlock) -> str:
    if len(block.coefficients) == 1:
        return f"effects of {block.name} are independent, with mean 0 and one variance"
    listed = ", ".join(str(c.key) for c in block.coefficients)
    return f"effects of {block.name} are independent between levels, with mean 0; those of {listed} may be correlated"


def require_class(system: MomentSystem) -> None:
    """Raise `UnsupportedError` for models and equations that estimators are not generated for."""
    model = system.model
    if any(c.key is None for c in model.mean):
        raise UnsupportedError("an estimator with an offset is not generated yet; subtract it from the response column")
    if any(e.known is not None for e in (*system.common, *system.variance)):
        raise UnsupportedError(
            "an equation with a known part is not generated yet; subtract the offset from the response"
        )
