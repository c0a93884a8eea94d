"""The errors a user can meet, each saying what was asked, what was found and what to do.

All of them derive from `MomentalgError`, so that one `except` catches whatever momentalg refuses.
"""


class MomentalgError(Exception):
    """Base of every error that momentalg raises on purpose."""


class ModelError(MomentalgError):
    """A model that is not a mixed model of the stated class, or that contradicts itself."""


class FormulaError(ModelError):
    """A formula that cannot be read; the message carries a caret under the place."""


class DataError(MomentalgError):
    """Data that the model cannot be fitted to as they are: columns, types, missing values, levels."""


class NothingLeftError(DataError):
    """All rows of some data have missing values, and were to be dropped, or there are none; `rows` counts them."""

    def __init__(self, rows: int) -> None:
        missing = f"all {rows} rows have missing values; nothing is left to fit"
        super().__init__(missing if rows else "the data have no rows")
        self.rows = rows


class StatisticError(MomentalgError):
    """A statistic that is not a polynomial in the response built from totals over levels."""


class RuleError(MomentalgError):
    """A step of a derivation that its law does not justify: a defect, never a user's mistake."""


class NotIdentifiedError(MomentalgError):
    """Parameters that the equations cannot separate, with the combinations that they can."""


class UnsupportedError(MomentalgError):
    """Outside the stated class; the message names the nearest thing that works."""


class AssumptionError(MomentalgError):
    """A step that needs an assumption which the model does not make, such as N >= 1 for 1/N."""


class CheckError(MomentalgError):
    """A check by simulation that cannot be carried out, such as an estimator that fails on a replicate."""
