"""planned -> cart: a cart costs nothing, so a lost one is simply made again."""

from __future__ import annotations

from functools import partial

from cspkit import catalogue
from cspkit import partner_center as pc
from cspkit.errors import ApiRefused, ApiUnclear
from cspkit.ledger import Intent, MoveRow
from cspkit.moves.desk import NOTHING_HAPPENED
from cspkit.moves.passes import Pass
from cspkit.moves.readback import friendly_name
from cspkit.moves.rows import Done, Outcome
from cspkit.partner_center import Cart
from cspkit.tables import MoveState

STALE = "400019"
CARTS_PER_PASS = 3


def fill(work: Pass, row: MoveRow) -> Done | None:
    """Make a cart of one line with the availability of this moment; None when the state moved."""
    work.carts += 1
    if work.carts > CARTS_PER_PASS:
        return work.end(row, Outcome.WAITING, "the offer changed under our hands; run again")
    item = _catalog_item(work, row)
    if not item:
        reason = f"{row.target_offer} is not sold to this customer for {row.term}"
        return work.end(row, Outcome.FAILED, reason)
    try:
        cart = _create(work, row, item)
    except ApiRefused as error:
        return _refused(work, row, error)
    except ApiUnclear as error:
        return work.end(row, Outcome.WAITING, f"a cart was lost, which is harmless: {error}")
    if cart.problem or not cart.id:
        work.move(row, MoveState.REFUSED, cart.problem or "the service made a cart without an id")
        return None
    work.move(
        row,
        MoveState.CART,
        cart_id=cart.id,
        cart_made_at=cart.created_at,
        cart_expires_at=cart.expires_at,
    )
    return None


def _catalog_item(work: Pass, row: MoveRow) -> str:
    """Read what carries the offer right now: its availability id is never kept."""
    product, _, sku = row.target_offer.partition(":")
    offered = work.desk.partner_center.availabilities(row.customer_id, product, sku)
    return next((one.catalog_item_id for one in offered if one.sells(row.term)), "")


def _create(work: Pass, row: MoveRow, item: str) -> Cart:
    body = pc.cart_body(
        item,
        seats=row.seats,
        term=row.term,
        billing_cycle=row.billing_cycle,
        friendly_name=friendly_name(_title(row), row.move_id),
        reseller=work.desk.resellers.number_of(row.customer_id),
    )
    path = pc.cart_path(row.customer_id)
    intent = Intent(row.move_id, row.customer_id, "cart", path, body)
    send = partial(work.desk.partner_center.create_cart, path, body)
    return work.desk.write(intent, work.lease, send, repeatable=True, changes=False)


def _refused(work: Pass, row: MoveRow, error: ApiRefused) -> Done | None:
    if error.code == STALE:
        return None
    if error.status in NOTHING_HAPPENED:
        return work.nothing_happened(row, error)
    work.move(row, MoveState.REFUSED, str(error))
    return None


def _title(row: MoveRow) -> str:
    known = catalogue.find(row.target_sku_id)
    return str(known["name"]) if known and known.get("name") else row.target_offer
