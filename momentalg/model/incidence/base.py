"""What an incidence is: one law for all of them, which the four of `ma.designs` fill in.

Every combination of levels of the columns `strata` holds a random number of observations; these numbers are i.i.d., or
one number that is fixed where there are no such columns. Each observation draws its labels in the other columns, set
by set of `drawn`, with fixed probabilities, independently of everything. A column in `within` has, in each level of its
parent, an i.i.d. random number of levels of its own.

So any product of sizes has an expectation in the moments of one count and in power sums of the probabilities: see
`momentalg.cumulants.incidence`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import fields
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from momentalg.errors import ModelError
from momentalg.expr.names import join_factor
from momentalg.expr.nodes import Variable
from momentalg.model.distributions.base import SizeLaw
from momentalg.model.distributions.constant import Constant
from momentalg.model.distributions.exact import exact, whole
from momentalg.model.distributions.finite import Finite

if TYPE_CHECKING:
    import numpy as np

Columns = tuple[str, ...]
Probabilities = tuple[Fraction, ...]


def probability(columns: Columns) -> Variable:
    """The probability that an observation has these labels, as a value on their levels."""
    return Variable("law", f"probability({join_factor(columns)})")


def number_within(column: str) -> Variable:
    """The number of levels of a column within a level of its parent, as a value on the latter."""
    return Variable("law", f"levels({join_factor((column,))})")


class Incidence(ABC):
    """How the levels of factors come to meet. Immutable; equal when it says the same."""

    @property
    @abstractmethod
    def strata(self) -> Columns:
        """The columns whose levels, or combinations of levels, each hold a random number of observations."""

    @property
    def drawn(self) -> tuple[Columns, ...]:
        """The sets of columns whose labels each observation draws; independently of one another."""
        return ()

    @property
    def within(self) -> Mapping[str, str]:
        """The columns with a random number of levels in each level of their parent, and the parent."""
        return {}

    @property
    def count(self) -> SizeLaw | None:
        """The law of the number of observations of a stratum; a constant where there are no strata."""
        return None

    @property
    def number(self) -> SizeLaw | None:
        """The law of the number of levels of a column in `within`."""
        return None

    def probabilities(self, columns: Columns) -> Mapping[tuple[int, ...], Fraction] | None:
        """The probability of each combination of labels of a set in `drawn`, by their places; None when left open."""
        return None

    @property
    def columns(self) -> Columns:
        """All label columns."""
        return tuple(dict.fromkeys((*self.strata, *(c for some in self.drawn for c in some))))

    @property
    def may_be_empty(self) -> frozenset[str]:
        """The columns whose levels may have no observation."""
        drawn = {c for some in self.drawn for c in some}
        return frozenset(drawn | (set(self.strata) if self.count is not None and self.count.may_be_zero else set()))

    @property
    def repeats_cells(self) -> bool:
        """Whether a combination of levels may have several observations; an open law of its count says nothing."""
        if self.drawn:
            return True
        law = self.count
        return law is not None and not (isinstance(law, Finite | Constant) and law.moment(2) == law.moment(1))

    @property
    def values(self) -> Mapping[Variable, Columns]:
        """The constants of the law that are values on levels, and the columns of those levels."""
        found: dict[Variable, Columns] = {probability((c,)): (c,) for some in self.drawn for c in some}
        found |= {probability(some): some for some in self.drawn if len(some) > 1}
        return found | {number_within(inner): (outer,) for inner, outer in self.within.items()}

    def levels(self, given: Mapping[str, int]) -> dict[str, int]:
        """The number of levels of every column but those in `within`; of drawn ones, as many as have probabilities."""
        found: dict[str, int] = {}
        for some in self.drawn:
            known = self.probabilities(some)
            for position, column in enumerate(some if known else ()):
                found[column] = 1 + max(place[position] for place in known or ())
        for column in self.columns:
            if column not in found and column in given and column not in self.within:
                found[column] = whole(given[column], f"units={{{column!r}: ...}}")
        if unknown := sorted(set(given) - set(found)) or [c for c in given if found[c] != given[c]]:
            raise ModelError(f"units= gives a number of levels of {unknown[0]!r}, which is not open in {self!r}")
        return found

    def sample(self, rng: np.random.Generator, levels: Mapping[str, int]) -> dict[str, Any]:
        """Draw a design: an array of labels 0, 1, ... for every column, an observation in each place.

        `levels` gives the number of levels of the columns that have no probabilities, ``{"user": 40}``. Labels of a
        column in `within` count through all parents, so that they are those of a nested factor either way.

        Raises:
            ModelError: a law or probabilities that are left open, or a number of levels that is not given.

        """
        import numpy as np

        count, numbers = self.count, self.levels(levels)
        if count is None or (self.within and self.number is None):
            raise ModelError(f"{self!r} leaves laws open and cannot be sampled: give them")
        cells = np.zeros((1, 0), dtype=np.int64)
        for column in self.strata:
            if column in self.within:
                assert self.number is not None
                times = np.asarray(self.number.sample(rng, len(cells)), dtype=np.int64)
                cells = np.column_stack([np.repeat(cells, times, axis=0), np.arange(times.sum())])
                continue
            if column not in numbers:
                raise ModelError(f"say how many levels {column!r} has, as in units={{{column!r}: 40}}")
            size = numbers[column]
            cells = np.column_stack([np.repeat(cells, size, axis=0), np.tile(np.arange(size), len(cells))])
        times = np.asarray(count.sample(rng, len(cells)), dtype=np.int64)
        found = dict(zip(self.strata, np.repeat(cells, times, axis=0).T, strict=True))
        for some in self.drawn:
            known = self.probabilities(some)
            if known is None:
                raise ModelError(f"{self!r} leaves probabilities open and cannot be sampled: give them")
            weights = np.array([float(p) for p in known.values()])
            chosen = np.array(list(known))[rng.choice(len(weights), times.sum(), p=weights / weights.sum())]
            found |= dict(zip(some, chosen.T, strict=True))
        return found

    def __repr__(self) -> str:
        name = "".join("_" + c.lower() if c.isupper() else c for c in type(self).__name__).lstrip("_")
        found = [(f.name.rstrip("_"), getattr(self, f.name)) for f in fields(self)]  # type: ignore[arg-type]
        shown = [
            _shown(v) if n < 2 else f"{k}={_shown(v)}" for n, (k, v) in enumerate(found) if v is not None and v != ()
        ]
        return f"ma.designs.{name}({', '.join(shown)})"


def _shown(value: Any) -> str:
    if isinstance(value, Fraction):
        return str(value.numerator) if value.denominator == 1 else repr(str(value))
    if isinstance(value, tuple):
        alone = len(value) == 1 and isinstance(value[0], str)
        return repr(value[0]) if alone else f"[{', '.join(map(_shown, value))}]"
    return repr(value)


def read_columns(rows: object, columns: object) -> Columns:
    """The columns that rows are crossed with, one or several; `ModelError` unless all have different names."""
    several = tuple(columns) if isinstance(columns, list | tuple) and columns else (columns,)
    names = (rows, *several)
    for name in names:
        if not isinstance(name, str) or not name:
            raise ModelError(f"an incidence is of columns, each named by a text; found {name!r}")
    if len(set(names)) < len(names):
        raise ModelError(f"an incidence is of different columns; found {', '.join(map(repr, names))}")
    return several


def read_count(law: object, what: str) -> SizeLaw | None:
    """A law of whole numbers: a law, a dict of probabilities, a number; None is left open."""
    if law is None or isinstance(law, SizeLaw):
        return law
    if isinstance(law, Mapping):
        law = Finite(law)
        if law.is_size and isinstance(law, SizeLaw):
            return law
    if isinstance(law, int) and not isinstance(law, bool):
        return Constant(law)
    raise ModelError(
        f"{what} must have a law on 0, 1, 2, ..., such as ma.Poisson(3) or {{1: '1/2', 3: '1/2'}}; {law!r}"
    )


def read_lists(values: Any, columns: Columns) -> tuple[Probabilities, ...]:
    """The probabilities of the labels in each of these columns; none where they are left open."""
    if values is None or values == [None]:
        return ()
    if not isinstance(values, list | tuple) or len(values) != len(columns):
        raise ModelError(f"probabilities= takes a list for each of {', '.join(columns)}; found {values!r}")
    return tuple(read_probabilities(p, f"the probabilities of {c}") for p, c in zip(values, columns, strict=True))


def read_probabilities(values: object, what: str) -> Probabilities:
    """Numbers that sum to 1, exact or nearly so; rounded ones are scaled."""
    listed = values.tolist() if hasattr(values, "tolist") else values
    if isinstance(listed, (Mapping, str)) or not isinstance(listed, Sequence) or not listed:
        raise ModelError(f"{what} are a list of probabilities, such as ['1/2', '1/4', '1/4']; found {values!r}")
    read = tuple(exact(p, what) for p in listed)
    total = sum(read, Fraction(0))
    if min(read) < 0 or abs(total - 1) > Fraction(1, 10**9):
        raise ModelError(f"{what} must not be negative, and sum to 1; they sum to {float(total):g}")
    return tuple(p / total for p in read)
