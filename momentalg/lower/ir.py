"""EstimatorIR: an estimator as data. What is accumulated from the rows, and what is computed from the sums.

It says nothing of templates or of an array library; a backend of `emit` writes it down. Names in it are our own
identifiers; names of the user's columns occur only as values, in fields called `column`, `factor` and `key`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from momentalg.expr.nodes import Variable
from momentalg.lower.arrays import Expr, Table

RESPONSE = "y"
"""The name of the response among the row symbols."""

Powers = tuple[tuple[str, int], ...]
"""A product of powers of row symbols, by their names, sorted; the empty tuple is 1."""


@dataclass(frozen=True)
class RowSymbol:
    """A value that each row has: the response, or a covariate that varies by observation.

    `value` is an expression in the columns' names when the symbol is a function of other row symbols, else None.
    A `shifted` symbol is summed about a shift.
    """

    name: str
    label: str
    column: str | None
    value: Expr | None
    shifted: bool
    variable: Variable | None = None


@dataclass(frozen=True)
class UnshiftedSlope:
    """The covariate of a slope, a row symbol that is not shifted, and has to be told from a constant.

    The equations are solved where it is at most `farthest` standard deviations from 0.
    """

    name: str
    column: str
    farthest: int


@dataclass(frozen=True)
class LevelSymbol:
    """A covariate that is constant on the levels of a table: a column of the data."""

    name: str
    column: str
    table: Table


@dataclass(frozen=True)
class CodedColumn:
    """A column of labels that are known by name, as those of a fixed factor: the reference first."""

    column: str
    labels: tuple[str | int | float, ...]


@dataclass(frozen=True)
class DeclaredFact:
    """What the model declares of each level of a table: one row at most, or one value of a row symbol."""

    table: Table
    symbol: str | None


@dataclass(frozen=True)
class TableSpec:
    """A table that is kept while rows are read: its label columns, and what the names of its sums end in."""

    columns: Table
    suffix: str


@dataclass(frozen=True)
class FactorLevels:
    """A factor of the model, by its name, and the table of its levels: what its names end in, and what it is kept in.

    `places` are its label columns among those of the table `kept`; all of them, where it is kept itself.
    """

    factor: str
    suffix: str
    kept: str
    places: tuple[int, ...]


@dataclass(frozen=True)
class Accumulator:
    """A sum of a product of row symbols, per level of a table or over all rows; `recentred` is it about new shifts.

    In `recentred` the move of symbol ``s`` is ``move_s``: old shift minus new shift.
    """

    name: str
    powers: Powers
    table: Table | None  # None: over all rows
    recentred: Expr
    formula: str


@dataclass(frozen=True)
class Quantity:
    """A named step of the computation, with its formula in words of the model."""

    name: str
    value: Expr
    formula: str


@dataclass(frozen=True)
class Margin:
    """For each level of a table the position of the coarser level that it lies in.

    `fine` is what the names of the finer table end in, and `places` are the label columns of it that tell the coarser.
    Where the finer table is a margin of a third one itself, `through` names the positions of both in that.
    """

    name: str
    coarse: str
    fine: str
    places: tuple[int, ...]
    formula: str
    through: tuple[str, str] | None = None


@dataclass(frozen=True)
class Estimate:
    """An estimate, by the key of its parameter."""

    key: str
    value: Expr
    is_variance: bool


@dataclass(frozen=True)
class RankCheck:
    """A point in the computation where a matrix, named before, must have full rank for `keys` to be separated.

    When it has not, the columns of mean parameters are to blame for `of_means`, and perhaps the levels otherwise.
    """

    matrix: Expr
    keys: tuple[str, ...]
    of_means: bool = False


@dataclass(frozen=True)
class TestRow:
    """One row of the self-test: label, response and covariate columns, as whole numbers."""

    __test__ = False  # not a test class

    labels: tuple[str | int | float, ...]
    values: tuple[int, ...]


@dataclass(frozen=True)
class SelfTest:
    """Rows and the estimates that exact rational arithmetic gives for them."""

    columns: tuple[str, ...]
    rows: tuple[TestRow, ...]
    exact: tuple[tuple[str, Fraction], ...]


@dataclass(frozen=True)
class FactorEffects:
    """The effects of a factor's levels in the second step: where the cells lie, and their columns among those of W.

    `positions` is None where the levels are the cells; `labels` are the factor's columns among those of the cells.
    """

    name: str
    positions: Expr | None
    levels: Expr
    columns: tuple[int, ...]
    labels: tuple[int, ...]


@dataclass(frozen=True)
class EffectBlock:
    """Correlated effects of one factor: its place among the factors, and those of its columns among the factor's.

    `back` takes coefficients from shifted covariates to the covariates as they are; None is the identity.
    """

    name: str
    factor: int
    places: tuple[int, ...]
    coefficients: tuple[str, ...]
    back: Expr | None


@dataclass(frozen=True)
class Reweighting:
    """A second step, whose weights come from the first: what it is given. `nested` factors lie in one another."""

    iterated: bool
    nested: bool
    cells: Expr  # W'W per cell, W the columns of mean and effects, and y last
    suffix: str  # of the table of the cells
    sizes: Expr
    mean: tuple[int, ...]
    mean_keys: tuple[str, ...]
    mean_back: Expr | None
    factors: tuple[FactorEffects, ...]  # the finest first
    blocks: tuple[EffectBlock, ...]
    components: tuple[tuple[int, int, int], ...]
    keys: tuple[str, ...]  # of the components, the residual variance last
    first: Expr


@dataclass(frozen=True)
class EstimatorIR:
    """A whole estimator."""

    formula: str
    arguments: tuple[str, ...]  # of the command that generates it again; empty when no command can
    code: str  # the Python expression that does, if it is short
    statistics: str
    means: str
    definitions: tuple[str, ...]
    equations: tuple[str, ...]
    assumptions: tuple[str, ...]
    response: str
    factors: tuple[FactorLevels, ...]
    tables: tuple[TableSpec, ...]
    rows: tuple[RowSymbol, ...]
    unshifted_slopes: tuple[UnshiftedSlope, ...]
    levels: tuple[LevelSymbol, ...]
    coded: tuple[CodedColumn, ...]
    accumulators: tuple[Accumulator, ...]
    steps: tuple[Quantity | Margin | RankCheck, ...]
    estimates: tuple[Estimate, ...]
    self_test: SelfTest
    reweighting: Reweighting | None = None
    facts: tuple[DeclaredFact, ...] = ()
