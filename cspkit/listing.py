"""Frames as plain lines that read well on any terminal; numbers first, long words last."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

COUNTS = ["read", "accepted", "rejected", "set_aside"]
WORDS = ["source_file", "profile", "note"]
WIDTH = 9
SHOWN, CELL = 10, 44
REASON = 88


def files(counts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """List what was read of each file, why rows of it were set aside, and the total.

    Takes the lines of `Exports.counts()`; a file without rows says so.
    """
    named = counts[0] if counts else {}
    reasons = [name for name in named if name not in (*COUNTS, *WORDS)]
    yield "".join(name.replace("_", " ").rjust(WIDTH + 1) for name in COUNTS) + "  file"
    for row in counts:
        empty = " (no rows in it)" if row["read"] == 0 else ""
        yield _numbers([row[name] for name in COUNTS]) + f"  {row['source_file']}{empty}"
        if said := _said(row, reasons):
            yield " " * (WIDTH + 1) * len(COUNTS) + f"    {said}"
    total = {name: sum(row[name] for row in counts) for name in (*COUNTS, *reasons)}
    yield _numbers([total[name] for name in COUNTS]) + f"  all {len(counts)} files"
    if said := _said(total, reasons):
        yield " " * (WIDTH + 1) * len(COUNTS) + f"    {said}"


def explained(frame: pd.DataFrame) -> Iterator[str]:
    """List how each file is understood, a line for each of its columns.

    Takes the columns of `exports.explain`; what stands before the arrow is in the file.
    """
    for (file, title), part in frame.groupby(["file", "format"], sort=False):
        yield f"{file}, read as {title}"
        for row in part.fillna("").to_dict("records"):
            cells = f"{_cut(row['before'])} -> {_cut(row['after'])}" if row["after"] else ""
            into = row["column"] or "-"
            yield f"  {row['file_column']:<23} {into:<16} {row['how']:<26} {cells}".rstrip()


def _cut(text: str) -> str:
    return text if len(text) <= CELL else f"{text[: CELL - 3]}..."


def proposed(frame: pd.DataFrame) -> Iterator[str]:
    """List the customers that rejected rows may belong to, by their name alone.

    Takes the columns of `tables.PROPOSED`.
    """
    if frame.empty:
        return
    yield "not joined, the name alone is the same (type the id into rejects.csv if it is right):"
    for row in frame.head(SHOWN).to_dict("records"):
        where = f"{row['source_file']} row {row['source_row']}"
        yield f"  {where}: {row['name']!r} may be {row['customer_id']} ({row['customer_name']})"
    if len(frame) > SHOWN:
        yield f"  and {len(frame) - SHOWN:,} more in proposed.csv"


def ranked(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """List ranked customers in two lines each: who and when, then why.

    Takes plain values by the columns of `tables.RANKED`, what is missing as None.
    """
    for row in rows:
        name = row["customer_id"] if row["name"] is None else row["name"]
        market = "" if row["market"] is None else f" ({row['market']})"
        ends = "no end date" if row["next_expiration"] is None else f"{row['next_expiration']}"
        yield f"{row['rank']:>5}  {ends}  {row['seats']:,} seats  {name}{market}"
        yield from textwrap.wrap(
            str(row["reason"]), REASON, initial_indent=" " * 7, subsequent_indent=" " * 7
        )


def _said(row: Mapping[Any, Any], reasons: list[str]) -> str:
    """Say why rows were set aside, and what else is unusual."""
    counted = [f"{row[name]:,} {name.replace('_', ' ')}" for name in reasons if row.get(name)]
    note = row.get("note")
    aside = [f"set aside: {', '.join(counted)}"] if counted else []
    return "; ".join([*aside, *([note] if isinstance(note, str) and note else [])])


def _numbers(values: list[int]) -> str:
    return "".join(f"{value:>{WIDTH + 1},}" for value in values)
