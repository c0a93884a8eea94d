"""What no design tells apart: common terms that say the same, and random effects that common terms take up whole.

Both are found on generic designs, exactly: a combination of mean columns that is zero, and a factor's columns Z_c of
which the projection off the mean columns leaves nothing, P Z_c = 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from momentalg.expr.nodes import Column
from momentalg.model.resolved import ResolvedModel
from momentalg.moments.constants import Constants
from momentalg.moments.generic_design import generic_design
from momentalg.moments.rational import null_space, rank
from momentalg.statistics.family import block_columns, mean_terms

SEEDS = (20161, 20162)  # two designs: an accident of one is not one of the other


def confounded_means(model: ResolvedModel) -> tuple[str, ...]:
    """The mean parameters that a combination of mean columns, zero on every design, holds."""
    columns = [c for c in model.mean if c.key is not None]
    lost = [set[int](), set[int]()]
    for found, design in zip(lost, _designs(model), strict=True):
        values = [design.monomial(c.monomial) for c in columns]
        for vector in null_space([list(row) for row in zip(*values, strict=True)], len(columns)):
            found.update(n for n, value in enumerate(vector) if value)
    return tuple(str(c.key) for n, c in enumerate(columns) if n in lost[0] & lost[1])


def taken_up(model: ResolvedModel) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The variances of effects whose columns common terms span, each with the terms that it takes for that."""
    terms = dict(mean_terms(model))
    found = []
    for block in model.groups:
        for coefficient, levels in zip(block.coefficients, block_columns(block), strict=True):
            if not _spans(model, [c for columns in terms.values() for c in columns], levels):
                continue
            needed = list(terms)
            for name in tuple(terms):
                fewer = [n for n in needed if n != name]
                if _spans(model, [c for n in fewer for c in terms[n]], levels):
                    needed = fewer
            key = model.cumulant_key(block, (str(coefficient.key),) * 2)
            found.append((key, tuple(needed)))
    return tuple(found)


def in_words(model: ResolvedModel) -> str:
    """What is confounded on every design, and what to do, in sentences; nothing when nothing is."""
    means = confounded_means(model) if not model.level_values else ()
    sentences = [f"On every design {' and '.join(means)} say the same: leave one of them out. "] if means else []
    for key, terms in taken_up(model):
        named = ", ".join(f"C({t})" if t in model.fixed else t for t in terms if t) or "Intercept"
        sentences.append(f"On every design {key} is confounded with {named}: leave out one or the other. ")
    return "".join(sentences)


@lru_cache(maxsize=32)
def _designs(model: ResolvedModel) -> tuple[Constants, ...]:
    return tuple(Constants(generic_design(model, seed), model) for seed in SEEDS)


def _spans(model: ResolvedModel, columns: Sequence[Column], levels: Column) -> bool:
    """Whether P Z_c = 0 on all generic designs."""
    for design in _designs(model):
        removed = [v for c in columns for v in design.vectors(c)]
        if rank([*removed, *design.vectors(levels)]) > (rank(removed) if removed else 0):
            return False
    return True
