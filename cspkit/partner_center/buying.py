"""Carts and orders: the one way in which anything is bought."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cspkit.partner_center.calling import Caller, route
from cspkit.wire import Listed, Record, plain

RESELLER = "transaction_reseller"


@dataclass(frozen=True)
class Cart:
    """A cart: harmless until checked out, and the one thing that is checked out once."""

    id: str
    status: str
    created_at: datetime | None
    expires_at: datetime | None
    problem: str
    resellers: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Say whether the service says it was not checked out yet."""
        return self.status == "active"


@dataclass(frozen=True)
class Order:
    """One order; a move's cart has one line, so the first line is the whole."""

    id: str
    status: str
    created_at: datetime | None
    offer: str
    seats: int | None
    term: str
    billing_cycle: str
    friendly_name: str
    subscription_id: str


@dataclass(frozen=True)
class Checkout:
    """The answer to a checkout: orders that were made, problems of those that were not."""

    orders: tuple[Order, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class LineProgress:
    """How far one line of an order is."""

    line: int | None
    status: str
    seats: int | None


class Buying(Caller):
    """Verbs that buy, and read back what was bought."""

    def create_cart(self, path: str, body: Any, request_id: str) -> Cart:
        """Make a cart; harmless to repeat. A line that cannot be bought shows in `problem`."""
        return _cart(self._write("cart_create", path, request_id, body).record)

    def cart(self, customer_id: str, cart_id: str) -> Cart | None:
        """Read a cart; None when it is not there, perhaps no longer."""
        found = self._found("cart", customer=customer_id, cart=cart_id)
        return None if found is None else _cart(found)

    def check_out(self, path: str, request_id: str) -> Checkout:
        """Check out a cart: the one call that orders."""
        record = self._write("check_out", path, request_id, None).record
        return Checkout(
            tuple(_order(item) for item in record.records("orders")),
            tuple(_problem(item) for item in record.records("orderErrors")),
        )

    def orders(self, customer_id: str) -> Listed[Order]:
        """List the orders of a customer; one of the last 15 minutes may be missing."""
        return self._listed("orders", _listed_order, customer=customer_id)

    def order(self, customer_id: str, order_id: str) -> Order | None:
        """Read an order; None when it cannot be seen, perhaps not yet."""
        found = self._found("order", customer=customer_id, order=order_id)
        return None if found is None else _order(found)

    def order_progress(self, customer_id: str, order_id: str) -> Listed[LineProgress]:
        """List how far the lines of an order are."""
        return self._listed("order_provisioning", _line, customer=customer_id, order=order_id)


def cart_path(customer_id: str) -> str:
    """Give the path of a customer's carts."""
    return route("cart_create").at(customer=customer_id)


def checkout_path(customer_id: str, cart_id: str) -> str:
    """Give the path that checks a cart out."""
    return route("check_out").at(customer=customer_id, cart=cart_id)


def cart_body(
    catalog_item_id: str,
    *,
    seats: int,
    term: str,
    billing_cycle: str,
    friendly_name: str,
    reseller: str = "",
) -> dict[str, Any]:
    """Make the body of a cart with one line: one cart, one line, one order.

    `reseller` is the partner number of the indirect reseller that the sale is through.
    """
    line = cart_line(catalog_item_id, seats=seats, term=term, billing_cycle=billing_cycle)
    if reseller:
        line["participants"] = [{"key": RESELLER, "value": reseller}]
    return {"lineItems": [line | {"friendlyName": friendly_name}]}


def cart_line(catalog_item_id: str, *, seats: int, term: str, billing_cycle: str) -> dict[str, Any]:
    """Say what one line of a cart is for; promotions are asked for by the same words."""
    return {
        "id": 0,
        "catalogItemId": catalog_item_id,
        "quantity": seats,
        "billingCycle": billing_cycle,
        "termDuration": term,
    }


def offer_of(catalog_item_id: str) -> str:
    """Drop the availability of a catalogue item: product:sku stays the same, it does not."""
    return ":".join(catalog_item_id.upper().split(":")[:2])


def _cart(record: Record) -> Cart:
    lines = record.records("lineItems")
    problems = [_problem(line.record("error")) for line in lines if line.record("error")]
    return Cart(
        record.text("id"),
        record.id("status"),
        record.instant("creationTimestamp"),
        record.instant("expirationTimestamp"),
        "; ".join(problems),
        tuple(
            one.text("value")
            for line in lines
            for one in line.records("participants")
            if one.id("key") == RESELLER
        ),
    )


def _problem(record: Record) -> str:
    code = record.text("errorCode") or record.text("code")
    words = record.text("errorDescription") or record.text("description")
    return plain(f"{code} {words}".strip())


def _listed_order(record: Record) -> Order:
    record.needed("id")
    return _order(record)


def _order(record: Record) -> Order:
    lines = record.records("lineItems")
    line = lines[0] if lines else Record(None)
    return Order(
        record.text("id"),
        record.id("status"),
        record.instant("creationDate"),
        offer_of(line.text("offerId")),
        line.whole("quantity"),
        line.text("termDuration").upper(),
        record.id("billingCycle"),
        line.text("friendlyName"),
        line.id("subscriptionId"),
    )


def _line(record: Record) -> LineProgress:
    seats = [
        one.whole("quantity") or 0 for one in record.records("quantityProvisioningInformation")
    ]
    return LineProgress(
        record.whole("lineItemNumber"), record.id("status"), sum(seats) if seats else None
    )
