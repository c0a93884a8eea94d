"""Dask: frames of at least 50 partitions give what the built-in engine gives, with workers killed on the way too."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest

import momentalg as ma
from momentalg.errors import DataError
from tests.data.engines.clusters import assert_same_fit, frame_of, loads
from tests.data.engines.frames import MODELS, base

pytestmark = [pytest.mark.engine("dask"), pytest.mark.xdist_group("dask")]

PARTITIONS = 60  # below 50 Dask joins tables that it fails to join above


def split(frame, partitions=PARTITIONS):
    import dask.dataframe as dd

    return dd.from_pandas(frame, npartitions=partitions, sort=False)


def pieces(frame, sizes):
    """A frame in partitions of given sizes, in its order."""
    import dask.dataframe as dd

    ends = np.cumsum([0, *sizes])
    assert ends[-1] == len(frame)
    return dd.from_map(lambda k: frame.iloc[ends[k] : ends[k + 1]], range(len(sizes)), meta=frame.iloc[:0])


@pytest.mark.parametrize(
    "name",
    [
        "one factor",
        "a fixed factor",
        "nested labels",
        "crossed with cells",
        "slopes",
        "a covariate of levels",
        "functions",
    ],
)
def test_sixty_partitions_give_what_the_built_in_engine_gives(name):
    frame = base()
    assert_same_fit(MODELS[name](), frame, split(frame))


def test_a_hundred_and_twenty_partitions():
    frame = base()
    data = split(frame, 120)
    assert data.npartitions == 120
    assert_same_fit(MODELS["crossed, declared"](), frame, data)


@pytest.mark.parametrize("label", ["text", "whole", "small", "date", "category", "truth"])
def test_labels_stay_what_they_are(label):
    frame = frame_of(600)
    frame.loc[[5, 300], "y"] = np.nan  # beside nulls, whole numbers and truth values of pandas become others
    assert_same_fit(ma.Model(f"y ~ 1 + x + (1 | {label})"), frame, split(frame), missing="drop")


def test_labels_beyond_what_floats_tell_apart_stay_apart():
    frame = frame_of(600)
    frame["whole"] = 2**60 + frame["small"].astype("int64")
    frame.loc[[5, 300], "y"] = np.nan
    assert_same_fit(ma.Model("y ~ 1 + (1 | whole)"), frame, split(frame), missing="drop")


def test_crossed_labels_of_texts_and_dates():
    frame = frame_of(600)
    assert_same_fit(ma.Model("y ~ 1 + (1 | text) + (1 | date)"), frame, split(frame))


def test_numbers_are_summed_in_double_precision():
    frame = frame_of(600)  # squares of `large` overflow 32 bits, and `single` has 24 of them
    assert_same_fit(ma.Model("large ~ 1 + single + (1 | text)"), frame, split(frame))


def test_far_from_zero_nothing_is_lost_even_in_sorted_rows():
    frame = frame_of(600)
    frame["y"] += 1e8
    assert_same_fit(ma.Model("y ~ 1 + (1 | text)"), frame, split(frame))
    steps = frame.assign(y=np.sort(frame["y"]) + np.where(np.arange(600) < 300, 0.0, 1e6))
    assert_same_fit(ma.Model("y ~ 1 + (1 | text)"), steps, split(steps))


def test_levels_of_a_fixed_factor_are_seen_in_the_data():
    frame = frame_of(600)
    model = ma.Model("y ~ 1 + drug + (1 | text)")
    found, own = model.fit(split(frame)), model.fit(frame)
    assert list(found.params.index) == list(own.params.index)
    assert "drug[b]" in found.params.index
    np.testing.assert_allclose(found.params, own.params, rtol=1e-9)


def test_missing_values_are_counted_over_all_partitions():
    frame = frame_of(600)
    frame.loc[[3, 77, 400], "y"] = np.nan
    frame.loc[[77, 599], "text"] = None
    frame.loc[[0, 1, 2], "x"] = np.nan
    model = ma.Model("y ~ 1 + x + (1 | text)")
    with pytest.raises(DataError, match=r"7 of 600 rows have missing values: 'text' \(2\), 'y' \(3\), 'x' \(3\)"):
        model.fit(split(frame))
    assert_same_fit(model, frame, split(frame), missing="drop")


def test_partitions_may_be_empty_or_lose_all_their_rows():
    frame = frame_of(600)
    frame.loc[:9, "y"] = np.nan  # all of the first partition that has rows
    data = pieces(frame, [0, 0, *[10] * 30, 0, *[5] * 60])
    assert_same_fit(ma.Model("y ~ 1 + x + (1 | text) + (1 | whole)"), frame, data, missing="drop")


def test_no_rows_and_infinities_are_refused():
    frame = frame_of(600)
    model = ma.Model("y ~ 1 + (1 | text)")
    with pytest.raises(DataError, match="the data have no rows"):
        model.fit(pieces(frame.iloc[:0], [0] * 60))
    frame.loc[431, "y"] = np.inf
    with pytest.raises(DataError, match="'y' is infinite in 1 rows"):
        model.fit(split(frame))


def test_facts_are_checked_across_partitions():
    frame = frame_of(600)
    frame["Z"] = frame["small"] * 1.0
    frame.loc[599, "Z"] += 1  # constant in each partition's part of the level, or nearly
    with pytest.raises(DataError, match="'Z' is declared constant within small"):
        ma.Model("y ~ 1 + Z + (1 | small)", levels={"Z": "small"}).fit(split(frame))
    with pytest.raises(DataError, match="declared to have one observation at most"):
        ma.Model("y ~ 1 + (1 | text) + (1 | small)", assume=[ma.unreplicated("text:small")]).fit(split(frame))


def test_what_a_partition_raises_is_loud():
    import dask.dataframe as dd

    def load(k):
        if k == 40:
            raise OSError("partition 40 is damaged")
        return frame_of(10)

    data = dd.from_map(load, range(PARTITIONS), meta=frame_of(10))
    with pytest.raises(OSError, match="partition 40 is damaged"):
        ma.Model("y ~ 1 + (1 | text)").fit(data)


def test_sums_of_dask_and_of_the_built_in_engine_add():
    frame = frame_of(600)
    model = ma.Model("y ~ 1 + x + (1 | text) + (1 | date)")
    found = model.fit(model.sums(split(frame.iloc[:300], 50)) + model.sums(frame.iloc[300:]))
    np.testing.assert_allclose(found.params, model.fit(frame).params, rtol=1e-9)


def test_the_engine_refuses_other_data_by_name():
    with pytest.raises(DataError, match="takes data frames of Dask, not DataFrame"):
        ma.Model("y ~ 1 + (1 | text)").fit(frame_of(60), engine="dask")


@pytest.fixture(scope="module")
def workers():
    """Two processes with a nanny each, which starts another one when it is gone; a task may take one with it."""
    import dask
    from distributed import Client, LocalCluster

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield client


def dying(folder, partition, times):
    """A frame of 60 partitions: the worker that loads one of them is killed, the first `times` that it is."""
    import dask.dataframe as dd

    frame, here = frame_of(3000), os.getpid()

    def load(k):
        number = loads(folder, k)
        if k == partition and number < times:
            assert os.getpid() != here
            os.kill(os.getpid(), signal.SIGKILL)
        return frame.iloc[50 * k : 50 * k + 50]

    return frame, dd.from_map(load, range(PARTITIONS), meta=frame.iloc[:0])


@pytest.mark.usefixtures("workers")
def test_a_killed_worker_changes_no_number(tmp_path):
    frame, data = dying(tmp_path, 45, times=1)
    assert_same_fit(ma.Model("y ~ 1 + x + (1 | text) + (1 | whole)"), frame, data)
    assert loads(tmp_path, 45) >= 2  # it was killed, and the partition was loaded again


@pytest.mark.usefixtures("workers")
def test_a_partition_that_kills_every_worker_is_an_error(tmp_path):
    _, data = dying(tmp_path, 45, times=100)
    with pytest.raises(DataError, match=r"Dask could not compute the sums: .*worker"):
        ma.Model("y ~ 1 + (1 | text)").fit(data)


def test_categories_that_are_whole_numbers_are_whole_numbers():
    frame = base(200).assign(item=lambda f: f["item"].astype("category"))
    model = MODELS["crossed, no replicates"]()
    added = model.sums(split(frame[:100], 3)) + model.sums(frame[100:].astype({"item": "int64"}))
    assert model.fit(added).params.to_dict() == pytest.approx(model.fit(frame).params.to_dict())
