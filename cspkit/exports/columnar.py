"""Read parquet files: every column as text, so that the same checks hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from cspkit.errors import ExportError
from cspkit.exports import arrays
from cspkit.exports.sheets import CELLS, MORE, NOTE, ROW, column

MAX_BYTES = 2 * 1024 * 1024 * 1024


def read(path: Path) -> tuple[tuple[str, ...], pa.Table]:
    """Return the names of the columns and the raw rows; row 1 is the first one.

    Raises ExportError for a file that is no parquet, or with columns that are no plain values.
    """
    if path.stat().st_size > MAX_BYTES:
        raise ExportError(path, [f"is larger than {MAX_BYTES:,} bytes"])
    import pyarrow.parquet as parquet

    try:
        table = parquet.read_table(path)
        texts = [_text(found) for found in table.columns]
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ExportError(path, ["cannot be read as parquet; write it again"]) from error
    columns: dict[str, Any] = {column(i): text for i, text in enumerate(texts)}
    count = table.num_rows
    columns[ROW] = arrays.whole(range(1, count + 1), pa.int64())
    columns[CELLS] = arrays.whole([len(texts)] * count, pa.int32())
    columns[NOTE] = columns[MORE] = pa.nulls(count, pa.string())
    return tuple(table.column_names), pa.table(columns)


def _text(found: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(found.type):
        found = found.cast(found.type.value_type)
    return found.cast(pa.string())
