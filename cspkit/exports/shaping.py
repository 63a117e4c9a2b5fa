"""Bring checked and merged rows into the shape of our tables, as Ibis expressions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cspkit import tables
from cspkit.exports.checking import ASIDE, CODE, LATEST
from cspkit.exports.defining import call
from cspkit.exports.engine import AGAIN, FILE
from cspkit.exports.merging import RANK
from cspkit.exports.sheets import ROW
from cspkit.later import deferred as _
from cspkit.later import ibis
from cspkit.statements import described

SEEN = "_seen"
PLACED = {
    LATEST: "string",
    FILE: "int32",
    ROW: "int64",
    RANK: "int32",
    AGAIN: "boolean",
    "source_file": "string",
    "source_row": "int64",
}
OF_FILES = {"source_file": "string", RANK: "int32", SEEN: "date"}
TABLES = {
    "customers": tables.CUSTOMERS,
    "subscriptions": tables.SUBSCRIPTIONS,
    "conflicts": tables.CONFLICTS,
    "sources": tables.SOURCES,
}


@described
def named(rows: Any, sources: Any, function: str, schema: dict[str, str]) -> Any:
    """Give accepted rows all our columns, their file, its rank, and the day it was true.

    `function` tells those three of a single file; else the files are joined, which loses order.
    """
    rows = rows.filter(_[ASIDE].isnull() & _[CODE].isnull())
    has = rows.columns
    if function:
        known = {name: call(f"{function}_{name}", kind) for name, kind in OF_FILES.items()}
    else:
        rows = rows.inner_join(sources, FILE)
        known = {name: rows[name] for name in OF_FILES}
    values = {name: rows[name] if name in has else ibis.null(kind) for name, kind in schema.items()}
    if "channel" in values:
        values["channel"] = ibis.coalesce(values["channel"], "unknown")
    if "seen_on" in values:
        values["seen_on"] = ibis.coalesce(values["seen_on"], known[SEEN])
    return rows.select(
        **values,
        **{LATEST: rows[LATEST], FILE: rows[FILE], ROW: rows[ROW], RANK: known[RANK]},
        **{AGAIN: rows[AGAIN]},
        source_file=known["source_file"],
        source_row=rows[ROW],
    ).cast(schema | PLACED)


@described
def accepted(parts: Sequence[Any], sources: Any, schema: dict[str, str]) -> Any:
    """Put accepted rows together; without any there is still a table."""
    if parts:
        return ibis.union(*parts) if len(parts) > 1 else parts[0]
    nothing = {name: ibis.null(kind) for name, kind in (schema | PLACED).items()}
    return sources.filter(ibis.literal(False)).select(**nothing)


@described
def shaped(rows: Any, table: str) -> Any:
    """Take the columns of one of our tables, with their types."""
    return rows.select(TABLES[table].names).cast(TABLES[table].schema)


@described
def with_format(rows: Any, sources: Any) -> Any:
    """Name the formats of the rows that merged subscriptions came from."""
    formats = sources.select("source_file", "profile")
    return shaped(rows.inner_join(formats, "source_file"), "sources")


@described
def kept_odd(odd: Any) -> Any:
    """Leave out odd rows that are blank or sum up others."""
    return odd.filter(_[ASIDE].isnull())


@described
def unmarked(rows: Any) -> Any:
    """Leave out the rows that were marked as repeated."""
    return rows.filter(rows[AGAIN].isnull())


@described
def of_files(rows: Any, numbers: Sequence[int], others: bool = False) -> Any:
    """Take the rows of some files, or those of all others."""
    found = rows[FILE].isin(numbers)
    return rows.filter(~found if others else found)


@described
def filled(rows: Any, merged: Any, *, filled: bool) -> Any:
    """Take the subscriptions that were filled from other rows, or those that were not."""
    key = "subscription_id"
    return rows.semi_join(merged, key) if filled else rows.anti_join(merged, key)
