"""What a person types into decisions.xlsx when a customer accepts a move as it was planned."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from cspkit.planfile import PlannedMove


def accepted(
    moves: Iterable[PlannedMove],
    *,
    by: str,
    on: date,
    reference: str,
    price: Decimal,
    currency: str,
) -> dict[str, dict[str, Any]]:
    """Give the cells of the sheet `originals`, by subscription id, as `decisions.fill` takes them.

    `price` is per seat and billing cycle. A move of several originals shares its seats out among
    their rows; several orders for one original add up in its row.
    """
    cells: dict[str, dict[str, Any]] = {}
    for move in moves:
        count = len(move.subscription_ids)
        for at, original in enumerate(move.subscription_ids):
            others = cells.get(original, {}).get("seats", 0)
            cells[original] = {
                "customer_id": move.customer_id,
                "target_offer": move.target_offer,
                "term": move.term,
                "billing_cycle": move.billing_cycle,
                "seats": others + move.seats // count + (at < move.seats % count),
                "sale_price": price,
                "currency": currency,
                "consent_by": by,
                "consent_on": on,
                "consent_reference": reference,
            }
    return cells
