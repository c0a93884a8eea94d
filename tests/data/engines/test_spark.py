"""Spark: frames of at least 50 partitions give what the built-in engine gives, with an executor killed on the way too.

All tests share one session on a cluster of this machine: a master and two workers, each with an executor of its own.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import momentalg as ma
from momentalg.errors import DataError
from tests.data.engines.clusters import assert_same_fit, frame_of, loads
from tests.data.engines.frames import MODELS, base

pytestmark = [pytest.mark.engine("spark"), pytest.mark.xdist_group("spark")]

PARTITIONS = 60
SHORT_RUN = "-XX:TieredStopAtLevel=1"  # the best machine code does not pay in a minute
EXECUTOR = "CoarseGrainedExecutorBackend"  # the class that an executor's process runs


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    import pyspark
    from pyspark.sql import SparkSession

    home = tmp_path_factory.mktemp("spark")  # the workers' home, where they leave what they log
    for part in Path(pyspark.__file__).parent.iterdir():
        if part.name != "work":
            (home / part.name).symlink_to(part)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_HOME", str(home))
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        settings = {
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.log.level": "OFF",
            "spark.sql.shuffle.partitions": "4",
            "spark.executor.memory": "512m",
            "spark.driver.extraJavaOptions": SHORT_RUN,
            "spark.executor.extraJavaOptions": SHORT_RUN,
            "spark.sql.session.timeZone": "UTC",
        }
        session = SparkSession.builder.master("local-cluster[2,1,512]").config(map=settings).getOrCreate()
        yield session
        session.stop()


@pytest.fixture
def split(spark):
    def made(frame, partitions=PARTITIONS):
        import pyarrow as pa

        found = spark.createDataFrame(pa.Table.from_pandas(frame, preserve_index=False)).repartition(partitions)
        assert found.rdd.getNumPartitions() == partitions
        return found

    return made


@pytest.mark.parametrize("name", ["a fixed factor", "nested labels", "crossed with cells", "slopes", "functions"])
def test_sixty_partitions_give_what_the_built_in_engine_gives(name, split):
    frame = base()
    assert_same_fit(MODELS[name](), frame, split(frame))


def test_a_hundred_and_twenty_partitions_grouped_into_sixty(spark, split):
    frame = base()
    spark.conf.set("spark.sql.adaptive.enabled", "false")  # else few partitions are made of the small ones
    spark.conf.set("spark.sql.shuffle.partitions", "60")
    try:
        assert_same_fit(MODELS["crossed, declared"](), frame, split(frame, 120))
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", "4")
        spark.conf.set("spark.sql.adaptive.enabled", "true")


@pytest.mark.parametrize("label", ["whole", "small", "truth"])
def test_labels_stay_what_they_are(label, split):
    frame = frame_of(600)
    frame.loc[[5, 300], "y"] = np.nan
    assert_same_fit(ma.Model(f"y ~ 1 + x + (1 | {label})"), frame, split(frame), missing="drop")


def test_dates_are_labels(split):
    frame = frame_of(600)
    frame["date"] = [dt.date(1969, 12, 25) + dt.timedelta(days=int(k)) for k in frame["small"]]
    assert_same_fit(ma.Model("y ~ 1 + (1 | date) + (1 | text)"), frame, split(frame))


def test_numbers_are_summed_in_double_precision(split):
    frame = frame_of(600)  # squares of `large` overflow 32 bits, and `single` has 24 of them
    assert_same_fit(ma.Model("large ~ 1 + single + (1 | text)"), frame, split(frame))


def test_decimals_and_numbers_far_from_zero_lose_nothing(split):
    from pyspark.sql import functions as f

    frame = frame_of(600)
    frame["y"] = frame["y"].round(3) + 1e8
    data = split(frame).withColumn("y", f.col("y").cast("decimal(20, 3)"))
    assert_same_fit(ma.Model("y ~ 1 + (1 | text)"), frame.assign(y=frame["y"].round(3)), data)


def test_levels_of_a_fixed_factor_are_seen_in_the_data(split):
    frame = frame_of(600)
    model = ma.Model("y ~ 1 + drug + (1 | text)")
    found, own = model.fit(split(frame)), model.fit(frame)
    assert list(found.params.index) == list(own.params.index)
    assert "drug[b]" in found.params.index
    np.testing.assert_allclose(found.params, own.params, rtol=1e-9)


def test_missing_values_are_counted_over_all_partitions(split):
    frame = frame_of(600)
    frame.loc[[3, 77, 400], "y"] = np.nan
    frame.loc[[77, 599], "text"] = None
    frame.loc[[0, 1, 2], "x"] = np.nan
    model = ma.Model("y ~ 1 + x + (1 | text)")
    data = split(frame)
    with pytest.raises(DataError, match=r"7 of 600 rows have missing values: 'text' \(2\), 'y' \(3\), 'x' \(3\)"):
        model.fit(data)
    assert_same_fit(model, frame, data, missing="drop")


def test_no_rows_and_infinities_are_refused(split):
    frame = frame_of(600)
    model = ma.Model("y ~ 1 + (1 | text)")
    with pytest.raises(DataError, match="the data have no rows"):
        model.fit(split(frame).filter("x > 1e9"))
    frame.loc[431, "y"] = np.inf
    with pytest.raises(DataError, match="'y' is infinite in 1 rows"):
        model.fit(split(frame))


def test_sums_of_spark_and_of_the_built_in_engine_add(split):
    frame = frame_of(600)
    model = ma.Model("y ~ 1 + x + (1 | text) + (1 | whole)")
    found = model.fit(model.sums(split(frame.iloc[:300])) + model.sums(frame.iloc[300:]))
    np.testing.assert_allclose(found.params, model.fit(frame).params, rtol=1e-9)


def test_what_spark_cannot_compute_is_told_as_such(split):
    data = split(frame_of(600)).selectExpr("text", "1 / (large - large) as y")
    with pytest.raises(DataError, match=r"Spark could not compute the sums: .*DIVIDE_BY_ZERO"):
        ma.Model("y ~ 1 + (1 | text)").fit(data)


def test_the_engine_refuses_other_data_by_name():
    with pytest.raises(DataError, match="takes data frames of PySpark, not DataFrame"):
        ma.Model("y ~ 1 + (1 | text)").fit(frame_of(60), engine="spark")


def kill_executor():
    """Kill the executor that this process of Python works for: the parent of its parent, if that is what it is."""
    above = subprocess.run(["ps", "-o", "ppid=", "-p", str(os.getppid())], capture_output=True, check=True, text=True)
    command = subprocess.run(["ps", "-ww", "-o", "args=", "-p", above.stdout], capture_output=True, text=True)
    if EXECUTOR not in command.stdout:
        raise RuntimeError(f"not an executor: {command.stdout}")
    os.kill(int(above.stdout), signal.SIGKILL)


@pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")  # said by mapInArrow
def test_a_killed_executor_changes_no_number(spark, tmp_path):
    frame = frame_of(3000)
    rows = frame.to_dict("list")
    columns = ("text", "whole", "x", "y")

    def load(batches):
        import pyarrow as pa

        for batch in batches:
            for k in batch.column(0).to_pylist():
                if k == 45 and loads(tmp_path, k) == 0:
                    kill_executor()
                yield pa.RecordBatch.from_pydict({c: rows[c][50 * k : 50 * k + 50] for c in columns})

    data = spark.range(0, PARTITIONS, 1, PARTITIONS).mapInArrow(load, "text string, whole long, x double, y double")
    assert data.rdd.getNumPartitions() == PARTITIONS
    assert_same_fit(ma.Model("y ~ 1 + x + (1 | text) + (1 | whole)"), frame, data)
    assert loads(tmp_path, 45) >= 3  # it was killed in the pass, and the partition was loaded again
