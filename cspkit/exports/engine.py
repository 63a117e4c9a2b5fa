"""Give raw sheets to the engine as tables; the only place where SQL is written by hand."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa

from cspkit.exports.sheets import CELLS, MORE, NOTE, ROW, Scan, Sheet, column

FILE, GUID = "_file", "_guid"


def connect() -> Any:
    """Open DuckDB in memory, with the rows of a table kept in the order they were read."""
    return ibis.duckdb.connect()


def quoted(text: str | Path) -> str:
    """Write a text as an SQL literal."""
    return "'" + str(text).replace("'", "''") + "'"


def keep(connection: Any, name: str, rows: Any) -> Any:
    """Compute an expression or take Arrow rows once, and return them as a table of the engine."""
    expression = ibis.memtable(rows) if isinstance(rows, pa.Table) else rows
    if connection.name != "duckdb":
        return connection.create_table(name, expression, overwrite=True)
    connection._run_pre_execute_hooks(expression)
    query = connection.compile(expression)
    connection.raw_sql(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")
    return connection.table(name)


def fresh_name() -> str:
    """Name the tables of one load, so that several can share an engine."""
    return f"cspkit_{uuid.uuid4().hex[:12]}"


def raw_table(connection: Any, sheets: Sequence[tuple[int, Sheet]], name: str) -> Any:
    """Return one Ibis table with the raw rows of sheets that have the same header.

    `_file` numbers the sheet, `_guid` is the GUID in its file's name.
    """
    parts = []
    read = [(number, sheet) for number, sheet in sheets if sheet.rows is not None]
    if read:
        arrow = pa.concat_tables([_stamped(sheet.rows, number, sheet) for number, sheet in read])
        parts.append(keep(connection, name, arrow))
    for number, sheet in sheets:
        if sheet.scan:
            view = f"{name}_{number}"
            connection.raw_sql(f"CREATE OR REPLACE TEMP VIEW {view} AS {_scan_sql(sheet, number)}")
            parts.append(connection.table(view))
    return parts[0] if len(parts) == 1 else ibis.union(*parts)


def _stamped(rows: pa.Table | None, number: int, sheet: Sheet) -> pa.Table:
    assert rows is not None
    count = rows.num_rows
    return rows.append_column(FILE, pa.array([number] * count, pa.int32())).append_column(
        GUID, pa.array([sheet.guid] * count, pa.string())
    )


def _scan_sql(sheet: Sheet, number: int) -> str:
    assert sheet.scan
    width = len(sheet.header)
    guid = quoted(sheet.guid) if sheet.guid else "NULL"
    return (
        f"SELECT *, row_number() OVER () + {sheet.scan.first_row - 1} AS {ROW}, "
        f"{width}::INTEGER AS {CELLS}, NULL::VARCHAR AS {NOTE}, "
        f"NULL::VARCHAR AS {MORE}, {number}::INTEGER AS {FILE}, "
        f"{guid}::VARCHAR AS {GUID} FROM {read_csv(sheet.scan, width)}"
    )


def read_csv(scan: Scan, width: int) -> str:
    """Write the call that reads a large file's data rows, every cell as text."""
    columns = ", ".join(f"'{column(i)}': 'VARCHAR'" for i in range(width))
    return (
        f"read_csv({quoted(scan.path)}, auto_detect=false, header=false, skip={scan.skip}, "
        f"delim={quoted(scan.delimiter)}, quote='\"', escape='\"', nullstr='', "
        f"max_line_size=1000000, columns={{{columns}}})"
    )


def count_scan(connection: Any, sheet: Sheet) -> int | None:
    """Count a large file's rows as DuckDB reads them; None when it cannot read it."""
    import duckdb

    assert sheet.scan
    try:
        found = connection.raw_sql(
            f"SELECT count(*) FROM {read_csv(sheet.scan, len(sheet.header))}"
        ).fetchone()
    except duckdb.Error:
        return None
    return int(found[0])
