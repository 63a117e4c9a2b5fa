"""The lines of decisions.xlsx as they lie there, read in a tenth of openpyxl's time."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from cspkit.decisions.cells import SHEETS
from cspkit.errors import SettingsError

MAX_BYTES = 200_000_000
# calamine gives an empty cell for one that holds #N/A or the like; nobody may lose a hold by that.
_ERROR_CELL = re.compile(rb"""\st\s*=\s*["']e["']""")
Lines = Iterator[tuple[Any, ...]]


def of(file: Path) -> dict[str, Lines]:
    """Give the lines of each sheet from its first row on, blank cells as None.

    Raises SettingsError for a bomb and for a sheet that is missing, ValueError and what a broken
    archive raises for a file that is no workbook.
    """
    if _holds_errors(file):
        return _in_full(file)
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(str(file))
        named(file, book.sheet_names)
        found = {name: book.get_sheet_by_name(name) for name in SHEETS}
        rows = {name: sheet.to_python(skip_empty_area=False) for name, sheet in found.items()}
    except CalamineError as error:
        raise ValueError(str(error)) from error
    return {name: (tuple(map(_as_typed, row)) for row in rows[name]) for name in SHEETS}


def named(file: Path, names: list[str]) -> None:
    """Raise SettingsError where a workbook lacks one of the sheets."""
    for name in SHEETS:
        if name not in names:
            problem = f"expected a sheet {name!r}, found {', '.join(names)}"
            raise SettingsError(file, name, problem)


def weighed(file: Path) -> None:
    """Look at the size inside before anything is unpacked; raises SettingsError for a bomb."""
    with zipfile.ZipFile(file) as archive:
        size = sum(part.file_size for part in archive.infolist())
    if size > MAX_BYTES:
        raise SettingsError(file, "file", f"unpacks to {size} bytes; at most {MAX_BYTES}")


def _holds_errors(file: Path) -> bool:
    weighed(file)
    with zipfile.ZipFile(file) as archive:
        parts = [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
        return any(_ERROR_CELL.search(archive.read(name)) for name in parts)


def _in_full(file: Path) -> dict[str, Lines]:
    from openpyxl import load_workbook

    book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
    try:
        named(file, book.sheetnames)
        return {name: iter(list(book[name].iter_rows(values_only=True))) for name in SHEETS}
    finally:
        book.close()


def _as_typed(value: Any) -> Any:
    """Give no text as nothing, whole numbers without a point, and days as Excel's instants."""
    if value == "":
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time())
    return value
