"""Raw sheets as tables of the engine: small ones as they were read, large ones by a scan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from cspkit.exports import arrays
from cspkit.exports.engine import FILE, GUID, ROWS, Engine, quoted, together
from cspkit.exports.sheets import CELLS, MORE, NOTE, Scan, Sheet, column
from cspkit.statements import Rows, described


def raw_table(engine: Engine, sheets: Sequence[tuple[int, Sheet]], name: str) -> Rows:
    """Return the raw rows of sheets that have the same header.

    `_file` numbers the sheet, `_guid` is the GUID in its file's name. Rows of a scan are not
    numbered yet.
    """
    parts: list[Rows] = []
    read = [(number, sheet) for number, sheet in sheets if sheet.rows is not None]
    if read:
        arrow = pa.concat_tables([_stamped(sheet.rows, number, sheet) for number, sheet in read])
        parts.append(engine.keep(name, arrow))
    for number, sheet in sheets:
        if sheet.scan and sheet.rows is None:
            parts.append(_scanned(engine, sheet, number, f"{name}_{number}"))
    found: Rows = parts[0] if len(parts) == 1 else together(parts)
    return found


def _stamped(rows: pa.Table | None, number: int, sheet: Sheet) -> pa.Table:
    assert rows is not None
    count = rows.num_rows
    rows = rows.append_column(FILE, arrays.whole([number] * count, pa.int32()))
    return rows.append_column(GUID, arrays.texts([sheet.guid] * count))


def _scanned(engine: Engine, sheet: Sheet, number: int, name: str) -> Rows:
    assert sheet.scan
    width = len(sheet.header)
    guid = quoted(sheet.guid) if sheet.guid else "NULL"
    added = {
        CELLS: (f"{width}::INTEGER", "int32"),
        NOTE: ("NULL::VARCHAR", "string"),
        MORE: ("NULL::VARCHAR", "string"),
        FILE: (f"{number}::INTEGER", "int32"),
        GUID: (f"{guid}::VARCHAR", "string"),
    }
    written = ", ".join(f"{value} AS {name}" for name, (value, _) in added.items())
    read = f"SELECT *, {written} FROM {read_csv(sheet.scan, width)}"
    schema = {column(i): "string" for i in range(width)}
    return engine.scan(name, read, schema | {name: kind for name, (_, kind) in added.items()})


def read_csv(scan: Scan, width: int) -> str:
    """Write the call that reads a large file's data rows, every cell as text."""
    columns = ", ".join(f"'{column(i)}': 'VARCHAR'" for i in range(width))
    return (
        f"read_csv({quoted(scan.path)}, auto_detect=false, header=false, "
        f"skip={scan.dialect.header_row}, delim={quoted(scan.dialect.delimiter)}, "
        f"quote='\"', escape='\"', nullstr='', max_line_size=1000000, columns={{{columns}}})"
    )


def different(engine: Engine, rows: Rows) -> list[dict[str, Any]] | None:
    """Fetch the different cells of columns.

    Returns None when DuckDB cannot read a file, which the careful reader then has to do.
    """
    import duckdb

    try:
        return engine.fetch(rows)
    except duckdb.Error:
        return None


@described
def cells(raw: Any, layout: Any, apart: bool) -> Any:
    """Collect the different cells of looked-up columns, for each file apart, and count the rows."""
    counted = layout.different(raw) | {ROWS: raw.count()}
    return raw.group_by(FILE).aggregate(**counted) if apart else raw.aggregate(**counted)
