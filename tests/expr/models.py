"""Small resolved models for the tests of the printers."""

from __future__ import annotations

from momentalg.expr.nodes import Monomial, Response, Size, Total, Value, Variable
from momentalg.model.resolved import Column, GroupBlock, ResolvedModel

USER = ("user",)
x, z, X = (Variable("column", name) for name in ("x", "z", "X"))
SIZE = Variable("size", "user")
Y = Response()
S = Total(Y, USER)
T = Total(Y**2, USER)
N = Size(USER)


def column(key: str, *variables: Variable) -> Column:
    """A mean column: the product of some variables."""
    monomial: Monomial = tuple((v, 1) for v in variables)
    return Column(key, monomial)


def group(factor: tuple[str, ...], *slopes: Variable) -> GroupBlock:
    """A random intercept, with slopes."""
    return GroupBlock(factor, (Column("1"), *(column(v.name, v) for v in slopes)))


ONE_WAY = ResolvedModel("rating", (column("Intercept"),), (group(USER),))
SIZED = ResolvedModel("rating", (column("Intercept"), column("size(user)", SIZE)), (group(USER),))
COVARIATES = ResolvedModel(
    "rating", (column("Intercept"), column("X", X), column("x", x)), (group(USER),), constant_on={X: USER}
)
SLOPE = ResolvedModel("y", (column("Intercept"), column("x", x)), (group(USER, x),))
CROSSED = ResolvedModel("y", (column("Intercept"),), (group(("a",)), group(("b",)), group(("a", "b"))))
x_j = Value(x)
X_i = Value(X)
