"""Read Excel workbooks: every sheet, cell by cell, within limits, formulas never evaluated."""

from __future__ import annotations

import itertools
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa

from cspkit.errors import ExportError
from cspkit.exports.delimited import beyond
from cspkit.exports.dialect import HEADER_ROWS, clean_header, find_header
from cspkit.exports.formats import Formats, Match
from cspkit.exports.sheets import as_rows

MAX_UNPACKED = 200 * 1024 * 1024
MAX_RATIO = 100
MAX_ROWS, MAX_COLUMNS, MAX_CELL = 200_000, 200, 32_767


def sheets(
    path: Path, formats: Formats
) -> Iterator[tuple[str, tuple[str, ...], list[Match], pa.Table]]:
    """Yield name, header, matches and raw rows of every sheet that holds anything.

    Raises ExportError for a workbook beyond the limits or that is none.
    """
    if not openpyxl.DEFUSEDXML:
        raise ExportError(path, ["the package defusedxml is needed to read workbooks safely"])
    _measure(path)
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=False, keep_links=False)
    except Exception as error:
        raise ExportError(path, [f"cannot be read as a workbook: {error}"]) from error
    try:
        for sheet in book.worksheets:
            rows = _rows(path, sheet)
            if any(cell for row in rows for cell in row):
                yield sheet.title, *_table(rows, formats)
    finally:
        book.close()


def _measure(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError) as error:
        raise ExportError(path, [f"is no Excel workbook: {error}"]) from error
    unpacked = sum(part.file_size for part in parts)
    packed = max(1, sum(part.compress_size for part in parts))
    if unpacked > MAX_UNPACKED or (unpacked / packed > MAX_RATIO and unpacked > 1024 * 1024):
        raise ExportError(
            path,
            [f"unpacks to {unpacked:,} bytes from {packed:,}; the limit is {MAX_UNPACKED:,}"],
        )


def _rows(path: Path, sheet: Any) -> list[list[str | None]]:
    """Read a sheet's cells as text, a formula as its text behind a zero character."""
    sheet.reset_dimensions()
    rows: list[list[str | None]] = []
    try:
        for cells in itertools.islice(sheet.iter_rows(), MAX_ROWS + 1):
            # A sheet may be formatted far beyond what it holds.
            if any(cell.value is not None for cell in cells[MAX_COLUMNS:]):
                raise ExportError(
                    f"{path}#{sheet.title}", [f"has more than {MAX_COLUMNS:,} columns"]
                )
            rows.append([_text(cell) for cell in cells[:MAX_COLUMNS]])
    except ExportError:
        raise
    except Exception as error:
        raise ExportError(f"{path}#{sheet.title}", [f"cannot be read: {error}"]) from error
    if len(rows) > MAX_ROWS:
        raise ExportError(f"{path}#{sheet.title}", [f"has more than {MAX_ROWS:,} rows"])
    return rows


def _text(cell: Any) -> str | None:
    value = cell.value
    if value is None:
        return None
    if cell.data_type == "f":
        return f"\0{value}"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)[:MAX_CELL]


def _table(
    rows: list[list[str | None]], formats: Formats
) -> tuple[tuple[str, ...], list[Match], pa.Table]:
    top = [[cell or "" for cell in row] for row in rows[:HEADER_ROWS]]
    number, cells, matches = find_header(top, formats)
    while cells and not cells[-1].strip():
        cells = cells[:-1]
    header = tuple(clean_header(cells))
    data = rows[number:]
    return header, matches, _as_table(data, number + 1, len(header))


def _as_table(data: list[list[str | None]], first: int, width: int) -> pa.Table:
    notes, cells, more = [], [], []
    for row in data:
        formula = next((i for i, c in enumerate(row[:width]) if c and c.startswith("\0")), None)
        rest = beyond([cell or "" for cell in row], width)
        more.append(rest)
        cells.append([cell.removeprefix("\0") if cell else None for cell in row[:width]])
        notes.append(
            f"{formula}:formula" if formula is not None else ":too_many_cells" if rest else None
        )
    numbers = list(range(first, first + len(data)))
    return as_rows(cells, numbers, width, notes=notes, more=more)
