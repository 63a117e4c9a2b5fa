"""Read one Excel workbook within limits; a script of its own, so that it can run in a cage.

As a script it reads the workbook named first and writes its rows to the file named second, under
a limit of memory that its caller gives; it imports nothing of cspkit, so that the cage stays
small. `inspect` reads no cell: it streams through the parts, and tells in a second or two whether
a workbook is beyond the limits.
"""

from __future__ import annotations

import itertools
import json
import re
import sys
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

MAX_UNPACKED = 200 * 1024 * 1024
MAX_RATIO = 100
MAX_ROWS, MAX_COLUMNS, MAX_CELL = 200_000, 200, 32_767
MAX_CELLS = 4_000_000
CHUNK = 1024 * 1024
SPLIT = "split it, or save the sheet as .csv"
DAMAGED = "is damaged or was cut off; open it in Excel and save it again"
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
_CELL = re.compile(rb'<(?:\w+:)?c(?:\s[^<>]*?)?\sr="([A-Za-z]{1,3})([0-9]{1,9})"')
_CELLS = re.compile(rb"<(?:\w+:)?c[\s/>]")
_ROW = re.compile(rb'<(?:\w+:)?row(?:\s[^<>]*?)?\sr="([0-9]{1,9})"')
_ROWS = re.compile(rb"<(?:\w+:)?row[\s/>]")
_HIDDEN = re.compile(rb'<(?:\w+:)?row\s[^<>]*?\bhidden="(?:1|true)"')
Rows = list[list[str | None]]


class Refused(Exception):
    """A workbook or sheet that is not read: the sheet's name (or nothing) and why."""

    def __init__(self, sheet: str, why: str) -> None:
        self.sheet, self.why = sheet, why
        super().__init__(why)


@dataclass
class Seen:
    """What a look at the parts of a workbook tells: sizes, and hidden rows of each sheet."""

    unpacked: int = 0
    cells: int = 0
    numbered: int = 0
    rows: int = 0
    last_row: int = 0
    last_column: int = 0
    plain: bool = True
    hidden: dict[str, int] = field(default_factory=dict)

    def add(self, sheet: Seen) -> None:
        """Take in what one sheet shows; raises Refused where it is beyond the limits."""
        if max(sheet.rows, sheet.last_row) > MAX_ROWS:
            raise Refused("", f"a sheet has more than {MAX_ROWS:,} rows; {SPLIT}")
        if sheet.rows * sheet.last_column > MAX_CELLS:
            far = f"{sheet.rows:,} rows out to column {sheet.last_column:,}"
            raise Refused("", f"a sheet has {far}; delete what is empty, or save it as .csv")
        self.cells += sheet.cells
        self.numbered += sheet.numbered
        self.rows += sheet.rows
        self.last_row = max(self.last_row, sheet.last_row)
        self.last_column = max(self.last_column, sheet.last_column)
        self.plain &= sheet.plain
        self.hidden |= sheet.hidden
        if self.cells > MAX_CELLS:
            raise Refused("", f"holds over {MAX_CELLS:,} cells; {SPLIT}")


def inspect(path: Path) -> Seen:
    """Look at the parts of a workbook; raises Refused where it is none or beyond the limits."""
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise Refused("", "is an old .xls or has a password; save it as .xlsx without one")
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            seen = Seen(_measured(parts))
            for part in parts:
                if _SHEET.fullmatch(part.filename):
                    seen.add(_look(archive, part))
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError) as error:
        raise Refused("", f"is no whole Excel workbook: it {DAMAGED}") from error
    except (NotImplementedError, RuntimeError) as error:
        raise Refused("", "is packed in a way that Excel does not; save it again") from error
    return seen


def _measured(parts: list[zipfile.ZipInfo]) -> int:
    unpacked = sum(part.file_size for part in parts)
    packed = max(1, sum(part.compress_size for part in parts))
    if unpacked > MAX_UNPACKED or (unpacked / packed > MAX_RATIO and unpacked > CHUNK):
        why = f"unpacks to {unpacked:,} bytes from {packed:,}; the limit is {MAX_UNPACKED:,}"
        raise Refused("", f"{why} and {MAX_RATIO} times its size")
    return unpacked


def _look(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> Seen:
    """Count cells and rows, and how far out they lie, in the bytes of a sheet."""
    seen, rest = Seen(), b""
    with archive.open(part) as file:
        for number in itertools.count():
            chunk = file.read(CHUNK)
            if number == 0:
                seen.plain = chunk.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
            text = rest + chunk
            cut = text.rfind(b"<") if chunk else len(text)
            whole, rest = (text[:cut], text[cut:]) if cut >= 0 else (b"", text)
            if len(rest) > CHUNK:
                raise Refused("", f"has a cell of over a million bytes; a cell takes {MAX_CELL:,}")
            _count(part.filename, whole, seen)
            if not chunk:
                return seen
    return seen


def _count(name: str, text: bytes, seen: Seen) -> None:
    places = _CELL.findall(text)
    rows = [*map(int, _ROW.findall(text)), *(int(row) for _, row in places)]
    columns = [_column_number(letters) for letters in {letters for letters, _ in places}]
    seen.cells += len(_CELLS.findall(text))
    seen.numbered += len(places)
    seen.rows += len(_ROWS.findall(text))
    seen.last_row = max([seen.last_row, *rows])
    seen.last_column = max([seen.last_column, *columns])
    seen.hidden[name] = seen.hidden.get(name, 0) + len(_HIDDEN.findall(text))


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def sheets(path: Path) -> Iterator[tuple[str, str, str, Rows]]:
    """Yield name, state, part and rows of every sheet that holds anything.

    Cells are text; a formula is its text behind a zero character, and never evaluated.
    """
    import openpyxl

    if not openpyxl.DEFUSEDXML:
        raise Refused("", "the package defusedxml is needed to read workbooks safely")
    # The file is ours, since openpyxl leaves it open where it fails.
    with path.open("rb") as file:
        yield from _sheets(file)


def _sheets(file: Any) -> Iterator[tuple[str, str, str, Rows]]:
    import openpyxl

    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=False, keep_links=False)
    except MemoryError:
        raise
    except Exception as error:
        raise Refused("", f"cannot be read as a workbook: it {DAMAGED}") from error
    try:
        for sheet in book.worksheets:
            rows = _rows(sheet)
            if any(cell for row in rows for cell in row):
                part = str(getattr(sheet, "_worksheet_path", ""))
                yield sheet.title, sheet.sheet_state, part, rows
    finally:
        book.close()


def _rows(sheet: Any) -> Rows:
    sheet.reset_dimensions()
    rows: Rows = []
    try:
        for cells in itertools.islice(sheet.iter_rows(), MAX_ROWS + 1):
            # A sheet may be formatted far beyond what it holds.
            if any(cell.value is not None for cell in cells[MAX_COLUMNS:]):
                raise Refused(sheet.title, f"has more than {MAX_COLUMNS:,} columns")
            rows.append([_text(sheet.title, cell) for cell in cells[:MAX_COLUMNS]])
    except (Refused, MemoryError):
        raise
    except Exception as error:
        raise Refused(sheet.title, DAMAGED) from error
    if len(rows) > MAX_ROWS:
        raise Refused(sheet.title, f"has more than {MAX_ROWS:,} rows")
    return rows


def _text(title: str, cell: Any) -> str | None:
    value = cell.value
    if value is None:
        return None
    if cell.data_type == "f":
        value = f"\0{value}"
    if isinstance(value, str):
        if len(value) > MAX_CELL:
            why = f"holds {len(value):,} characters; a cell takes {MAX_CELL:,}"
            raise Refused(title, f"cell {cell.coordinate} {why}")
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _limit(memory: int) -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit; the clock of the caller still holds.
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def _main(path: str, out: str, memory: str) -> None:
    """Write one line for each sheet, then its rows; or one line that says why not."""
    _limit(int(memory))
    with Path(out).open("w", encoding="utf-8") as file:
        try:
            for title, state, part, rows in sheets(Path(path)):
                json.dump({"sheet": title, "state": state, "part": part, "rows": len(rows)}, file)
                file.write("\n")
                for row in rows:
                    json.dump(row, file)
                    file.write("\n")
            json.dump({"done": True}, file)
        except Refused as refused:
            json.dump({"refused": refused.sheet, "why": refused.why}, file)


if __name__ == "__main__":
    _main(*sys.argv[1:4])
