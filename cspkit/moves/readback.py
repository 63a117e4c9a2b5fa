"""Find the order of a cart whose checkout was never clearly answered."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import timedelta

from cspkit.ledger import MoveRow
from cspkit.partner_center import Order

CLOCK_MARGIN = timedelta(minutes=5)
_TOKEN = re.compile(r"\[[a-z2-7]{6}\]$")


def token(move_id: str) -> str:
    """Give a move a short word of its own, which goes into the order's friendly name."""
    digest = hashlib.sha256(move_id.encode()).digest()
    return base64.b32encode(digest)[:6].decode().lower()


def friendly_name(title: str, move_id: str) -> str:
    """Name a subscription for people, with the move's word at its end."""
    return f"{title[:80].strip()} [{token(move_id)}]"


def matching(orders: list[Order], row: MoveRow, taken: set[str]) -> list[Order]:
    """List the orders that can be this move's: one is adopted, several go to a person.

    An order that carries the move's own word is preferred; one that carries the word of another
    move is never taken. The time is the service's own: no order is older than its cart.
    """
    same = [one for one in orders if one.id not in taken and _same(one, row)]
    mine = [one for one in same if one.friendly_name.endswith(f"[{token(row.move_id)}]")]
    return mine or [one for one in same if not _TOKEN.search(one.friendly_name)]


def _same(order: Order, row: MoveRow) -> bool:
    since = row.cart_made_at or row.sent_at
    young = order.created_at is None or since is None or order.created_at >= since - CLOCK_MARGIN
    return (
        young
        and order.offer == row.target_offer.upper()
        and order.seats == row.seats
        and order.term in ("", row.term)
        and order.billing_cycle in ("", row.billing_cycle)
        and order.status != "cancelled"
    )
