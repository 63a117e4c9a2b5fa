"""A real Spark of two workers, each a process of its own, and how its tables are compared."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cspkit import Exports, ranking
from cspkit.exports.result import KEYS, TABLES

AS_OF = "2026-11-20"
# Small loads end before Java has translated its own code well, or Spark's queries at all.
BRIEF = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.extraJavaOptions": BRIEF,
    "spark.executor.extraJavaOptions": BRIEF,
    # A machine may be so busy that a worker is not heard of for minutes.
    "spark.network.timeout": "600s",
    "spark.scheduler.minRegisteredResourcesRatio": "1.0",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}


@contextmanager
def started(folder: Path) -> Iterator[Any]:
    """Start two workers that keep their files below a folder; stop them at the end."""
    import pyspark
    from pyspark.sql import SparkSession

    local = {"spark.local.dir": str(folder), "spark.sql.warehouse.dir": str(folder / "warehouse")}
    builder = SparkSession.builder.master("local-cluster[2,1,1024]")
    session = builder.config(map=SETTINGS | local).getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    # Workers keep their logs here, whatever they are told.
    work = Path(pyspark.__file__).parent / "work" / session.sparkContext.applicationId
    try:
        yield session
    finally:
        session.stop()
        shutil.rmtree(work, ignore_errors=True)


def expect_java() -> None:
    """Skip on a machine without Java, which only Spark needs; where skips are failures, fail."""
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        pytest.skip("Spark needs Java 17: Debian's openjdk-17-jre-headless, or JAVA_HOME")


def hashes(exports: Exports) -> dict[str, str]:
    """Hash every table of a load, in the order of its keys, and the ranked customers in theirs."""
    found = {name: _hash(_ordered(exports, name)) for name in TABLES}
    return found | {"ranked": _hash(ranking.listed(exports, as_of=AS_OF).table())}


def _ordered(exports: Exports, name: str) -> pa.Table:
    rows = exports.connection.to_pyarrow(exports.table(name))
    others = [column for column in rows.column_names if column not in KEYS[name]]
    return rows.sort_by([(column, "ascending") for column in (*KEYS[name], *others)])


def _hash(rows: pa.Table) -> str:
    kinds = [(field.name, str(field.type)) for field in rows.schema]
    text = repr((kinds, rows.to_pylist()))
    return f"{rows.num_rows} rows {hashlib.sha256(text.encode()).hexdigest()[:16]}"
