"""A cell is part of its row: its count is at most the row's."""

from collections.abc import Iterator

from momentalg.cumulants.polynomial import Powers
from momentalg.cumulants.totals import DesignTotal
from momentalg.expr.nodes import Size
from momentalg.model.resolved import ResolvedModel
from momentalg.rules.bounding import bounding, is_count, is_nonnegative, levels_of_sum, summed
from momentalg.rules.rule import Rule


def cell_in_margin(total: DesignTotal, model: ResolvedModel) -> Iterator[Powers | None]:
    """Upper bounds of a sum of products of counts: the count of one cell gives way to that of a margin of it."""
    if not all(map(is_nonnegative, total.entries)):
        return
    for n, entry in enumerate(total.entries):
        if is_count(entry) and entry.power > 0 and len(entry.cell) > 1:
            for level in entry.cell:
                coarser = entry._replace(cell=tuple(v for v in entry.cell if v != level))
                yield summed([*total.entries[:n], coarser, *total.entries[n + 1 :]], levels_of_sum(total), model)


RULE = Rule(
    name="cell_in_margin",
    title="a cell holds at most the observations of its row",
    left=Size(("a", "b"), ("i", "j")),
    right=Size(("a",), ("i",)),
    rewrite=bounding(cell_in_margin),
    kind="upper bound",
    source="counting",
    whole=True,
)
