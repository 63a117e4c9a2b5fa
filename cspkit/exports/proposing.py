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
    named = engine.reader.keep("named", _named(parts, sources))
    if not engine.reader.count(named):
        return None
    return engine.keep("proposed", _alike(engine.take("named", named), customers))


@described
def _named(parts: Sequence[Any], sources: Any) -> Any:
    rows = ibis.union(*(part.filter(_[NAMED].notnull()).select(FILE, ROW, NAMED) for part in parts))
    return rows.inner_join(sources, FILE)


@described
def _alike(named: Any, customers: Any) -> Any:
    named = named.mutate(folded=_folded(named[NAMED]))
    known = customers.select("customer_id", "name").filter(_.name.notnull())
    known = known.mutate(folded=_folded(known["name"]))
    both = named.filter(_.folded != "").inner_join(known, "folded")
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
