"""The engine that holds the tables of a load; with scanning and defining, the only SQL by hand."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from cspkit import statements
from cspkit.errors import SettingsError
from cspkit.exports import arrays
from cspkit.exports.sheets import ROW, Scan
from cspkit.later import ibis
from cspkit.statements import TOKEN, Rows, described

FILE, GUID, ROWS, AGAIN = "_file", "_guid", "_rows", "_again"
MEMORY = "CSPKIT_MEMORY"
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
        self.name, self.schema = name, schema
        plain = statements.table(f"{TOKEN}_{name}", schema)
        super().__init__(lambda: plain.key, lambda: engine.reference(self, plain))


class Engine:
    """DuckDB, or another engine that Ibis knows, with the tables of one load.

    On DuckDB kept statements run as they are; Ibis is loaded for those that are not kept, and
    where somebody asks for the tables as Ibis has them.
    """

    def __init__(self, backend: Any = None) -> None:
        """Open DuckDB in memory, or work in an Ibis backend beside what others keep there."""
        self.prefix = TOKEN if backend is None else fresh_name()
        if backend is None:
            self.duck = open_duckdb()
        else:
            self.backend = backend
            self.duck = backend.con if backend.name == "duckdb" else None

    @cached_property
    def backend(self) -> Any:
        """Return the Ibis backend."""
        return ibis.duckdb.from_connection(self.duck)

    def reference(self, held: Held, plain: Rows) -> Any:
        """Return a held table as an expression to compile; other engines name it themselves."""
        return plain.expression if self.duck else self.bound(held)

    def bound(self, held: Held) -> Any:
        """Return a held table as Ibis has it, to work on."""
        return self.backend.table(f"{self.prefix}_{held.name}")

    def execute(self, sql: str) -> Any:
        """Run SQL on DuckDB, with the prefix of this load."""
        # Ibis writes the names of functions in capitals.
        named = sql.replace(TOKEN, self.prefix).replace(TOKEN.upper(), self.prefix)
        return self.duck.execute(named)

    def keep(self, name: str, rows: Rows | pa.Table) -> Held:
        """Compute rows once, or take Arrow rows, and return them as a table of the engine."""
        if isinstance(rows, pa.Table):
            return self._given(name, rows)
        if not self.duck:
            return self._created(name, rows.expression)
        found = self.statement(rows)
        self.execute(f"CREATE OR REPLACE TEMP TABLE {TOKEN}_{name} AS {found.sql}")
        return Held(self, name, found.schema)

    def nothing(self, name: str, schema: dict[str, str]) -> Held:
        """Name a table without rows."""
        if not self.duck:
            return self._created(name, ibis.memtable(arrays.schema(schema).empty_table()))
        columns = ", ".join(f'NULL::{DUCKDB[kind]} AS "{one}"' for one, kind in schema.items())
        return self.scan(name, f"SELECT {columns} LIMIT 0", schema)

    def view(self, name: str, rows: Rows) -> Held:
        """Name an expression over kept tables, so that it is written once; nothing is computed."""
        if not self.duck:
            made = self.backend.create_view(
                f"{self.prefix}_{name}", rows.expression, overwrite=True
            )
            return Held(self, name, _schema_of(made))
        found = self.statement(rows)
        self.execute(f"CREATE OR REPLACE TEMP VIEW {TOKEN}_{name} AS {found.sql}")
        return Held(self, name, found.schema)

    def scan(self, name: str, sql: str, schema: dict[str, str]) -> Held:
        """Name rows that are written in SQL by hand; nothing is computed."""
        self.execute(f"CREATE OR REPLACE TEMP VIEW {TOKEN}_{name} AS {sql}")
        return Held(self, name, schema)

    def fetch(self, rows: Rows) -> list[dict[str, Any]]:
        """Compute rows and return them as plain values."""
        if not self.duck:
            lines: list[dict[str, Any]] = self.backend.to_pyarrow(rows.expression).to_pylist()
            return lines
        found = self.statement(rows)
        cells = self.execute(found.sql).fetchall()
        return [dict(zip(found.schema, line, strict=True)) for line in cells]

    def count(self, held: Held) -> int:
        """Count the rows of a table."""
        if not self.duck:
            return int(self.bound(held).count().to_pyarrow().as_py())
        return int(self.execute(f"SELECT count(*) FROM {TOKEN}_{held.name}").fetchall()[0][0])

    def write_parquet(self, rows: Rows, path: Path) -> None:
        """Write rows to a file."""
        if not self.duck:
            self.backend.to_parquet(rows.expression, path)
            return
        sql = self.statement(rows).sql
        self.execute(f"COPY ({sql}) TO {quoted(path)} (FORMAT parquet)")

    def statement(self, rows: Rows) -> statements.Statement:
        """Find or write the SQL of described rows."""
        return statements.statement(rows, lambda expression: ibis.duckdb.compile(expression))

    def _given(self, name: str, rows: pa.Table) -> Held:
        if not self.duck:
            return self._created(name, ibis.memtable(rows))
        given = f"{self.prefix}_given"
        self.duck.register(given, rows)
        self.execute(f"CREATE OR REPLACE TEMP TABLE {TOKEN}_{name} AS SELECT * FROM {given}")
        self.duck.unregister(given)
        return Held(self, name, {field.name: _kind(field.type) for field in rows.schema})

    def _created(self, name: str, expression: Any) -> Held:
        made = self.backend.create_table(f"{self.prefix}_{name}", expression, overwrite=True)
        return Held(self, name, _schema_of(made))

    def mark(self, name: str, scan: Scan | None, placed: Held) -> None:
        """Mark the rows of a checked table that stand among rows of the same subscription.

        A filter on the mark keeps the order of the rows, which a join would not.
        """
        number = f"rowid + {scan.dialect.header_row + 1}" if scan else ROW
        self.execute(
            f"UPDATE {TOKEN}_{name} SET {AGAIN} = true "
            f"WHERE ({FILE}, {number}) IN (SELECT ({FILE}, {ROW}) FROM {TOKEN}_{placed.name})"
        )

    def keep_scanned(self, name: str, rows: Rows, scan: Scan) -> tuple[Held, Rows]:
        """Compute the rows of a large file; return the table, and its rows numbered as they lie.

        DuckDB keeps the order of a file only as long as nothing is joined, and it would make a
        join of a long list of words; counting rows while they are read would take turns.
        """
        self.execute("SET disabled_optimizers = 'in_clause'")
        try:
            kept = self.keep(name, rows)
        finally:
            self.execute("RESET disabled_optimizers")
        numbered: Rows = _numbered(kept, scan.dialect.header_row + 1)
        return kept, numbered


@described
def _numbered(kept: Any, first: int) -> Any:
    return kept.mutate(**{ROW: kept.rowid() + first})


@described
def together(parts: Sequence[Any]) -> Any:
    """Put rows of the same columns below each other."""
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def open_duckdb() -> Any:
    """Open DuckDB in memory, within the memory that `CSPKIT_MEMORY` allows, such as 2GB.

    What does not fit goes to a folder of its own below the system's one for temporary files.
    """
    import duckdb

    spill = Path(tempfile.gettempdir()) / f"cspkit-spill-{uuid.uuid4().hex[:12]}"
    config = {"temp_directory": str(spill), "python_enable_replacements": "false"}
    if allowed := os.environ.get(MEMORY, ""):
        config["memory_limit"] = allowed
    try:
        connection = duckdb.connect(config=config)
    except duckdb.Error as error:
        expected = f"expected an amount such as 2GB, found {allowed!r}"
        raise SettingsError("environment", MEMORY, expected) from error
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def quoted(text: str | Path) -> str:
    """Write a text as an SQL literal."""
    return "'" + str(text).replace("'", "''") + "'"


def fresh_name() -> str:
    """Name the tables of one load, so that several can share an engine."""
    return f"cspkit_{uuid.uuid4().hex[:12]}"


def _kind(given: pa.DataType) -> str:
    return arrays.NAMES.get(str(given)) or str(ibis.dtype(given))


def _schema_of(made: Any) -> dict[str, str]:
    return {name: str(kind) for name, kind in made.schema().items()}
