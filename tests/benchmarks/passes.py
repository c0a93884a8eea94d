"""The pass over the rows of a design, by hand in NumPy, and by Polars and DuckDB, for the sums of generated modules.

What is compared with is what a careful person would write: sums about a shift, levels without rows left out, and a
look at whether the sums are finite. Frames of Polars and tables of DuckDB are in memory before the clock starts.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from tests.benchmarks.rows import CROSSED, DESIGNS, ONE_WAY, SLOPES_OF_USERS, Array, Columns, Design

Sums = dict[str, Any]
Pass = Callable[[], Sums]

MONOMIALS = dict.fromkeys(DESIGNS, ("y",)) | {SLOPES_OF_USERS.name: ("x", "y", "x * y", "x * x")}


def read_limit(columns: Columns) -> Callable[[], list[Any]]:
    """Read every number once, and add: what no pass is faster than."""
    arrays = list(columns.values())
    return lambda: [values.sum() for values in arrays]


def generated(design: Design, columns: Columns, backend: str = "numpy") -> Pass:
    """The `accumulate` of a generated module, for statistics that are not weighted."""
    module = design.model.moment_equations(weighting="none").estimator(backend=backend).load()
    return lambda: dict(module.accumulate(columns))


def by_hand(design: Design, columns: Columns) -> Pass:
    """The pass that is written out below."""
    written = {ONE_WAY.name: _one_way, CROSSED.name: _crossed, SLOPES_OF_USERS.name: _slope}[design.name]
    return lambda: written(**columns)


def _one_way(user: Array, y: Array) -> Sums:
    shift = y.mean()
    y = y - shift
    size = np.bincount(user)
    total = np.bincount(user, weights=y)
    level = np.flatnonzero(size)
    return _finite(level=level, size=size[level], sum_y=total[level], total_y2=y @ y, shift_y=shift)


def _crossed(user: Array, item: Array, y: Array) -> Sums:
    shift = y.mean()
    y = y - shift
    found = {}
    for name, code in (("user", user), ("item", item)):
        size = np.bincount(code)
        total = np.bincount(code, weights=y)
        level = np.flatnonzero(size)
        found |= {f"level_{name}": level, f"size_{name}": size[level], f"sum_y_{name}": total[level]}
    return _finite(**found, total_y2=y @ y, shift_y=shift)


def _slope(user: Array, x: Array, y: Array) -> Sums:
    shift_x, shift_y = x.mean(), y.mean()
    x = x - shift_x
    y = y - shift_y
    size = np.bincount(user)
    products = {"sum_x": x, "sum_y": y, "sum_x_y": x * y, "sum_x2": x * x}
    level = np.flatnonzero(size)
    totals = {name: np.bincount(user, weights=product)[level] for name, product in products.items()}
    return _finite(level=level, size=size[level], **totals, total_y2=y @ y, shift_y=shift_y, shift_x=shift_x)


def _finite(**sums: Any) -> Sums:
    if not all(np.isfinite(values).all() for values in sums.values()):
        raise ValueError("the sums are not finite")
    return sums


def polars(design: Design, columns: Columns) -> Pass:
    """Means, then a group-by of each factor and the total of squares, as one lazy query on both cores."""
    import polars as pl

    frame = pl.DataFrame(columns)
    numbers = [name for name in ("x", "y") if name in columns]

    def grouped() -> Sums:
        shift = frame.select(pl.col(numbers).mean()).row(0, named=True)
        centred = {name: pl.col(name) - shift[name] for name in numbers}
        sums = [pl.len().alias("size")]
        for monomial in MONOMIALS[design.name]:
            first, *rest = (centred[name] for name in monomial.split(" * "))
            sums.append((first * rest[0] if rest else first).sum().alias(monomial))
        queries = [frame.lazy().group_by(factor).agg(sums) for factor in design.factors]
        queries.append(frame.lazy().select((centred["y"] * centred["y"]).sum()))
        return dict(zip((*design.factors, "total"), pl.collect_all(queries), strict=True))

    return grouped


def duckdb(design: Design, columns: Columns) -> Pass:
    """The same in SQL, on a table of DuckDB's own; results are fetched as NumPy arrays."""
    import duckdb as engine
    import pandas as pd

    connection = engine.connect()
    connection.register("given", pd.DataFrame(columns))
    connection.execute("create table observed as select * from given")
    connection.unregister("given")
    numbers = [name for name in ("x", "y") if name in columns]

    def grouped() -> Sums:
        means = connection.execute(f"select {', '.join(f'avg({v})' for v in numbers)} from observed").fetchone()
        assert means is not None
        centred = {v: f"({v} - ({mean!r}))" for v, mean in zip(numbers, means, strict=True)}
        products = (" * ".join(centred[name] for name in m.split(" * ")) for m in MONOMIALS[design.name])
        sums = ["count(*)", *(f"sum({product})" for product in products)]
        found: Sums = {}
        for factor in design.factors:
            query = f"select {factor}, {', '.join(sums)} from observed group by {factor}"
            found[factor] = connection.execute(query).fetchnumpy()
        found["total"] = connection.execute(f"select sum({centred['y']} * {centred['y']}) from observed").fetchone()
        return found

    return grouped


GROUP_BYS = {f.__name__: f for f in (polars, duckdb)}


def installed(name: str) -> bool:
    """Whether an engine is there."""
    return find_spec(name) is not None
