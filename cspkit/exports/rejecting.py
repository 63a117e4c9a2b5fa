"""The rejects: file, row, column, the cell as it was, the reason, and the whole row."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from cspkit import tables
from cspkit.exports import cells, words
from cspkit.exports.cells import nothing
from cspkit.exports.checking import ASIDE, CODE, RAW
from cspkit.exports.engine import FILE
from cspkit.exports.layout import NAMES, Layout
from cspkit.exports.reasons import REJECTED
from cspkit.exports.sheets import MORE, ROW, column
from cspkit.later import deferred as _
from cspkit.later import ibis
from cspkit.statements import described

COLUMN, VALUE, JSON, NAMED = "_column", "_value", "_json", "_named"
BEGINNING = "_first"
TENANT = "Tenant ID"
WORKING = (FILE, ROW, COLUMN, VALUE, CODE, JSON)


@described
def odd(checked: Any, layout: Layout) -> Any:
    """Look closely at the rows with a problem: blank, a sum of others, or to be rejected."""
    rows = checked.filter(_[CODE].notnull() & _[ASIDE].isnull())
    # Used several times: as a column of its own it is worked out, and planned, once.
    rows = rows.mutate(**{BEGINNING: _beginning(rows, layout)})
    place = rows[CODE].split(":")[0]
    names = [(str(i), name) for i, name in enumerate(layout.header)]
    index = place.nullif("").cast("int64").fill_null(len(layout.header))
    return rows.select(
        FILE,
        ROW,
        **{
            ASIDE: _idle(rows, layout),
            CODE: rows[CODE].split(":")[1],
            COLUMN: place.cases(*names, else_=_place_for_tenant(rows, layout)),
            VALUE: rows[RAW][index],
            NAMED: _named(rows, layout),
            JSON: _as_json(rows[RAW], layout),
        },
    )


def _place_for_tenant(rows: Any, layout: Layout) -> Any:
    """Name the column in which a tenant's id can be added, where that is what a row lacks."""
    rule = layout.profile.columns.get("customer_id")
    header = rule.headers[0] if rule and rule.headers else TENANT
    return ibis.ifelse(rows[CODE].split(":")[1] == "no_tenant", header, "")


def _named(rows: Any, layout: Layout) -> Any:
    """Return the customer's name of rows that nothing else tells the customer of."""
    rule, tenant = layout.known(NAMES), layout.known(["customer_id"])
    if rule is None:
        return nothing()
    codes = [f"{place}:missing" for place in layout.place(tenant)] if tenant else []
    lacks = rows[CODE].isin(codes) | rows[CODE].split(":")[1].isin(["no_tenant", "unknown_domain"])
    return ibis.ifelse(lacks, cells.tidy(rows[RAW][layout.place(rule)[0]]).nullif(""), nothing())


def _beginning(rows: Any, layout: Layout) -> Any:
    """Return the first cell of a row that holds something."""
    every = [cells.tidy(rows[RAW][i]).nullif("") for i in range(len(layout.header) + 1)]
    return ibis.coalesce(*every)


def _idle(rows: Any, layout: Layout) -> Any:
    """Tell a blank row, and one without any id whose first cell says that it sums up others."""
    first = rows[BEGINNING]
    start = first.lower().re_extract("^[^0-9:]+", 0).strip()
    ids = [
        rows[name].isnull()
        for name in ("subscription_id", "customer_id", "target_offer", "sku_id")
        if name in rows.columns and not layout.rules[name].from_file_name
    ]
    sums_up = reduce(lambda left, right: left & right, ids, ibis.literal(True)) & start.isin(
        words.listed("total")
    )
    return ibis.cases((first.isnull(), "blank"), (sums_up, "total"), else_=nothing())


def _as_json(raw: Any, layout: Layout) -> Any:
    """Write a whole row as a JSON object of its headers, cells beyond them under `beyond`."""
    named = {name: raw[i] for i, name in enumerate(layout.header)}
    beyond = raw[len(layout.header)]
    whole = ibis.struct(named).cast("json").cast("string")
    longer = ibis.struct(named | {"beyond": beyond}).cast("json").cast("string")
    return ibis.ifelse(beyond.isnull(), whole, longer)


@described
def foreign(raw: Any, layout: Layout, rows: Any) -> Any:
    """Take raw rows whose subscription stands under another customer."""
    taken = rows.select(FILE, ROW).inner_join(raw, [FILE, ROW])
    place = layout.place(layout.rules["customer_id"])
    cells_of = [taken[column(i)] for i in range(len(layout.header))]
    return taken.mutate(**{RAW: ibis.array([*cells_of, taken[MORE]])}).select(
        FILE,
        ROW,
        **{
            COLUMN: ibis.literal(layout.header[place[0]] if place else ""),
            VALUE: taken[column(place[0])] if place else nothing(),
            CODE: ibis.literal("other_customer"),
            NAMED: nothing(),
            JSON: _as_json(_[RAW], layout),
        },
    )


@described
def rejects(parts: Sequence[Any], sources: Any) -> Any:
    """Put rejected rows together with the names of their files, in the order of the files."""
    if not parts:
        nothing_in = {name: ibis.null(kind) for name, kind in tables.REJECTS.schema.items()}
        return sources.filter(ibis.literal(False)).select(**nothing_in)
    rows = ibis.union(*(part.select(*WORKING) for part in parts))
    named = rows.inner_join(sources, FILE).order_by(FILE, ROW)
    return named.select(
        "source_file",
        source_row=named[ROW],
        column=named[COLUMN],
        value=named[VALUE],
        reason_code=named[CODE],
        reason=named[CODE].cases(*REJECTED.items(), else_=""),
        row=named[JSON],
    ).cast(tables.REJECTS.schema)
