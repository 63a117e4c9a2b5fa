"""The ledger as pandas frames, for reports and people; nothing here writes."""

from __future__ import annotations

from typing import Any

import pandas as pd
import sqlalchemy as sa

from cspkit.ledger import schema
from cspkit.ledger.lines import hands

MOVES = (
    *("move_id", "customer_id", "subscription_ids", "part", "batch", "state", "reason"),
    *("target_offer", "sku_id", "target_sku_id", "seats", "term", "billing_cycle", "same_offer"),
    *("expires_on", "plan_hash", "cart_id", "order_id", "subscription_id", "created_at"),
    *("updated_at", "sent_at", "ordered_at", "provisioned_at", "verified_at", "reassigned_at"),
    *("closed_at", "undone_at", "by_hand"),
)


def moves(connection: sa.Connection) -> pd.DataFrame:
    """One row per move, its originals separated by a space; who worked on it `by_hand`, if any."""
    who = hands(connection)
    query = sa.select(schema.move_originals.c.move_id, schema.move_originals.c.original)
    originals: dict[str, list[str]] = {}
    for move_id, original in connection.execute(query.order_by(*query.selected_columns)):
        originals.setdefault(move_id, []).append(original)
    rows = [
        {
            **row,
            "subscription_ids": " ".join(originals.get(row["move_id"], [])),
            "by_hand": who.get(row["move_id"], ""),
        }
        for row in _rows(connection, schema.moves, "move_id")
    ]
    return _frame(rows, MOVES, schema.moves)


def table(
    connection: sa.Connection, which: sa.Table, *where: sa.ColumnElement[bool]
) -> pd.DataFrame:
    """One row per row of a table, or of what is asked for, in the order of its key."""
    names = tuple(column.name for column in which.columns)
    key = [column.name for column in which.primary_key.columns]
    return _frame(_rows(connection, which, *key, where=where), names, which)


def rows(connection: sa.Connection, which: sa.Table) -> list[dict[str, Any]]:
    """Read the rows of a table as they are, in the order of its key."""
    return _rows(connection, which, *(column.name for column in which.primary_key.columns))


def _rows(
    connection: sa.Connection,
    which: sa.Table,
    *key: str,
    where: tuple[sa.ColumnElement[bool], ...] = (),
) -> list[dict[str, Any]]:
    query = sa.select(which).where(*where).order_by(*(which.c[name] for name in key))
    return [dict(row) for row in connection.execute(query).mappings()]


def _frame(rows: list[dict[str, Any]], names: tuple[str, ...], which: sa.Table) -> pd.DataFrame:
    """Give every column its type, also when there is no row to guess it from."""
    data = {name: _series([row[name] for row in rows], which.c.get(name)) for name in names}
    return pd.DataFrame(data, columns=list(names))


def _series(values: list[Any], column: sa.Column[Any] | None) -> pd.Series[Any]:
    kind = None if column is None else column.type
    if isinstance(kind, schema.Instant):
        return pd.Series(pd.to_datetime(values, utc=True)).astype("datetime64[us, UTC]")
    if isinstance(kind, sa.Boolean):
        return pd.Series(values, dtype="boolean")
    if isinstance(kind, sa.Integer):
        return pd.Series(values, dtype="Int64")
    if isinstance(kind, sa.Date):
        return pd.Series(values, dtype="object")
    return pd.Series(values, dtype="str")
