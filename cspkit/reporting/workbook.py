"""Workbooks for people: typed columns, filters, nothing that Excel would execute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter

from cspkit import collecting
from cspkit.errors import ExportError
from cspkit.reporting import drawings
from cspkit.reporting.answer import answer
from cspkit.reporting.drawings import Drawing
from cspkit.reporting.figures import Standing, records
from cspkit.reporting.summary import Status
from cspkit.reporting.worded import worded
from cspkit.reporting.words import Words

# Hostile names must stay text, and the same figures must give the same bytes.
_SAFE = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_CREATED = datetime(2000, 1, 1)
_LONGEST = 32_767
# Of a sheet of Excel, its head aside; XlsxWriter leaves what comes after without a word.
_MOST_ROWS = 1_048_575


def write(status: Status, out: Path, words: Words) -> Path:
    """Write the figures of a status report as status.xlsx.

    Heads and codes are in the report's language; the names of sheets stay, for what links to them.
    """
    summary = _summary(status, words)
    status = worded(status, words)
    sheets = {
        "summary": summary,
        "standings": _worded(status.standings, "standing", "", words),
        "funnel": _worded(status.funnel, "stage", "stage", words),
        "ends": _worded(status.ends, "end", "end", words),
        "customers": status.customers,
        "moves": status.moves,
        "blockers": status.blockers,
        "batches": status.batches,
        "weeks": status.weeks,
        "coming days": status.coming,
        "invitations": status.invitations,
        "paying twice": status.paying_twice,
        "consents": status.consents,
        "letters": status.letters,
        "changes": status.changes,
        "resellers": status.resellers,
        "money by standing": status.standing_money,
        "money by reseller": status.reseller_money,
        "burn-down": status.burndown,
        "money": status.money,
        "runs": status.runs,
        "sources": status.sources,
    }
    return write_sheets(sheets, out, drawn=_drawn(words), words=words)


def write_table(frame: pd.DataFrame, out: Path) -> Path:
    """Write one frame as a workbook of one sheet, under its own column names."""
    return write_sheets({out.stem[:31] or "table": frame}, out, column_names=True)


@collecting.rested()
def write_sheets(
    sheets: dict[str, pd.DataFrame],
    out: Path,
    *,
    column_names: bool = False,
    drawn: Mapping[str, Drawing] | None = None,
    words: Words | None = None,
) -> Path:
    """Write frames as the sheets of one workbook; raise ExportError when out cannot be written.

    Heads are words for people, those of `words`, or with `column_names` the names that programs
    rely on. `drawn` are the charts and bars of sheets, by name.
    """
    book = xlsxwriter.Workbook(str(out), {**_SAFE, "remove_timezone": True})
    book.set_properties({"created": _CREATED, "author": "cspkit"})
    formats = {
        "head": book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}),
        "date": book.add_format({"num_format": "yyyy-mm-dd"}),
        "instant": book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
        "money": book.add_format({"num_format": "#,##0.00"}),
        "number": book.add_format({"num_format": "#,##0"}),
    }
    for name, frame in fitting(sheets).items():
        heads = [str(head) for head in frame.columns]
        if not column_names:
            heads = [head.replace("_", " ") for head in heads]
        if words is not None:
            heads = [words.text(head) for head in heads]
        sheet = book.add_worksheet(name)
        _sheet(sheet, frame, heads, formats)
        if drawn and name in drawn and len(frame):
            drawings.draw(book, sheet, frame, drawn[name])
    try:
        book.close()
    except (OSError, xlsxwriter.exceptions.FileCreateError) as error:
        raise ExportError(out, [f"cannot be written: {error}; is it open in Excel?"]) from error
    return out


def fitting(sheets: Mapping[str, pd.DataFrame], most: int = _MOST_ROWS) -> dict[str, pd.DataFrame]:
    """Go on with a frame that is longer than a sheet on further ones: moves, moves 2, moves 3."""
    return {
        f"{name[:28]} {number}" if number > 1 else name: frame.iloc[first : first + most]
        for name, frame in sheets.items()
        for number, first in enumerate(range(0, max(len(frame), 1), most), start=1)
    }


def _sheet(sheet: Any, frame: pd.DataFrame, heads: list[str], formats: dict[str, Any]) -> None:
    names = [str(name) for name in frame.columns]
    rows = records(frame)
    sheet.freeze_panes(1, 1)
    _on_paper(sheet)
    for column, name in enumerate(names):
        sheet.write_string(0, column, heads[column], formats["head"])
        sheet.set_column(column, column, _width(heads[column], [row[name] for row in rows[:200]]))
        for line, row in enumerate(rows, start=1):
            _cell(sheet, line, column, row[name], formats)
    if names:
        sheet.autofilter(0, 0, max(len(rows), 1), len(names) - 1)


def _on_paper(sheet: Any) -> None:
    """Print on A4, all columns on one page's width, the head on every page."""
    sheet.set_paper(9)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)


def _cell(sheet: Any, line: int, column: int, value: Any, formats: dict[str, Any]) -> None:
    """Write one value by its type, texts first as most are; never let anybody guess."""
    if value is None:
        return
    if isinstance(value, dict):
        value = ", ".join(f"{number} {word}" for word, number in value.items())
    if isinstance(value, str):
        sheet.write_string(line, column, value[:_LONGEST])
    elif isinstance(value, bool):
        sheet.write_boolean(line, column, value)
    elif isinstance(value, Decimal):
        sheet.write_number(line, column, float(value), formats["money"])
    elif isinstance(value, int | float):
        sheet.write_number(line, column, value, formats["number"])
    elif isinstance(value, datetime):
        moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        sheet.write_datetime(line, column, moment, formats["instant"])
    elif isinstance(value, date):
        sheet.write_datetime(line, column, datetime.combine(value, time()), formats["date"])
    else:
        sheet.write_string(line, column, str(value)[:_LONGEST])


def _width(head: str, values: Sequence[Any]) -> int:
    longest = max((len(str(value)) for value in values if value is not None), default=0)
    return max(len(head) + 2, min(longest + 2, 46), 8)


def _worded(frame: pd.DataFrame, column: str, family: str, words: Words) -> pd.DataFrame:
    """Put words beside the codes of a column."""
    said = [words.of(code, family) for code in frame[column]]
    return frame.assign(**{"in words": said}) if len(frame) else frame


def _drawn(words: Words) -> dict[str, Drawing]:
    """Say which sheets have a chart, and which columns have bars."""
    standings = {str(one): words.of(one) for one in Standing}
    left = {
        "planned": words.text("left by the plan"),
        "left": words.text("left in fact"),
    }
    title = words.text("Seats by the week in which their subscription ends")
    return {
        "weeks": Drawing(bars=("seats",), kind="stacked", by="week", series=standings, title=title),
        "burn-down": Drawing(
            kind="line",
            by="day",
            series=left,
            title=words.text("Moves that are left, day by day"),
        ),
        "standings": Drawing(bars=("moves", "seats", "customers")),
        "funnel": Drawing(bars=("moves",)),
        "ends": Drawing(bars=("originals",)),
        "customers": Drawing(bars=("seats",)),
        "blockers": Drawing(bars=("moves", "seats")),
        "batches": Drawing(bars=("seats",)),
        "invitations": Drawing(bars=("days",)),
        "paying twice": Drawing(bars=("days_left",)),
    }


def _summary(status: Status, words: Words) -> pd.DataFrame:
    say = words.text
    rows: list[tuple[str, Any]] = [(say("as of"), status.as_of)]
    rows += [(say("answer"), sentence) for sentence in answer(status, words)]
    for standing in Standing:
        rows += [
            (f"{words.of(standing)}, {say(what)}", status.count(standing, what))
            for what in ("moves", "seats", "customers")
        ]
    rows += [(say("plan"), status.plan_hash), (say("planned by"), status.made_by)]
    rows += [(say("approved by"), status.approved_by), (say("service"), status.service)]
    return pd.DataFrame(rows, columns=["figure", "value"])
