"""What a model declares of the design, as data: where rows are not looked at one by one, it can be checked by level."""

from __future__ import annotations

from momentalg.lower.ir import DeclaredFact
from momentalg.lower.symbols import Symbols
from momentalg.model.resolved import ResolvedModel


def declared(model: ResolvedModel, symbols: Symbols) -> tuple[DeclaredFact, ...]:
    """The factors that are not replicated, and the row symbols that are constant on the levels of a factor."""
    constant = [(v, f) for v, f in model.constant_on.items() if v.kind == "column" and v in symbols.rows]
    return (
        *(DeclaredFact(model.table_of(factor), None) for factor in sorted(model.unreplicated)),
        *(DeclaredFact(model.table_of(factor), symbols.rows[v].name) for v, factor in constant),
    )
