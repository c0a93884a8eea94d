"""What a design total costs: the tables that one pass needs, and whether eliminating its levels needs a new one.

The levels of a total are eliminated one by one. It is *linear in the cells* if no table arises over a set of columns
that no entry has; otherwise it is a sparse product, whose class is the number of its indices.
"""

from __future__ import annotations

from dataclasses import dataclass

from momentalg.cumulants.polynomial import Polynomial
from momentalg.cumulants.terms import Level
from momentalg.cumulants.totals import DesignTotal


@dataclass(frozen=True, order=True)
class Cost:
    """A cost class; classes compare by how dear they are.

    `indices` is 0 when every total is linear in the non-empty cells, else the most levels of an intermediate table.
    `tables` names the cells, as tuples of columns, that one pass over the data has to tabulate.
    """

    indices: int
    tables: tuple[tuple[str, ...], ...]

    @property
    def name(self) -> str:
        """The class in words."""
        finest = max((len(t) for t in self.tables), default=0)
        if self.indices:
            return f"sparse product over {self.indices} indices"
        return ("constant", "linear in the levels")[finest] if finest < 2 else "linear in the cells"


def cost(polynomial: Polynomial) -> Cost:
    """The dearest design total of a result, and all the tables it needs."""
    totals = [s for s in polynomial.symbols() if isinstance(s, DesignTotal)]
    tables = sorted({tuple(v.column for v in e.cell) for total in totals for e in total.entries if e.cell})
    tables = sorted({*tables, *((c,) for total in totals if not total.entries for c in total.levels)})
    return Cost(max((indices(total) for total in totals), default=0), tuple(tables))


def indices(total: DesignTotal) -> int:
    """0 when linear; otherwise the most levels in an intermediate table, eliminating the cheapest level first."""
    scopes = [frozenset(v for v in e.cell if not v.free) for e in total.entries]
    known = list(scopes)
    left = {Level(c, "", n) for n, c in enumerate(total.levels)}
    widest = 0
    while left:
        joined = {v: frozenset().union(*(s for s in scopes if v in s)) for v in left}
        level = min(left, key=lambda v: (len(joined[v]), v))
        if not any(joined[level] <= s for s in known):
            widest = max(widest, len(joined[level]))
        scopes = [s for s in scopes if level not in s] + [joined[level] - {level}]
        left.remove(level)
    return widest
