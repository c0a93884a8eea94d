"""The symbols of projections: P with its columns, Z Z' of a factor with the letter of its effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from momentalg.expr import nodes as n
from momentalg.expr.columns import is_levels
from momentalg.expr.names import join_factor
from momentalg.expr.notation import Notation
from momentalg.expr.symbols import Glyph, Symbol

RESPONSES = Symbol(Glyph("bold", "y"), "y")


def column_symbols(columns: Sequence[n.Column], notation: Notation) -> list[tuple[Symbol, ...]]:
    """Each column as a product of symbols: ``1``, ``x``, ``user`` for the levels' indicators, ``x user``."""
    one = (Symbol(Glyph("upright", "1"), "1"),)
    return [
        (*notation.monomial(c.monomial), notation.factor(c.factor)) if is_levels(c) else notation.monomial(c) or one
        for c in columns
    ]


def projector(columns: Sequence[n.Column], notation: Notation) -> Symbol:
    """P, with what it projects off as its index."""
    return Symbol(Glyph("bold", "P"), "P", tuple(column_symbols(columns, notation)))


def linking(kernel: n.Kernel, notation: Notation) -> list[Symbol]:
    """Z_c Z_d' of a factor, marked by the letters of its effects."""
    left, right = (Symbol(Glyph("bold", "Z"), "Z", ((_mark(c, notation),),)) for c in kernel)
    return [left, replace(right, prime=True)]


def symmetric_part(kernel: n.Kernel, notation: Notation) -> Symbol:
    """K, the symmetric part of Z_c Z_d'."""
    return Symbol(Glyph("bold", "K"), "K", tuple((_mark(c, notation),) for c in kernel))


def _mark(columns: n.LevelColumns, notation: Notation) -> Symbol:
    """The letter of the effects that go with columns of levels: alpha, alpha_x."""
    effect = notation.symbols.get(("effect", join_factor(columns.factor))) or notation.factor(columns.factor)
    return effect.at(*notation.monomial(columns.monomial)) if columns.monomial else effect
