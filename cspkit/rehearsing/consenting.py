"""Decisions for a rehearsal: what people typed, and the consents still to be asked for."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from cspkit import catalogue
from cspkit.decisions import workbook
from cspkit.planning import Plan, PlannedMove

# accepted where neither plan nor decisions name a price: no rule of ours finds it too low
ANY_PRICE = Decimal(100_000)
CUSTOMER = "a rehearsed customer"
Row = dict[str, Any]


def assume(plan: Plan, typed: Path, made: Path) -> int:
    """Write decisions in which every customer accepted the plan; return how many were assumed.

    What people typed wins, cell by cell: a consent to something else stays one. Who changes the
    product is taken to sign for what its users lose.
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
    found["customers"] = _signed(plan, found["customers"])
    workbook.write(made, made, found)
    return assumed


def _signed(plan: Plan, typed: list[Row]) -> list[Row]:
    """Let customers whose product changes sign for every service plan that the list knows."""
    rows = {row["customer_id"]: dict(row) for row in typed}
    signature = {
        "contact_name": CUSTOMER,
        "losses_accepted": " ".join(sorted(catalogue.plans())),
        "losses_accepted_by": CUSTOMER,
        "losses_accepted_on": plan.document.as_of,
    }
    for key in {move.customer_id for move in plan.document.moves if not move.same_offer}:
        row = rows.setdefault(key, {"customer_id": key})
        if row.get("losses_accepted") is None:
            given = {**signature, "losses_accepted_by": row.get("contact_name") or CUSTOMER}
            row |= given | {name: row[name] for name in ("contact_name",) if row.get(name)}
    return [rows[key] for key in sorted(rows)]


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
        "consent_by": CUSTOMER,
        "consent_on": plan.document.as_of,
        "consent_reference": "rehearsal",
    }
