"""Arrow columns of plain lists; pyarrow's own way would load pandas to look for its types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

# Offsets of Arrow's usual strings are 32 bits wide.
WIDEST = 2**31 - 1
DAY_ZERO = date(1970, 1, 1).toordinal()

# Types in Ibis' words.
TYPES = {
    "string": pa.string(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "decimal(18, 6)": pa.decimal128(18, 6),
}
NAMES = {str(kind): name for name, kind in TYPES.items()}


def schema(kinds: Mapping[str, str]) -> pa.Schema:
    """Make the schema of columns whose types are given in Ibis' words."""
    return pa.schema([pa.field(name, TYPES[kind]) for name, kind in kinds.items()])


def texts(values: Sequence[str | None]) -> pa.Array:
    """Make a column of texts; None is missing."""
    cells = [b"" if value is None else value.encode() for value in values]
    offsets = np.zeros(len(cells) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, cells), np.int64, len(cells)), out=offsets[1:])
    if offsets[-1] > WIDEST:
        return pa.array(values, pa.string())
    there = np.fromiter((value is not None for value in values), np.bool_, len(cells))
    given = None if there.all() else pa.py_buffer(np.packbits(there, bitorder="little"))
    data = [given, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(b"".join(cells))]
    return pa.Array.from_buffers(pa.string(), len(cells), data)


def whole(values: Sequence[int] | np.ndarray[Any, Any], kind: pa.DataType) -> pa.Array:
    """Make a column of whole numbers, none missing."""
    numbers = np.asarray(values, str(kind))
    return pa.Array.from_buffers(kind, len(numbers), [None, pa.py_buffer(numbers)])


def days(values: Sequence[date]) -> pa.Array:
    """Make a column of days, none missing."""
    return whole([value.toordinal() - DAY_ZERO for value in values], pa.int32()).view(pa.date32())


def column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Make a column of plain values; None is missing."""
    if not values:
        return pa.nulls(0, kind)
    if kind == pa.string():
        return texts(values)
    there = np.fromiter((value is not None for value in values), np.bool_, len(values))
    given = None if there.all() else pa.py_buffer(np.packbits(there, bitorder="little"))
    if kind == pa.bool_():
        data = np.packbits(np.array([bool(value) for value in values], np.bool_), bitorder="little")
    elif kind == pa.date32():
        days_on = [0 if value is None else value.toordinal() - DAY_ZERO for value in values]
        data = np.array(days_on, np.int32)
    elif kind == pa.int64():
        data = np.array([value or 0 for value in values], np.int64)
    else:
        return pa.array(values, kind)
    return pa.Array.from_buffers(kind, len(values), [given, pa.py_buffer(data)])


def table(rows: Sequence[Mapping[str, Any]], kinds: pa.Schema) -> pa.Table:
    """Make a table of rows; a column that a row does not name is missing in it."""
    columns = [column([row.get(field.name) for row in rows], field.type) for field in kinds]
    return pa.Table.from_arrays(columns, schema=kinds)


def numbers(column: pa.Array) -> np.ndarray[Any, Any]:
    """Look at a column of whole numbers, none missing, as NumPy has it."""
    _there, data = column.buffers()
    found = np.frombuffer(data or b"", dtype=str(column.type))
    return found[column.offset : column.offset + len(column)]


def plain(table: pa.Table) -> pa.Table:
    """Spell out columns that hold each different value once."""
    for at, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            spelled = [chunk.dictionary_decode() for chunk in table.column(at).chunks]
            column = pa.chunked_array(spelled, field.type.value_type)
            table = table.set_column(at, field.name, column)
    return table
