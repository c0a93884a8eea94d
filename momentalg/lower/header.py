"""What a generated estimator says of itself: its statistics, equations and assumptions; and what has no estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from momentalg.errors import UnsupportedError
from momentalg.expr.names import join_factor, quote
from momentalg.expr.nodes import Label
from momentalg.lower.wording import wording
from momentalg.moments.system import default_statistics
from momentalg.moments.weighting import chosen_weighting

if TYPE_CHECKING:
    from momentalg.model.resolved import GroupBlock, ResolvedModel
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
    """The arguments of ``momentalg generate`` that give this estimator.

    None for own statistics or chosen targets, and for what is declared in ways that the command line lacks.
    """
    system, model = solution.system, solution.system.model
    if not _is_named(solution) or not all(map(_is_plain, model.fixed.values())) or model.residual_by:
        return ()
    found = [system.formula]
    for variable, factor in model.constant_on.items():
        if variable.kind == "column":
            found += ["--levels", f"{quote(variable.name)}={join_factor(factor)}"]
    for column, labels in model.fixed.items():
        found += ["--fixed", f"{quote(column)}={' '.join(map(str, labels or ()))}"]
    for inner, outer in model.local_to.items():
        found += ["--nested", f"{quote(inner)}={quote(outer)}"]
    for factor in sorted(model.unreplicated):
        found += ["--unreplicated", join_factor(factor)]
    if model.weights is not None:
        found += ["--weights", quote(model.weights)]
    if system.statistics and system.statistics != default_statistics(model):
        found += ["--statistics", system.statistics]
    if system.means != "projection":
        found += ["--means", system.means]
    if system.weighting != chosen_weighting(model, None, not {"--statistics", "--means"} & set(found)):
        found += ["-w", system.weighting]
    return tuple(found)


def code(solution: Solution) -> str:
    """The Python expression that gives this estimator; nothing for own statistics or chosen targets."""
    system = solution.system
    if not _is_named(solution) or not system.code:
        return ""
    means = f", means={system.means!r}" if system.means != "projection" else ""
    weighting = f", weighting={system.weighting!r}" if system.weighting != "none" else ""
    return f"{system.code}.moment_equations({system.statistics!r}{means}{weighting}).estimator()"


def _is_named(solution: Solution) -> bool:
    return solution.system.statistics is not None and solution.targets == solution.system.targets


def _is_plain(labels: tuple[Label, ...] | None) -> bool:
    """Whether labels are words that the command line reads as they are."""
    return all(isinstance(label, str) and not set(label) & set(" ,=`") for label in labels or ("",))


def assumptions(system: MomentSystem) -> tuple[str, ...]:
    """What the estimators assume of the data."""
    found = [
        *(_effects(block) for block in system.model.groups),
        _residuals(system.model),
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


def _residuals(model: ResolvedModel) -> str:
    each = f"a variance for each level of {', '.join(map(quote, model.residual_by))}" if model.residual_by else ""
    divided = f", divided by {quote(model.weights)}" if model.weights is not None else ""
    return f"the residuals are independent, with mean 0 and {each or 'one variance'}{divided}"


def require_class(system: MomentSystem) -> None:
    """Raise `UnsupportedError` for models and equations that estimators are not generated for."""
    model = system.model
    if unknown := [name for name, levels in model.fixed.items() if levels is None]:
        raise UnsupportedError(
            f"an estimator needs the levels of the fixed factor {unknown[0]!r}: declare them, "
            f"fixed={{{unknown[0]!r}: [...]}}, or take them from data, model.with_levels(frame)"
        )
    if any(c.key is None for c in model.mean):
        raise UnsupportedError("an estimator with an offset is not generated yet; subtract it from the response column")
    if any(e.known is not None for e in (*system.common, *system.variance)):
        raise UnsupportedError(
            "an equation with a known part is not generated yet; subtract the offset from the response"
        )
