"""Subscriptions that the partner sold: read them, and change one thing of one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cspkit.partner_center.buying import offer_of
from cspkit.partner_center.calling import Caller, Query, route
from cspkit.wire import Listed, Record

TERM_END, CANCEL = "TermEnd", "Cancel"
_NEW_TERM = ("renewtonewterm", "transition")


@dataclass(frozen=True)
class Scheduled:
    """What will happen to a subscription by itself, and when."""

    action: str
    at: str
    on: datetime | None


@dataclass(frozen=True)
class Refundable:
    """Seats that the service still takes back, and until when."""

    seats: int
    until: datetime | None


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
    term: str = ""
    billing_cycle: str = ""
    friendly_name: str = ""
    is_trial: bool | None = None
    parent_id: str = ""
    migrated_from: str = ""
    scheduled: tuple[Scheduled, ...] = ()
    etag: str = ""
    refundable: tuple[Refundable, ...] = ()
    partner_id: str = ""

    @property
    def ends_with_its_term(self) -> bool:
        """Say whether its end is scheduled: a renewal that is off alone may go on as a month."""
        said = {(one.action.casefold(), one.at.casefold()) for one in self.scheduled}
        return (CANCEL.casefold(), TERM_END.casefold()) in said and self.auto_renew is False

    @property
    def renews_as_scheduled(self) -> bool:
        """Say whether a scheduled action begins another term, whatever auto-renew says."""
        return any(one.action.casefold() in _NEW_TERM for one in self.scheduled)


@dataclass(frozen=True)
class Provisioning:
    """How far the seats of a subscription are; `sku_id` is the bridge to Graph."""

    sku_id: str
    status: str
    seats: int | None


class Subscriptions(Caller):
    """Verbs about what was bought."""

    def subscription(self, customer_id: str, subscription_id: str) -> Subscription | None:
        """Read a subscription of ours; None when it cannot be seen, perhaps not yet."""
        found = self._found("subscription", customer=customer_id, subscription=subscription_id)
        return None if found is None else _subscription(found)

    def subscriptions(self, customer_id: str, *, order_id: str = "") -> Listed[Subscription]:
        """List the subscriptions that we sold to a customer, or those of one order."""
        params: Query | None = {"order_id": order_id} if order_id else None
        found = self._listed("subscriptions", _listed_one, params, customer=customer_id)
        if not order_id:
            return found
        mine = [one for one in found if one.order_id in ("", order_id.lower())]
        return Listed(mine, found.bad, found.repeated)

    def change_subscription(
        self, path: str, body: Any, request_id: str, *, etag: str = ""
    ) -> Subscription | None:
        """Change a subscription; None when the service took it on and is not done yet.

        With the `etag` it was read with, a change by somebody else since then is not overwritten.
        """
        match = {"If-Match": f'"{etag}"'} if etag else None
        answer = self._write("subscription_change", path, request_id, body, match)
        return _subscription(answer.record) if answer.record else None

    def provisioning(self, customer_id: str, subscription_id: str) -> Provisioning | None:
        """Read how far the seats are; None while there is nothing to see."""
        found = self._found("provisioning", customer=customer_id, subscription=subscription_id)
        if found is None:
            return None
        return Provisioning(found.id("skuId"), found.id("status"), found.whole("quantity"))


def change_path(customer_id: str, subscription_id: str) -> str:
    """Give the path that changes a subscription."""
    return route("subscription_change").at(customer=customer_id, subscription=subscription_id)


def with_seats(found: Subscription, seats: int) -> dict[str, Any]:
    """Make the body that sets the new total of seats."""
    return _changed(found, quantity=seats)


def with_status(found: Subscription, status: str) -> dict[str, Any]:
    """Make the body that suspends ('suspended'), reactivates ('active') or cancels ('deleted')."""
    return _changed(found, status=status)


def renewing(found: Subscription) -> dict[str, Any]:
    """Make the body after which a subscription renews by itself."""
    nothing_else: dict[str, Any] = {"scheduledActions": []} if found.scheduled else {}
    return _changed(found, autoRenewEnabled=True, **nothing_else)


def not_renewing(found: Subscription) -> dict[str, Any]:
    """Make the body after which a subscription begins no other term by itself.

    A new term that was scheduled is taken back too; an end that was scheduled stays.
    """
    nothing_else: dict[str, Any] = {"scheduledActions": []} if found.renews_as_scheduled else {}
    return _changed(found, autoRenewEnabled=False, **nothing_else)


def ending(found: Subscription) -> dict[str, Any]:
    """Make the body after which a subscription ends with its term.

    Auto-renew off alone lets it slide into a paid month since 2026, so the end is scheduled too.
    """
    end = {"scheduleType": TERM_END, "actionType": CANCEL}
    body = _changed(found, autoRenewEnabled=False, scheduledActions=[end])
    # of the two ways to say what comes next only one may be sent
    said = [name for name in body if str(name).casefold() == "schedulednextterminstructions"]
    return {name: value for name, value in body.items() if name not in said}


def _changed(found: Subscription, **change: Any) -> dict[str, Any]:
    """Send everything back that came: what is left out, the service resets without a word."""
    body = dict(found.resource.data)
    spelling = {str(name).casefold(): name for name in body}
    for name, value in change.items():
        body[spelling.get(name.casefold(), name)] = value
    return body


def _listed_one(record: Record) -> Subscription:
    record.needed("id")
    return _subscription(record)


def _subscription(record: Record) -> Subscription:
    return Subscription(
        record.id("id"),
        offer_of(record.text("offerId")),
        record.id("status"),
        record.whole("quantity"),
        record.id("orderId"),
        record.flag("autoRenewEnabled"),
        record.instant("commitmentEndDateTime") or record.instant("commitmentEndDate"),
        record.instant("cancellationAllowedUntilDate") or _full_refund(record),
        record,
        record.text("termDuration").upper(),
        record.id("billingCycle"),
        record.text("friendlyName"),
        record.flag("isTrial"),
        record.id("parentSubscriptionId"),
        record.id("migratedFromSubscriptionId"),
        tuple(_scheduled(one) for one in record.records("scheduledActions")),
        record.record("attributes").text("etag"),
        tuple(_refundable(record)),
        record.text("partnerId"),
    )


def _scheduled(record: Record) -> Scheduled:
    # the two sources known for this field spell it differently
    at = record.text("scheduleType") or record.text("scheduledType")
    return Scheduled(record.text("actionType"), at, record.instant("effectiveDate"))


def _refundable(record: Record) -> Iterator[Refundable]:
    for part in record.record("refundableQuantity").records("details"):
        seats = part.whole("quantity")
        if seats:
            yield Refundable(seats, part.instant("allowedUntilDateTime"))


def _full_refund(record: Record) -> datetime | None:
    """Read the older way to say how long a purchase can be cancelled."""
    options = record.records("refundOptions")
    full = [one.instant("expiresAt") for one in options if one.id("type") == "full"]
    return max((one for one in full if one is not None), default=None)
