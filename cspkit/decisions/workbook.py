"""decisions.xlsx as a file: rows added without touching what is there, rows read and checked."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

from cspkit import collecting, writing
from cspkit.decisions import lines
from cspkit.decisions.cells import CYCLES, KEYS, OPTIONAL, SHEETS, TOGETHER, Field, ident, plain
from cspkit.errors import SettingsError

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
WIDTHS = {"name": 30, "product": 34, "note": 40, "contact_email": 30}
Rows = list[dict[str, Any]]


@collecting.rested()
def read(file: Path) -> dict[str, Rows]:
    """Read the rows of both sheets; raises SettingsError with the first cell that is wrong."""
    problems: list[tuple[str, str]] = []
    with _translated(file):
        found = {name: _rows(rows, name, problems) for name, rows in lines.of(file).items()}
    if problems:
        place, problem = problems[0]
        more = f" (and {len(problems) - 1} more problems)" if len(problems) > 1 else ""
        raise SettingsError(file, place, problem + more)
    return found


def write(file: Path, start: Path, known: dict[str, Rows] | None) -> None:
    """Write the workbook that begins as start, or new, with a row for all that is known."""
    with _translated(start):
        book = _open(start) if start.exists() else _new()
    for name, rows in (known or {}).items():
        _add(book[name], name, rows)
    _save(book, file)


def fill(file: Path, typed: dict[str, dict[str, dict[str, Any]]]) -> None:
    """Type values into cells, by sheet, id and column; what is not named stays as it is."""
    with _translated(file):
        book = _open(file) if file.exists() else _new()
    for name, rows in typed.items():
        _type(book[name], name, rows)
    _save(book, file)


def _save(book: Workbook, file: Path) -> None:
    """Write a workbook beside its place and rename it, so that nobody ever opens half of one."""
    with writing.whole(file) as part:
        book.save(part)


def _type(sheet: Worksheet, name: str, rows: dict[str, dict[str, Any]]) -> None:
    header = _header(cell.value for cell in next(sheet.iter_rows(min_row=1, max_row=1)))
    key = KEYS[name]
    for column in (field.name for field in SHEETS[name] if field.name not in header):
        header[column] = sheet.max_column + 1
        _put(sheet, 1, header[column], column)
    at = {
        ident(value): number
        for number in range(2, sheet.max_row + 1)
        if (value := sheet.cell(number, header[key]).value) is not None
    }
    for row_key, cells in rows.items():
        number = at.setdefault(ident(row_key), sheet.max_row + 1)
        for column, value in {key: row_key, **cells}.items():
            _put(sheet, number, header[column], value)


@contextmanager
def _translated(file: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, TypeError, ParseError) as error:
        problem = f"expected an Excel workbook, found {type(error).__name__}: {error}"
        raise SettingsError(file, "file", problem) from error


def _open(file: Path) -> Workbook:
    """Open a workbook that may come from anywhere: no links followed, no bomb unpacked."""
    from openpyxl import load_workbook

    lines.weighed(file)
    book = load_workbook(file, keep_links=False)
    lines.named(file, book.sheetnames)
    return book


def _new() -> Workbook:
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    for sheet in book.worksheets:
        book.remove(sheet)
    for name, fields in SHEETS.items():
        sheet = book.create_sheet(name)
        for column, field in enumerate(fields, start=1):
            sheet.cell(1, column, field.name).font = Font(bold=True)
            sheet.column_dimensions[get_column_letter(column)].width = WIDTHS.get(field.name, 18)
        sheet.freeze_panes = "B2"
    return book


def _add(sheet: Worksheet, name: str, rows: Rows) -> None:
    header = _header(cell.value for cell in next(sheet.iter_rows(min_row=1, max_row=1)))
    key = KEYS[name]
    for field in (key, "orphan"):
        if field not in header:
            header[field] = sheet.max_column + 1
            _put(sheet, 1, header[field], field)
    ids = {ident(row[key]) for row in rows}
    seen = set()
    last = sheet.max_row
    for number in range(2, last + 1):
        value = sheet.cell(number, header[key]).value
        if value is not None:
            seen.add(ident(value))
            _put(sheet, number, header["orphan"], None if ident(value) in ids else "yes")
    new = [row for row in rows if ident(row[key]) not in seen]
    for number, row in enumerate(new, start=last + 1):
        for column in header.keys() & row.keys():
            _put(sheet, number, header[column], row[column])


def _put(sheet: Worksheet, row: int, column: int, value: Any) -> None:
    """Write a cell as what it is: text stays text, even when it begins like a formula."""
    cell = sheet.cell(row, column)
    if isinstance(value, str):
        cell.value = CONTROL.sub("", value)[:32_767]
        cell.data_type = "s"
    else:
        cell.value = value


def _header(cells: Iterable[Any]) -> dict[str, int]:
    return {ident(value): at for at, value in enumerate(cells, start=1) if value is not None}


def _rows(found: lines.Lines, name: str, problems: list[tuple[str, str]]) -> Rows:
    header = _header(next(found, ()))
    names = [field.name for field in SHEETS[name] if field.name not in OPTIONAL]
    if missing := [column for column in names if column not in header]:
        problems.append((f"{name}!1", f"expected a column {missing[0]!r}; `cspkit init` makes all"))
        return []
    known = [field.name for field in SHEETS[name]]
    columns = [(field, header[field.name]) for field in SHEETS[name] if field.name in header]
    rows: Rows = []
    seen: dict[str, int] = {}
    for number, line in enumerate(found, start=2):
        if all(value is None or not plain(value) for value in line):
            continue
        row = dict.fromkeys(known) | dict(_cells(name, number, columns, line, problems))
        rows.append(row)
        _check(name, number, header, row, problems)
        first = seen.setdefault(str(row.get(KEYS[name])), number)
        if first != number:
            place = _place(name, header[KEYS[name]], number)
            problems.append((place, f"expected one row per id, found it in row {first} too"))
    return rows


def _cells(
    name: str,
    number: int,
    columns: list[tuple[Field, int]],
    line: tuple[Any, ...],
    problems: list[tuple[str, str]],
) -> Iterator[tuple[str, Any]]:
    """Read the cells of a line that hold something."""
    for field, at in columns:
        value = line[at - 1] if at <= len(line) else None
        if value is None or not plain(value):
            continue
        try:
            yield field.name, field.read(value)
        except ValueError as error:
            problems.append((_place(name, at, number), str(error)))


def _check(
    name: str,
    number: int,
    header: dict[str, int],
    row: dict[str, Any],
    problems: list[tuple[str, str]],
) -> None:
    """Check what one cell alone cannot show."""
    if row[KEYS[name]] is None:
        problems.append((_place(name, header[KEYS[name]], number), f"expected a {KEYS[name]}"))
    for columns in TOGETHER[name]:
        said = [column for column in columns if row[column] is not None]
        lacks = [column for column in columns if row[column] is None]
        if said and lacks:
            place = _place(name, header[said[0]], number)
            problems.append((place, f"expected {' and '.join(lacks)} beside {said[0]}"))
    if name != "originals":
        return
    if row["sale_price"] is not None and row["currency"] is None:
        place = _place(name, header["currency"], number)
        problems.append((place, "expected the currency of the sale price"))
    cycles = CYCLES.get(row["term"] or "", {row["billing_cycle"]})
    if row["billing_cycle"] is not None and row["billing_cycle"] not in cycles:
        found = f"expected {' or '.join(sorted(cycles))} for {row['term']}"
        place = _place(name, header["billing_cycle"], number)
        problems.append((place, f"{found}, found {row['billing_cycle']!r}"))


def _place(sheet: str, column: int, row: int) -> str:
    from openpyxl.utils import get_column_letter

    return f"{sheet}!{get_column_letter(column)}{row}"
