"""What data are refused for, in the same words whichever engine finds it: the columns, and what to do about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from momentalg.errors import DataError, NothingLeftError
from momentalg.expr.names import join_factor

MISSING = ("refuse", "drop")
"""What may be done with rows that have a missing value in a needed column."""


def require_missing(missing: str) -> None:
    """Raise `DataError` for a word that is none of `MISSING`: rows would be neither refused nor dropped."""
    if missing not in MISSING:
        raise DataError(f"missing= is {' or '.join(map(repr, MISSING))}, not {missing!r}")


def no_rows() -> NothingLeftError:
    """Data without rows, which parts of data may be."""
    return NothingLeftError(0)


def missing_values(count: int, rows: int, found: Mapping[str, object]) -> DataError:
    """Rows with missing values: how many, and by column how many, or where too."""
    listed = ", ".join(f"{name!r} ({told})" for name, told in found.items())
    return DataError(
        f"{count} of {rows} rows have missing values: {listed}; missing='drop' leaves them out and counts them"
    )


def truth_values(name: str) -> DataError:
    """A response of truth values."""
    return DataError(
        f"the response {name!r} holds truth values; if 0 and 1 are meant, make them numbers, as in "
        f"frame[{name!r}].astype(float)"
    )


def not_numeric(name: str, is_response: bool, found: str) -> DataError:
    """A column of something else than numbers."""
    role, advice = "response", ""
    if not is_response:
        role, advice = "covariate", "; a column of categories needs 0/1 columns of its own, one for each but the first"
    return DataError(f"the {role} {name!r} is not numeric: it holds {found}{advice}")


def not_exact(name: str) -> DataError:
    """Whole numbers that floats do not tell apart."""
    return DataError(f"{name!r} holds whole numbers beyond 2**53 - 1, which are not exact as floats; rescale it")


def unseen_nan(what: str) -> DataError:
    """NaN that the engine of the data takes for no missing value."""
    return DataError(
        f"{what}, which the engine of the data did not find: DuckDB does not where statistics of Parquet files pass "
        "over NaN; SET disabled_optimizers = 'statistics_propagation' before the relation is made"
    )


def infinite(name: str, rows: int, first: int | None = None) -> DataError:
    """A column of numbers some of which are infinite; `first` is the first row where they are."""
    where = "" if first is None else f", first in row {first}"
    return DataError(f"{name!r} is infinite in {rows} rows{where}; drop these rows, or bound the values")


def not_positive(name: str, least: float, first: int | None = None) -> DataError:
    """Weights that are no weights; `first` is the first row where they are not."""
    where = "" if first is None else f", first in row {first}"
    return DataError(
        f"the weights {name!r} must be positive, and the least is {least:g}{where}; correct them, or leave them out"
    )


def not_told_apart(name: str, why: object) -> DataError:
    """Labels of a type that has no equality that can be relied on."""
    return DataError(f"the labels in {name!r} cannot be told apart: {why}; use numbers or text")


def not_constant(name: str, factor: Sequence[str], found: str) -> DataError:
    """A covariate that is declared constant on the levels of a factor, and what was found."""
    return DataError(
        f"{name!r} is declared constant within {join_factor(tuple(factor))}, but {found}; correct the data, or leave "
        "it out of levels="
    )


def replicated(factor: Sequence[str], found: str) -> DataError:
    """A factor that is declared unreplicated, and what was found."""
    name = join_factor(tuple(factor))
    return DataError(
        f"{name} is declared to have one observation at most, but {found}. Leave out ma.unreplicated({name!r}), and "
        "results hold with replicates"
    )


def called(factor: Sequence[str], labels: Sequence[Any]) -> str:
    """A level of a factor in words, from its labels by column."""
    if len(factor) == 1:
        return repr(labels[0])
    return ", ".join(f"{column} {label!r}" for column, label in zip(factor, labels, strict=True))
