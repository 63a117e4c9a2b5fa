"""PATCH of a subscription: whole resource in, one kind of change out, with its windows."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from cspkit.rehearsal import relations
from cspkit.rehearsal.endings import WINDOW, expect
from cspkit.rehearsal.lifecycle import MONTHS, term_end
from cspkit.rehearsal.records import Customer, Subscription
from cspkit.rehearsal.refusals import Refused

if TYPE_CHECKING:
    from cspkit.rehearsal.world import World

PC_STATUS = {"warning": "expired"}
ACTIONS = ("Cancel", "RenewToNewTerm", "RenewToExtendedServiceTerm", "Transition")
SCHEDULES = ("TermEnd", "CustomDate")
CYCLES = ("monthly", "annual", "triennial", "none", "one_time")
_LASTING = ("active", "suspended")
_ACTION = ("effectiveDate", "instructions")
_PRODUCT = ("productId", "skuId", "availabilityId", "billingCycle", "termDuration", "promotionId")
_OPERATIONS = {
    "active": "activate_subscription",
    "suspended": "suspend_subscription",
    "deleted": "cancel_subscription",
}


def find(world: World, customer: Customer, subscription_id: str) -> Subscription:
    """Find a subscription that our partner sold and that is visible; raises Refused 20003."""
    for subscription in sold_by_us(world, customer):
        if subscription.id == subscription_id:
            return subscription
    raise Refused(20003, subscription_id)


def sold_by_us(world: World, customer: Customer) -> list[Subscription]:
    """List what Partner Center shows of a tenant, in a stable order."""
    ours = [found for found in world.originals(customer.id) if found.ours]
    return sorted(ours, key=lambda found: (found.created, found.id))


def etag(subscription: Subscription) -> str:
    """Give the etag of a legacy subscription; new commerce has none."""
    if subscription.channel != "csp_legacy":
        return ""
    text = json.dumps(
        {"id": subscription.id, "version": subscription.version}, separators=(",", ":")
    )
    return base64.b64encode(text.encode()).decode()


def apply(
    world: World,
    customer: Customer,
    subscription: Subscription,
    *,
    body: dict[str, Any],
    tag: str,
) -> None:
    """Apply a PATCH; what the body leaves out is reset, auto-renew to off.

    Raises Refused with the documented code, and then nothing has changed.
    """
    _check_etag(subscription, body, tag)
    status = _word(body, "status", PC_STATUS.get(subscription.status, subscription.status))
    seats = subscription.seats if body.get("quantity") is None else body["quantity"]
    renew = body.get("autorenewenabled") or False
    if type(seats) is not int or not isinstance(renew, bool):
        raise Refused(2000, "quantity and autoRenewEnabled")
    scheduled, next_term = _scheduled(body), _next_term(body)
    cycle = _word(body, "billingcycle", subscription.cycle).lower()
    partner_id = _word(body, "partnerid", subscription.partner_id)
    name = _word(body, "friendlyname", subscription.friendly_name)
    before = PC_STATUS.get(subscription.status, subscription.status)
    if before == "deleted":
        raise Refused(2011, subscription.id)
    if status != before:
        _change_status(world, customer, subscription, before=before, after=status)
        return
    if before == "suspended":
        raise Refused(2001) if seats != subscription.seats else Refused(800091)
    if before not in _LASTING:
        raise Refused(900279)
    if subscription.channel == "csp_legacy" and cycle != subscription.cycle:
        raise Refused(2054)
    if subscription.is_trial and renew:
        raise Refused(800093)
    if seats != subscription.seats:
        _change_seats(world, customer, subscription, seats)
        # whatever was planned for the end of the term is gone, and nobody says so
        scheduled, next_term = [], {}
    term = _word(body, "termduration", subscription.term)
    if subscription.channel == "csp_nce" and (term, cycle) != (
        subscription.term,
        subscription.cycle,
    ):
        _change_term(world, subscription, term, cycle)
        scheduled, next_term = [], {}
    subscription.auto_renew = renew
    subscription.scheduled, subscription.next_term = scheduled, next_term
    subscription.friendly_name, subscription.partner_id = name, partner_id
    subscription.version += 1
    _audit(world, customer, "update_subscription", subscription)


def _change_term(world: World, subscription: Subscription, term: str, cycle: str) -> None:
    """Begin a term that is no shorter today, or go on with another billing cycle."""
    if subscription.is_trial:
        raise Refused(800107)
    if term not in MONTHS:
        raise Refused(800121)
    if MONTHS[term] < MONTHS[subscription.term]:
        raise Refused(800122)
    if term not in [duration for duration, _ in subscription.product.terms]:
        raise Refused(800121)
    if (term, cycle) not in subscription.product.terms:
        raise Refused(2000, "billingCycle")
    subscription.cycle = cycle
    if term != subscription.term:
        subscription.term, subscription.starts_on = term, world.now.date()
        subscription.ends_on = term_end(subscription.starts_on, term)
        expect(world, subscription)


def refundable(world: World, subscription: Subscription) -> list[tuple[int, str]]:
    """List the seats that can still be taken away, each with the end of its window.

    They are the first seats while the purchase or the renewal can be cancelled, and each addition
    of the last seven days.
    """
    added = [
        (seats, since + WINDOW)
        for seats, since in subscription.added
        if since + WINDOW > world.now and seats > 0
    ]
    until, first = subscription.cancel_until, subscription.seats - sum(seats for seats, _ in added)
    if until is not None and until > world.now and first > 0:
        added.insert(0, (first, until))
    return [(seats, end.isoformat()) for seats, end in added]


def _check_etag(subscription: Subscription, body: dict[str, Any], tag: str) -> None:
    attributes = body.get("attributes")
    found = attributes if isinstance(attributes, dict) else {}
    inside = next((value for key, value in found.items() if key.lower() == "etag"), "")
    for given in (tag.strip('"'), inside):
        if given and given != etag(subscription) and subscription.channel == "csp_legacy":
            raise Refused(2055)


def _word(body: dict[str, Any], name: str, default: str) -> str:
    # the documents send null for what they leave as it is
    value = default if body.get(name) is None else body[name]
    if not isinstance(value, str):
        raise Refused(2000, name)
    return value.lower() if name == "status" else value


def _scheduled(body: dict[str, Any]) -> list[dict[str, Any]]:
    actions = body.get("scheduledactions") or []
    if not isinstance(actions, list) or len(actions) > 1:
        raise Refused(2000, "scheduledActions")
    return [_action(action) for action in actions]


def _action(sent: object) -> dict[str, Any]:
    """Read one scheduled action, its names and words in any case; raises Refused."""
    action = named(sent, ("actionType", "scheduleType", "scheduledType", *_ACTION))
    kind = _spelt(action.get("actionType"), ACTIONS)
    # two spellings are in use, and both are understood
    key = "scheduleType" if "scheduleType" in action else "scheduledType"
    when = _spelt(action.get(key), SCHEDULES)
    if not kind or not when:
        raise Refused(2000, "scheduledActions")
    found = {**action, "actionType": kind, key: when}
    if action.get("instructions"):
        found["instructions"] = _instructions(action["instructions"])
    return found


def _spelt(word: object, known: tuple[str, ...]) -> str:
    return next((one for one in known if one.lower() == str(word).lower()), "")


def named(sent: object, names: tuple[str, ...]) -> dict[str, Any]:
    """Give an object of a body the names of the documents, which count in any case."""
    if not isinstance(sent, dict):
        raise Refused(2000, names[0])
    known = {name.lower(): name for name in names}
    return {known.get(str(key).lower(), str(key)): value for key, value in sent.items()}


def _next_term(body: dict[str, Any]) -> dict[str, Any]:
    asked = body.get("schedulednextterminstructions")
    return _instructions(asked) if asked else {}


def _instructions(sent: object) -> dict[str, Any]:
    """Read what the next term shall be; raises Refused."""
    problem = Refused(2000, "instructions for the next term")
    asked = named(sent, ("quantity", "product", "customTermEndDate"))
    product = named(asked.get("product") or {}, _PRODUCT)
    seats = asked.get("quantity", 1)
    if type(seats) is not int or not 1 <= seats <= 10_000_000:
        raise problem
    if product.get("termDuration", "P1Y") not in tuple(MONTHS):
        raise problem
    if str(product.get("billingCycle", "monthly")).lower() not in CYCLES:
        raise problem
    return {**asked, "product": product} if product else asked


def _change_status(
    world: World, customer: Customer, subscription: Subscription, *, before: str, after: str
) -> None:
    new_commerce = subscription.channel == "csp_nce"
    if after == "deleted":
        until = subscription.cancel_until
        closed = until is None or until <= world.now
        # an extended service term can be left any day
        if new_commerce and closed and not subscription.extended:
            raise Refused(900117, WINDOW.days)
        world.books.cancellations.append(
            {
                "customer_id": customer.id,
                "subscription_id": subscription.id,
                "order_id": subscription.order_id,
                "seats": subscription.seats,
                "at": world.now,
            }
        )
    elif (before, after) not in {("active", "suspended"), ("suspended", "active")}:
        raise Refused(800040, after, before)
    subscription.status = after
    subscription.version += 1
    if after == "suspended":
        subscription.auto_renew = False
    world.note_seats(customer.id, subscription.product.sku_id)
    _audit(world, customer, _OPERATIONS[after], subscription)


def _audit(world: World, customer: Customer, operation: str, subscription: Subscription) -> None:
    words = {"resource": "subscription", "SubscriptionId": subscription.id}
    relations.audit(world, customer, operation, **words)


def _change_seats(world: World, customer: Customer, subscription: Subscription, seats: int) -> None:
    if not 1 <= seats <= subscription.product.max_seats:
        raise Refused(2002)
    change = seats - subscription.seats
    if change > 0:
        subscription.added.append((change, world.now))
    elif subscription.channel == "csp_nce":
        _give_back(world, subscription, -change)
    world.books.seat_changes.append(
        {
            "customer_id": customer.id,
            "subscription_id": subscription.id,
            "before": subscription.seats,
            "after": seats,
            "at": world.now,
        }
    )
    subscription.seats = seats
    world.note_seats(customer.id, subscription.product.sku_id)


def _give_back(world: World, subscription: Subscription, seats: int) -> None:
    """Take back seats added within the window, the newest first; the first ones by the term's."""
    open_windows = [
        (count, since) for count, since in subscription.added if since + WINDOW > world.now
    ]
    until = subscription.cancel_until
    first_too = until is not None and until > world.now
    if not open_windows and not first_too:
        raise Refused(800090)
    if seats > sum(count for count, _ in open_windows) and not first_too:
        raise Refused(900257, WINDOW.days)
    left: list[tuple[int, Any]] = []
    for count, since in reversed(open_windows):
        taken = min(count, seats)
        seats -= taken
        if count > taken:
            left.append((count - taken, since))
    subscription.added = left[::-1]
