"""May this be ordered? Only what the customer accepted, for no more than they accepted."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from cspkit.ledger import Approval
from cspkit.moves.desk import Desk
from cspkit.names import person
from cspkit.planning import PlannedMove, worth
from cspkit.policy import Policy

MISSING, DIFFERS, EXCEEDED = "consent_missing", "consent_differs", "consent_exceeded"
BEYOND, MARGIN, NO_PRICE, OVER_CAP, STALE = (
    "by_hand",
    "margin_low",
    "price_unknown",
    "over_cap",
    "price_ended",
)
CELLS = (
    *("target_offer", "term", "billing_cycle", "seats", "sale_price", "currency"),
    *("consent_by", "consent_on", "consent_reference"),
)
AGREED = ("target_offer", "term", "billing_cycle")

Rows = list[dict[str, Any]]


def refusal(desk: Desk, move: PlannedMove) -> str:
    """Say why a move must not be ordered, its code first; empty when all is agreed.

    What the customer accepted is read from decisions.xlsx at the run, not from the plan: a
    consent may be withdrawn after the plan was made. Caps are those of the settings of the run.
    """
    rows = _rows(move, desk.originals)
    policy = desk.settings.policy
    return (
        ("" if desk.by_hand else _beyond_us(move))
        or disagreement(move, desk.originals, desk.today)
        or _together(desk, move, rows)
        or _money(desk, move, policy)
        or _margin(move, rows, policy, desk.approvals)
    )


def _beyond_us(move: PlannedMove) -> str:
    """Refuse what a plan may say and an order of ours does not carry out."""
    if move.custom_term_end is not None:
        return f"{BEYOND}: a custom end of the term, {move.custom_term_end}: order it by hand"
    return "" if move.auto_renew else f"{BEYOND}: no renewal of the replacement: order it by hand"


def disagreement(move: PlannedMove, originals: dict[str, dict[str, Any]], today: date) -> str:
    """Say what a move is beyond the consent, its code first; empty when the customer accepted it.

    `originals` are the rows of decisions.xlsx by subscription id.
    """
    rows = _rows(move, originals)
    return _missing(move, rows, today) or _different(move, rows) or _exceeded(move, rows)


def _rows(move: PlannedMove, originals: dict[str, dict[str, Any]]) -> Rows:
    return [originals.get(original, {}) for original in move.subscription_ids]


def _missing(move: PlannedMove, rows: Rows, today: date) -> str:
    for original, row in zip(move.subscription_ids, rows, strict=True):
        lacks = [cell for cell in CELLS if row.get(cell) is None]
        if lacks:
            what = ", ".join(lacks)
            return f"{MISSING}: decisions.xlsx says no {what} for original {original}"
        if row["consent_on"] > today:
            return f"{MISSING}: consent_on of original {original} is {row['consent_on']}, not yet"
    return ""


def _different(move: PlannedMove, rows: Rows) -> str:
    for original, row in zip(move.subscription_ids, rows, strict=True):
        if row.get("customer_id") not in (None, move.customer_id):
            return f"{DIFFERS}: {row['customer_id']} accepted original {original}, not its customer"
        for cell in AGREED:
            if row[cell] != (planned := getattr(move, cell)):
                return (
                    f"{DIFFERS}: {cell} planned {planned}, accepted {row[cell]}: plan again, or"
                    " ask the customer again"
                )
    return ""


def _exceeded(move: PlannedMove, rows: Rows) -> str:
    """More seats, or a higher price, than accepted goes back to the customer."""
    accepted = sum(row["seats"] for row in rows)
    by = rows[0]["consent_by"]
    if move.seats > accepted:
        return f"{EXCEEDED}: seats planned {move.seats}, accepted by {by} {accepted}: ask again"
    if move.sale_price is None:
        return ""
    for row in rows:
        if move.sale_currency != row["currency"]:
            found = f"currency planned {move.sale_currency}, accepted by {by} {row['currency']}"
            return f"{EXCEEDED}: {found}: ask again"
        if move.sale_price > row["sale_price"]:
            found = f"price planned {move.sale_price:f}, accepted by {by} {row['sale_price']:f}"
            return f"{EXCEEDED}: {found} {row['currency']}: ask again"
    return ""


def _together(desk: Desk, move: PlannedMove, rows: Rows) -> str:
    """Several orders for the same originals share the seats that were accepted for them."""
    same = set(move.subscription_ids)
    parts = [one for one in desk.planned[move.customer_id] if set(one.subscription_ids) == same]
    planned, accepted = sum(one.seats for one in parts), sum(row["seats"] for row in rows)
    if planned <= accepted:
        return ""
    by, orders = rows[0]["consent_by"], f"{len(parts)} orders"
    return (
        f"{EXCEEDED}: seats planned {planned} in {orders}, accepted by {by} {accepted}: ask again"
    )


def _money(desk: Desk, move: PlannedMove, policy: Policy) -> str:
    if move.price_valid_to is not None and desk.today > move.price_valid_to:
        return f"{STALE}: the cost was read from a price list that ended on {move.price_valid_to}"
    if policy.caps_amounts and move.amount is None:
        return f"{NO_PRICE}: a cap on amounts applies, and what it costs is unknown: plan again"
    over = desk.excess.of(move.customer_id)
    return f"{OVER_CAP}: the plan needs policy.{over}: plan again" if over else ""


def _margin(move: PlannedMove, rows: Rows, policy: Policy, approvals: list[Approval]) -> str:
    least = policy.min_margin_percent
    if least is None or any(_accepts(one, policy) for one in approvals):
        return ""
    who = "have a manager approve the plan: `cspkit approve PLAN --by NAME --margins`"
    for row in rows:
        left = margin(row["sale_price"], row["currency"], move, policy)
        if left is None:
            return f"{MARGIN}: the margin is unknown, at least {least:f} % is asked for: {who}"
        if left < least:
            return f"{MARGIN}: {left:.1f} % is left, at least {least:f} % is asked for: {who}"
    return ""


def margin(price: Decimal, currency: str, move: PlannedMove, policy: Policy) -> Decimal | None:
    """Give the share of a sale price, in percent, that is left after the cost; None: unknown."""
    if move.unit_cost is None or not price:
        return None
    cost: Decimal | None = move.unit_cost
    if move.cost_currency != currency:
        cost = worth(move.unit_cost, move.cost_currency, policy)
        sold = worth(price, currency, policy)
        if cost is None or sold is None:
            return None
        price = sold
    assert cost is not None
    return (price - cost) / price * 100


def _accepts(approval: Approval, policy: Policy) -> bool:
    known = {person(name) for name in policy.managers}
    return approval.margins and person(approval.by) in known
