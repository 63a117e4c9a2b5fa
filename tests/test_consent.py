"""Nothing is ordered that the customer did not accept, judged by the rehearsal's books."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from cspkit.exports import load
from cspkit.moves.consent import CELLS
from cspkit.partner_center import PriceSheets
from cspkit.planning import Plan
from cspkit.policy import Policy
from cspkit.wire import FixedTokens, dial_price_sheets
from tests import scene as scenes
from tests.scene import MONDAY, Scene


@pytest.fixture(scope="module")
def shared() -> Iterator[Scene]:
    """One service for the refusals: none of them may leave an order."""
    with scenes.scene() as made:
        yield made


def policy(scene: Scene, **fields: Any) -> None:
    """Let the team choose otherwise."""
    scene.settings = scene.settings.model_copy(update={"policy": Policy(**fields)})


def refused(scene: Scene, **which: Any) -> str:
    """Run the only move; give the reason it was skipped for, once the books show no order."""
    shown = scene.run("provision", **which)

    assert list(shown["outcome"]) == ["skipped"]
    assert scene.orders == []
    return str(shown["reason"][0])


@pytest.mark.parametrize("cell", CELLS)
def test_without_any_one_cell_of_the_consent_nothing_is_ordered(shared: Scene, cell: str) -> None:
    """Offer, term, cycle, seats, price, currency, by whom, when, reference: each is needed."""
    shared.plan(shared.ready())
    typed: dict[str, Any] = {"sale_price": None} if cell == "currency" else {}
    shared.consent(**typed, **{cell: None})

    reason = refused(shared)
    assert reason.startswith("consent_missing: ")
    assert cell in reason


def test_several_orders_share_what_was_accepted(scene: Scene) -> None:
    """Two parts of five seats are ten, whatever each of them is by itself."""
    customer = scene.ready()
    scene.moves = [scene.move(customer, seats=5, part=part) for part in (1, 2)]
    scene.save()
    scene.consent(seats=9)
    first = scene.run("provision")

    assert (list(first["outcome"]), scene.orders) == (["skipped", "skipped"], [])
    assert "seats planned 10 in 2 orders, accepted by Carmen 9" in first["reason"][0]
    scene.consent()
    assert list(scene.run("provision")["outcome"]) == ["done", "done"]


def test_a_workspace_without_decisions_orders_nothing(shared: Scene) -> None:
    """No workbook is no consent."""
    shared.plan(shared.ready())
    shared.settings.decisions.unlink()

    assert refused(shared).startswith("consent_missing: decisions.xlsx says no target_offer")


def test_a_dry_run_says_that_the_consent_is_missing(shared: Scene) -> None:
    """Operators learn it before the day of the order."""
    shared.plan(shared.ready())
    shared.consent(consent_reference=None)

    assert "no consent_reference" in refused(shared, mode="dry")


def test_a_consent_of_tomorrow_is_none(shared: Scene) -> None:
    """Nobody accepts in advance."""
    shared.plan(shared.ready())
    shared.consent(consent_on=date(2026, 11, 24))

    assert "not yet" in refused(shared)


@pytest.mark.parametrize(
    ("planned", "accepted", "found"),
    [
        ({}, {"target_offer": "CFQ7TTC0LCHC:0002"}, "consent_differs: target_offer"),
        ({}, {"term": "P3Y"}, "consent_differs: term planned P1Y, accepted P3Y"),
        ({}, {"billing_cycle": "annual"}, "consent_differs: billing_cycle"),
        ({"seats": 9}, {"seats": 8}, "consent_exceeded: seats planned 9, accepted by Carmen 8"),
        (
            {},
            {"customer_id": "0badf00d-0000-4000-8000-000000000000"},
            "consent_differs: 0badf00d-0000-4000-8000-000000000000 accepted original",
        ),
        (
            {"sale_price": Decimal("12.51"), "sale_currency": "EUR"},
            {},
            "consent_exceeded: price planned 12.51, accepted by Carmen 12.5",
        ),
        (
            {"sale_price": Decimal("12.50"), "sale_currency": "USD"},
            {},
            "consent_exceeded: currency planned USD, accepted by Carmen EUR",
        ),
    ],
)
def test_what_goes_beyond_the_consent_goes_back_to_the_customer(
    shared: Scene, planned: dict[str, Any], accepted: dict[str, Any], found: str
) -> None:
    """Another offer, more seats or a higher price is not what was accepted."""
    shared.plan(shared.ready(), **planned)
    shared.consent(**accepted)

    assert refused(shared).startswith(found)


def test_fewer_seats_and_a_lower_price_are_within_the_consent(scene: Scene) -> None:
    """Who accepted more accepted less."""
    scene.plan(scene.ready(), seats=7, sale_price=Decimal("12.00"), sale_currency="EUR")
    scene.consent(seats=8)

    assert scene.outcome("provision") == "done"
    assert [order["quantity"] for order in scene.orders] == [7]


def test_one_move_without_consent_holds_up_no_other(scene: Scene) -> None:
    """The batch goes on; the customer who did not accept has no order in the books."""
    one, other = scene.ready(0), scene.ready(1)
    scene.plan(one, other)
    scene.moves = scene.moves[:1]
    scene.consent(consent_by=None)

    shown = scene.run("provision")

    assert sorted(shown["outcome"]) == ["done", "skipped"]
    assert [other.id] == [order["customer_id"] for order in scene.orders]


def test_a_consent_typed_later_lets_the_same_plan_go_on(scene: Scene) -> None:
    """The plan need not be made again for a consent that fits it."""
    scene.plan(scene.ready())
    scene.consent(consent_by=None)
    scene.run("provision")
    scene.consent()

    assert scene.outcome("provision") == "done"


@pytest.mark.parametrize(
    "explicit", [{"custom_term_end": date(2027, 6, 30)}, {"auto_renew": False}]
)
def test_what_our_order_cannot_say_is_left_to_a_person(
    shared: Scene, explicit: dict[str, Any]
) -> None:
    """An explicit end of the term, or no renewal, is never dropped in silence."""
    shared.plan(shared.ready(), **explicit)

    assert refused(shared).startswith("by_hand: ")


def test_seats_added_since_the_plan_are_in_no_consent(scene: Scene) -> None:
    """The tenant shows more seats than were seen: that move is left alone, with both numbers."""
    customer = scene.with_access()
    live = scene.original(customer)
    assert live is not None
    scene.plan(customer, original_seats=live.seats - 1)
    scene.run("access")
    found = f"drifted: the originals now have {live.seats} seats, {live.seats - 1} were seen"
    assert found in refused(scene)

    scene.plan(customer, original_seats=live.seats + 1)
    assert scene.outcome("provision") == "done"


# --- Caps ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fields", "move", "found"),
    [
        ({"max_seats": 8}, {"seats": 9}, "over_cap: the plan needs policy.max_seats = 9"),
        ({"max_seats_per_customer": 8}, {"seats": 9}, "max_seats_per_customer = 9"),
        ({"max_amount": 100}, {"amount": Decimal("100.01")}, "max_amount = 100.01"),
        ({"max_amount_per_customer": 100}, {"amount": Decimal(101)}, "max_amount_per_customer"),
        ({"max_amount": 100}, {}, "price_unknown: a cap on amounts applies"),
    ],
)
def test_nothing_is_ordered_above_a_cap(
    shared: Scene, fields: dict[str, Any], move: dict[str, Any], found: str
) -> None:
    """The caps of the day of the run hold, also for a plan made before them."""
    shared.plan(shared.ready(), **move)
    before = shared.settings
    policy(shared, **fields)
    try:
        assert found in refused(shared)
    finally:
        shared.settings = before


def test_a_plan_within_its_caps_is_ordered(scene: Scene) -> None:
    """A cap stops only what is above it."""
    scene.plan(scene.ready(), seats=8, amount=Decimal(100))
    policy(scene, max_seats=8, max_amount=100, max_seats_per_customer=8)

    assert scene.outcome("provision") == "done"


def test_a_price_of_a_list_that_ended_is_not_ordered_at(shared: Scene) -> None:
    """What it costs today is not known any more."""
    shared.plan(shared.ready(), price_valid_to=date(2026, 11, 22))

    assert refused(shared).startswith("price_ended: ")


def without_sheets(scene: Scene) -> None:
    """Let the service refuse us its price sheets, as it does without the role for them."""
    fault = {"kind": "before", "status": 403, "code": 2032, "times": None}
    scene.server.gate.faults.add({**fault, "route": "*pricesheets*"})


# --- Margin -------------------------------------------------------------------------------------
THIN = {"unit_cost": Decimal("12.00"), "cost_currency": "EUR"}


@pytest.mark.parametrize(
    ("move", "found"),
    [(THIN, "margin_low: 4.0 % is left, at least 10 % is asked for"), ({}, "margin is unknown")],
)
def test_a_margin_below_the_policy_needs_the_manager(
    shared: Scene, move: dict[str, Any], found: str
) -> None:
    """12.50 for what costs 12.00 leaves 4 %, and an unknown margin is not enough either."""
    shared.plan(shared.ready(), **move)
    before = shared.settings
    policy(shared, min_margin_percent=10)
    try:
        reason = refused(shared)
        assert found in reason and "manager" in reason
    finally:
        shared.settings = before


def test_a_manager_can_accept_a_low_margin(scene: Scene) -> None:
    """Only one of the policy's managers, and only by saying so."""
    without_sheets(scene)
    scene.plan(scene.ready(), **THIN)
    policy(scene, min_margin_percent=10, managers=("Marta",))
    plan = Plan.read(scene.plan_file)
    with scene.ledger() as ledger:
        ledger.approve(plan.hash, by="Pablo", made_by="ana", margins=True)
        ledger.approve(plan.hash, by="Marta", made_by="ana")
    assert "margin_low" in refused(scene)

    with scene.ledger() as ledger:
        ledger.approve(plan.hash, by="marta", made_by="ana", margins=True)
    assert scene.outcome("provision") == "done"


def test_a_margin_in_another_currency_goes_by_the_rates(scene: Scene) -> None:
    """12.50 EUR for what costs 10 USD, at 0.90 EUR for one USD, leaves 28 %."""
    without_sheets(scene)
    scene.plan(scene.ready(), unit_cost=Decimal(10), cost_currency="USD")
    policy(scene, min_margin_percent=28, currency="EUR", rates={"USD": Decimal("0.90")})

    assert scene.outcome("provision") == "done"


@pytest.mark.parametrize(("days", "outcome"), [(14, "done"), (15, "skipped")])
def test_nothing_is_ordered_on_old_facts(scene: Scene, days: int, outcome: str) -> None:
    """Facts of more than 14 days, of a tenant that does not show itself, are loaded anew first."""
    scene.plan(scene.ready(), seen_on=MONDAY - timedelta(days=days))

    (row,) = scene.run("provision").to_dict("records")

    assert row["outcome"] == outcome
    assert len(scene.orders) == int(outcome == "done")
    assert ("stale_facts" in row["reason"]) == (outcome == "skipped")


def test_a_live_look_stands_for_a_new_export(scene: Scene) -> None:
    """Where the tenant shows the original today, the age of the export does not matter."""
    customer = scene.with_access()
    scene.plan(customer, seen_on=MONDAY - timedelta(days=90))
    scene.run("access")

    assert scene.outcome("provision") == "done"
    assert len(scene.orders) == 1


# --- What it costs us today -----------------------------------------------------------------------
def sheet_price(scene: Scene, offer: str) -> tuple[Decimal, str]:
    """The cost of a year, paid monthly, on the rehearsal's own sheet of Spain."""
    wire = dial_price_sheets(scene.settings.service, FixedTokens())
    file = scene.settings.root / "sheet.csv"
    PriceSheets(wire, scene.settings.service.partner_tenant).download("ES", file)
    (price,) = (
        row
        for row in load(file).table("prices").to_pyarrow().to_pylist()
        if (row["target_offer"], row["term"], row["billing_cycle"]) == (offer, "P1Y", "monthly")
    )
    return price["unit_price"], price["currency"]


@pytest.mark.parametrize(
    ("planned_at", "outcome"), [("0", "done"), ("0.01", "done"), ("-0.01", "skipped")]
)
def test_a_cost_that_rose_since_the_plan_orders_nothing(
    scene: Scene, planned_at: str, outcome: str
) -> None:
    """The sheet of the day is read at the run; a lower price is fine, a higher one is shown."""
    customer = next(one for one in map(scene.ready, range(9)) if one.market == "ES")
    original = scene.original(customer)
    assert original is not None
    price, currency = sheet_price(scene, original.product.offer)
    seen = {"unit_cost": price + Decimal(planned_at), "cost_currency": currency}
    scene.plan(customer, **seen)

    (row,) = scene.run("provision").to_dict("records")

    assert row["outcome"] == outcome
    assert len(scene.orders) == int(outcome == "done")
    assert ("price_changed" in row["reason"]) == (outcome == "skipped")


def test_an_offer_that_left_the_sheet_is_a_change(scene: Scene) -> None:
    """What is not in the price sheet of the day is not ordered at the old price."""
    customer = next(one for one in map(scene.ready, range(9)) if one.market == "ES")
    scene.plan(customer, unit_cost=Decimal(10), cost_currency="CHF")

    (row,) = scene.run("provision").to_dict("records")

    assert row["outcome"] == "skipped"
    assert "the price sheet of today has no" in row["reason"]


def test_who_may_not_read_price_sheets_orders_by_the_planned_cost(scene: Scene) -> None:
    """The sheet in the plan holds until its own end; nothing else says that the price changed."""
    scene.plan(scene.ready(), unit_cost=Decimal(10), cost_currency="EUR")
    without_sheets(scene)

    assert scene.outcome("provision") == "done"
