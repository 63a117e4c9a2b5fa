"""One table inside a file as it was read, before anything is parsed."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from cspkit.exports import arrays
from cspkit.exports.dialect import Dialect
from cspkit.exports.profiles import Profile

CELLS, NOTE, MORE, ROW = "_cells", "_note", "_more", "_row"
PIECE = 32 * 1024


@dataclass
class Sheet:
    """Raw text cells of one file or sheet, with the reader's own count of its data rows.

    `rows` holds the columns c0, c1, ... as text, `_row` (the row in the file), `_cells` (how
    many cells the row had), `_note` (a problem the reader saw, as `column:code`) and `_more`
    (cells beyond the header). A large file is not read into memory: then `scan` says how to
    read it, `rows` is None, and its rows are known once `opening.counted` has waited for
    `lines`, which counts what stands in its bytes.
    """

    source_file: str
    path: Path
    header: tuple[str, ...]
    profile: Profile
    read: int
    seen_on: date
    rows: pa.Table | None = None
    scan: Scan | None = None
    lines: Future[tuple[int, list[int]]] | None = None
    guid: str | None = None
    note: str = ""


@dataclass(frozen=True)
class Scan:
    """How DuckDB reads the data rows of a large text file.

    `by_line` says that no cell holds a line break. `ended` counts the lines that ended before
    each piece of the file, pieces of `PIECE` bytes.
    """

    path: Path
    dialect: Dialect
    by_line: bool = True
    ended: Sequence[int] = field(default=(0,), repr=False, compare=False)


def column(index: int) -> str:
    """Name the raw column of a header's position."""
    return f"c{index}"


def as_rows(
    cells: list[list[str | None]], numbers: list[int], width: int, **extra: Any
) -> pa.Table:
    """Make the raw table of rows read in Python; short rows are filled up with nothing."""
    columns: dict[str, Any] = {
        column(i): arrays.texts([row[i] if i < len(row) else None for row in cells])
        for i in range(width)
    }
    columns[ROW] = arrays.whole(numbers, pa.int64())
    columns[CELLS] = arrays.whole(extra.get("lengths", [width] * len(cells)), pa.int32())
    columns[NOTE] = arrays.texts(extra.get("notes", [None] * len(cells)))
    columns[MORE] = arrays.texts(extra.get("more", [None] * len(cells)))
    return pa.table(columns)
