"""What a line by hand says: what to do, by when, and every value to type."""

from __future__ import annotations

import json
from datetime import date

from cspkit import catalogue
from cspkit.ledger import MoveRow
from cspkit.ledger.lines import ORDERING, Line
from cspkit.moves import agreeing
from cspkit.moves.desk import Desk
from cspkit.moves.readback import friendly_name
from cspkit.moves.rows import Subject
from cspkit.planning import PlannedMove

RELATIONSHIP, AGREEMENT = "relationship", "agreement"
RENEWAL_SAFE, VERIFY, REASSIGN = "renewal-safe", "verify", "reassign"
RETIRE, ENDED, UNDO = "retire", "ended", "undo"
# What decides an order: a line that differs in one of them is another order.
ORDER = ("offer", "quantity", "term", "billing_cycle", "auto_renew", "custom_term_end")


def facts(
    desk: Desk, one: Subject, step: str, *, row: MoveRow | None = None, more: str = ""
) -> dict[str, str]:
    """Say what somebody does for a step of a move or customer; all values are texts.

    `more` is added to what is to be done, such as who asked for it.
    """
    found = {
        "step": step,
        "provider": desk.resellers.named(one.customer_id),
        "by": _by(desk, one, step).isoformat(),
        "customer": one.name,
        "domain": one.customer.domain or "",
        "plan_hash": desk.plan.hash,
    }
    if one.move is not None:
        found |= _of_move(desk, one.planned, row)
    if step == RELATIONSHIP:
        found["link"] = desk.resellers.link(one.customer_id, desk.invitation_link)
    what = _what(desk, one, step, found)
    return {"what": f"{what}; {more}" if more else what, **found}


def words(line: Line) -> str:
    """Say a line in one sentence, for a preview and a receipt."""
    return f"{line.line}: {line.facts['what']}"


def _of_move(desk: Desk, move: PlannedMove, row: MoveRow | None) -> dict[str, str]:
    product, _, sku = move.target_offer.partition(":")
    running = [
        (one.expires_on.isoformat(), one.original_seats or one.seats)
        for one in desk.planned.get(move.customer_id, [])
        if one.sku_id == move.target_sku_id
    ]
    found = {
        "move_id": move.move_id,
        "originals": " ".join(move.subscription_ids),
        "original_product": _title(move.sku_id, move.sku_id or "of an unknown product"),
        "expires_on": move.expires_on.isoformat(),
        "offer": move.target_offer,
        "product_id": product,
        "sku": sku,
        "title": _title(move.target_sku_id, move.target_offer),
        "quantity": str(move.seats),
        "term": move.term,
        "billing_cycle": move.billing_cycle,
        "auto_renew": "on" if move.auto_renew else "off",
        "custom_term_end": move.custom_term_end.isoformat() if move.custom_term_end else "",
        "friendly_name": friendly_name(_title(move.target_sku_id, move.target_offer), move.move_id),
        "running": json.dumps(running),
    }
    if row is not None and row.order_id:
        # What was ordered counts from here on, whatever a newer plan says.
        found |= {"quantity": str(row.seats), "offer": row.target_offer, "term": row.term}
        found |= {"billing_cycle": row.billing_cycle, "order_id": row.order_id}
        found["subscription_id"] = row.subscription_id or ""
    return found


def _what(desk: Desk, one: Subject, step: str, found: dict[str, str]) -> str:
    get = found.get
    seats = f"{get('quantity')} × {get('title')}"
    old = f"{get('original_product')} ({get('originals')}), which ends on {get('expires_on')}"
    if step == RELATIONSHIP:
        return "see that the customer accepts the reseller relationship, by the link they have"
    if step == AGREEMENT:
        told, whole = agreeing.intended(desk, one.customer_id)
        attest = f"; else attest it: {told}" if whole else ""
        what = "see that the customer accepted the Microsoft Customer Agreement"
        return f"{what}, in Partner Center{attest}"
    if step == ORDERING:
        return f"order {seats} once, with this name; if it is ordered already, do not order again"
    if step == VERIFY:
        what = f"count the seats of order {get('order_id')} in the customer's admin center"
        return f"{what}: {seats}; send their dated licence export, or state who saw them"
    if step == REASSIGN:
        return f"give the users of {get('original_product')} {get('title')}, then take the old one"
    if step == RENEWAL_SAFE:
        rule = desk.rule(one.planned)
        return f"stop the renewal of {old}: {rule.stop_how}"
    if step == RETIRE:
        return f"schedule the end of {old}, with its term; do not end it earlier"
    if step == ENDED:
        return f"see that {old}, has ended"
    return f"cancel order {get('order_id')}, {seats}, and nothing else"


def _by(desk: Desk, one: Subject, step: str) -> date:
    """Say until when a line is to be done; never before today."""
    days: dict[str, date] = {}
    if one.move is None:
        days = {RELATIONSHIP: one.customer.access_by, AGREEMENT: one.customer.access_by}
    else:
        move = one.planned
        days = {
            ORDERING: move.last_safe_day,
            VERIFY: move.verify_by,
            REASSIGN: move.reassign_on or move.end_scheduled_by,
            RENEWAL_SAFE: move.renewal_safe_on,
            RETIRE: move.end_scheduled_by,
        }
    return max(days.get(step, desk.today), desk.today)


def _title(sku_id: str | None, otherwise: str) -> str:
    known = catalogue.find(sku_id) if sku_id else None
    return str((known or {}).get("name") or otherwise)
