"""Read Excel workbooks: every sheet, cell by cell, within limits, formulas never evaluated.

A small, plain workbook is read at once. Any other one is read by a process of its own that may
take a limited memory and time, so that a workbook made to do harm ends there, with one error.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from cspkit.errors import ExportError
from cspkit.exports import confined
from cspkit.exports.confined import SPLIT, Refused, Rows, Seen
from cspkit.exports.delimited import beyond
from cspkit.exports.dialect import HEADER_ROWS, clean_header, find_header
from cspkit.exports.formats import Formats, Match
from cspkit.exports.sheets import as_rows

MEMORY = 900 * 1024 * 1024
SECONDS, CELLS_A_SECOND = 4.0, 20_000
SMALL_CELLS, SMALL_BYTES = 50_000, 4 * 1024 * 1024
Read = tuple[str, str, str, Rows]
Table = tuple[str, tuple[str, ...], list[Match], pa.Table, str]


def sheets(path: Path, formats: Formats) -> Iterator[Table]:
    """Yield name, header, matches, raw rows and a note of every sheet that holds anything.

    The note says of hidden rows and sheets that they were read. Raises ExportError for a
    workbook beyond the limits or that is none.
    """
    try:
        seen = confined.inspect(path)
        read = confined.sheets(path) if _tame(seen) else _confined(path, seen)
        for title, state, part, rows in read:
            note = _note(state, seen.hidden.get(part.lstrip("/"), 0))
            yield title, *_table(rows, formats), note
    except Refused as refused:
        where = f"{path}#{refused.sheet}" if refused.sheet else path
        raise ExportError(where, [refused.why]) from refused


def _tame(seen: Seen) -> bool:
    """Tell whether a workbook cannot cost much: small, in plain letters, and all of it near."""
    return (
        seen.plain
        and seen.unpacked <= SMALL_BYTES
        and seen.cells == seen.numbered
        and seen.last_column <= confined.MAX_COLUMNS
        and seen.last_row * max(1, seen.last_column) <= SMALL_CELLS
    )


def _confined(path: Path, seen: Seen) -> Iterator[Read]:
    """Read a workbook in a process with limits; what it needs beyond them is refused."""
    seconds = SECONDS + seen.cells / CELLS_A_SECOND
    with TemporaryDirectory(prefix="cspkit-") as folder:
        out = Path(folder) / "rows"
        script = [sys.executable, "-I", str(Path(confined.__file__))]
        try:
            done = subprocess.run(
                [*script, str(path.resolve()), str(out), str(MEMORY)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Refused("", f"takes more than {seconds:.0f} seconds to read; {SPLIT}") from None
        if done.returncode:
            raise Refused("", f"takes more than {MEMORY // 1024**2} MB to read; {SPLIT}")
        yield from _written(out)


def _written(out: Path) -> Iterator[Read]:
    with out.open(encoding="utf-8") as file:
        for line in file:
            said = json.loads(line)
            if "why" in said:
                raise Refused(said["refused"], said["why"])
            if "done" in said:
                return
            rows = [json.loads(next(file)) for _ in range(said["rows"])]
            yield said["sheet"], said["state"], said["part"], rows
    raise Refused("", f"could not be read to its end: it {confined.DAMAGED}")


def _note(state: str, hidden: int) -> str:
    rows = f"{hidden:,} hidden row{'s' if hidden > 1 else ''} read too" if hidden else ""
    sheet = "a hidden sheet" if state != "visible" else ""
    return "; ".join(part for part in (sheet, rows) if part)


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
