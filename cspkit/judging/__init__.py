"""What can happen to each original: route, blockers, deadlines and money.

The expressions load with their first use: a statement that was kept runs without them.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from cspkit import blockers
from cspkit.decisions import Decisions
from cspkit.judging.given import gather
from cspkit.settings import Settings
from cspkit.tables import JUDGED

if TYPE_CHECKING:
    import ibis
    import pandas as pd
    import pyarrow as pa

    from cspkit.exports import Exports

__all__ = ["derive", "fetch", "judge"]


def judge(
    exports: Exports,
    *,
    as_of: date,
    settings: Settings,
    decisions: Decisions | None = None,
    steps: pd.DataFrame | None = None,
) -> ibis.Table:
    """Judge every original; returns one row each, with the columns of `tables.JUDGED`.

    Who is not a `reseller` customer still needs the `relationship`, and with it the agreement,
    which is signed where the invitation is accepted. A related customer still needs `access`,
    because no export says whether delegated administration is active. `invited_on`,
    `agreement_on` and `access_on` of decisions.xlsx say what a person has seen, and `steps`, the
    frame of that name of the ledger (customer_id, step, state, asked_at, done_at), what the
    programme has.
    """
    wide = derive(exports, as_of=as_of, settings=settings, decisions=decisions, steps=steps)
    return wide.mutate(blockers=blockers.spelled(wide.flags)).select(*JUDGED.names)


def derive(
    exports: Exports,
    *,
    as_of: date,
    settings: Settings,
    decisions: Decisions | None = None,
    steps: pd.DataFrame | None = None,
) -> ibis.Table:
    """Judge every original and keep `flags`, its blockers as bits, beside the public columns.

    `sheet_price`, `sheet_currency` and `sheet_place` are the price sheet's, whatever was decided.
    """
    from cspkit.judging import deriving, sources

    given = gather(exports, as_of=as_of, settings=settings, decisions=decisions, steps=steps)
    return deriving.derived(sources.AtHand(exports, given))


def fetch(table: ibis.Table) -> pa.Table:
    """Run an expression; long chains compile twice as fast when selects are left unfused."""
    import ibis

    from cspkit.exports.engine import within_memory

    fuse, ibis.options.sql.fuse_selects = ibis.options.sql.fuse_selects, False
    try:
        with within_memory():
            return table.to_pyarrow()
    finally:
        ibis.options.sql.fuse_selects = fuse
