"""What waits, and for whom: unanswered invitations, double payments, the coming days, resellers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from cspkit.policy import Workdays
from cspkit.reporting.figures import Row, Standing, seats

DAY = timedelta(1)
AGES = (7, 14, 21)
COMING = 10
# What falls on a day, and the column of the plan that says so.
DUE = {"invite": "invite_on", "access": "access_by", "renewal": "renewal_safe_on", "order": "date"}


def invitations(customers: Iterable[Row], asked: Mapping[str, date], as_of: date) -> list[Row]:
    """List who was invited and has not answered, the longest wait first."""
    rows = [
        {
            **{name: row[name] for name in ("customer_id", "name", "market", "seats")},
            "next_expiration": row["next_expiration"],
            "asked_on": asked[row["customer_id"]],
            "days": (as_of - asked[row["customer_id"]]).days,
        }
        for row in customers
        if row["relationship"] == "asked" and row["customer_id"] in asked
    ]
    return sorted(
        rows,
        key=lambda row: (row["asked_on"], row["next_expiration"] or date.max, row["customer_id"]),
    )


def ages(open_invitations: Sequence[Row]) -> list[Row]:
    """Count unanswered invitations by age: up to 7, 14, 21 days, and older (`upto` None)."""
    rows = []
    for above, upto in zip((-1, *AGES), (*AGES, None), strict=True):
        own = [
            row
            for row in open_invitations
            if row["days"] > above and (upto is None or row["days"] <= upto)
        ]
        rows.append({"upto": upto, "above": above, "customers": len(own), "seats": seats(own)})
    return rows


def paying_twice(moves: Iterable[Row], ordered: Mapping[str, date], as_of: date) -> list[Row]:
    """List the moves whose replacement is ordered while the original still runs."""
    rows = [
        {
            **{name: move[name] for name in ("customer_id", "name", "move_id", "product", "seats")},
            "since": ordered[move["move_id"]],
            "until": move["expires_on"],
            "days_left": (move["expires_on"] - as_of).days + 1,
            "overlap_cost": move["overlap_cost"],
            "currency": move["currency"],
        }
        for move in moves
        if move["move_id"] in ordered and move["expires_on"] and move["expires_on"] >= as_of
    ]
    return sorted(rows, key=lambda row: (-row["days_left"], row["customer_id"], row["move_id"]))


def coming_days(moves: Sequence[Row], workdays: Workdays, as_of: date) -> list[Row]:
    """Say what falls on each of the next working days: customers to invite, moves to order, ...

    What fell on a day before is on the first line, if it is not done yet.
    """
    days = [workdays.on_or_after(as_of)]
    while len(days) < COMING:
        days.append(workdays.after(days[-1], 1))
    open_moves = [move for move in moves if move["batch"] and _open(move)]
    rows = []
    for day, before in zip(days, [date.min, *days], strict=False):
        row: Row = {"day": day}
        for what, column in DUE.items():
            own = [move for move in open_moves if _falls(move[column], before, day)]
            own = [move for move in own if what not in move["past"]]
            about = {move["customer_id" if what != "order" else "move_id"] for move in own}
            row[what] = len(about)
            row["seats"] = seats(own) if what == "order" else 0
        rows.append(row)
    return rows


def _open(move: Row) -> bool:
    return move["standing"] in (Standing.WAITING, Standing.AT_RISK)


def _falls(day: Any, before: date, until: date) -> bool:
    return day is not None and before < day <= until


def resellers(moves: Iterable[Row], of_customer: Mapping[str, str]) -> list[Row]:
    """Count moves and seats by reseller and standing; empty unless there are several."""
    by_reseller: dict[str, list[Row]] = {}
    for move in moves:
        by_reseller.setdefault(of_customer.get(move["customer_id"], ""), []).append(move)
    if len(by_reseller) < 2:
        return []
    return [
        {
            "reseller_id": reseller,
            "moves": len(own),
            "seats": seats(own),
            "customers": len({move["customer_id"] for move in own}),
            **{str(s): sum(move["standing"] == s for move in own) for s in Standing},
        }
        for reseller, own in sorted(by_reseller.items())
    ]
