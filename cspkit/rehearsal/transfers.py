"""Transfers of subscriptions between partners; the other partner answers after a while."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cspkit.rehearsal import changes, relations
from cspkit.rehearsal.records import PARTNER_TENANT, Customer, Subscription
from cspkit.rehearsal.refusals import Refused

if TYPE_CHECKING:
    from cspkit.rehearsal.world import World

Json = dict[str, Any]
LIFETIME = timedelta(days=30)
OPEN = ("Pending", "Active", "InProgress")


def ask(world: World, customer: Customer, source: str, *, name: str, email: str) -> Json:
    """Ask another partner for its new-commerce subscriptions of a customer."""
    for other in world.transfers.values():
        if other["customer"] == customer.id and other["status"] in OPEN:
            raise Refused(900101, other["id"])
    made = _made(world, customer, source=source, target=PARTNER_TENANT)
    made |= {"status": "Pending", "type": 3, "name": name, "email": email}
    refused = world.draw("transfer", customer.id).random() < world.options.transfers_refused
    when = world.after(world.options.transfer, "transfer", made["id"])
    world.at(when, _answer, made["id"], refused)
    world.at(world.now + LIFETIME, _expire, made["id"])
    return made


def offer(world: World, customer: Customer, target: str, *, lines: list[Subscription]) -> Json:
    """Offer legacy subscriptions of ours to another partner."""
    for item in lines:
        reason = blocked(world, item)
        if reason:
            raise Refused(900102, item.id, reason)
    made = _made(world, customer, source=PARTNER_TENANT, target=target)
    made |= {"status": "Active", "type": 0, "lines": [item.id for item in lines]}
    world.at(world.now + LIFETIME, _expire, made["id"])
    return made


def offered(world: World, customer: Customer) -> Json:
    """Let another partner offer us what it sold to a customer; raises Refused when it sold none."""
    held = [s for s in world.subscriptions[customer.id].values() if s.channel == "csp_other"]
    theirs = [item for item in held if item.status == "active"]
    if not theirs:
        raise Refused(900100)
    source = theirs[0].owner_tenant or ""
    made = _made(world, customer, source=source, target=PARTNER_TENANT)
    lines = [item.id for item in theirs if item.owner_tenant == source]
    made |= {"status": "Active", "type": 0, "lines": lines, "name": "Other partner"}
    return made


def accept(world: World, transfer: Json) -> list[Subscription]:
    """Take over what another partner offered; what we offered ourselves is not ours to accept."""
    if transfer["target"] != PARTNER_TENANT or transfer["status"] != "Active":
        raise Refused(900102, transfer["id"], transfer["status"].lower())
    _complete(world, transfer["id"])
    held = world.subscriptions[transfer["customer"]]
    return [held[subscription_id] for subscription_id in transfer["lines"]]


def blocked(world: World, item: Subscription) -> str:
    """Say why a subscription cannot be transferred; empty when it can."""
    if item.status != "active":
        status = changes.PC_STATUS.get(item.status, item.status)
        return f"Subscription: {item.id.upper()} is in state: {status.capitalize()}"
    for other in world.transfers.values():
        if item.id in other["lines"] and other["status"] in OPEN:
            return f"subscription is already part of another transfer request id : {other['id']}"
    return ""


def find(world: World, customer: Customer, transfer_id: str) -> Json:
    """Find a transfer of a customer; raises Refused 900100."""
    found = world.transfers.get(transfer_id)
    if found is None or found["customer"] != customer.id:
        raise Refused(900100)
    return found


def withdraw(world: World, transfer: Json, status: str) -> None:
    """Cancel or reject a transfer that is not under way yet."""
    if transfer["status"] not in ("Pending", "Active"):
        raise Refused(900102, transfer["id"], transfer["status"].lower())
    _become(world, transfer, status)


def _made(world: World, customer: Customer, *, source: str, target: str) -> Json:
    made: Json = {
        "id": world.new_id("transfer"),
        "customer": customer.id,
        "source": source,
        "target": target,
        "created": world.now,
        "modified": world.now,
        "expires": world.now + LIFETIME,
        "lines": [],
        "name": "",
        "email": "",
    }
    world.transfers[made["id"]] = made
    return made


def _become(world: World, transfer: Json, status: str) -> None:
    transfer |= {"status": status, "modified": world.now}
    world.books.transfers.append(
        {
            "customer_id": transfer["customer"],
            "id": transfer["id"],
            "status": status,
            "at": world.now,
        }
    )


def _answer(world: World, transfer_id: str, refused: bool) -> None:
    """Let the other partner choose its lines, or refuse."""
    transfer = world.transfers[transfer_id]
    if transfer["status"] != "Pending":
        return
    held = world.subscriptions[transfer["customer"]].values()
    theirs = [item for item in held if item.owner_tenant == transfer["source"]]
    transfer["lines"] = [item.id for item in theirs if item.status == "active"]
    if refused or not transfer["lines"]:
        _become(world, transfer, "Reject")
        return
    _become(world, transfer, "InProgress")
    world.at(world.after(world.options.migration, "lines", transfer_id), _complete, transfer_id)


def _complete(world: World, transfer_id: str) -> None:
    """Make the subscriptions ours; nothing else about them changes."""
    transfer = world.transfers[transfer_id]
    for subscription_id in transfer["lines"]:
        item = world.subscriptions[transfer["customer"]][subscription_id]
        item.owner_tenant, item.channel = PARTNER_TENANT, "csp_nce"
        item.order_id = world.new_id("order").replace("-", "")[:12]
        item.availability_id = item.availability_id or "CFQ7TTC0MOVE"
        item.version += 1
    _become(world, transfer, "Complete")
    customer = world.customers[transfer["customer"]]
    relations.audit(world, customer, "transfer_subscription", resource="subscription")


def _expire(world: World, transfer_id: str) -> None:
    transfer = world.transfers[transfer_id]
    if transfer["status"] in ("Pending", "Active"):
        _become(world, transfer, "Expired")
