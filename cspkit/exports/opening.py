"""Open export files: recognise the format of each and hand out its raw sheets."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Event
from typing import TypeAlias

import pyarrow as pa

from cspkit.errors import ExportError
from cspkit.exports import arrays, columnar, delimited, documents, returned, unfolding
from cspkit.exports.dialect import HEADER_ROWS, clean_header, encoding_of, sniff
from cspkit.exports.folders import Found
from cspkit.exports.formats import Formats, Match, packaged
from cspkit.exports.profiles import TAB, key
from cspkit.exports.sheets import CELLS, Scan, Sheet, column

GUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_DAY = re.compile(r"(?<!\d)(20\d\d)[-_.]?(0[1-9]|1[0-2])(?:[-_.]?(0[1-9]|[12]\d|3[01]))?(?!\d)")
_RULED = re.compile(r"\s*-{2,}(?:\s+-{2,})+\s*")
_PAIR = re.compile(r"[A-Za-z]\w* +: ")
PRINTED = (
    "is a table printed for the eye, which cuts long values off; "
    "export it again with `| Export-Csv FILE -NoTypeInformation` in place of Format-Table"
)
Left = tuple[str, str]


def open_file(file: Found, formats: Formats | None = None) -> tuple[list[Sheet], list[Left]]:
    """Return the recognised sheets of a file, and what was left with the reason.

    Raises ExportError for a file that cannot be read, that is empty, that lacks a column its
    format needs, or whose format is unknown although it was named itself.
    """
    if file.path.stat().st_size == 0:
        raise ExportError(file.path, ["is empty; export it again"])
    found: list[Sheet] = []
    left: list[Left] = []
    for name, header, matches, rows, note in _tables(file, formats or packaged()):
        if matches and matches[0].fits and (cell := matches[0].profile.unfold):
            header, rows = unfolding.unfold(header, _held(rows), _spelled(header, cell))
            matches = (formats or packaged()).recognise(header)
        best = matches[0] if matches else None
        if best and best.fits:
            told = note or (best.profile.title if best.profile.table == "none" else "")
            found.append(replace(_sheet(file, name, header, best, rows), note=told))
        else:
            left.append((name, _why(file, header, best)))
    if file.named and not found:
        raise ExportError(file.path, [why for _, why in left] or ["holds no table"])
    return found, left


_Raw: TypeAlias = pa.Table | Scan
_Table: TypeAlias = tuple[str, tuple[str, ...], list[Match], _Raw, str]


def _tables(file: Found, formats: Formats) -> Iterator[_Table]:
    if file.suffix in (".xlsx", ".xlsm"):
        from cspkit.exports import workbooks

        for sheet, header, matches, rows, note in workbooks.sheets(file.path, formats):
            yield f"{file.name}#{sheet}", *_with_tab(sheet, header, matches, rows), note
    elif file.suffix == ".parquet":
        names, rows = columnar.read(file.path)
        header = tuple(clean_header([*names]))
        yield file.name, header, formats.recognise(header), rows, ""
    elif file.suffix == ".json":
        names, rows = documents.read(file.path)
        header = tuple(clean_header([*names]))
        yield file.name, header, formats.recognise(header), rows, ""
    else:
        yield from _delimited(file, formats)


def _with_tab(
    tab: str, header: tuple[str, ...], matches: list[Match], rows: pa.Table
) -> tuple[tuple[str, ...], list[Match], pa.Table]:
    """Give the rows the name of their sheet as one more cell, where the format reads it."""
    if not (matches and matches[0].fits and TAB in matches[0].profile.headers):
        return header, matches, rows
    cell = arrays.texts([tab] * rows.num_rows)
    wider = arrays.whole([count + 1 for count in rows.column(CELLS).to_pylist()], pa.int32())
    rows = rows.set_column(rows.column_names.index(CELLS), CELLS, wider)
    return (*header, TAB), matches, rows.append_column(column(len(header)), cell)


def _delimited(file: Found, formats: Formats) -> Iterator[_Table]:
    dialect = sniff(file.path, formats)
    matches, rows = list(dialect.matches), None
    if returned.is_rejects(dialect.header):
        for source, header, found, table in returned.sheets(
            delimited.read_small(file.path, dialect), formats
        ):
            yield f"{file.name}#{source}", header, found, table, ""
        return
    if not matches or not matches[0].fits:
        rows = pa.table({})
    elif file.path.stat().st_size > delimited.SMALL and not matches[0].profile.unfold:
        rows = delimited.scan_of(file.path, dialect)
    if rows is None:
        rows = delimited.read_small(file.path, dialect)
    yield file.name, dialect.header, matches, rows, ""


def _held(rows: _Raw) -> pa.Table:
    assert not isinstance(rows, Scan)
    return rows


def _spelled(header: tuple[str, ...], name: str) -> str:
    return next(found for found in header if key(found) == key(name))


def _sheet(file: Found, name: str, header: tuple[str, ...], best: Match, rows: _Raw) -> Sheet:
    # A sheet of a rejects file is named after the file that its rows came from.
    guid = re.search(GUID, file.path.name) or re.search(GUID, name)
    scan = rows if isinstance(rows, Scan) else None
    return Sheet(
        source_file=name,
        path=file.path,
        header=header,
        profile=best.profile,
        read=0 if scan else _held(rows).num_rows,
        seen_on=seen_on(file.path),
        rows=None if scan else rows,
        scan=scan,
        guid=guid.group().lower() if guid else None,
    )


def seen_on(path: Path) -> date:
    """Return the day the export was true: from the file's name, else from its time."""
    if found := _DAY.search(re.sub(GUID, "", path.name)):
        year, month = int(found[1]), int(found[2])
        last = calendar.monthrange(year, month)[1]
        return date(year, month, min(int(found[3] or last), last))
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).date()


def _why(file: Found, header: tuple[str, ...], best: Match | None) -> str:
    shown = ", ".join(repr(name) for name in header[:8]) + (" ..." if len(header) > 8 else "")
    if printed(file.path):
        return PRINTED
    if best is None or not header:
        return "expected a header row of a known format, found none"
    profile = best.profile
    lacking = ", ".join(repr(name) for name in best.lacking)
    if best.marked:
        raise ExportError(
            file.path, [f"is {profile.title!r}, but lacks the column {lacking}; found {shown}"]
        )
    if best.known == 0:
        return f"expected a known export format, found the columns {shown}"
    return (
        f"expected a known export format, found the columns {shown}; "
        f"the closest is {profile.title!r}, which lacks {lacking}"
    )


def printed(path: Path) -> bool:
    """Tell whether a text was printed for the eye: dashes under names, or `name : value` lines."""
    if path.suffix.lower() in (".xlsx", ".xlsm", ".parquet", ".json"):
        return False
    with path.open("rb") as file:
        head = file.read(4096)
    lines = head.decode(encoding_of(head), "replace").lstrip("\ufeff").splitlines()[:HEADER_ROWS]
    pairs = [line for line in lines if _PAIR.match(line)]
    return any(_RULED.fullmatch(line) for line in lines) or len(pairs) > 3


@contextmanager
def counting(sheets: Iterable[Sheet]) -> Iterator[None]:
    """Count the lines of large files, one after the other, while DuckDB reads them."""
    pool, stop = ThreadPoolExecutor(1), Event()
    try:
        for sheet in sheets:
            if sheet.scan:
                sheet.lines = pool.submit(delimited.count_lines, sheet.path, stop)
        yield
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def counted(sheet: Sheet) -> Sheet:
    """Wait until the lines of a large file are counted, and take them for its rows."""
    if sheet.scan and sheet.lines:
        lines, ended = sheet.lines.result()
        sheet.read = lines - sheet.scan.dialect.header_row
        sheet.scan, sheet.lines = replace(sheet.scan, ended=ended), None
    return sheet


def confirmed(sheet: Sheet, rows: int | None) -> bool:
    """Tell whether the rows that DuckDB found in a large file are all that it holds.

    Lines and rows differ where a cell holds a line break, so then the quotes are minded.
    """
    counted(sheet)
    if sheet.scan and rows is not None and rows != sheet.read:
        sheet.scan = replace(sheet.scan, by_line=False)
        sheet.read = delimited.count_records(sheet.path, sheet.scan.dialect) or -1
    return rows == sheet.read


def read_carefully(sheet: Sheet) -> None:
    """Read a large file row by row after all, because a quick scan would miscount it."""
    assert sheet.scan
    sheet.rows = delimited.read_small(sheet.path, sheet.scan.dialect)
    sheet.read, sheet.scan = sheet.rows.num_rows, None
