"""Read delimited text: small files in Python, large ones by a scan that DuckDB runs."""

from __future__ import annotations

import csv
import itertools
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import BinaryIO

import pyarrow as pa

from cspkit.errors import ExportError
from cspkit.exports.dialect import Dialect, mended
from cspkit.exports.sheets import PIECE, Scan, as_rows

SMALL = 2 * 1024 * 1024
MAX_CELL = 1_000_000
MAX_COLUMNS = 2_000
# Pieces of a file that are read at once to count its lines.
AT_ONCE = 8


def read_small(path: Path, dialect: Dialect, most: int | None = None) -> pa.Table:
    """Read every data row of a file that fits into memory, blank and ragged ones included.

    `most` reads only so many from the beginning, of a large file too. A file whose first bytes
    looked like UTF-8 and that is not is read as Windows wrote it.
    """
    try:
        return _read_small(path, dialect, most)
    except UnicodeDecodeError:
        return _read_small(path, replace(dialect, encoding="cp1252"), most)


def _read_small(path: Path, dialect: Dialect, most: int | None) -> pa.Table:
    width, begin = len(dialect.header), dialect.header_row
    records = itertools.islice(_records(path, dialect), begin, most and begin + most)
    numbers, cells, lengths, more = [], [], [], []
    for number, row in records:
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
        errors = "replace" if dialect.encoding == "cp1252" else "strict"
        with path.open(encoding=dialect.encoding, errors=errors, newline="") as file:
            reader = csv.reader(mended(file), delimiter=dialect.delimiter)
            yield from enumerate(reader, start=1)
    except (csv.Error, UnicodeError) as error:
        if isinstance(error, UnicodeDecodeError) and dialect.encoding == "utf-8":
            raise
        raise ExportError(path, [f"cannot be read as delimited text: {error}"]) from error


def scan_of(path: Path, dialect: Dialect) -> Scan | None:
    """Say how DuckDB can read a large file.

    Returns None for a file in another encoding than UTF-8, which needs the careful reader.
    """
    return Scan(path, dialect) if dialect.encoding in ("utf-8", "utf-8-sig") else None


def count_lines(path: Path, stop: Event | None = None) -> tuple[int, list[int]]:
    """Count the lines of a file in its bytes, whatever stands in them.

    Also returns how many have ended before each piece of it, to find some of them again. Where
    `stop` is set nobody waits for the rest.
    """
    import numpy

    buffer = bytearray(PIECE * AT_ONCE)
    held, ends = numpy.frombuffer(buffer, numpy.uint8), numpy.empty(len(buffer), bool)
    ended, last = [0], 10
    with path.open("rb") as file:
        while (size := file.readinto(buffer)) and not (stop and stop.is_set()):
            numpy.equal(held, 10, out=ends)
            for start in range(0, size, PIECE):
                piece = ends[start : min(start + PIECE, size)]
                ended.append(ended[-1] + int(numpy.count_nonzero(piece)))
            last = buffer[size - 1]
    return ended[-1] if last == 10 else ended[-1] + 1, ended


def count_records(path: Path, dialect: Dialect) -> int | None:
    """Count a file's data rows as quotes make them; None when one is blank or ragged."""
    width, rows = len(dialect.header), 0
    for _number, row in itertools.islice(_records(path, dialect), dialect.header_row, None):
        if len(row) != width:
            return None
        rows += 1
    return rows


def rows_at(scan: Scan, numbers: set[int]) -> pa.Table:
    """Read a few rows of a large file once more, by their numbers."""
    csv.field_size_limit(MAX_CELL)
    width, found = len(scan.dialect.header), {}
    records = _lines(scan, numbers) if scan.by_line else _records(scan.path, scan.dialect)
    for number, row in records:
        if number in numbers:
            found[number] = [cell or None for cell in row[:width]]
    return as_rows(list(found.values()), list(found), width)


def _lines(scan: Scan, numbers: set[int]) -> Iterator[tuple[int, list[str]]]:
    with scan.path.open("rb") as file:
        for number, start in _starts(scan, file, sorted(numbers)):
            file.seek(start)
            if line := file.readline():
                text = line.decode("utf-8", "replace").rstrip("\r\n")
                yield number, next(csv.reader([text], delimiter=scan.dialect.delimiter))


def _starts(scan: Scan, file: BinaryIO, numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Find where lines start, by looking only at the pieces in which the lines before them end."""
    import numpy

    looked, ends = -1, numpy.zeros(0, numpy.intp)
    for number in numbers:
        before = number - 1
        at = bisect_left(scan.ended, before) - 1
        if at >= 0 and at != looked:
            file.seek(at * PIECE)
            looked, ends = at, numpy.flatnonzero(numpy.frombuffer(file.read(PIECE), "u1") == 10)
        if before - scan.ended[at] > len(ends):
            return
        yield number, at * PIECE + int(ends[before - scan.ended[at] - 1]) + 1 if before else 0
