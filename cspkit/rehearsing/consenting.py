"""Decisions for a rehearsal: what people typed, and the consents still to be asked for."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from cspkit.decisions import workbook
from cspkit.planning import Plan, PlannedMove

# accepted where neither plan nor decisions name a price: no rule of ours finds it too low
ANY_PRICE = Decimal(100_000)
Row = dict[str, Any]


def assume(plan: Plan, typed: Path, made: Path) -> int:
    """Write decisions in which every customer accepted the plan; return how many were assumed.

    What people typed wins, cell by cell: a consent to something else stays one.
    """
    found = workbook.read(typed) if typed.exists() else {"customers": [], "originals": []}
    rows = {row["subscription_id"]: dict(row) for row in found["originals"]}
    assumed = 0
    for move in plan.document.moves:
        for number, key in enumerate(move.subscription_ids):
            row = rows.setdefault(key, {"subscription_id": key})
            assumed += row.get("consent_on") is None
            for cell, value in _accepted(plan, move, number).items():
                if row.get(cell) is None:
                    row[cell] = value
    found["originals"] = [rows[key] for key in sorted(rows)]
    workbook.write(made, made, found)
    return assumed


def _accepted(plan: Plan, move: PlannedMove, number: int) -> Row:
    """Give the cells of one original's consent to its move; the first one carries the rest."""
    share, rest = divmod(move.seats, len(move.subscription_ids))
    return {
        "customer_id": move.customer_id,
        "target_offer": move.target_offer,
        "term": move.term,
        "billing_cycle": move.billing_cycle,
        "seats": share + (rest if number == 0 else 0) or 1,
        "sale_price": move.sale_price or ANY_PRICE,
        "currency": move.sale_currency or move.cost_currency or "EUR",
        "consent_by": "a rehearsed customer",
        "consent_on": plan.document.as_of,
        "consent_reference": "rehearsal",
    }
