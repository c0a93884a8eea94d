"""How equations are weighted: not at all, by a first solution, or until the weights are those of the solution itself.

The words are those of the generalised method of moments. With ``"two-step"`` the first step solves the moment equations
as they are. Its components make a working covariance V of the response, in units of the residual variance. With
P = V^-1 - V^-1 X (X'V^-1 X)^-1 X'V^-1, and V_g the part of component g in V, the second step solves

    y'P V_g P y = sum_h tr(P V_g P V_h) theta_h.

These hold in expectation whatever V is: weights bear on efficiency alone. Where the first step is more than a standard
error away from what it leads to, that makes the weights anew, at most four times: the solution of equations without
weights can be far off where sizes are very unequal. With ``"iterated"`` V and the solution agree in the end, and the
equations are those of REML (Anderson 1973, Annals of Statistics 1, 135-141; Harville 1977, JASA 72, 320-338).

V has no negative variances: in it the nearest matrices of effects without negative eigenvalues stand for those that are
solved. The solution is free. Iterated, it is the maximum of the restricted likelihood where that lies inside; where the
maximum is at the boundary, with a variance of 0 or a correlation of 1, the solution lies outside, as do those of the
analysis of variance for balanced data, and is not the likelihood's. It is kept, with the truncated one beside it.

V is the covariance of y, and so are these weights those of normal effects. With ``"kurtosis"`` they are made of fourth
cumulants too, for one random intercept: `momentalg.inference.kurtosis_weights`. Fourth cumulants need the rows, and no
module is generated.
"""

from __future__ import annotations

from itertools import pairwise

from momentalg.errors import ModelError, UnsupportedError
from momentalg.model.resolved import ResolvedModel

KURTOSIS = "kurtosis"
WEIGHTINGS = ("none", "two-step", "iterated", KURTOSIS)


def require_weighting(weighting: str, model: ResolvedModel) -> None:
    """Refuse what is no weighting, and one that the model does not have."""
    if weighting not in WEIGHTINGS:
        raise ModelError(f"weighting={weighting!r} is none of {', '.join(map(repr, WEIGHTINGS))}")
    if weighting != "none" and (reason := why_unweighted(model)):
        raise UnsupportedError(f"weighting={weighting!r}: {reason}; weighting='none' solves the equations as they are")
    if weighting == KURTOSIS and (reason := why_without_kurtosis(model)):
        raise UnsupportedError(
            f"weighting={weighting!r} is for one random intercept, (1 | factor), beside any common terms; {reason}; "
            "weighting='two-step' has weights for normal effects, which serve any model"
        )


def why_unweighted(model: ResolvedModel) -> str:
    """Why the equations of a model have no weights from a first step; nothing, where they have."""
    if model.residual_by:
        return "weights are derived for one residual variance, not for one of each class"
    return ""


def why_without_kurtosis(model: ResolvedModel) -> str:
    """Why the weights of a model cannot be of fourth cumulants; nothing, where they can."""
    slopes = [block.name for block in model.groups if any(column.monomial for column in block.coefficients)]
    if slopes:
        return f"the effects of {slopes[0]} have slopes"
    if len(model.groups) != 1:
        return f"this model has {len(model.groups)} group terms, of {', '.join(block.name for block in model.groups)}"
    if model.weights is not None:
        return f"the residual has the known weights {model.weights}"
    if model.responses or model.goes_with or model.known_effects:
        return "the effects go with other variables, or are conditioned on"
    return ""


def chosen_weighting(model: ResolvedModel, weighting: str | None, unasked: bool) -> str:
    """The weighting of an estimator: what is asked for; else a second step, unless statistics are asked for by name."""
    if weighting is None:
        return "two-step" if unasked and not why_unweighted(model) else "none"
    require_weighting(weighting, model)
    return weighting


def is_nested_chain(model: ResolvedModel) -> bool:
    """Whether the factors lie in one another, so that levels are independent given the coarser ones."""
    factors = sorted({model.closure(block.factor) for block in model.groups}, key=len)
    return all(coarse < fine for coarse, fine in pairwise(factors))
