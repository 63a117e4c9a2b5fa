"""The rejects: file, row, column, the cell as it was, the reason, and the whole row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis
from ibis import _

from cspkit import tables
from cspkit.exports.cells import nothing
from cspkit.exports.checking import COLUMN, JSON, PROBLEM, VALUE, as_json
from cspkit.exports.engine import FILE
from cspkit.exports.layout import Layout
from cspkit.exports.reasons import REJECTED
from cspkit.exports.sheets import ROW, column

WORKING = (FILE, ROW, COLUMN, VALUE, PROBLEM, JSON)


def wrong(checked: Any) -> Any:
    """Take the rows of a checked table in which something is wrong."""
    return checked.filter(_[PROBLEM].notnull()).select(*WORKING)


def foreign(raw: Any, layout: Layout, rows: Any) -> Any:
    """Take raw rows whose subscription stands under another customer."""
    taken = raw.semi_join(rows, [FILE, ROW])
    place = layout.place(layout.rules["customer_id"])
    return taken.select(
        FILE,
        ROW,
        **{
            COLUMN: ibis.literal(layout.header[place[0]] if place else ""),
            VALUE: taken[column(place[0])] if place else nothing(),
            PROBLEM: ibis.literal("other_customer"),
            JSON: as_json(taken, layout),
        },
    )


def rejects(parts: Sequence[Any], sources: Any) -> Any:
    """Put rejected rows together with the names of their files, in the order of the files."""
    rows = ibis.union(*parts) if len(parts) > 1 else parts[0]
    named = rows.inner_join(sources, FILE).order_by(FILE, ROW)
    return named.select(
        "source_file",
        source_row=named[ROW],
        column=named[COLUMN],
        value=named[VALUE],
        reason_code=named[PROBLEM],
        reason=named[PROBLEM].cases(*REJECTED.items(), else_=""),
        row=named[JSON],
    ).cast(tables.REJECTS.schema)
