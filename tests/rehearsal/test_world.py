"""The world itself: who is in it, how its time passes, what its books say."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from cspkit.rehearsal import endings, lifecycle, seats
from cspkit.rehearsal.records import Subscription
from cspkit.rehearsal.world import World
from cspkit.tables import Channel


@pytest.fixture
def world() -> World:
    """The sample world."""
    return World.sample()


def everything(world: World) -> list[Subscription]:
    return [item for tenant in world.subscriptions.values() for item in tenant.values()]


def one(world: World, channel: str, *, auto_renew: bool) -> Subscription:
    """An active original of a channel, of a year, with users on its seats."""
    return next(
        item
        for item in everything(world)
        if item.channel == channel
        and item.status == "active"
        and item.assigned
        and item.auto_renew is auto_renew
        and (item.term == "P1Y" or channel in ("open", "ea", "mca_e"))
    )


def test_the_same_seed_gives_the_same_world() -> None:
    """A run over a seed can be repeated to the letter."""
    first, second = World.sample(seed=7, customers=40), World.sample(seed=7, customers=40)

    assert first.customers == second.customers
    assert first.subscriptions == second.subscriptions
    assert first.customers.keys() != World.sample(seed=8, customers=40).customers.keys()


def test_the_sample_has_its_promised_size(world: World) -> None:
    """About 900 originals of 250 customers, half of them related, in all channels."""
    originals = everything(world)

    assert len(world.customers) == 250
    assert 850 <= len(originals) <= 950
    assert 0.4 <= sum(customer.related for customer in world.customers.values()) / 250 <= 0.6
    assert set(Channel) - {Channel.UNKNOWN} == {item.channel for item in originals}
    assert {"ES", "IT", "FR", "DE", "PT", "US"} == {c.market for c in world.customers.values()}


def test_a_sample_is_quick_to_draw() -> None:
    """Thousands of rehearsals a night need a world in less than a second."""
    began = time.process_time()
    World.sample()

    assert time.process_time() - began < 1


def test_the_clock_only_moves_forward(world: World) -> None:
    """What happened cannot be undone by turning the clock back."""
    with pytest.raises(ValueError, match="only moves forward"):
        world.move_to(world.now - timedelta(seconds=1))
    with pytest.raises(ValueError, match="time zone"):
        world.move_to(datetime(2027, 1, 1))


@pytest.mark.parametrize("channel", ["direct_mosa", "direct_mca", "csp_other", "csp_nce"])
def test_auto_renew_starts_the_next_term(world: World, channel: str) -> None:
    """Who forgets the renewal pays for another term."""
    original = one(world, channel, auto_renew=True)
    ended = original.ends_on
    world.move_to(endings.day_after(ended))

    assert original.status == "active"
    assert lifecycle.term_end(ended + timedelta(days=1), "P1Y") == original.ends_on
    assert original.id in [entry["subscription_id"] for entry in world.books.renewals]


@pytest.mark.parametrize(("channel", "grace"), [("direct_mosa", 30), ("open", 30), ("ea", 90)])
def test_grace_keeps_the_seats_usable(world: World, channel: str, grace: int) -> None:
    """Where a channel has grace, users work on until its last day, then nobody does."""
    original = one(world, channel, auto_renew=False)
    last = original.ends_on + timedelta(days=grace)
    world.move_to(endings.day_after(last) - timedelta(seconds=1))

    assert original.status == "warning"
    world.move_to(endings.day_after(last))
    assert original.status == "disabled"


@pytest.mark.parametrize("channel", ["direct_mca", "csp_nce"])
def test_an_end_nobody_scheduled_becomes_a_paid_month(world: World, channel: str) -> None:
    """Auto-renew off alone does not end a subscription that has an extended service term."""
    original = one(world, channel, auto_renew=False)
    original.starts_on = max(original.starts_on, lifecycle.EXTENSION_DIRECT)
    world.move_to(endings.day_after(original.ends_on))

    assert (original.status, original.term, original.extended) == ("active", "P1M", True)


@pytest.mark.parametrize(
    ("channel", "starts_on", "ends_on", "after"),
    [
        ("direct_mca", date(2026, 2, 8), date(2027, 2, 7), "warning"),
        ("direct_mca", date(2026, 2, 9), date(2027, 2, 8), "active"),
        ("csp_nce", date(2025, 3, 31), date(2028, 3, 30), "warning"),
        ("csp_nce", date(2025, 4, 1), date(2028, 3, 31), "active"),
        ("csp_nce", date(2025, 5, 4), date(2026, 5, 3), "warning"),
        ("csp_other", date(2025, 5, 5), date(2026, 5, 4), "active"),
        ("csp_legacy", date(2026, 1, 1), date(2026, 12, 31), "disabled"),
        ("open", date(2024, 1, 1), date(2026, 12, 31), "warning"),
        ("mca_e", date(2024, 1, 1), date(2026, 12, 31), "warning"),
    ],
)
def test_the_date_of_a_term_decides_between_grace_and_a_paid_month(
    channel: str, starts_on: date, ends_on: date, after: str
) -> None:
    """Terms from before the extended service term keep their free month, to the day."""
    world = World(now=datetime(2026, 1, 1, tzinfo=UTC))
    original = one(World.sample(), channel, auto_renew=False)
    original.starts_on, original.ends_on, original.assigned = starts_on, ends_on, 0
    world.add(original)
    world.move_to(endings.day_after(ends_on) - timedelta(seconds=1))
    before = original.status
    world.move_to(endings.day_after(ends_on))

    assert ("active", after) == (before, original.status)


@pytest.mark.parametrize(("term", "grace"), [("P1Y", 30), ("P3Y", 90)])
def test_an_enterprise_agreement_of_years_has_a_longer_grace(
    world: World, term: str, grace: int
) -> None:
    """MCA-E: thirty days after a year, ninety after several."""
    original = one(world, "mca_e", auto_renew=False)
    original.term = term

    assert grace == original.rule.grace


def test_a_trial_never_renews(world: World) -> None:
    """A trial ends with its free month, whatever its auto-renew says."""
    original = one(world, "direct_mca", auto_renew=True)
    original.is_trial = True
    world.move_to(endings.day_after(original.ends_on))

    assert original.status == "warning"


def test_a_suspended_end_is_kept_four_months(world: World) -> None:
    """What is suspended when its term ends is disabled for thirty and ninety days."""
    original = one(world, "csp_nce", auto_renew=True)
    original.status = "suspended"
    last = original.ends_on + timedelta(days=120)
    world.move_to(endings.day_after(last) - timedelta(seconds=1))

    assert original.status == "disabled"
    world.move_to(endings.day_after(last))
    assert original.status == "deleted"


def test_the_next_term_is_as_it_was_asked_for(world: World) -> None:
    """Scheduled actions win over instructions; seats, cycle and term change at the renewal."""
    original = one(world, "csp_nce", auto_renew=True)
    original.next_term = {"quantity": 1}
    product = {"termDuration": "P1M", "billingCycle": "Monthly"}
    original.scheduled = [
        {
            "scheduleType": "TermEnd",
            "actionType": "RenewToNewTerm",
            "instructions": {"quantity": 7, "product": product},
        }
    ]
    world.move_to(endings.day_after(original.ends_on))

    assert (original.seats, original.term, original.cycle) == (7, "P1M", "monthly")
    assert (original.scheduled, original.next_term) == ([], {})


def test_a_paid_month_comes_even_when_asked_for(world: World) -> None:
    """An extended service term can be scheduled; the month costs three percent more, once."""
    original = one(world, "csp_nce", auto_renew=False)
    original.price = Decimal("100")
    action = {"scheduleType": "TermEnd", "actionType": "RenewToExtendedServiceTerm"}
    original.scheduled = [action]
    world.move_to(endings.day_after(original.ends_on))
    world.move_to(endings.day_after(original.ends_on))

    assert (Decimal("103.00"), True) == (original.price, original.extended)


def test_a_scheduled_cancel_ends_service_at_once(world: World) -> None:
    """With a cancel at term end there is neither grace nor a paid month."""
    original = one(world, "csp_nce", auto_renew=False)
    original.scheduled = [{"scheduleType": "TermEnd", "actionType": "Cancel"}]
    world.move_to(endings.day_after(original.ends_on))

    assert original.status == "disabled"


def test_users_without_seats_are_a_gap_in_the_books(world: World) -> None:
    """The books name the tenant, the product and since when users have no seat."""
    original = one(world, "csp_other", auto_renew=True)
    original.auto_renew = False
    original.scheduled = [{"actionType": "Cancel"}]
    ends = endings.day_after(original.ends_on)
    for other in world.subscriptions[original.customer_id].values():
        if other is not original and other.product == original.product:
            other.seats = 0
    world.move_to(ends)
    gaps = [
        gap
        for gap in world.books.gaps
        if (gap["customer_id"], gap["sku_id"]) == (original.customer_id, original.product.sku_id)
    ]

    assert [(ends, None)] == [(gap["since"], gap["until"]) for gap in gaps]


def test_no_gap_exists_before_anything_ends(world: World) -> None:
    """The sample starts with a seat for every licensed user."""
    for customer_id, tenant in world.subscriptions.items():
        for item in tenant.values():
            pool = (customer_id, item.product.sku_id)
            assert world.consumed[pool] <= seats.usable(world, *pool)


@pytest.mark.parametrize(
    ("first", "months", "last"),
    [
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 11, 30), 36, date(2029, 11, 30)),
    ],
)
def test_months_end_inside_the_month(first: date, months: int, last: date) -> None:
    """A term that starts on the 31st does not spill over into the month after."""
    assert last == lifecycle.add_months(first, months)


def test_a_year_passes_quickly(world: World) -> None:
    """A run over 365 days is not slowed down by the world."""
    began = time.process_time()
    world.move_to(datetime(2027, 11, 20, tzinfo=UTC))

    assert time.process_time() - began < 1
