"""The indirect model: the reseller of a customer on link and line, judged by the books."""

from __future__ import annotations

from typing import Any

import pytest

from cspkit import decisions, moves
from cspkit.rehearsal.records import MPN_ID, RESELLERS, Customer
from tests.scene import Scene

(SIGNED, (_, SIGNED_MPN)), (_, (NAME, UNSIGNED_MPN)) = RESELLERS.items()


def through(scene: Scene, customer: Customer, reseller: str | None) -> None:
    """Let people decide through whom a customer is served."""
    typed: dict[str, Any] = {customer.id: {"reseller_id": reseller}}
    decisions.fill(scene.settings.decisions, customers=typed)


@pytest.mark.parametrize("typed", [SIGNED_MPN, SIGNED, SIGNED.upper()])
def test_an_order_names_the_reseller_of_its_customer(scene: Scene, typed: str) -> None:
    """By partner number or tenant id; the order and the subscription are the reseller's."""
    mine, other = scene.ready(0), scene.ready(1)
    through(scene, mine, typed)
    scene.plan(mine, other)

    assert list(scene.run("provision")["outcome"]) == ["done", "done"]

    assert {order["customer_id"]: order["resellers"] for order in scene.orders} == {
        mine.id: [SIGNED_MPN],
        other.id: [],
    }
    sold = [
        one.partner_id
        for one in scene.world.subscriptions[mine.id].values()
        if one.order_id == scene.orders[0]["order_id"]
    ]
    assert sold == [SIGNED_MPN]


def test_nothing_is_bought_through_a_reseller_who_signed_nothing(scene: Scene) -> None:
    """The move waits with code and name, and no cart is made; after the signature it goes on."""
    customer = scene.ready()
    through(scene, customer, UNSIGNED_MPN)
    scene.plan(customer)

    shown = scene.run("provision")

    assert list(shown["outcome"]) == ["waiting"]
    assert shown["reason"][0].startswith(f"reseller_agreement_unsigned: {NAME} ({UNSIGNED_MPN})")
    assert scene.calls("POST") == 0
    through(scene, customer, SIGNED_MPN)
    assert scene.outcome("provision") == "done"


@pytest.mark.parametrize("step", ["invite", "provision"])
def test_a_stranger_is_nobodys_reseller(scene: Scene, step: str) -> None:
    """Neither invited nor ordered through somebody who is not ours."""
    customer = scene.unrelated() if step == "invite" else scene.ready()
    through(scene, customer, "9999999")
    scene.plan(customer)

    assert scene.reason(step).startswith("reseller_unknown: '9999999' is none of our resellers")
    assert scene.calls("POST") == 0


def test_an_invitation_carries_the_link_of_the_reseller(scene: Scene) -> None:
    """Each customer gets the link of its own reseller, and nobody another's."""
    mine, other = scene.unrelated(0), scene.unrelated(1)
    through(scene, mine, SIGNED_MPN)
    scene.plan(mine, other)

    scene.run("invite")

    outbox = scene.settings.reports / "outbox"
    texts = {one.name[:36]: one.read_text(encoding="utf-8") for one in outbox.glob("*.eml")}
    flat = {key: text.replace("=\n", "") for key, text in texts.items()}
    assert SIGNED in flat[mine.id]
    assert SIGNED not in flat[other.id]


def test_a_cart_of_another_reseller_is_dropped(scene: Scene) -> None:
    """A run died between cart and checkout, and people decided otherwise since."""
    customer = scene.ready()
    through(scene, customer, None)
    scene.plan(customer)
    work = moves.begin(
        "provision", plan=scene.plan_file, batch="B001", mode="rehearsal", settings=scene.settings
    )
    lease = work._desk.ledger.lease(customer.id, "who died")

    def dies(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    work._desk.ledger.send = dies  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        work._step.act(work._subjects[0], lease)
    work._desk.ledger.release_lease(lease)
    work._desk.close()
    assert scene.state() == "cart"
    through(scene, customer, SIGNED_MPN)

    assert scene.outcome("provision") == "done"
    (order,) = scene.orders
    assert order["resellers"] == [SIGNED_MPN]
    assert scene.calls("POST", "/carts") == 2


def test_a_sale_through_another_partner_is_not_verified(scene: Scene) -> None:
    """The subscription names its partner of record: another than decided waits for a person."""
    customer = scene.with_access()
    through(scene, customer, SIGNED_MPN)
    scene.plan(customer)
    scene.run("provision")
    subscription = scene.orders[0]["subscription_id"]
    scene.world.subscriptions[customer.id][subscription].partner_id = MPN_ID

    assert f"sold through partner {MPN_ID}, decided is {SIGNED_MPN}" in scene.reason("verify")
    scene.world.subscriptions[customer.id][subscription].partner_id = SIGNED_MPN
    assert scene.outcome("verify") == "done"


def test_without_resellers_nobody_asks_for_them(scene: Scene) -> None:
    """A direct partner pays no call for the indirect model."""
    scene.plan(scene.ready())
    scene.run("provision")

    assert scene.calls("GET", "/relationships") == scene.calls("GET", "/agreementstatus") == 0
