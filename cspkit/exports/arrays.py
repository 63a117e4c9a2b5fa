"""Arrow columns of plain lists; pyarrow's own way would load pandas to look for its types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

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


def whole(values: Sequence[int], kind: pa.DataType) -> pa.Array:
    """Make a column of whole numbers, none missing."""
    numbers = np.array(values, str(kind))
    return pa.Array.from_buffers(kind, len(numbers), [None, pa.py_buffer(numbers)])


def days(values: Sequence[date]) -> pa.Array:
    """Make a column of days, none missing."""
    return whole([value.toordinal() - DAY_ZERO for value in values], pa.int32()).view(pa.date32())
