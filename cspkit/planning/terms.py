"""Seats, term and cycle of an order: the originals' or a decision's, never copied in silence."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from cspkit import blockers
from cspkit.planfile import Unplaced
from cspkit.planning.pricing import MILLIONTH, sold
from cspkit.tables import Route

UNUSUAL = ("P1M", "P3Y")
CONSENT = ("consent_by", "consent_on", "consent_reference")

Row = dict[str, Any]


def orderable(row: Row) -> bool:
    """Tell whether an original is bought anew and nothing stands in the way of the order."""
    table = blockers.table()
    waits = any(table[code].waits for code in blockers.codes(row["flags"]))
    return bool(row["route"] == Route.PURCHASE.value and not waits)


def undecided(row: Row) -> Unplaced | None:
    """Keep out of the plan what commits for longer, or is dearer, than anybody decided."""
    if not orderable(row):
        return None
    if row["term"] in UNUSUAL and row["said_term"] is None:
        return Unplaced.of(
            row,
            "term_undecided",
            f"a term of {row['term']} is nobody's decision for this original",
            "type its term into decisions.xlsx, once the customer agreed to it",
        )
    if not sold(row):
        return Unplaced.of(
            row,
            "cycle_undecided",
            f"{row['term']} is not sold with {row['billing_cycle']} billing",
            "type a billing cycle that goes with the term into decisions.xlsx",
        )
    return None


def seated(row: Row, assigned: int | None, said: Row) -> Row:
    """Order what is assigned and some more, where the customer consented to that choice.

    Without a consent the seats stay those of the original; seats that a person typed go first.
    """
    more = said.get("assigned_plus")
    chosen = more is not None and said.get("seats") is None and assigned is not None
    if not chosen or any(said.get(cell) is None for cell in CONSENT):
        return row
    assert more is not None and assigned is not None
    seats = max(assigned + more, 1)
    daily = row["order_daily"]
    if daily is not None:
        daily = Decimal(daily * seats / row["order_seats"]).quantize(MILLIONTH)
    return row | {"order_seats": seats, "order_daily": daily}
