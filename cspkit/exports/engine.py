"""Give raw sheets to the engine as tables; the only place where SQL is written by hand."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa

from cspkit.exports.sheets import CELLS, MORE, NOTE, ROW, Scan, Sheet, column

FILE, GUID, ROWS, AGAIN = "_file", "_guid", "_rows", "_again"


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


def view(connection: Any, name: str, rows: Any) -> Any:
    """Name an expression over kept tables, so that it is written once; nothing is computed."""
    if connection.name != "duckdb":
        return connection.create_view(name, rows, overwrite=True)
    connection.raw_sql(f"CREATE OR REPLACE TEMP VIEW {name} AS {connection.compile(rows)}")
    return connection.table(name)


def mark(connection: Any, name: str, scan: Scan | None, placed: Any) -> None:
    """Mark the rows of a checked table that stand among rows of the same subscription.

    A filter on the mark keeps the order of the rows, which a join would not.
    """
    number = f"rowid + {scan.dialect.header_row + 1}" if scan else ROW
    connection.raw_sql(
        f"UPDATE {name} SET {AGAIN} = true "
        f"WHERE ({FILE}, {number}) IN (SELECT ({FILE}, {ROW}) FROM {placed.get_name()})"
    )


def keep_scanned(connection: Any, name: str, rows: Any, scan: Scan) -> Any:
    """Compute the rows of a large file, numbered by where they come to lie.

    DuckDB keeps the order of a file only as long as nothing is joined, and it would make a join
    of a long list of words; counting rows while they are read would take turns.
    """
    connection.raw_sql("SET disabled_optimizers = 'in_clause'")
    try:
        kept = keep(connection, name, rows)
    finally:
        connection.raw_sql("RESET disabled_optimizers")
    return kept.mutate(**{ROW: kept.rowid() + scan.dialect.header_row + 1})


def define(connection: Any, name: str, meanings: pa.Table) -> None:
    """Define NAME_j and NAME_k: the value and the problem of a cell, by a table of them.

    Unlike a join it keeps the order of the rows that it is called for. Cells with a problem come
    last, so that the others are not looked up for one.
    """
    cell, value, problem = meanings.column_names
    given, cells = f"{name}_given", f"{name}_cells"
    fine = meanings.column(problem).null_count
    order = f"ORDER BY {problem} IS NOT NULL, {cell}"
    number = f"enum_code(TRY_CAST(cell AS {cells}))::BIGINT"
    connection.con.register(given, meanings)
    for statement in (
        f"CREATE TYPE {cells} AS ENUM (SELECT {cell} FROM {given} {order})",
        f"SET VARIABLE {name}_j = (SELECT list({value} {order}) FROM {given})",
        f"SET VARIABLE {name}_k = (SELECT list({problem} {order}) FILTER ({problem} IS NOT NULL) "
        f"FROM {given})",
        f"CREATE TEMP MACRO {name}_j(cell) AS getvariable('{name}_j')[{number} + 1]",
        f"CREATE TEMP MACRO {name}_k(cell) AS CASE WHEN {number} >= {fine} "
        f"THEN getvariable('{name}_k')[{number} - {fine - 1}] END",
    ):
        connection.raw_sql(statement)
    connection.con.unregister(given)


def fresh_name() -> str:
    """Name the tables of one load, so that several can share an engine."""
    return f"cspkit_{uuid.uuid4().hex[:12]}"


def raw_table(connection: Any, sheets: Sequence[tuple[int, Sheet]], name: str) -> Any:
    """Return one Ibis table with the raw rows of sheets that have the same header.

    `_file` numbers the sheet, `_guid` is the GUID in its file's name. Rows of a scan are not
    numbered yet.
    """
    parts = []
    read = [(number, sheet) for number, sheet in sheets if sheet.rows is not None]
    if read:
        arrow = pa.concat_tables([_stamped(sheet.rows, number, sheet) for number, sheet in read])
        parts.append(keep(connection, name, arrow))
    for number, sheet in sheets:
        if sheet.scan and sheet.rows is None:
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
        f"SELECT *, "
        f"{width}::INTEGER AS {CELLS}, NULL::VARCHAR AS {NOTE}, "
        f"NULL::VARCHAR AS {MORE}, {number}::INTEGER AS {FILE}, "
        f"{guid}::VARCHAR AS {GUID} FROM {read_csv(sheet.scan, width)}"
    )


def read_csv(scan: Scan, width: int) -> str:
    """Write the call that reads a large file's data rows, every cell as text."""
    columns = ", ".join(f"'{column(i)}': 'VARCHAR'" for i in range(width))
    return (
        f"read_csv({quoted(scan.path)}, auto_detect=false, header=false, "
        f"skip={scan.dialect.header_row}, delim={quoted(scan.dialect.delimiter)}, "
        f"quote='\"', escape='\"', nullstr='', max_line_size=1000000, columns={{{columns}}})"
    )


def different(connection: Any, raw: Any, wanted: dict[str, Any], apart: bool) -> list[Any] | None:
    """Collect the different cells of columns, for each file apart, and count the rows.

    Returns None when DuckDB cannot read a file, which the careful reader then has to do.
    """
    import duckdb

    counted = wanted | {ROWS: raw.count()}
    grouped = raw.group_by(FILE).aggregate(**counted) if apart else raw.aggregate(**counted)
    try:
        lines: list[Any] = connection.to_pyarrow(grouped).to_pylist()
    except duckdb.Error:
        return None
    return lines
