"""Spark: data frames of PySpark, of a classic session or of Spark Connect; only tables of levels leave the cluster."""

from __future__ import annotations

from typing import Any

from momentalg.data.engines.engine import Engine, Part, Task, is_from
from momentalg.errors import DataError

TITLE = "Spark"
PACKAGES = ("pyspark", "py4j", "grpc")


def _takes(data: Any) -> bool:
    return is_from(data, "pyspark", "DataFrame") and hasattr(data, "sparkSession")  # pandas on Spark has none


def _accumulate(task: Task, data: Any) -> Part:
    from momentalg.data.engines.lazy import accumulate, told_by

    if not _takes(data):
        raise DataError(
            f"the engine 'spark' takes data frames of PySpark, not {type(data).__name__}; spark.createDataFrame and "
            "spark.read.parquet make one, and .to_spark() of pandas on Spark"
        )
    with told_by(TITLE, *PACKAGES):
        return accumulate(task, data)


ENGINE = Engine("spark", "Spark, on its data frames", _takes, _accumulate, needs=("pyspark", "pyarrow"))
