"""A row contains its cells: its count is at least that of each of them."""

from collections.abc import Iterator

from momentalg.cumulants.polynomial import Powers
from momentalg.cumulants.terms import cell_of
from momentalg.cumulants.totals import DesignTotal
from momentalg.expr.nodes import Size
from momentalg.model.resolved import ResolvedModel
from momentalg.rules.bounding import bounding, is_count, is_nonnegative, levels_of_sum, summed
from momentalg.rules.rule import Rule


def row_over_cell(total: DesignTotal, model: ResolvedModel) -> Iterator[Powers | None]:
    """Lower bounds of a sum of products of counts: one count gives way to that of a cell within it."""
    if not all(map(is_nonnegative, total.entries)):
        return
    for n, entry in enumerate(total.entries):
        for level in levels_of_sum(total):
            if is_count(entry) and entry.power > 0 and level.column not in {v.column for v in entry.cell}:
                finer = entry._replace(cell=cell_of({v.column: v for v in (*entry.cell, level)}))
                yield summed([*total.entries[:n], finer, *total.entries[n + 1 :]], levels_of_sum(total), model)


RULE = Rule(
    name="row_over_cell",
    title="a row holds at least the observations of each of its cells",
    left=Size(("a",), ("i",)),
    right=Size(("a", "b"), ("i", "j")),
    rewrite=bounding(row_over_cell),
    kind="lower bound",
    source="counting",
    whole=True,
)
