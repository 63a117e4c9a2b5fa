"""Read delimited text: small files in Python, large ones by a scan that DuckDB runs."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from cspkit.errors import ExportError
from cspkit.exports.dialect import Dialect
from cspkit.exports.sheets import Scan, as_rows

SMALL = 8 * 1024 * 1024
CHUNK = 8 * 1024 * 1024
MAX_CELL = 1_000_000
MAX_COLUMNS = 2_000


def read_small(path: Path, dialect: Dialect) -> pa.Table:
    """Read every data row of a file that fits into memory, blank and ragged ones included."""
    width = len(dialect.header)
    numbers, cells, lengths, more = [], [], [], []
    for number, row in itertools.islice(_records(path, dialect), dialect.header_row, None):
        numbers.append(number)
        lengths.append(len(row) if any(row) else width)
        more.append(beyond(row, width))
        cells.append([cell or None for cell in row[:width]])
    notes = [":too_many_cells" if found else None for found in more]
    return as_rows(cells, numbers, width, lengths=lengths, notes=notes, more=more)


def beyond(row: list[str], width: int) -> str | None:
    """Return the cells that stand beyond the header, as one text, where one holds something."""
    rest = row[width:]
    return " | ".join(rest) if any(cell.strip() for cell in rest) else None


def _records(path: Path, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(MAX_CELL)
    try:
        with path.open(encoding=dialect.encoding, newline="") as file:
            reader = csv.reader(file, delimiter=dialect.delimiter)
            yield from enumerate(reader, start=1)
    except (csv.Error, UnicodeDecodeError) as error:
        raise ExportError(path, [f"cannot be read as delimited text: {error}"]) from error


def scan_of(path: Path, dialect: Dialect) -> tuple[Scan, int] | None:
    """Say how DuckDB can read a large file and how many data rows a count of its lines finds.

    Returns None for a file that needs the careful reader: another encoding than UTF-8, blank
    lines, or a header that is not on the first line.
    """
    if dialect.encoding not in ("utf-8", "utf-8-sig") or dialect.header_row != 1:
        return None
    lines = _count_lines(path)
    if lines is None:
        return None
    return Scan(path, dialect.delimiter, skip=1, first_row=2), lines - 1


def _count_lines(path: Path) -> int | None:
    """Count the lines of a file in its bytes; None when one of them is blank."""
    lines, last = 0, b"\n"
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            joint = last[-2:] + chunk
            if b"\n\n" in joint or b"\n\r\n" in joint:
                return None
            lines += chunk.count(b"\n")
            last = chunk
    return lines if last.endswith(b"\n") else lines + 1
