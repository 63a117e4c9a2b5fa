"""Spark as the engine: tables are parquet in a folder that driver and workers see."""

from __future__ import annotations

import secrets
import shutil
import weakref
from functools import cached_property
from pathlib import Path
from typing import Any

import ibis
import ibis.backends.pyspark as ibis_spark
import ibis.expr.operations as ops
import pyarrow as pa
import pyarrow.parquet as parquet
from ibis.backends.pyspark.datatypes import PySparkSchema

from cspkit.exports import arrays, spark_session
from cspkit.exports.engine import Engine, Held, fresh_name
from cspkit.exports.spark_files import Folder, parts
from cspkit.exports.spark_sql import Dialect
from cspkit.statements import Rows

# More rows than these travel to Spark as a file rather than within a query.
FEW = 20_000


class Backend(ibis_spark.Backend):  # type: ignore[misc]
    """Ibis' Spark on a session of its own; rows come and go as Arrow, tables are files."""

    compiler = Dialect()

    def open(self, session: Any, shared: str | Path | None) -> None:
        """Connect; raises CspkitError for an old Spark and for a folder that it does not see."""
        spark_session.expect_recent(session.version)
        self.do_connect(spark_session.copy(session))
        self.folder = Folder(self._session, shared)
        weakref.finalize(self, shutil.rmtree, self.folder.path, ignore_errors=True)

    def create_table(self, name: str, /, obj: Any = None, **_options: Any) -> Any:
        """Compute rows once and name them, in this session alone.

        Not a table of the catalog, which would stay behind in somebody's lakehouse.
        """
        frame = self._query(obj)
        frame.write.parquet(self.folder.spelled(name))
        return self._named(name, frame.schema)

    def give(self, name: str, rows: pa.Table) -> Any:
        """Name rows of Arrow."""
        schema = ibis.Schema.from_pyarrow(rows.schema)
        if rows.num_rows <= FEW:
            self._frame(rows, schema).createOrReplaceTempView(name)
            return self.table(name)
        parquet.write_table(rows, self.folder.path / name)
        return self.find(name)

    def find(self, name: str) -> Any:
        """Name rows of a file that was written into the folder."""
        schema = ibis.Schema.from_pyarrow(parquet.read_schema(self.folder.path / name))
        return self._named(name, PySparkSchema.from_ibis(schema))

    def to_pyarrow(
        self, expr: Any, /, *, params: Any = None, limit: Any = None, **_options: Any
    ) -> Any:
        """Bring an expression's rows to the driver."""
        schema = expr.as_table().schema()
        # Spark calls fields of a missing struct not nullable, which Arrow refuses.
        frame = self._query(expr.as_table(), params=params, limit=limit)
        rows = frame.to(PySparkSchema.from_ibis(schema)).toArrow()
        return expr.__pyarrow_result__(rows.cast(schema.to_pyarrow()))

    def to_parquet(self, expr: Any, path: Any, /, **_options: Any) -> None:
        """Write one file in the driver, which holds only a piece of it at a time."""
        name = f"saved_{secrets.token_hex(6)}"
        self.create_table(name, expr)
        schema = expr.schema().to_pyarrow()
        with parquet.ParquetWriter(path, schema) as file:
            for part in parts(self.folder.path / name):
                for batch in parquet.ParquetFile(part).iter_batches():
                    file.write_table(pa.Table.from_batches([batch]).cast(schema))
        self._session.catalog.dropTempView(name)
        shutil.rmtree(self.folder.path / name, ignore_errors=True)

    def _register_in_memory_table(self, op: ops.InMemoryTable) -> None:
        self._frame(op.data.to_pyarrow(op.schema), op.schema).createOrReplaceTempView(op.name)

    def _frame(self, rows: pa.Table, schema: Any) -> Any:
        return self._session.createDataFrame(rows, schema=PySparkSchema.from_ibis(schema))

    def _query(self, expr: Any, **options: Any) -> Any:
        self._run_pre_execute_hooks(expr)
        return self._session.sql(self.compile(expr, **options))

    def _named(self, name: str, schema: Any) -> Any:
        rows = self._session.read.schema(schema).parquet(self.folder.spelled(name))
        rows.createOrReplaceTempView(name)
        return self.table(name)


class SparkEngine(Engine):
    """Spark with the tables of one load, and a DuckDB beside it that reads the files."""

    def __init__(self, backend: Backend) -> None:
        """Work in a backend beside what other loads keep there."""
        self.backend, self.prefix = backend, fresh_name()

    @cached_property
    def reader(self) -> Engine:
        """Return the DuckDB that reads and checks files."""
        return Engine()

    def take(self, name: str, rows: Rows) -> Held:
        """Hand rows that were read to Spark, by a file."""
        whole = f"{self.prefix}_{name}"
        self.reader.write_parquet(rows, self.backend.folder.path / whole)
        return self._held(name, self.backend.find(whole))

    def give(self, name: str, held: Held) -> Held:
        """Bring a small table to DuckDB."""
        return self.reader.keep(name, self.backend.to_pyarrow(self.bound(held)))

    def reference(self, name: str, plain: Rows) -> Any:
        """Return a held table as Ibis has it."""
        return self.named(name)

    def keep(self, name: str, rows: Rows | pa.Table) -> Held:
        """Compute rows once, or take Arrow rows; what is a table already stays it."""
        if isinstance(rows, Held):
            return rows
        whole = f"{self.prefix}_{name}"
        if isinstance(rows, pa.Table):
            return self._held(name, self.backend.give(whole, rows))
        return self._held(name, self.backend.create_table(whole, rows.expression))

    def view(self, name: str, rows: Rows) -> Held:
        """Compute rows once: what a view leaves to each use costs a cluster more than a copy."""
        return self.keep(name, rows)

    def nothing(self, name: str, schema: dict[str, str]) -> Held:
        """Name a table without rows."""
        return self.keep(name, arrays.schema(schema).empty_table())

    def fetch(self, rows: Rows) -> list[dict[str, Any]]:
        """Compute rows and bring them to the driver as plain values."""
        lines: list[dict[str, Any]] = self.backend.to_pyarrow(rows.expression).to_pylist()
        return lines

    def count(self, held: Held) -> int:
        """Count the rows of a table."""
        return int(self.backend.to_pyarrow(self.bound(held).count()).as_py())

    def write_parquet(self, rows: Rows, path: Path, *, streamed: bool = False) -> None:
        """Write rows to one file, always a piece at a time."""
        self.backend.to_parquet(rows.expression, path)

    def _held(self, name: str, made: Any) -> Held:
        return Held(self, name, {column: str(kind) for column, kind in made.schema().items()})


def opened(given: Any, shared: str | Path | None = None) -> SparkEngine:
    """Work on a Spark session, or on that of an Ibis connection; on one of ours as it is."""
    if isinstance(given, Backend) and shared is None:
        return SparkEngine(given)
    backend = Backend()
    backend.open(getattr(given, "_session", given), shared)
    return SparkEngine(backend)
