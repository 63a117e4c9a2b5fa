"""One reseller's part of a programme: a status and orders that show nobody else's customers.

What is left out is left out before anything is counted, so that no sum and no link tells of it.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from cspkit.errors import CspkitError
from cspkit.ledger import Approval, Ledger
from cspkit.planfile import PlannedBatch, PlannedMove
from cspkit.planning import Plan
from cspkit.reporting import handwork, summary
from cspkit.reporting.summary import Status
from cspkit.settings import Settings

if TYPE_CHECKING:
    from cspkit.exports import Exports


def customers_of(settings: Settings, reseller: str) -> set[str]:
    """List the customers that decisions give to a reseller; raise CspkitError where there are none.

    `reseller` is what stands in reseller_id, in any case.
    """
    from cspkit import decisions

    rows = decisions.read(settings.decisions).customer_table.to_pylist()
    named = {str(row["reseller_id"]).strip() for row in rows if row["reseller_id"]}
    mine = reseller.strip().lower()
    found = {
        str(row["customer_id"])
        for row in rows
        if row["reseller_id"] and str(row["reseller_id"]).strip().lower() == mine
    }
    if not found:
        known = ", ".join(sorted(named)) or "none"
        raise CspkitError(f"reseller: expected one of the decisions' ({known}), found {reseller!r}")
    return found


def plan_of(plan: Plan, ids: set[str]) -> Plan:
    """Give the part of a plan about some customers; what it saves in all is left out.

    It keeps the hash of the whole, under which it was approved, so it cannot be run.
    """
    document = plan.document
    moves = [one for one in document.moves if one.customer_id in ids]
    part = document.model_copy(
        update={
            "moves": moves,
            "batches": _batches(document.batches, moves),
            "customers": [one for one in document.customers if one.customer_id in ids],
            "unplaced": [one for one in document.unplaced if one.customer_id in ids],
            "savings": [],
            "sources": [],
            "optimum": None,
        }
    )
    return Plan(part)


def status(
    reseller: str,
    *,
    plan: Plan,
    ledger: Ledger,
    exports: Exports,
    as_of: date,
    settings: Settings,
) -> Status:
    """Work out where a reseller's customers stand; reads only.

    It has no runs and receipts, which are about everybody, and a shelf of its own under reports.
    Raises CspkitError for a reseller that no customer has.
    """
    from cspkit.exports import Exports

    ids = customers_of(settings, reseller)
    people, held = exports.customers, exports.subscriptions
    found = summary.status(
        plan=plan_of(plan, ids),
        ledger=cast(Ledger, _Part(ledger, ids)),
        exports=Exports.from_frames(
            people[people["customer_id"].isin(ids)], held[held["customer_id"].isin(ids)]
        ),
        as_of=as_of,
        settings=_apart(settings, reseller),
    )
    return replace(found, made_by="", approved_by="")


def orders(
    reseller: str, *, plan: Plan, folder: Path, settings: Settings, today: date
) -> list[Path]:
    """Write the accepted orders of a reseller's customers, a csv per batch."""
    from cspkit import decisions

    rows = decisions.read(settings.decisions).original_table.to_pylist()
    said = {row["subscription_id"]: row for row in rows}
    part = plan_of(plan, customers_of(settings, reseller))
    return handwork.write(part, folder, originals=said, today=today)[0]


class _Part:
    """A ledger that shows some customers; what it does not know how to narrow it does not have."""

    def __init__(self, whole: Ledger, ids: set[str]) -> None:
        self._whole, self._ids = whole, ids

    def moves(self) -> pd.DataFrame:
        return self._of(self._whole.moves())

    def steps(self) -> pd.DataFrame:
        return self._of(self._whole.steps())

    def ends(self) -> pd.DataFrame:
        return self._of(self._whole.ends())

    def runs(self) -> pd.DataFrame:
        return self._whole.runs().iloc[:0]

    def approval(self, plan_hash: str) -> Approval | None:
        return self._whole.approval(plan_hash)

    def correspondence(self) -> list[Any]:
        found = self._whole.correspondence()
        return [(letter, mail) for letter, mail in found if letter.customer_id in self._ids]

    def _of(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame[frame["customer_id"].isin(self._ids)].reset_index(drop=True)


def _batches(batches: list[PlannedBatch], moves: list[PlannedMove]) -> list[PlannedBatch]:
    count = Counter(one.batch for one in moves)
    return [
        one.model_copy(
            update={
                "moves": count[one.batch],
                "seats": sum(move.seats for move in moves if move.batch == one.batch),
                "customers": len({m.customer_id for m in moves if m.batch == one.batch}),
            }
        )
        for one in batches
        if count[one.batch]
    ]


def _apart(settings: Settings, reseller: str) -> Settings:
    """Keep a reseller's reports in a folder of their own: no shelf lists those of others."""
    name = re.sub("[^a-z0-9]+", "-", reseller.strip().lower())[:40].strip("-")
    mark = hashlib.sha256(reseller.strip().lower().encode()).hexdigest()[:8]
    place = str(settings.reports / "resellers" / f"{name}-{mark}")
    return settings.model_copy(
        update={"paths": settings.paths.model_copy(update={"reports": place})}
    )
