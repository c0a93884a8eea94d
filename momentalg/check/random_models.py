"""Seeded random layouts, models and tables: factors crossed, partly crossed or nested, cells empty or replicated.

A *layout* says which label columns there are, which are nested in which, and whether the labels of a nested column
repeat from level to level of the other. A *place* is a set of columns that names the levels of a factor there: with the
columns that it is nested in, which may be left out only where labels do not repeat.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from random import Random
from typing import Any

from momentalg.expr import nodes as n
from momentalg.expr.keys import monomial_key
from momentalg.expr.monomials import multiply_monomials
from momentalg.expr.names import join_factor
from momentalg.model.resolved import Column, GroupBlock, ResolvedModel

FACTORS = ("user", "item", "day", "site")
LEVEL_COVARIATE = n.Variable("column", "X")
OTHER_LEVEL_COVARIATES = (n.Variable("column", "W"), n.Variable("column", "V"))
OWN_COVARIATE = n.Variable("column", "x")
SECOND_OWN_COVARIATE = n.Variable("column", "z")
COVARIATES = (LEVEL_COVARIATE, *OTHER_LEVEL_COVARIATES, OWN_COVARIATE, SECOND_OWN_COVARIATE)

Place = tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """The label columns, the column that each nested one is nested in, and the nested ones whose labels repeat."""

    columns: tuple[str, ...]
    parents: Mapping[str, str]
    repeating: frozenset[str]
    declared: bool  # whether the model is told of the nesting
    unreplicated: Place | None = None

    def closed(self, columns: Iterable[str]) -> Place:
        """The columns with all that they are nested in, in order."""
        found = set(columns)
        for column in tuple(found):
            while column in self.parents:
                column = self.parents[column]
                found.add(column)
        return tuple(c for c in self.columns if c in found)

    def place(self, rng: Random, columns: Iterable[str]) -> Place:
        """The columns as a place."""
        found = set(columns)
        for column in tuple(found):
            if column in self.repeating or rng.random() < 0.5:
                found |= set(self.closed([column]))
        return tuple(c for c in self.columns if c in found)


def random_number(rng: Random, nonzero: bool = False) -> Fraction:
    """A small rational number."""
    return rng.choice([Fraction(k, d) for k in range(-3, 5) for d in (1, 2) if k or not nonzero])


def random_layout(rng: Random, columns: int) -> Layout:
    """A layout of the first so many of `FACTORS`; each later column may be nested in an earlier one."""
    names = FACTORS[:columns]
    parents = {name: rng.choice(names[:number]) for number, name in enumerate(names) if number and rng.random() < 0.35}
    repeating = frozenset(name for name in parents if rng.random() < 0.5)
    layout = Layout(names, parents, repeating, declared=rng.random() < 0.8)
    if columns > 1 and rng.random() < 0.2:
        size = rng.randint(2, columns)
        layout = replace(layout, unreplicated=layout.closed(rng.sample(names, size)))
    return layout


def random_model(rng: Random, layout: Layout, slopes: bool, effort: int) -> ResolvedModel:
    """Mean columns, and effects of some of the columns of the layout and of their intersections.

    With a mean column, or a coefficient of effects, each draw of the response brings one more choice; `effort` is the
    most choices that a model may have, the residual included.
    """
    factors = [layout.place(rng, [c]) for c in layout.columns if rng.random() < 0.8]
    factors = factors or [layout.place(rng, layout.columns[:1])]
    if len(layout.columns) > 1 and rng.random() < 0.4:
        size = rng.choice((2, 2, 2, len(layout.columns)))
        factors.append(layout.place(rng, rng.sample(layout.columns, size)))
    distinct = {frozenset(f): f for f in factors}
    factors = list(distinct.values())[: max(1, effort - 2)]
    columns = tuple(dict.fromkeys(c for factor in factors for c in factor))
    constant_on = _constant_on(rng, layout, columns)
    left = effort - len(factors) - 2
    groups: list[GroupBlock] = []
    for factor in factors:
        block = _block(rng, factor, constant_on, left if slopes and rng.random() < 0.4 else 0)
        left -= sum(len(b.coefficients) for b in block) - 1
        groups += block
    covariates = rng.sample(_mean_columns(constant_on), min(max(left, 0), rng.choice((0, 0, 1, 1, 2))))
    once = layout.unreplicated
    return ResolvedModel(
        "y",
        (Column("Intercept"), *(Column(monomial_key(m), m) for m in covariates)),
        tuple(groups),
        constant_on=constant_on,
        local_to={c: p for c, p in layout.parents.items() if c in columns and p in columns} if layout.declared else {},
        unreplicated=frozenset() if once is None or not set(once) <= set(columns) else frozenset({once}),
    )


def random_rows(rng: Random, layout: Layout, most: int, model: ResolvedModel) -> tuple[Mapping[str, Any], ...]:
    """At most so many observations, with labels of every column and the values of all covariates."""
    levels = {column: rng.randint(1, 3) for column in layout.columns}
    cells: list[dict[str, str]] = []
    for _ in range(rng.randint(2, most)):
        if cells and rng.random() < 0.3:
            cells.append(cells[-1])  # a replicate
        else:
            cells.append(_labels(rng, layout, levels))
    if layout.unreplicated is not None:
        cells = list({tuple(cell[c] for c in layout.unreplicated): cell for cell in cells}.values())
    drawn: dict[tuple[object, ...], Fraction] = {}
    rows = []
    for cell in cells:
        row: dict[str, Any] = dict(cell)
        for variable, place in model.constant_on.items():
            if variable.kind == "column":
                key = (variable, *(cell[c] for c in place))
                row[variable.name] = drawn.setdefault(key, random_number(rng))
        rows.append({**row, **{v.name: random_number(rng) for v in (OWN_COVARIATE, SECOND_OWN_COVARIATE)}})
    return tuple(rows)


def _labels(rng: Random, layout: Layout, levels: Mapping[str, int]) -> dict[str, str]:
    labels: dict[str, str] = {}
    whole: dict[str, str] = {}  # the label with those of the columns that it is nested in
    for column in layout.columns:
        own = f"{column[0]}{rng.randrange(levels[column])}"
        parent = layout.parents.get(column)
        whole[column] = own if parent is None else whole[parent] + own
        labels[column] = own if column in layout.repeating else whole[column]
    return labels


def _constant_on(rng: Random, layout: Layout, columns: Sequence[str]) -> dict[n.Variable, Place]:
    """Covariates that are constant within levels, and sizes; those of the first column are always there."""
    first = layout.place(rng, columns[:1])
    homes = [(LEVEL_COVARIATE, first), (n.Variable("size", join_factor(first)), first)]
    most = min(2, len(columns))
    homes += [(v, layout.place(rng, rng.sample(columns, rng.randint(1, most)))) for v in OTHER_LEVEL_COVARIATES]
    if len(columns) > 1:
        other = layout.place(rng, rng.sample(columns, rng.randint(1, 2)))
        homes.append((n.Variable("size", join_factor(other)), other))
    return {variable: place for variable, place in homes if set(place) <= set(columns)}


def _block(rng: Random, factor: Place, constant_on: Mapping[n.Variable, Place], most: int) -> list[GroupBlock]:
    """Effects of a factor with at most so many slopes, correlated with one another or not."""
    varying = [*constant_on, OWN_COVARIATE, OWN_COVARIATE, SECOND_OWN_COVARIATE]
    chosen = list(dict.fromkeys(rng.sample(varying, min(max(most, 0), rng.choice((1, 1, 2))))))
    slopes = [Column(monomial_key(((v, 1),)), ((v, 1),)) for v in chosen]
    intercept = [] if slopes and rng.random() < 0.15 else [Column("1")]
    coefficients = [*intercept, *slopes]
    if len(coefficients) > 1 and rng.random() < 0.25:  # as || writes it
        return [GroupBlock(factor, (c,)) for c in coefficients]
    return [GroupBlock(factor, tuple(coefficients))]


def _mean_columns(constant_on: Mapping[n.Variable, Place]) -> list[n.Monomial]:
    own = ((OWN_COVARIATE, 1),)
    within = [((variable, 1),) for variable in constant_on]
    products = [multiply_monomials(own, v) for v in within[:2]] + [multiply_monomials(*within[:2])]
    return [own, ((SECOND_OWN_COVARIATE, 1),), ((OWN_COVARIATE, 2),), *within, *products]
