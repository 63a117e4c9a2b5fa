"""A list to fill by hand: our own columns, each with what it means."""

from __future__ import annotations

import csv
from pathlib import Path

from cspkit.errors import ExportError
from cspkit.exports.checking import CHECKED, CUSTOMER_PART
from cspkit.exports.formats import packaged
from cspkit.exports.profiles import Profile

ASKED = ("subscriptions", "customers", "prices", "offers")
NEEDED = "needed in every row. "


def write(path: str | Path) -> Path:
    """Write an empty template: .xlsx with a sheet for each table, or .csv of subscriptions alone.

    Every header of the workbook carries its meaning as a comment. Raises ExportError for another
    ending, and for a file that is already there.
    """
    file = Path(path)
    if file.exists():
        raise ExportError(file, ["is already there; choose another name"])
    if file.suffix.lower() == ".csv":
        with file.open("w", encoding="utf-8-sig", newline="") as text:
            csv.writer(text, lineterminator="\r\n").writerow(headers("subscriptions"))
    elif file.suffix.lower() == ".xlsx":
        _workbook(file)
    else:
        raise ExportError(file, [f"expected .csv or .xlsx, found {file.suffix!r}"])
    return file


def headers(table: str) -> dict[str, str]:
    """Map the headers of one table's template to what they mean."""
    meanings = {column.name: column.meaning for column in CHECKED[table].columns}
    meanings |= {name: f"the customer's {name.removeprefix('customer_')}" for name in CUSTOMER_PART}
    return {
        rule.headers[0]: (NEEDED if rule.needed else "") + meanings[name]
        for name, rule in _own(table).columns.items()
    }


def _own(table: str) -> Profile:
    return next(found for found in packaged().profiles if found.id == f"cspkit-{table}")


def _workbook(file: Path) -> None:
    from openpyxl import Workbook
    from openpyxl.comments import Comment
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    book.remove(book.worksheets[0])
    for table in ASKED:
        sheet = book.create_sheet(table)
        for number, (name, meaning) in enumerate(headers(table).items(), start=1):
            cell = sheet.cell(1, number, name)
            cell.font = Font(bold=meaning.startswith(NEEDED))
            cell.comment = Comment(meaning, "cspkit", width=260)
            letter = get_column_letter(number)
            sheet.column_dimensions[letter].width = max(14, len(name) + 2)
            # Ids such as 0001 and days stay as they are typed.
            sheet.column_dimensions[letter].number_format = "@"
        sheet.freeze_panes = "A2"
    book.save(file)
