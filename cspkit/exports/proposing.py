"""Rows that say only a customer's name: which customer has it is proposed, never decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ibis
from ibis import _

from cspkit import tables
from cspkit.exports.engine import FILE
from cspkit.exports.rejecting import NAMED
from cspkit.exports.sheets import ROW

Keep = Callable[[str, Any], Any]


def proposed(parts: Sequence[Any], sources: Any, customers: Any, keep: Keep) -> Any:
    """Return for rejected rows without a tenant the customers of the same name.

    Case, spaces and punctuation do not count. A name that several customers have gives several
    lines; columns of `tables.PROPOSED`.
    """
    nothing = ibis.memtable([], schema=ibis.schema(tables.PROPOSED.schema))
    if not parts:
        return nothing
    rows = ibis.union(*(part.filter(_[NAMED].notnull()).select(FILE, ROW, NAMED) for part in parts))
    named = keep("named", rows.mutate(folded=_folded(rows[NAMED])))
    if not named.count().to_pyarrow().as_py():
        return nothing
    known = customers.select("customer_id", "name").filter(_.name.notnull())
    known = known.mutate(folded=_folded(known["name"]))
    both = named.filter(_.folded != "").inner_join(known, "folded").inner_join(sources, FILE)
    found = both.select(
        "source_file",
        source_row=both[ROW],
        name=both[NAMED],
        customer_id=both["customer_id"],
        customer_name=both["name"],
    )
    return keep("proposed", found.cast(tables.PROPOSED.schema))


def _folded(name: Any) -> Any:
    return name.lower().re_replace(r"[^\p{L}\p{N}]+", "")
