"""Originals of one customer in a rehearsal, their orders verified, and what became of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from cspkit import decisions
from cspkit.planning import PlannedMove
from cspkit.rehearsal.records import PARTNER_TENANT, Customer, Subscription
from tests.scene import MONDAY, Scene

ENDS = MONDAY + timedelta(days=25)
THEIRS = "5d1f6f3a-77c1-4c0e-9a54-0f5b0c6a1e01"


def original(scene: Scene, channel: str, *, seats: int = 10, users: int = 8) -> Subscription:
    """Turn the original of a customer with access into one of a channel that ends soon, alone."""
    customer = scene.with_access()
    found = scene.original(customer)
    assert found is not None
    sku_id = found.product.sku_id
    for other in scene.world.subscriptions[customer.id].values():
        if other is not found and other.product.sku_id == sku_id:
            other.status = "deleted"
    found.channel, found.seats, found.ends_on = channel, seats, ENDS
    found.starts_on, found.term, found.auto_renew = ENDS - timedelta(days=364), "P1Y", False
    owners = {"csp_nce": PARTNER_TENANT, "csp_other": THEIRS}
    found.owner_tenant, found.order_id = owners.get(channel), "f" * 12
    scene.world.consumed[customer.id, sku_id] = users
    scene.world.add(found)
    scene.world.consumed[customer.id, sku_id] = users
    return found


def customer_of(scene: Scene, found: Subscription) -> Customer:
    return scene.world.customers[found.customer_id]


def verified(scene: Scene, found: Subscription, rule: str, **changed: Any) -> None:
    """Order and verify the replacement of an original."""
    values = {"rule": rule, "seats": found.seats, "original_seats": found.seats, **changed}
    scene.plan(customer_of(scene, found), **values)
    assert scene.outcome("provision") == "done"
    assert scene.outcome("verify") == "done"


def typed(scene: Scene, found: Subscription, **cells: Any) -> None:
    """Type what a person has seen into the decisions."""
    decisions.fill(scene.settings.decisions, originals={found.id: cells})


def end_of(scene: Scene, found: Subscription) -> Any:
    with scene.ledger() as ledger:
        return ledger.end(found.customer_id, found.id)


def outbox(scene: Scene, kind: str) -> list[str]:
    folder = scene.settings.reports / "outbox"
    return sorted(path.name for path in folder.glob(f"*-{kind}*.eml"))


def gaps(scene: Scene, found: Subscription) -> list[dict[str, Any]]:
    """When the pool of an original had fewer seats than users."""
    sku_id = found.product.sku_id
    return [one for one in scene.books["gaps"] if one["sku_id"] == sku_id]


def twin(scene: Scene, found: Subscription) -> Subscription:
    """Give the customer a second original like this one."""
    other = replace(found, id="0f1e2d3c-4b5a-4678-9abc-def012345678", scheduled=[])
    scene.world.add(other)
    scene.world.consumed[found.customer_id, found.product.sku_id] = 8
    return other


def two_ordered(scene: Scene, channel: str) -> tuple[Subscription, list[PlannedMove]]:
    """Give one pool two originals of ten seats, each with an order of ten; return one, and both."""
    found = original(scene, channel)
    about = {"rule": f"{channel}_paid_month", "seats": 10, "original_seats": 10}
    both = [
        scene.move(customer_of(scene, found), subscription_ids=[one.id], **about)
        for one in (found, twin(scene, found))
    ]
    scene.moves = list(both)
    scene.save()
    for step in ("provision", "verify"):
        scene.run(step)
    return found, both


def three_of_one_pool(scene: Scene) -> list[Subscription]:
    """Three originals of ten seats, two of a batch and one of the next, 28 users, 25 new seats."""
    first = original(scene, "csp_nce", seats=10, users=28)
    first.auto_renew = True
    names = [f"0f1e2d3c-4b5a-4678-9abc-def01234567{number}" for number in (1, 2)]
    found = [first, *(replace(first, id=name, scheduled=[]) for name in names)]
    for one in found[1:]:
        scene.world.add(one)
    scene.world.consumed[first.customer_id, first.product.sku_id] = 28
    about = {"rule": "csp_nce_paid_month", "original_seats": 10, "expires_on": ENDS}
    scene.moves = [
        scene.move(
            customer_of(scene, first), subscription_ids=[one.id], seats=seats, batch=batch, **about
        )
        for one, seats, batch in zip(found, (10, 10, 5), ("B001", "B001", "B002"), strict=True)
    ]
    scene.save()
    for batch in ("B001", "B002"):
        for step in ("provision", "verify"):
            scene.run(step, batch=batch)
    return found
