"""Who is called this week, by whom, and where the ticket is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from cspkit.errors import CspkitError
from cspkit.reporting import workbook

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = [
    *("owner", "rank", "name", "contact_name", "contact_email", "next_action"),
    *("next_expiration", "slack_days", "seats", "ticket", "link"),
]
NOBODY = "nobody yet"
WEEK = 7


def call_list(customers: pd.DataFrame, ticket_url: str = "", *, slack: int = WEEK) -> pd.DataFrame:
    """List who must be called this week, by owner, in the order of the ranking.

    Takes the frame of `filters.known`; keeps customers with something to move, no hold, and at
    most so many days of slack. `ticket_url` is where a ticket can be seen, with `{ticket}` in it.
    Columns owner, rank, name, contact_name, contact_email, next_action, next_expiration,
    slack_days, seats, ticket, link. Raises CspkitError for an address that cannot be one.
    """
    held = (" " + customers["blockers"].fillna("") + " ").str.contains(" hold ", regex=False)
    near = (customers["slack_days"] <= slack).fillna(False).astype(bool)
    due = customers[near & ~held & (customers["movable"] > 0).astype(bool)]
    due = due.assign(
        owner=due["owner"].fillna(NOBODY), link=links(due["ticket"].tolist(), ticket_url)
    )
    return due[COLUMNS].sort_values(["owner", "rank"], ignore_index=True)


def links(tickets: list[str | None], ticket_url: str) -> list[str]:
    """Write the address of each ticket; empty where there is no ticket or no template."""
    if not ticket_url:
        return [""] * len(tickets)
    parts = urlsplit(ticket_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "{ticket}" not in ticket_url:
        expected = "expected an address such as https://tickets.example/{ticket}"
        raise CspkitError(f"ticket_url: {expected}, found {ticket_url!r}")
    return [
        ticket_url.replace("{ticket}", quote(one.strip(), safe=""))
        if isinstance(one, str) and one.strip()
        else ""
        for one in tickets
    ]


def write_calls(calls: pd.DataFrame, out: Path) -> Path:
    """Write a workbook with a sheet per owner; raises ExportError when it cannot be written."""
    sheets: dict[str, pd.DataFrame] = {}
    for owner, rows in calls.groupby("owner"):
        name = re.sub(r"[\[\]:*?/\\']", " ", str(owner)).strip()[:28] or NOBODY
        taken = {sheet.casefold() for sheet in sheets}
        number = 2
        unique = name
        while unique.casefold() in taken:
            unique, number = f"{name} {number}", number + 1
        sheets[unique] = rows.drop(columns="owner")
    return workbook.write_sheets(sheets or {"calls": calls}, out)
