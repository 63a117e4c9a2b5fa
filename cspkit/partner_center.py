"""Partner Center: the verbs that the programme needs, and what its answers mean to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from cspkit.errors import ApiRefused, ApiUnavailable
from cspkit.wire import Answer, Record, Wire, plain

AGREEMENT = "MicrosoftCustomerAgreement"
PAGE = 500
NOT_FOUND = 404
Query = dict[str, str | int]


@dataclass(frozen=True)
class Customer:
    """One customer of the partner, as the list shows it."""

    id: str
    name: str
    domain: str
    relationship: str


@dataclass(frozen=True)
class Availability:
    """What can be bought of a SKU right now; its id changes over time, so it is never kept."""

    catalog_item_id: str
    durations: tuple[str, ...]
    is_purchasable: bool

    def sells(self, term: str) -> bool:
        """Say whether it can be bought for a term; one that lists no terms is not held back."""
        return self.is_purchasable and (not self.durations or term in self.durations)


@dataclass(frozen=True)
class Cart:
    """A cart: harmless until checked out, and the one thing that is checked out once."""

    id: str
    status: str
    created_at: datetime | None
    expires_at: datetime | None
    problem: str

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
class Subscription:
    """A subscription sold by the partner, with the resource as it came for a later change."""

    id: str
    offer: str
    status: str
    seats: int | None
    order_id: str
    auto_renew: bool | None
    ends_at: datetime | None
    cancel_until: datetime | None
    resource: Record


@dataclass(frozen=True)
class Provisioning:
    """How far the seats of a subscription are; `sku_id` is the bridge to Graph."""

    sku_id: str
    status: str
    seats: int | None


class PartnerCenter:
    """The partner's own Partner Center; all calls carry a token of the partner's tenant."""

    def __init__(self, wire: Wire, partner_tenant: str) -> None:
        """Speak over a wire as the partner."""
        self._wire = wire
        self._tenant = partner_tenant

    def relationship_link(self) -> str:
        """Return the invitation link, which is the same for every customer."""
        link = self._read("/v1/customers/relationshiprequests").record.text("url")
        if not link.startswith("https://"):
            raise ApiUnavailable(
                f"the service gave {plain(link)!r} as the invitation link, expected https",
                method="GET",
                url="/v1/customers/relationshiprequests",
            )
        return link

    def customers(self) -> Iterator[Customer]:
        """Yield all customers, page by page."""
        for item in self._pages("/v1/customers", {"size": PAGE}):
            profile = item.record("companyProfile")
            customer_id = item.id("id") or profile.id("tenantId")
            if customer_id:
                yield Customer(
                    customer_id,
                    plain(profile.text("companyName")),
                    profile.id("domain"),
                    item.id("relationshipToPartner"),
                )

    def direct_signed(self, customer_id: str) -> bool:
        """Say whether the customer signed the Microsoft Customer Agreement themselves."""
        path = f"{_of(customer_id)}/directSignedMicrosoftCustomerAgreementStatus"
        return self._read(path).record.flag("isSigned") is True

    def attested(self, customer_id: str) -> bool:
        """Say whether the partner attested that the customer accepted the agreement."""
        answer = self._read(f"{_of(customer_id)}/agreements", {"agreementType": AGREEMENT})
        return any(
            item.text("type").casefold() in ("", AGREEMENT.casefold())
            for item in answer.record.records("items")
        )

    def availabilities(self, customer_id: str, product: str, sku: str) -> list[Availability]:
        """List what this customer can buy of a SKU now; empty when it is not sold to them."""
        path = f"{_of(customer_id)}/products/{_part(product)}/skus/{_part(sku)}/availabilities"
        found = self._found(path)
        return [] if found is None else [_availability(item) for item in found.records("items")]

    def create_cart(self, path: str, body: Any, request_id: str) -> Cart:
        """Make a cart; harmless to repeat. A line that cannot be bought shows in `problem`."""
        return _cart(self._write("POST", path, request_id, body).record)

    def cart(self, customer_id: str, cart_id: str) -> Cart | None:
        """Read a cart; None when it is not there, perhaps no longer."""
        found = self._found(f"{cart_path(customer_id)}/{_part(cart_id)}")
        return None if found is None else _cart(found)

    def check_out(self, path: str, request_id: str) -> Checkout:
        """Check out a cart: the one call that orders."""
        record = self._write("POST", path, request_id, None).record
        return Checkout(
            tuple(_order(item) for item in record.records("orders")),
            tuple(_problem(item) for item in record.records("orderErrors")),
        )

    def orders(self, customer_id: str) -> list[Order]:
        """List the orders of a customer; one of the last 15 minutes may be missing."""
        record = self._read(f"{_of(customer_id)}/orders").record
        return [order for order in map(_order, record.records("items")) if order.id]

    def order(self, customer_id: str, order_id: str) -> Order | None:
        """Read an order; None when it cannot be seen, perhaps not yet."""
        found = self._found(f"{_of(customer_id)}/orders/{_part(order_id)}")
        return None if found is None else _order(found)

    def subscription(self, customer_id: str, subscription_id: str) -> Subscription | None:
        """Read a subscription of ours; None when it cannot be seen, perhaps not yet."""
        found = self._found(f"{_of(customer_id)}/subscriptions/{_part(subscription_id)}")
        return None if found is None else _subscription(found)

    def subscriptions(self, customer_id: str, *, order_id: str = "") -> list[Subscription]:
        """List the subscriptions that we sold to a customer, or those of one order."""
        params: Query | None = {"order_id": order_id} if order_id else None
        record = self._read(f"{_of(customer_id)}/subscriptions", params).record
        found = map(_subscription, record.records("items"))
        return [one for one in found if not order_id or one.order_id in ("", order_id.lower())]

    def provisioning(self, customer_id: str, subscription_id: str) -> Provisioning | None:
        """Read how far the seats are; None while there is nothing to see."""
        path = f"{_of(customer_id)}/subscriptions/{_part(subscription_id)}/provisioningstatus"
        found = self._found(path)
        if found is None:
            return None
        return Provisioning(found.id("skuId"), found.id("status"), found.whole("quantity"))

    def _read(self, path: str, params: Query | None = None, **more: Any) -> Answer:
        return self._wire.read(path, tenant=self._tenant, params=params, **more)

    def _write(self, method: str, path: str, request_id: str, body: Any) -> Answer:
        return self._wire.write(method, path, tenant=self._tenant, request_id=request_id, body=body)

    def _found(self, path: str) -> Record | None:
        try:
            return self._read(path).record
        except ApiRefused as error:
            if error.status == NOT_FOUND:
                return None
            raise

    def _pages(self, path: str, params: Query) -> Iterator[Record]:
        """Yield the items of all pages; a page that comes twice is an error, not a loop."""
        record = self._read(path, params).record
        seen: set[str] = set()
        while True:
            yield from record.records("items")
            following = record.record("links").record("next")
            token = _header(following) or record.text("continuationToken")
            if not token:
                return
            if token in seen:
                raise ApiUnavailable(
                    f"{path}: the pages go round in a circle", method="GET", url=path
                )
            seen.add(token)
            link = _link(following.text("uri")) or path
            more = None if following else {**params, "seekOperation": "Next"}
            headers = {"MS-ContinuationToken": token}
            record = self._read(link, more, headers=headers).record


def cart_path(customer_id: str) -> str:
    """Give the path of a customer's carts."""
    return f"{_of(customer_id)}/carts"


def checkout_path(customer_id: str, cart_id: str) -> str:
    """Give the path that checks a cart out."""
    return f"{cart_path(customer_id)}/{_part(cart_id)}/checkout"


def cart_body(
    catalog_item_id: str, *, seats: int, term: str, billing_cycle: str, friendly_name: str
) -> dict[str, Any]:
    """Make the body of a cart with one line: one cart, one line, one order."""
    line = {
        "id": 0,
        "catalogItemId": catalog_item_id,
        "quantity": seats,
        "billingCycle": billing_cycle,
        "termDuration": term,
        "friendlyName": friendly_name,
    }
    return {"lineItems": [line]}


def offer_of(catalog_item_id: str) -> str:
    """Drop the availability of a catalogue item: product:sku stays the same, it does not."""
    return ":".join(catalog_item_id.upper().split(":")[:2])


def _of(customer_id: str) -> str:
    return f"/v1/customers/{_part(customer_id)}"


def _part(text: str) -> str:
    return quote(text, safe="")


def _link(uri: str) -> str:
    """Bring a link to one form: the service writes it with and without its version."""
    if not uri or "://" in uri:
        return uri
    return uri if uri.startswith("/v1/") else f"/v1/{uri.removeprefix('/')}"


def _header(link: Record) -> str:
    wanted = "ms-continuationtoken"
    headers = (one for one in link.records("headers") if one.id("key") == wanted)
    return next((one.text("value") for one in headers), "")


def _availability(item: Record) -> Availability:
    parts = (item.text("productId"), item.text("skuId"), item.text("id"))
    return Availability(
        item.text("catalogItemId") or ":".join(parts),
        tuple(term.text("duration").upper() for term in item.records("terms")),
        item.flag("isPurchasable") is not False,
    )


def _cart(record: Record) -> Cart:
    lines = record.records("lineItems")
    problems = [_problem(line.record("error")) for line in lines if line.record("error")]
    return Cart(
        record.text("id"),
        record.id("status"),
        record.instant("creationTimestamp"),
        record.instant("expirationTimestamp"),
        "; ".join(problems),
    )


def _problem(record: Record) -> str:
    code = record.text("errorCode") or record.text("code")
    words = record.text("errorDescription") or record.text("description")
    return plain(f"{code} {words}".strip())


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


def _subscription(record: Record) -> Subscription:
    return Subscription(
        record.id("id"),
        offer_of(record.text("offerId")),
        record.id("status"),
        record.whole("quantity"),
        record.id("orderId"),
        record.flag("autoRenewEnabled"),
        record.instant("commitmentEndDateTime") or record.instant("commitmentEndDate"),
        record.instant("cancellationAllowedUntilDate"),
        record,
    )
