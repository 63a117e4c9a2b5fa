"""The engine that holds the tables of a load; with scanning and defining, the only SQL by hand."""

from __future__ import annotations

import copy
import os
import re
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from cspkit import statements
from cspkit.errors import CspkitError, ExportError, SettingsError
from cspkit.exports import arrays
from cspkit.exports.sheets import ROW, Scan
from cspkit.later import ibis
from cspkit.statements import TOKEN, Rows, described

FILE, GUID, ROWS, AGAIN = "_file", "_guid", "_rows", "_again"
MEMORY = "CSPKIT_MEMORY"
EACH = 1024**3
# Rows that are written to a file together. DuckDB cuts what its threads hand it near this number,
# and with its own number, that of a table's parts, where it cut depended on who came first.
WRITTEN = 60_000
# Where the system names the files that are open, if it does.
OPENED = Path("/proc/self/fd")
# Ends the name of a table whose columns take less room than the view of it says.
NARROW = "_narrow"
# DuckDB's types, by Ibis' words for them.
DUCKDB = {
    "string": "VARCHAR",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "date": "DATE",
    "boolean": "BOOLEAN",
    "decimal(18, 6)": "DECIMAL(18, 6)",
}


class Held(Rows):
    """Rows that the engine holds as a table or view, with the types of its columns."""

    def __init__(self, engine: Engine, name: str, schema: dict[str, str]) -> None:
        """Describe a table by the name that the engine knows it under, without its prefix."""
        self.engine, self.name, self.schema = engine, name, schema
        plain = statements.table(f"{TOKEN}_{name}", schema)
        # Not by itself: what nobody uses any more is given back at once, not some time later.
        super().__init__(lambda: plain.key, lambda: engine.reference(name, plain))


class Engine:
    """DuckDB with the tables of one load; `SparkEngine` does the same on Spark.

    Kept statements run as they are; Ibis is loaded for those that are not kept, and where
    somebody asks for the tables as Ibis has them.
    """

    # Whether the DuckDB was opened for this load and ends with it.
    own = False

    def __init__(self, backend: Any = None) -> None:
        """Open DuckDB in memory, or work in one of Ibis beside what others keep there."""
        self.prefix = TOKEN if backend is None else fresh_name()
        self.views: dict[str, str] = {}
        if backend is None:
            self.duck, self.own = open_duckdb(), True
        else:
            self.backend, self.duck = backend, backend.con

    @cached_property
    def backend(self) -> Any:
        """Return the Ibis backend."""
        return ibis.duckdb.from_connection(self.duck)

    @property
    def temp(self) -> str:
        """Say that tables are this connection's alone, in a DuckDB that others work in as well.

        In a DuckDB of our own every connection sees them.
        """
        return "" if self.own else "TEMP "

    def beside(self) -> Engine:
        """Open one more connection to the own DuckDB, for another thread to use."""
        other = copy.copy(self)
        other.__dict__.pop("backend", None)
        other.duck = self.duck.cursor()
        _set_up(other.duck)
        return other

    @property
    def reader(self) -> Engine:
        """Return the DuckDB that reads and checks files for this engine."""
        return self

    def take(self, name: str, rows: Rows) -> Rows:
        """Take over rows of the reader under a name; nothing to do where it is this engine."""
        return rows

    def give(self, name: str, held: Held) -> Held:
        """Give a table to the reader under a name; nothing to do where it is this engine."""
        return held

    def reference(self, name: str, plain: Rows) -> Any:
        """Return a held table as an expression to compile."""
        return plain.expression

    def bound(self, held: Held) -> Any:
        """Return a held table as Ibis has it, to work on."""
        return self.named(held.name)

    def named(self, name: str) -> Any:
        """Return a table by the name that the engine knows it under, without its prefix."""
        return self.backend.table(f"{self.prefix}_{name}")

    def execute(self, sql: str) -> Any:
        """Run SQL on DuckDB, with the prefix of this load."""
        # Ibis writes the names of functions in capitals.
        named = sql.replace(TOKEN, self.prefix).replace(TOKEN.upper(), self.prefix)
        with within_memory():
            return self.duck.execute(named)

    def keep(self, name: str, rows: Rows | pa.Table) -> Held:
        """Compute rows once, or take Arrow rows, and return them as a table of the engine."""
        if isinstance(rows, pa.Table):
            return self._given(name, rows)
        found = self.statement(rows)
        return self.copy(name, found.sql, found.schema)

    def nothing(self, name: str, schema: dict[str, str]) -> Held:
        """Name a table without rows."""
        columns = ", ".join(f'NULL::{DUCKDB[kind]} AS "{one}"' for one, kind in schema.items())
        return self.scan(name, f"SELECT {columns} LIMIT 0", schema)

    def view(self, name: str, rows: Rows) -> Held:
        """Name an expression over kept tables, so that it is written once; nothing is computed."""
        found = self.statement(rows)
        return self.scan(name, found.sql, found.schema)

    def scan(self, name: str, sql: str, schema: dict[str, str]) -> Held:
        """Name rows that are written in SQL by hand; nothing is computed."""
        self.execute(f"CREATE OR REPLACE {self.temp}VIEW {TOKEN}_{name} AS {sql}")
        self.views[name] = sql
        return Held(self, name, schema)

    def copy(self, name: str, sql: str, schema: dict[str, str]) -> Held:
        """Keep rows that are written in SQL by hand."""
        self.execute(f"CREATE OR REPLACE {self.temp}TABLE {TOKEN}_{name} AS {sql}")
        return Held(self, name, schema)

    def fetch(self, rows: Rows) -> list[dict[str, Any]]:
        """Compute rows and return them as plain values."""
        found = self.statement(rows)
        with within_memory():
            # What gives its rows as they come works only now.
            cells = self.execute(found.sql).fetchall()
        return [dict(zip(found.schema, line, strict=True)) for line in cells]

    def count(self, held: Held) -> int:
        """Count the rows of a table."""
        return int(self.execute(f"SELECT count(*) FROM {TOKEN}_{held.name}").fetchall()[0][0])

    def write_parquet(self, rows: Rows, path: Path, *, streamed: bool = False) -> None:
        """Write rows to a file; `streamed`, by one thread, which holds only a few of them.

        Several threads take half as much processor time again, and most of a large table waits
        in memory for its turn. Raises ExportError where the file cannot be written.
        """
        found = self.statement(rows)
        options = f"FORMAT parquet, ROW_GROUP_SIZE {WRITTEN}"
        sql = one_by_one(found.sql, len(found.schema)) if streamed else found.sql
        with writing_to(path):
            self.execute(f"COPY ({sql}) TO {quoted(path.absolute())} ({options})")

    def statement(self, rows: Rows) -> statements.Statement:
        """Find or write the SQL of described rows."""
        return statements.statement(rows, lambda expression: ibis.duckdb.compile(expression))

    def _given(self, name: str, rows: pa.Table) -> Held:
        given = f"{self.prefix}_given"
        self.duck.register(given, rows)
        schema = {field.name: _kind(field.type) for field in rows.schema}
        held = self.copy(name, f"SELECT * FROM {given}", schema)
        self.duck.unregister(given)
        return held

    def suspected(self, rows: Rows, key: str) -> Rows:
        """Leave out most rows whose key stands once, and none of the others.

        Numbers are sorted in a third of the time that it takes to group texts. They are not in
        DuckDB's memory, so where that is limited all rows are left.
        """
        if os.environ.get(MEMORY):
            return rows
        import numpy

        found, number = self.statement(rows), f"(hash({key}) >> 1)::BIGINT"
        with within_memory():
            numbers = self.execute(f"SELECT {number} AS number FROM ({found.sql})").fetchnumpy()
        ordered = numpy.sort(numbers["number"])
        twice = numpy.unique(ordered[1:][ordered[1:] == ordered[:-1]])
        held = self._given(f"twice_{key}", pa.table({"number": arrays.whole(twice, pa.int64())}))
        several = f"{number} IN (SELECT number FROM {TOKEN}_{held.name})"
        sql = f"SELECT * FROM ({found.sql}) WHERE {several}"
        return self.scan(f"suspected_{key}", sql, found.schema)

    def mark(self, name: str, scan: Scan | None, placed: Held) -> None:
        """Mark the rows of a checked table that stand among rows of the same subscription.

        A filter on the mark keeps the order of the rows, which a join would not.
        """
        number = f"rowid + {scan.dialect.header_row + 1}" if scan else ROW
        table = f"{TOKEN}_{name}{NARROW}" if scan else f"{TOKEN}_{name}"
        self.execute(
            f"UPDATE {table} SET {AGAIN} = true "
            f"WHERE ({FILE}, {number}) IN (SELECT ({FILE}, {ROW}) FROM {TOKEN}_{placed.name})"
        )

    def keep_scanned(
        self, name: str, rows: Rows, scan: Scan, kinds: Mapping[str, str]
    ) -> tuple[Held, Rows]:
        """Compute the rows of a large file; return the table, and its rows numbered as they lie.

        Columns of `kinds` are held as those types of DuckDB, and read as what they were. DuckDB
        keeps the order of a file only as long as nothing is joined, and it would make a join of
        a long list of words; counting rows while they are read would take turns.
        """
        found = self.statement(rows)
        schema = {c: "string" if kind == "uuid" else kind for c, kind in found.schema.items()}
        there = {column: kind for column, kind in kinds.items() if column in schema}
        narrow = _replaced(there)
        wide = _replaced({column: DUCKDB[schema[column]] for column in there})
        # Who gives a DuckDB may not mind the order of rows; their numbers in the file do.
        kept = self.execute("SELECT current_setting('preserve_insertion_order')").fetchall()[0][0]
        self.execute("SET disabled_optimizers = 'in_clause'; SET preserve_insertion_order = true")
        try:
            self.execute(
                f"CREATE OR REPLACE {self.temp}TABLE {TOKEN}_{name}{NARROW} AS "
                f"SELECT *{narrow} FROM ({found.sql})"
            )
        finally:
            self.execute(f"RESET disabled_optimizers; SET preserve_insertion_order = {kept}")
        sql = f"SELECT *{wide}, rowid FROM {TOKEN}_{name}{NARROW}"
        kept = self.scan(name, sql, schema)
        numbered: Rows = _numbered(kept, scan.dialect.header_row + 1)
        return kept, numbered


@described
def _numbered(kept: Any, first: int) -> Any:
    return kept.mutate(**{ROW: kept.rowid() + first})


@described
def together(parts: Sequence[Any]) -> Any:
    """Put rows of the same columns below each other."""
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def opened(given: Any = None, shared: str | Path | None = None) -> Engine:
    """Open the engine that somebody asks for: an Ibis connection to DuckDB or Spark, or "spark".

    "spark" is the session of a notebook, else a local one. Raises CspkitError for anything else,
    and for a Spark that will not do.
    """
    name = given if isinstance(given, str) else getattr(given, "name", type(given).__name__)
    if given is None or (name == "duckdb" and given != name):
        return Engine(given)
    if name not in ("spark", "pyspark"):
        expected = "ibis.duckdb.connect(), ibis.pyspark.connect(spark) or 'spark'"
        raise CspkitError(f"engine: expected {expected}, found {name!r}")
    from cspkit.exports import spark_session

    session = spark_session.find() if given == name else given
    from cspkit.exports import spark

    return spark.opened(session, shared)


def open_duckdb() -> Any:
    """Open DuckDB in memory, within what `CSPKIT_MEMORY` allows it, such as 512MB.

    What does not fit goes to a folder of its own below the system's one for temporary files. A
    limit of less than `EACH` a thread leaves some of them idle: each holds rows of its own. Raises
    SettingsError for what is no amount.
    """
    import duckdb

    spill = Path(tempfile.gettempdir()) / f"cspkit-spill-{uuid.uuid4().hex[:12]}"
    config = {"temp_directory": str(spill), "python_enable_replacements": "false"}
    allowed = os.environ.get(MEMORY, "")
    try:
        connection = duckdb.connect(config=config)
        if allowed:
            connection.execute(f"SET memory_limit = {quoted(allowed)}")
    except duckdb.Error as error:
        expected = f"expected an amount such as 512MB, found {allowed!r}"
        raise SettingsError("environment", MEMORY, expected) from error
    _set_up(connection)
    if allowed:
        (limit, threads), *_ = connection.execute(
            "SELECT current_setting('memory_limit'), current_setting('threads')"
        ).fetchall()
        connection.execute(f"SET threads = {max(1, min(threads, _bytes(limit) // EACH))}")
    return connection


def _set_up(connection: Any) -> None:
    connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")


def one_by_one(sql: str, columns: int) -> str:
    """Let one thread write what SQL gives, in its order.

    DuckDB hands rows to several only where each part of a query knows its place among all; no
    setting says so for one query. The part that does not know its place has no row.
    """
    nothing = ", ".join(["NULL"] * columns)
    return f"FROM ({sql}) UNION ALL SELECT {nothing} FROM range(0)"


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Raise ExportError in one line where a file cannot be written."""
    import duckdb

    try:
        yield
    except (OSError, duckdb.IOException) as error:
        found = first_line(error)
        raise ExportError(path, [f"expected a place to write to, found {found}"]) from error


def first_line(error: Exception) -> str:
    """Say what went wrong without the query that DuckDB shows below it."""
    return str(error).partition("\n")[0]


@contextmanager
def within_memory() -> Iterator[None]:
    """Say which setting to change where DuckDB may not use the memory that it needs.

    A large file that was saved is held open and read only now: raises ExportError where it turns
    out that it is damaged. Where a person breaks off, KeyboardInterrupt, as everywhere else.
    """
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise SettingsError("environment", MEMORY, _too_little()) from error
    except (RuntimeError, duckdb.Error) as error:
        # DuckDB's words where it was at work, and where Python was at work for it.
        if str(error) == "Query interrupted" or "KeyboardInterrupt" in str(error):
            raise KeyboardInterrupt from error
        first = first_line(error)
        if (found := re.search(rf"{OPENED}/\d+", first)) is None:
            raise
        file = Path(found.group()).readlink()
        problem = (
            f"cannot be read; load the exports again: {first.replace(found.group(), file.name)}"
        )
        raise ExportError(file, [problem]) from error


def _too_little() -> str:
    given = os.environ.get(MEMORY, "")
    if given:
        return f"expected more memory than {given!r} for this; allow more, or unset it"
    return "expected more free memory, or space for temporary files, than this machine has"


def _bytes(shown: str) -> int:
    """Read an amount as DuckDB shows it, such as 488.2 MiB."""
    number, unit = shown.split()
    return int(float(number) * 1024 ** ["bytes", "KiB", "MiB", "GiB", "TiB"].index(unit))


def _replaced(kinds: Mapping[str, str]) -> str:
    """Write what gives columns other types."""
    cast = ", ".join(f'CAST("{column}" AS {kind}) AS "{column}"' for column, kind in kinds.items())
    return f" REPLACE ({cast})" if cast else ""


def quoted(text: str | Path) -> str:
    """Write a text as an SQL literal."""
    return "'" + str(text).replace("'", "''") + "'"


def fresh_name() -> str:
    """Name the tables of one load, so that several can share an engine."""
    return f"cspkit_{uuid.uuid4().hex[:12]}"


def _kind(given: pa.DataType) -> str:
    return arrays.NAMES.get(str(given)) or str(ibis.dtype(given))
