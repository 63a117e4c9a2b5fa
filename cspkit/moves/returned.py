"""Read a file of results: which lines it answers, and what each row says of them."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cspkit.errors import CspkitError
from cspkit.moves.checklist import RESULTS, TOLD

KEYS = ("line", "move_id", "step")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,119}")
_IDS = ("order_id", "subscription_id")
_DAYS = ("done_on", "licence_export_on")
_LONGEST = 2000
_BIGGEST = 20_000_000


class ResultsRefused(CspkitError):
    """A file of results that is not taken; nothing of it was written."""

    def __init__(self, file: Path, problems: list[str]) -> None:
        """Tell every problem, a line each."""
        self.problems = problems
        super().__init__("\n".join(f"{file}: {one}" for one in problems))


@dataclass(frozen=True)
class Row:
    """One row of a results file, its cells as texts by column; `number` as a spreadsheet counts."""

    number: int
    cells: dict[str, str]

    def get(self, column: str) -> str:
        """Give a cell; empty where there is none."""
        return self.cells.get(column, "")

    @property
    def said(self) -> dict[str, str]:
        """Give what came back, without the columns that nobody filled in."""
        return {name: self.cells[name] for name in RESULTS if self.cells.get(name)}

    def day(self, column: str) -> date | None:
        """Read a day; None where there is none. Its form was checked on reading."""
        return date.fromisoformat(self.get(column)) if self.get(column) else None

    @property
    def seats(self) -> int | None:
        """Give the seats that were seen; None where nobody says."""
        return int(self.get("seats")) if self.get("seats") else None


@dataclass(frozen=True)
class File:
    """The rows of a results file that say something, and the hash of its bytes."""

    path: Path
    sha256: str
    rows: tuple[Row, ...]
    empty: int


def read(path: Path) -> File:
    """Read a csv of results, with commas or semicolons, as a spreadsheet may have saved it.

    Raises ResultsRefused with every problem of its form: columns, days, numbers, ids.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ResultsRefused(path, [f"cannot be read: {error.strerror or error}"]) from error
    if len(data) > _BIGGEST:
        raise ResultsRefused(path, [f"expected at most {_BIGGEST:,} bytes, found {len(data):,}"])
    table = _table(path, data)
    if not table:
        raise ResultsRefused(path, ["expected a csv with a header, found nothing"])
    names = [name.strip().lower() for name in table[0][1]]
    _check_header(path, names)
    rows, problems, empty = [], [], 0
    for number, values in table[1:]:
        if len(values) > len(names) and any(value.strip() for value in values[len(names) :]):
            problems.append(f"row {number}: expected {len(names)} cells, found {len(values)}")
            continue
        row = Row(number, {n: _plain(v) for n, v in zip(names, values, strict=False)})
        if not row.said:
            empty += any(row.cells.values())
            continue
        problems += [f"row {number}, column {one}" for one in _wrong(row)]
        rows.append(row)
    if problems:
        raise ResultsRefused(path, problems)
    if not rows:
        raise ResultsRefused(path, [f"expected results, found {empty} rows without any"])
    return File(path, hashlib.sha256(data).hexdigest(), tuple(rows), empty)


def _table(path: Path, data: bytes) -> list[tuple[int, list[str]]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # What Excel calls CSV is in the code page of the computer it was saved on.
        text = data.decode("cp1252", errors="replace")
    if "\0" in text:
        raise ResultsRefused(path, ["expected a csv, found binary data: save it as csv"])
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        return [(number, row) for number, row in enumerate(reader, 1)]
    except csv.Error as error:
        raise ResultsRefused(path, [f"line {reader.line_num}: {error}"]) from error


def _check_header(path: Path, names: list[str]) -> None:
    known = {*KEYS, *TOLD, *RESULTS}
    problems = [f"row 1: unknown column {name!r}" for name in names if name and name not in known]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    problems += [f"row 1: column {name!r} stands twice" for name in twice]
    if "line" not in names and not {"move_id", "step"} <= set(names):
        problems.append("row 1: expected a column line, or move_id and step")
    lacks = [name for name in ("done_on", "done_by") if name not in names]
    problems += [f"row 1: expected a column {name}" for name in lacks]
    if problems:
        raise ResultsRefused(path, problems)


def _plain(text: str) -> str:
    """Take off what a guarded cell or a spreadsheet put around a value."""
    return text.strip().removeprefix("'").strip()


def _wrong(row: Row) -> list[str]:
    """Name the cells whose form is wrong, the column first."""
    found = []
    for name, text in row.said.items():
        if len(text) > _LONGEST or not text.isprintable():
            found.append(f"{name}: expected one line of text, found {text[:40]!r}")
        elif name in _DAYS and not _is_day(text):
            found.append(f"{name}: expected YYYY-MM-DD, found {text!r}")
        elif name == "seats" and not re.fullmatch("[0-9]{1,7}", text):
            found.append(f"seats: expected a whole number, found {text!r}")
        elif name in _IDS and not _ID.fullmatch(text):
            found.append(f"{name}: expected an id, found {text!r}")
    lacks = [name for name in ("done_on", "done_by") if not row.get(name)]
    return found + [f"{name}: expected one beside a result, found none" for name in lacks]


def _is_day(text: str) -> bool:
    try:
        return re.fullmatch(r"\d{4}-\d\d-\d\d", text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False
