"""Rows that say only a customer's name: which customer has it is proposed, never decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cspkit import tables
from cspkit.exports.engine import FILE, Engine, Held
from cspkit.exports.rejecting import NAMED
from cspkit.exports.sheets import ROW
from cspkit.later import deferred as _
from cspkit.later import ibis
from cspkit.statements import Rows, described


def proposed(engine: Engine, parts: Sequence[Rows], sources: Rows, customers: Rows) -> Held | None:
    """Return for rejected rows without a tenant the customers of the same name.

    Case, spaces and punctuation do not count. A name that several customers have gives several
    lines; columns of `tables.PROPOSED`. None where no row lacks its tenant.
    """
    if not parts:
        return None
    named = engine.keep("named", _named(parts))
    return (
        engine.keep("proposed", _alike(named, sources, customers)) if engine.count(named) else None
    )


@described
def _named(parts: Sequence[Any]) -> Any:
    rows = ibis.union(*(part.filter(_[NAMED].notnull()).select(FILE, ROW, NAMED) for part in parts))
    return rows.mutate(folded=_folded(rows[NAMED]))


@described
def _alike(named: Any, sources: Any, customers: Any) -> Any:
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
    return found.cast(tables.PROPOSED.schema)


def _folded(name: Any) -> Any:
    return name.lower().re_replace(r"[^\p{L}\p{N}]+", "")
