"""Choices of a person, kept in decisions.xlsx with a reason and a name, and read back from it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cspkit import decisions as book
from cspkit.errors import CspkitError, SettingsError
from cspkit.tables import Channel

if TYPE_CHECKING:
    import pandas as pd

    from cspkit.decisions import Decisions
    from cspkit.exports import Exports

OURS = ["subscription_id", "customer_id", "product", "seats", "expires_on"]
CHOSEN = ["customer_id", "subscription_id", "choice", "day", "reason", "by"]
Cells = dict[str, dict[str, Any]]


def originals_of(
    exports: Exports, customers: Iterable[str], until: date | None = None
) -> pd.DataFrame:
    """List the originals of some customers that end by a day; the nearest end first.

    Columns subscription_id, customer_id, product, seats, expires_on. What is ours already is no
    original, and one without an end is left out where a day is given.
    """
    rows = exports.subscriptions
    rows = rows[rows["customer_id"].isin(list(customers))]
    rows = rows[rows["channel"].fillna("") != Channel.CSP_NCE.value]
    if until is not None:
        rows = rows[(rows["expires_on"] <= until).fillna(False).astype(bool)]
    return rows[OURS].sort_values(["expires_on", "subscription_id"])


def pin(file: Path, originals: pd.DataFrame, day: date, *, reason: str, by: str) -> Path:
    """Put originals together on one day; the planner keeps to it or says why it cannot.

    Takes columns subscription_id and customer_id. Raises CspkitError without an original, a
    reason or a name, SettingsError for a decisions.xlsx that cannot be read or written.
    """
    why = _said(reason, by)
    rows = originals[["subscription_id", "customer_id"]].to_dict("records")
    cells = {
        str(row["subscription_id"]): {"customer_id": row["customer_id"], "order_on": day, **why}
        for row in rows
    }
    return _fill(file, originals=cells)


def leave_out(file: Path, customers: Iterable[str], *, reason: str, by: str) -> Path:
    """Put customers on hold: no plan orders for them until it is taken back; raises as `pin`."""
    why = _said(reason, by)
    return _fill(file, customers={one: {"hold": "yes", **why} for one in customers})


def give(file: Path, customers: Iterable[str], owner: str, *, reason: str, by: str) -> Path:
    """Give customers to an operator, on whose call list they stand; raises as `pin`."""
    why = _said(reason, by)
    if not owner.strip():
        raise CspkitError("owner: expected the name of an operator, found none")
    return _fill(file, customers={one: {"owner": owner.strip(), **why} for one in customers})


def take_back(file: Path, customers: Iterable[str], *, reason: str, by: str) -> Path:
    """Lift the hold of customers and free the days chosen for their originals; raises as `pin`.

    Who took it back and why stays in the workbook.
    """
    why, ids = _said(reason, by), set(customers)
    held = book.read(file).originals
    bound = held[held["customer_id"].isin(ids) & held["order_on"].notna()]["subscription_id"]
    return _fill(
        file,
        customers={one: {"hold": None, **why} for one in sorted(ids)},
        originals={one: {"order_on": None, **why} for one in bound},
    )


def chosen(decisions: Decisions) -> pd.DataFrame:
    """List what people chose by hand, one row per customer or original.

    Columns customer_id, subscription_id, choice (leave out, order on, owner), day, reason, by.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for row in decisions.customer_table.to_pylist():
        if row["hold"]:
            rows.append(_row(row, "leave out"))
        if row["owner"] and row["choice_reason"]:
            rows.append(_row(row, f"owner {row['owner']}"))
    rows += [
        _row(row, "order on", row["order_on"])
        for row in decisions.original_table.to_pylist()
        if row["order_on"]
    ]
    return pd.DataFrame(rows, columns=CHOSEN)


def _row(row: dict[str, Any], choice: str, day: date | None = None) -> dict[str, Any]:
    ids = {"customer_id": row["customer_id"], "subscription_id": row.get("subscription_id")}
    return ids | {
        "choice": choice,
        "day": day,
        "reason": row["choice_reason"],
        "by": row["choice_by"],
    }


def _said(reason: str, by: str) -> dict[str, str]:
    for name, word in (("reason", reason), ("by", by)):
        if not word.strip():
            raise CspkitError(f"{name}: a choice by hand needs its reason and who made it")
    return {"choice_reason": reason.strip(), "choice_by": by.strip()}


def _fill(file: Path, *, customers: Cells | None = None, originals: Cells | None = None) -> Path:
    """Write cells into a workbook that can be read, whole or not at all."""
    if not customers and not originals:
        raise CspkitError("expected at least one customer or original, found none chosen")
    book.read(file)
    try:
        return book.fill(file, customers=customers, originals=originals)
    except OSError as error:
        why = f"cannot be written: {error.strerror or error}; is it open in Excel?"
        raise SettingsError(file, "file", why) from error
