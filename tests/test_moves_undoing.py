"""What we ordered is taken back while the service allows it, by two people; judged by the books."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cspkit import moves, runbooks
from cspkit.errors import PlanRefused, SettingsError
from cspkit.graph import Owned
from cspkit.ledger import Ledger
from cspkit.moves import Limits
from cspkit.moves.holdings import Tenant
from cspkit.moves.undoing import lost
from cspkit.partner_center import Subscription
from cspkit.planning import Plan
from cspkit.rehearsal import records
from cspkit.wire import Record
from tests.pools import gaps, original, two_ordered, verified
from tests.scene import Scene

NAMES = {"asked_by": "Ana Ruiz", "agreed_by": "Berta Gil"}
SUBSCRIPTION = "*/subscriptions/*"


@dataclass(frozen=True)
class At:
    """A clock that stands still."""

    instant: datetime

    def now(self) -> datetime:
        return self.instant


def undo(scene: Scene, mode: str = "rehearsal", **said: Any) -> pd.DataFrame:
    """Undo every move of the plan."""
    file = Path(scene.settings.root) / "these.csv"
    with file.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([["move_id"], *([one.move_id] for one in scene.moves)])
    work = moves.begin(
        "undo",
        plan=scene.plan_file,
        settings=scene.settings,
        mode=mode,
        limits=Limits(only=str(file)),
        said={**NAMES, **said},
    )
    try:
        return work.carry_out()
    finally:
        work.close()


def made(scene: Scene) -> records.Subscription:
    """The replacement, as it really is."""
    (order,) = scene.orders
    return scene.world.subscriptions[order["customer_id"]][order["subscription_id"]]


def ready(scene: Scene, **more: Any) -> records.Subscription:
    found = original(scene, "direct_mca", **more)
    verified(scene, found, "direct_mca_paid_month")
    return found


def test_an_order_is_cancelled_once_and_its_original_can_be_ordered_again(scene: Scene) -> None:
    """Cancelled in the books, undone in the ledger with both names; a newer plan orders anew."""
    found = ready(scene)

    assert list(undo(scene)["outcome"]) == ["done"]
    assert list(undo(scene)["outcome"]) == ["done"]
    assert (len(scene.books["cancellations"]), scene.calls("PATCH")) == (1, 1)
    assert (made(scene).status, scene.state()) == ("deleted", "undone")
    with scene.ledger() as ledger:
        (row,) = ledger.moves().to_dict("records")
        assert "asked by Ana Ruiz, agreed by Berta Gil" in row["reason"]
        assert list(ledger.outside_calls()["verb"])[-1].endswith("agreed by Berta Gil")
    assert gaps(scene, found) == []

    assert scene.outcome("provision") == "skipped"
    scene.moves = [scene.moves[0].model_copy(update={"seats": 9})]
    scene.later(minutes=5)
    scene.save(approve=False)
    with Ledger(scene.settings.ledger_url, clock=At(scene.server.now())) as ledger:
        ledger.approve(Plan.read(scene.plan_file).hash, by="berta", made_by="ana")
    assert scene.outcome("provision") == "done"
    assert [order["quantity"] for order in scene.orders] == [10, 9]


@pytest.mark.parametrize(
    "names",
    [
        {"agreed_by": " "},
        {"agreed_by": "RUÍZ, Ana"},
    ],
)
def test_one_person_is_not_two(scene: Scene, names: dict[str, str]) -> None:
    """Nothing is taken back on the word of one: not in another spelling either."""
    ready(scene)

    with pytest.raises(PlanRefused, match=r"two names|somebody else must agree"):
        undo(scene, **names)
    assert (scene.calls("PATCH"), made(scene).status) == (0, "active")


def test_the_moves_are_named(scene: Scene) -> None:
    """A whole batch is never undone by a slip."""
    ready(scene)

    with pytest.raises(SettingsError, match="undo needs a csv that names the moves"):
        moves.begin(
            "undo",
            plan=scene.plan_file,
            settings=scene.settings,
            mode="rehearsal",
            batch="B001",
            said=NAMES,
        )


def test_the_window_is_the_services_own(scene: Scene) -> None:
    """After it nothing is sent, and its last instant is said."""
    ready(scene)
    until = made(scene).cancel_until
    assert until is not None
    scene.later(days=8)
    shown = undo(scene)

    assert list(shown["outcome"]) == ["skipped"]
    assert f"could be cancelled until {until:%Y-%m-%d %H:%M:%S} UTC" in shown["reason"][0]
    assert (scene.calls("PATCH"), scene.state()) == (0, "verified")


def test_seats_that_are_needed_stay(scene: Scene) -> None:
    """The pool without the order has to cover what is in use, blocked accounts included."""
    found = ready(scene)
    scene.world.consumed[found.customer_id, found.product.sku_id] = 13
    shown = undo(scene)

    assert list(shown["outcome"]) == ["human"]
    assert "3 seats would be missing without it" in shown["reason"][0]
    assert (scene.calls("PATCH"), made(scene).status) == (0, "active")


def test_of_two_orders_only_the_seats_to_spare_go(scene: Scene) -> None:
    """Within one run the second is judged by what the first one left, and nobody lacks a seat."""
    found, _ = two_ordered(scene, "direct_mca")
    scene.world.consumed[found.customer_id, found.product.sku_id] = 25

    assert list(undo(scene)["outcome"]) == ["done", "human"]
    assert (len(scene.books["cancellations"]), gaps(scene, found)) == (1, [])


def test_the_ends_of_other_moves_take_seats_too(scene: Scene) -> None:
    """Two orders carry twenty users once both originals ended: neither can be taken back."""
    found, both = two_ordered(scene, "csp_nce")
    scene.world.consumed[found.customer_id, found.product.sku_id] = 20
    assert list(scene.run("retire")["outcome"]) == ["done", "done"]
    scene.moves = both[:1]

    assert "10 seats would be missing" in undo(scene)["reason"][0]
    assert scene.books["cancellations"] == []


def test_an_order_that_the_tenant_lists_by_another_id_takes_its_seats_along() -> None:
    """Its name is not there to be left out, so its seats are taken from the pool."""
    sold = Subscription("theirs", "", "active", 10, *("", None, None, None), Record(None))
    listed = Owned("graph", "theirs", "sku", "enabled", 10, None)

    assert lost(Tenant((sold,), (listed,)), sold, 0) == (frozenset({"theirs"}), 0)
    assert lost(Tenant((sold,), (replace(listed, commerce_id="x"),)), sold, 0) == (frozenset(), 10)
    assert lost(Tenant((sold,), (listed,)), sold, 8) == (frozenset(), 2)


def test_an_original_whose_end_is_scheduled_covers_nobody(scene: Scene) -> None:
    """Its replacement is all that is left, however many seats are enabled today."""
    found = original(scene, "csp_nce")
    verified(scene, found, "csp_nce_paid_month")
    assert scene.outcome("retire") == "done"

    assert "8 seats would be missing" in undo(scene)["reason"][0]
    assert made(scene).status == "active"


def test_an_original_that_ends_before_a_new_order_could_come_covers_nobody(scene: Scene) -> None:
    """Two days before the end nothing new is verified in time."""
    found = ready(scene)
    found.ends_on = date(2026, 11, 25)

    assert list(undo(scene)["outcome"]) == ["human"]


def test_an_unread_pool_keeps_the_order(scene: Scene) -> None:
    """Without a look into the tenant nobody knows who would miss the seats."""
    found = ready(scene)
    for access in scene.world.access_of[found.customer_id]:
        access.status = "terminated"

    assert list(undo(scene)["outcome"]) == ["waiting"]
    assert made(scene).status == "active"


def test_seats_are_given_back_within_what_the_service_takes(scene: Scene) -> None:
    """The subscription has fewer seats, the ledger knows, and the move goes on as it was."""
    found = ready(scene)

    assert list(undo(scene, seats=8)["outcome"]) == ["done"]
    assert (made(scene).seats, scene.state(), scene.calls("PATCH")) == (8, "verified", 1)
    with scene.ledger() as ledger:
        assert list(ledger.moves()["seats"]) == [8]
        assert "resized" in set(ledger.events()["kind"])
    assert list(undo(scene, seats=8)["outcome"]) == ["skipped"]
    assert "end_scheduled_on" in scene.reason("retire")
    assert gaps(scene, found) == []


def test_seats_that_the_service_keeps_are_said_with_their_date(scene: Scene) -> None:
    """Its refundable quantity decides, not our calendar."""
    ready(scene)
    made(scene).cancel_until = scene.server.now() - timedelta(hours=1)
    shown = undo(scene, seats=8)

    assert list(shown["outcome"]) == ["skipped"]
    assert "the service takes back no seats, asked for 2" in shown["reason"][0]
    assert scene.calls("PATCH") == 0


@pytest.mark.parametrize("fault", ["lost", "after"])
def test_a_lost_answer_is_read_back(scene: Scene, fault: str) -> None:
    """Whatever became of the call, the next run finds out and cancels at most once."""
    ready(scene)
    scene.fault(fault, SUBSCRIPTION, method="PATCH")
    undo(scene)

    assert list(undo(scene)["outcome"]) == ["done"]
    assert (len(scene.books["cancellations"]), scene.state()) == (1, "undone")


def test_what_was_cancelled_before_the_ledger_knew_is_noted(scene: Scene) -> None:
    """A run that died after the call: nothing is sent again."""
    ready(scene)
    made(scene).status = "deleted"

    assert list(undo(scene)["outcome"]) == ["done"]
    assert (scene.calls("PATCH"), scene.state()) == (0, "undone")


def test_nothing_ordered_is_nothing_to_undo(scene: Scene) -> None:
    """A move that was never sent is left alone."""
    scene.plan(scene.with_access())

    assert list(undo(scene)["outcome"]) == ["skipped"]
    assert scene.calls("PATCH") == 0


def test_a_dry_run_asks_for_no_names_and_shows_the_arithmetic(scene: Scene) -> None:
    """What would be cancelled, until when, and what the pool would have left."""
    ready(scene)
    shown = undo(scene, mode="dry", asked_by="", agreed_by="")

    assert list(shown["outcome"]) == ["dry"]
    assert (
        "would cancel" in shown["reason"][0] and "possible until 2026-11-30" in shown["reason"][0]
    )
    assert "20 seats - 10 that end by" in shown["reason"][0]
    assert (scene.calls("PATCH"), scene.state()) == (0, "verified")


def test_the_command_takes_both_names_and_a_file(scene: Scene) -> None:
    """`cspkit run undo` through its notebook: done with two names, refused in one line with one."""
    ready(scene)
    file = Path(scene.settings.root) / "these.csv"
    file.write_text(f"move_id\n{scene.moves[0].move_id}\n", encoding="utf-8")
    about: dict[str, Any] = {"plan": scene.plan_file, "settings": scene.settings, "only": file}

    with pytest.raises(PlanRefused, match="undo needs two names, agreed_by is ''"):
        runbooks.run("undo", mode="rehearsal", said={"asked_by": "Ana Ruiz"}, **about)
    assert not (scene.settings.reports / "receipts").exists()
    receipt = runbooks.run("undo", mode="rehearsal", said=NAMES, **about)

    assert receipt.counts == {"done": 1}
    assert (made(scene).status, scene.state()) == ("deleted", "undone")
