"""What may be resampled: the levels of the unit, or those of each crossed factor."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from momentalg.errors import UnsupportedError
from momentalg.expr.names import join_factor, split_factor
from momentalg.inference import clusters
from momentalg.inference.resampling.cells import Factor
from momentalg.model.resolved import ResolvedModel


def outermost(model: ResolvedModel) -> tuple[Factor, ...]:
    """The outermost factors, each by all columns that say its levels: one of them where it is a unit."""
    return tuple(map(model.table_of, clusters.outermost(model)))


def crossed(model: ResolvedModel) -> tuple[Factor, ...]:
    """The crossed factors, whose levels are drawn independently of one another."""
    found = outermost(model)
    if len(found) == 1:
        raise UnsupportedError(
            f"there is nothing crossed in this model: all factors lie in {join_factor(found[0])}, whose levels are the "
            "units; kind='cluster' resamples them"
        )
    columns = [column for factor in found for column in factor]
    if len(set(columns)) < len(columns):
        shared = next(c for c in columns if columns.count(c) > 1)
        raise UnsupportedError(
            f"{' and '.join(map(join_factor, found))} share the column {shared!r}, so that their levels cannot be "
            f"drawn independently of one another: add the term (1 | {shared}), or take kind='parametric' or 'residual'"
        )
    return found


def unit(model: ResolvedModel, by: str | None) -> Factor:
    """The factor whose levels are resampled whole: the unit, or what `by` names among crossed factors."""
    found = outermost(model)
    if by is None:
        if len(found) > 1:
            listed = " and ".join(map(join_factor, found))
            raise UnsupportedError(
                f"{listed} are crossed, so that no levels are independent units: kind='pigeonhole' resamples the "
                f"levels of all of them; by={join_factor(found[0])!r} those of one, as if all else were fixed"
            )
        return found[0]
    asked = split_factor(by)
    for factor in found:
        if set(asked) in (set(factor), set(factor) - set(model.local_to)):
            return factor
    listed = " or ".join(repr(join_factor(f)) for f in found)
    if any(set(asked) == set(f) or model.closure(asked) == model.closure(f) for f in model.factors):
        raise UnsupportedError(
            f"the levels of {by!r} lie in those of another factor and are not independent: resample whole levels of "
            f"{listed}"
        )
    raise UnsupportedError(f"by={by!r} is no factor of the model that may be resampled; there is {listed}")


def sets_of(factors: tuple[Factor, ...]) -> Iterator[tuple[Factor, int]]:
    """The sets of factors that are not empty, each by its columns, with its sign in inclusion and exclusion."""
    for size in range(1, len(factors) + 1):
        for chosen in combinations(factors, size):
            yield tuple(dict.fromkeys(column for factor in chosen for column in factor)), (-1) ** (size + 1)
