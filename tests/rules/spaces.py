"""Small probability spaces, with and without covariates, on which laws and steps keep their exact values."""

from __future__ import annotations

from functools import cache

from momentalg.check.laws import centred, read_atoms
from momentalg.check.spaces import Space
from momentalg.expr.nodes import Size, Value, Variable
from momentalg.model.resolved import Column, GroupBlock, Independence, ResolvedModel

BY = ("user",)
N = Size(BY)
X, x, SIZE = Variable("column", "X"), Variable("column", "x"), Variable("size", "user")
EFFECTS = (centred(("1/3", 2), ("2/3", -1)), centred(("1/4", -2), ("3/4", 1)), centred(("1/2", 3), ("1/2", -1)))
RESIDUALS = (centred(("1/4", 5), ("3/4", 0)), centred(("2/3", 1), ("1/3", -3)), centred(("1/5", 0), ("4/5", 2)))
SIZES = (
    [{"p": "1/3", "size(user)": 1}, {"p": "2/3", "size(user)": 2}],
    [{"p": "1/4", "size(user)": 1}, {"p": "1/4", "size(user)": 2}, {"p": "1/2", "size(user)": 3}],
)
COVARIATES = (  # of at least two observations, so that x_j and x_k exist
    [
        {"p": "1/2", "size(user)": 2, "X": 3, "x": [1, -1]},
        {"p": "1/4", "size(user)": 2, "X": -1, "x": [0, 2]},
        {"p": "1/4", "size(user)": 3, "X": 3, "x": [2, 2, 1]},
    ],
    [{"p": "1/3", "size(user)": 2, "X": "1/2", "x": [4, 0]}, {"p": "2/3", "size(user)": 3, "X": -2, "x": [0, 1, 3]}],
)
MEANS = {"Intercept": (), "X": ((X, 1),), "x": ((x, 1),), "size(user)": ((SIZE, 1),)}


def model(*means: str, independent: bool = False) -> ResolvedModel:
    """The one-factor model with these mean columns."""
    return ResolvedModel(
        "y",
        tuple(Column(key, MEANS[key]) for key in means),
        (GroupBlock(BY, (Column("1"),)),),
        constant_on={X: BY, SIZE: BY},
        independent=(Independence((SIZE, X)),) if independent else (),
    )


@cache
def plain(number: int, units: int = 1) -> Space:
    """A space of the model without covariates."""
    return _space(model("Intercept"), SIZES[number % 2], number, units)


@cache
def with_covariates(number: int, *means: str) -> Space:
    """A space of a model with covariates, which are jointly distributed with the size."""
    return _space(model(*(means or tuple(MEANS))), COVARIATES[number % 2], number, 1)


def _space(chosen: ResolvedModel, design: list[dict[str, object]], number: int, units: int) -> Space:
    coefficients = dict(zip(MEANS, ("5/2", "-3", "2", "1/2"), strict=True))
    kept = {str(c.key): coefficients[str(c.key)] for c in chosen.mean}
    effect, residual = EFFECTS[number % 3], RESIDUALS[(number + 1) % 3]
    return Space(chosen, kept, read_atoms(design), (effect,), residual, units)


def all_covariates(space: Space) -> tuple[Size | Value, ...]:
    """Everything about the design of the default unit, as conditions."""
    names = [str(c.key) for c in space.model.mean]
    return (N, *(Value(v) for key, v in (("X", X), ("x", x)) if key in names))
