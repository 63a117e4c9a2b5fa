"""Frames as plain lines that read well on any terminal; numbers first, long words last."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import pandas as pd

COUNTS = ["read", "accepted", "rejected", "set_aside"]
WIDTH = 9
REASON = 88


def files(summary: pd.DataFrame) -> Iterator[str]:
    """List what was read of each file, and the total.

    Takes the columns of `tables.FILES`; a file without rows says so.
    """
    yield "".join(name.replace("_", " ").rjust(WIDTH + 1) for name in COUNTS) + "  file"
    for row in summary.to_dict("records"):
        empty = " (no rows in it)" if row["read"] == 0 else ""
        yield _numbers([row[name] for name in COUNTS]) + f"  {row['source_file']}{empty}"
    total = [int(summary[name].sum()) for name in COUNTS]
    yield _numbers(total) + f"  all {len(summary)} files"


def ranked(frame: pd.DataFrame) -> Iterator[str]:
    """List ranked customers in two lines each: who and when, then why.

    Takes the columns of `tables.RANKED`.
    """
    for row in frame.to_dict("records"):
        name = row["customer_id"] if pd.isna(row["name"]) else row["name"]
        market = "" if pd.isna(row["market"]) else f" ({row['market']})"
        ends = "no end date" if pd.isna(row["next_expiration"]) else f"{row['next_expiration']}"
        yield f"{row['rank']:>5}  {ends}  {row['seats']:,} seats  {name}{market}"
        yield from textwrap.wrap(
            str(row["reason"]), REASON, initial_indent=" " * 7, subsequent_indent=" " * 7
        )


def _numbers(values: list[int]) -> str:
    return "".join(f"{value:>{WIDTH + 1},}" for value in values)
