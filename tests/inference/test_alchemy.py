"""Averages of chunks beside the exact merger: the chunks by hand, the errors by fits without groups of units."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import momentalg as ma
from momentalg.errors import DataError, ModelError, NotIdentifiedError, UnsupportedError
from momentalg.inference.resampling.running import stream


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(41)
    a = np.repeat(np.arange(60), np.ceil(rng.lognormal(1.5, 0.8, 60)).astype(int) + 1)
    n = len(a)
    found = pd.DataFrame({"a": a, "b": rng.integers(0, 20, n), "x": rng.normal(size=n)})
    found["y"] = found["x"] + rng.normal(size=60)[a] + rng.normal(size=20)[found["b"]] + rng.normal(size=n)
    return found


def chunks_of(frame, by, chunks, seed):
    """Units, or rows, in the order of the random permutation of the seed."""
    rng = stream(seed, 0)
    if by == "rows":
        return rng.permutation(len(frame)) % chunks
    codes = np.unique(frame["a"], return_inverse=True)[1]
    return (rng.permutation(codes.max() + 1) % chunks)[codes]


@pytest.mark.parametrize("formula", ["y ~ 1 + (1 | a)", "y ~ 1 + x + (1 + x | a)"])
@pytest.mark.parametrize("by", ["units", "rows"])
@pytest.mark.parametrize("weighting", ["none", "two-step"])
def test_chunks_and_their_average_are_fits_by_hand(weighting, by, formula, frame):
    model = ma.Model(formula)
    found = ma.alchemy(model, frame, chunks=4, by=by, seed=2, groups=6, weighting=weighting)
    chunk = chunks_of(frame, by, 4, 2)
    fits = [model.fit(frame[chunk == c], weighting=weighting).params.to_numpy() for c in range(4)]
    assert found.chunk_estimates.to_numpy() == pytest.approx(np.array(fits), rel=1e-9, abs=1e-9)
    assert found.params.to_numpy() == pytest.approx(np.mean(fits, axis=0), rel=1e-9, abs=1e-9)
    assert found.bse.to_numpy() == pytest.approx(np.std(fits, axis=0, ddof=1) / 2, rel=1e-8)
    assert dict(found.merged) == pytest.approx(dict(model.fit(frame, weighting=weighting).params), rel=1e-9, abs=1e-9)
    assert found.rows == tuple((chunk == c).sum() for c in range(4))
    if by == "units":
        assert frame.groupby("a").apply(lambda rows: len(set(chunk[rows.index])), include_groups=False).max() == 1

    group = (stream(2, 1, 0).permutation(60) % 6)[frame["a"]]
    averages, mergers = [], []
    for g in range(6):
        averages.append(
            np.mean(
                [model.fit(frame[(chunk == c) & (group != g)], weighting=weighting).params for c in range(4)], axis=0
            )
        )
        mergers.append(model.fit(frame[group != g], weighting=weighting).params.to_numpy())
    errors = [np.sqrt(5 * np.var(values, axis=0)) for values in (averages, mergers)]
    assert list(found.averaged_errors.values()) == pytest.approx(errors[0], rel=1e-7)
    assert list(found.merged_errors.values()) == pytest.approx(errors[1], rel=1e-7)
    assert found.price.to_numpy() == pytest.approx(errors[0] / errors[1], rel=1e-6)
    assert found.table["price"].to_numpy() == pytest.approx(found.price.to_numpy())


def test_crossed_data_go_into_chunks_by_rows_alone(frame):
    model = ma.Model("y ~ 1 + (1 | a) + (1 | b)")
    with pytest.raises(UnsupportedError, match="no units to put into chunks: by='rows'"):
        ma.alchemy(model, frame)
    found = ma.alchemy(model, frame, chunks=3, by="rows", groups=10, weighting="none")
    chunk = chunks_of(frame, "rows", 3, 1)
    fits = [model.fit(frame[chunk == c], weighting="none").params.to_numpy() for c in range(3)]
    assert found.params.to_numpy() == pytest.approx(np.mean(fits, axis=0), rel=1e-8)

    total = np.zeros((2, 4))
    a, b = (frame[side].to_numpy() for side in ("a", "b"))  # levels that are whole numbers are in their order
    for place, (labels, sign) in enumerate([(a, 1), (b, 1), (a * 1000 + b, -1)]):
        codes = np.unique(labels, return_inverse=True)[1]
        group = (stream(1, 1, place).permutation(codes.max() + 1) % 10)[codes]
        for k, parts in enumerate([[chunk == c for c in range(3)], [chunk >= 0]]):
            values = [
                np.mean([model.fit(frame[p & (group != g)], weighting="none").params for p in parts], axis=0)
                for g in range(10)
            ]
            total[k] += sign * 9 * np.var(values, axis=0)
    expected = np.sqrt(np.where(total > 0, total, np.nan))
    assert list(found.averaged_errors.values()) == pytest.approx(expected[0], rel=1e-6, nan_ok=True)
    assert list(found.merged_errors.values()) == pytest.approx(expected[1], rel=1e-6, nan_ok=True)


def test_averages_of_rows_of_skewed_data_cost_and_of_units_hardly():
    rng = np.random.default_rng(7)
    a = np.repeat(np.arange(400), np.ceil(rng.lognormal(1, 1.2, 400)).astype(int))
    frame = pd.DataFrame({"a": a, "y": rng.normal(size=400)[a] + rng.normal(size=len(a))})
    model = ma.Model("y ~ 1 + (1 | a)")
    rows, units = (ma.alchemy(model, frame, by=by, weighting="none").price["var(1|a)"] for by in ("rows", "units"))
    assert 1.1 < rows < 4
    assert units < rows
    quick = ma.alchemy(model, frame, measure=False)
    assert "price" not in quick.table
    with pytest.raises(UnsupportedError, match="measure=True"):
        _ = quick.price


def test_what_makes_no_chunks_is_refused(frame):
    model = ma.Model("y ~ 1 + (1 | a)")
    with pytest.raises(ModelError, match="by='cells' is none of 'units', 'rows'"):
        ma.alchemy(model, frame, by="cells")
    with pytest.raises(ModelError, match="chunks must be a whole number of 2 or more"):
        ma.alchemy(model, frame, chunks=1)
    with pytest.raises(DataError, match="60 levels of a make no 61 chunks"):
        ma.alchemy(model, frame, chunks=61)
    with pytest.raises(DataError, match="rows make no 9999 chunks"):
        ma.alchemy(model, frame, chunks=9999, by="rows")
    with pytest.raises(NotIdentifiedError, match=r"chunk \d+ of 60 has no estimates: .* there is one level only"):
        ma.alchemy(model, frame, chunks=60)
    with pytest.raises(UnsupportedError, match="sums and parts merge exactly"):
        ma.alchemy(model, [frame, frame])
    assert "8 chunks of units" in repr(ma.alchemy(model, frame))


def test_chunks_too_small_to_leave_anything_out_have_no_price():
    """What is left out without estimates is not a random part of the groups: the rest says nothing of the average."""
    fit = ma.Model("Reaction ~ Days + (1 + Days | Subject)").fit(ma.datasets.load("sleepstudy"))
    found = ma.alchemy(fit, chunks=8)
    assert list(found.merged_errors.values()) == pytest.approx(fit.jackknife().bse.to_numpy(), rel=1e-8)
    assert np.isnan(list(found.averaged_errors.values())).all()
    assert found.price.isna().all()
    assert any("make fewer chunks" in note for note in found.notes)
    assert ma.alchemy(fit, chunks=3).price.between(0.9, 1.5).all()
