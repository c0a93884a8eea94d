"""The same rows as every engine takes them, and the models that they are tried on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import momentalg as ma
from momentalg.inference.sums import Sums

MODELS: dict[str, Callable[[], ma.Model]] = {
    "one factor": lambda: ma.Model("y ~ 1 + (1 | user)"),
    "a covariate within": lambda: ma.Model("y ~ 1 + x + (1 | user)"),
    "the size of a level": lambda: ma.Model("y ~ 1 + size(user) + (1 | user)"),
    "a fixed factor": lambda: ma.Model("y ~ 1 + C(d) + (1 | user)", fixed={"d": ["a", "b", "c"]}),
    "nested": lambda: ma.Model("y ~ 1 + x + (1 | user/item)"),
    "nested labels": lambda: ma.Model("y ~ 1 + (1 | user) + (1 | item)", assume=[ma.nested("item", "user")]),
    "crossed, no replicates": lambda: ma.Model("y ~ 1 + x + (1 | row) + (1 | item)"),
    "crossed, declared": lambda: ma.Model("y ~ 1 + x + (1 | row) + (1 | item)", assume=[ma.unreplicated("row:item")]),
    "crossed with cells": lambda: ma.Model("y ~ 1 + x + (1 | user) + (1 | item) + (1 | user:item)"),
    "slopes": lambda: ma.Model("y ~ 1 + x + (1 + x | user)"),
    "slopes, uncorrelated": lambda: ma.Model("y ~ 1 + x + (1 + x || user) + (1 | item)"),
    "a covariate of levels": lambda: ma.Model("y ~ 1 + x + Z + (1 | user)", levels={"Z": "user"}),
    "a covariate of levels, crossed": lambda: ma.Model("y ~ 1 + Z + (1 | user) + (1 | item)", levels={"Z": "user"}),
    "functions": lambda: ma.Model("y ~ 1 + x + I(x**2) + log(x) + exp(x) + sqrt(x) + (1 | user)"),
    "weights": lambda: ma.Model("y ~ 1 + x + (1 | user)", weights="w"),
    "classes of residuals": lambda: ma.Model("y ~ 1 + x + (1 | user)", residual_by={"d": ["a", "b", "c"]}),
}


def base(n: int = 600, seed: int = 1) -> pd.DataFrame:
    """Rows that all models can be fitted to."""
    r = np.random.default_rng(seed)
    user = r.integers(0, 25, n)
    x = r.gamma(4.0, 0.5, n) + 0.1
    return pd.DataFrame(
        {
            "user": [f"u{k}" for k in user],
            "item": np.arange(n) % 12 - 3,
            "row": np.arange(n) // 12,
            "d": r.choice(["a", "b", "c"], n),
            "x": x,
            "Z": (user % 7) * 1.25,
            "w": r.uniform(0.5, 2.0, n),
            "y": 3.0 + x + r.normal(size=25)[user] + r.normal(size=n),
        }
    )


def to_polars(frame: pd.DataFrame) -> Any:
    import polars as pl

    return pl.from_pandas(frame)


def to_lazy(frame: pd.DataFrame) -> Any:
    """A lazy frame in which NaN stays NaN and does not become null."""
    import polars as pl

    return pl.from_pandas(frame, nan_to_null=False).lazy()


def to_relation(frame: pd.DataFrame) -> Any:
    """A relation, in which NaN stays NaN too."""
    import duckdb
    import pyarrow as pa

    numbers = {name: pd.api.types.is_float_dtype(frame[name].dtype) for name in frame}
    columns = {name: pa.array(frame[name], from_pandas=not is_float) for name, is_float in numbers.items()}
    return duckdb.connect().from_arrow(pa.table(columns))


def as_it_is(frame: pd.DataFrame) -> Any:
    return frame


KINDS: dict[str, tuple[str | None, Callable[[pd.DataFrame], Any]]] = {
    "polars": (None, to_lazy),
    "polars, eager": ("polars", to_polars),
    "duckdb": (None, to_relation),
    "duckdb, pandas": ("duckdb", as_it_is),
    "duckdb, polars": ("duckdb", to_polars),
    "numba": ("numba", as_it_is),
}
"""What a frame of pandas is made into, and the engine that it is given to by name, if it is."""


def kinds(*names: str) -> Any:
    """A test of each of these kinds of data, all of them unless named; skipped where a package is absent."""
    marked = [
        pytest.param(name, marks=[pytest.mark.engine(p) for p in ("polars", "duckdb", "numba") if p in name])
        for name in names or KINDS
    ]
    return pytest.mark.parametrize("kind", marked)


def sums(model: ma.Model, frame: pd.DataFrame, kind: str | None = None, **given: Any) -> Sums:
    """The sums of a frame by the built-in engine, or as one of the `KINDS`."""
    engine, made = KINDS[kind] if kind else (None, as_it_is)
    return model.sums(made(frame), engine=engine, **given)


def assert_same_sums(left: Sums, right: Sums, digits: float = 1e-12) -> None:
    """The same levels and counts; sums about the same shift equal, relative to the size of what is summed."""
    module = left.estimator.module
    assert left.estimator == right.estimator
    assert (left.nobs, left.dropped) == (right.nobs, right.dropped)
    assert set(left.table) == set(right.table)
    moved = module._recentred(dict(right.table), left.table)
    ir = left.estimator.generated.ir
    for spec in ir.tables:
        end = spec.suffix
        first, second = (np.argsort(t[f"level{end}"]) for t in (left.table, moved))
        sizes = left.table[f"size{end}"][first]
        assert _types(left.table[f"level{end}"].dtype) == _types(moved[f"level{end}"].dtype)
        assert (left.table[f"level{end}"][first] == moved[f"level{end}"][second]).all()
        assert sizes.dtype == moved[f"size{end}"].dtype == np.int64
        assert (sizes == moved[f"size{end}"][second]).all()
        for a in ir.accumulators:
            if a.table == spec.columns:
                values = left.table[a.name][first]
                typical = np.max(np.abs(values) / sizes)  # the largest mean, in a level, of what is summed
                assert (np.abs(values - moved[a.name][second]) <= digits * sizes * typical).all(), a.name
        for level in ir.levels:
            if level.table == spec.columns:
                assert (left.table[level.name][first] == moved[level.name][second]).all()
    for a in ir.accumulators:
        if a.table is None:
            assert left.table[a.name] == pytest.approx(moved[a.name], rel=digits), a.name
    for slope in ir.unshifted_slopes:
        for name in (f"mean_{slope.name}", f"squares_{slope.name}"):
            assert left.table[name] == pytest.approx(moved[name], rel=digits)


def _types(dtype: np.dtype[Any]) -> list[str]:
    """The types of labels, texts of any width alike."""
    found = [dtype] if dtype.names is None else [dtype[name] for name in dtype.names]
    return ["text" if t.kind == "U" else t.str for t in found]
