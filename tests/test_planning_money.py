"""What a plan costs, in one currency, within caps, and beside two simpler ways to choose days."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cspkit import planning, tables
from cspkit.decisions import Decisions
from cspkit.errors import SettingsError
from cspkit.exports import Exports
from cspkit.planning import Plan
from cspkit.planning.caps import left_out
from cspkit.policy import Policy, Workdays
from cspkit.settings import Settings
from tests.originals import AS_OF, arrow, customer, customer_id, exports, original

START = date(2026, 11, 23)
READY = [{"customer_id": customer_id(number), "access_on": AS_OF} for number in range(200)]


def planned(*rows: dict[str, Any], said: list[dict[str, Any]] | None = None, **policy: Any) -> Plan:
    """Plan rows of customers whose access was seen."""
    return planning.plan(
        exports(*rows),
        as_of=AS_OF,
        start=START,
        settings=Settings(policy=Policy(**policy)),
        decisions=Decisions.from_rows(READY, said or []),
    )


# --- One currency -------------------------------------------------------------------------------
BOTH = (
    original(1, of=1, expires_on="2026-12-20"),
    original(2, of=2, expires_on="2026-12-20", currency="USD"),
)


def test_costs_are_in_the_plans_currency_by_the_rates_of_the_policy() -> None:
    """One USD is 0.90 EUR: the same price in both makes 1.90 times one of them."""
    plan = planned(*BOTH, currency="EUR", rates={"USD": "0.90"})
    (line,) = plan.document.savings

    assert (plan.document.currency, line.unit, line.moves) == ("EUR", "EUR", 2)
    assert abs(line.planned - Decimal("20.547945") * Decimal("1.9")) < Decimal("0.0001")
    assert {"EUR"} == {move.currency for move in plan.document.moves}


def test_a_missing_rate_is_an_error_that_names_it() -> None:
    """A total in EUR cannot hold an amount in USD that nobody gave a rate for."""
    with pytest.raises(SettingsError, match=r"policy\.rates\.USD: expected how many EUR one USD"):
        planned(*BOTH, currency="EUR")


def test_rates_without_a_currency_of_the_plan_mean_nothing() -> None:
    """A rate is into some currency; which one must be said."""
    with pytest.raises(SettingsError, match=r"policy\.currency"):
        planned(*BOTH, rates={"USD": "0.90"})


def test_the_only_currency_is_the_plans() -> None:
    """Who sells in one currency need not name it."""
    assert planned(BOTH[1]).document.currency == "USD"
    assert planned(*BOTH).document.currency is None


@pytest.mark.parametrize("field", ["max_amount", "max_amount_per_customer", "second_name_above"])
def test_a_limit_never_adds_up_two_currencies(field: str) -> None:
    """1500 EUR and 1500 JPY are not 3000 of anything: the currency of the limit must be said."""
    with pytest.raises(SettingsError, match=r"policy\.currency: .* prices are in EUR, USD"):
        planned(*BOTH, **{field: 10_000})

    assert len(planned(*BOTH, max_seats=100).document.moves) == 2
    assert len(planned(BOTH[1], **{field: 10_000}).document.moves) == 1


def test_a_plan_in_another_currency_than_the_policys_is_over_its_caps() -> None:
    """A cap of the day of the run holds the plan's amounts only where both count the same money."""
    rich = 10**9
    usd, both = planned(BOTH[1]).document, planned(*BOTH).document

    for policy in (Policy(max_amount=rich), Policy(max_amount=rich, currency="USD")):
        assert planning.over_caps(usd, policy).whole == ""
    euro = Policy(max_amount=rich, currency="EUR", second_name_above=rich)
    assert planning.over_caps(usd, euro).whole == "currency = USD"
    assert planning.over_caps(both, Policy(max_amount=rich)).whole.startswith("currency, as")
    assert planning.over_caps(both, Policy(max_seats=100, currency="EUR")).whole == ""
    assert planning.names_needed(usd, euro) == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("currency", "XXZ"),
        ("rates", {"US": 1}),
        ("rates", {"USD": 0}),
        ("rates", {"USD": "inf"}),
        ("moves_per_day", -1),
        ("moves_per_day", 10**9),
        ("seats_per_day", -5),
        ("relationship_days", -1),
        ("max_amount", -1),
        ("max_amount", "1e40"),
        ("max_seats_per_customer", -1),
        ("second_name_above", "NaN"),
        ("min_margin_percent", 101),
        ("approval_horizon_days", 0),
    ],
)
def test_what_cannot_be_is_refused_by_the_name_of_its_field(field: str, value: Any) -> None:
    """Negative, huge or unknown values of the policy never reach a plan."""
    with pytest.raises(ValidationError) as caught:
        Policy.model_validate({field: value})

    assert field == caught.value.errors()[0]["loc"][0]


# --- The whole term -----------------------------------------------------------------------------
def test_the_amount_is_that_of_the_whole_term() -> None:
    """10 seats at 12.50 a month are 1,500.00 for a year and 4,500.00 for three."""
    said = [{"subscription_id": "s00002", "term": "P3Y"}]
    plan = planned(original(1, of=1), original(2, of=2), said=said)
    amounts = {move.subscription_ids[0]: move.amount for move in plan.document.moves}

    assert {"s00001": Decimal("1500.00"), "s00002": Decimal("4500.00")} == amounts


@pytest.mark.parametrize("term", ["P1M", "P3Y"])
def test_an_unusual_term_is_nobodys_default(term: str) -> None:
    """A month or three years are ordered only where a person decided so for the original."""
    rows = (original(1, of=1, term=term), original(2, of=2))
    plan = planned(*rows, said=[{"subscription_id": "s00002", "term": term}], term=term)

    assert [(one.subscription_id, one.code) for one in plan.document.unplaced] == [
        ("s00001", "term_undecided")
    ]
    assert [term] == [move.term for move in plan.document.moves]


def test_the_term_of_the_original_is_not_copied() -> None:
    """A monthly original is replaced for the policy's year, and the plan says so."""
    row = original(1, term="P1M", auto_renew=False, expires_on="2026-12-20")
    (move,) = planned(row).document.moves

    assert (
        *(move.term, move.billing_cycle),
        *(move.auto_renew, move.custom_term_end),
    ) == ("P1Y", "monthly", True, None)


def test_a_cycle_that_is_not_sold_with_the_term_is_not_ordered() -> None:
    """A year is not billed every three."""
    plan = planned(original(1), billing_cycle="triennial")

    assert [one.code for one in plan.document.unplaced] == ["cycle_undecided"]


def test_what_a_sheet_says_stands_beside_what_was_decided() -> None:
    """Our cost and its last day come from the sheet, the customer's price from the decision."""
    sheet = {
        **{"target_offer": "CFQ7TTC0LDPB:0001", "market": "ES", "currency": "EUR"},
        **{"segment": "commercial", "term": "P1Y", "billing_cycle": "monthly"},
        **{"unit_price": Decimal("9.5"), "valid_from": date(2026, 11, 1)},
        **{"valid_to": date(2026, 11, 30), "source_file": "sheet.csv", "source_row": 7},
    }
    loaded = Exports.from_frames(
        arrow(tables.CUSTOMERS, [customer(1)]),
        arrow(tables.SUBSCRIPTIONS, [original(1)]),
        prices=arrow(tables.PRICES, [sheet]),
    )
    said = [{"subscription_id": "s00001", "sale_price": Decimal(12), "currency": "EUR"}]
    plan = planning.plan(
        loaded, as_of=AS_OF, start=START, decisions=Decisions.from_rows(READY, said)
    )
    (move,) = plan.document.moves

    assert (move.unit_cost, move.price_valid_to) == (Decimal("9.5"), date(2026, 11, 30))
    assert (move.sale_price, move.sale_currency) == (Decimal(12), "EUR")


# --- Seats --------------------------------------------------------------------------------------
CONSENT = {"consent_by": "Carmen", "consent_on": AS_OF, "consent_reference": "mail"}


CHOICES: tuple[tuple[dict[str, Any], int], ...] = (
    ({}, 10),
    ({"assigned_plus": 1}, 10),
    ({"assigned_plus": 1, **CONSENT}, 9),
    ({"assigned_plus": 1, "seats": 12, **CONSENT}, 12),
    ({"seats": 12}, 12),
)


def test_seats_are_the_originals_unless_somebody_chose() -> None:
    """Assigned seats and one more is a choice that the customer consents to: 8 + 1 of 10."""
    rows = [original(n, of=n, seats=10, assigned_seats=8) for n in range(len(CHOICES))]
    said = [{"subscription_id": f"s{n:05d}", **choice} for n, (choice, _) in enumerate(CHOICES)]
    moves = {move.subscription_ids[0]: move for move in planned(*rows, said=said).document.moves}

    for number, (_, seats) in enumerate(CHOICES):
        move = moves[f"s{number:05d}"]
        assert (move.seats, move.original_seats, move.amount) == (seats, 10, Decimal(150) * seats)


# --- Caps ---------------------------------------------------------------------------------------
def many() -> list[dict[str, Any]]:
    """Six originals of 1,500.00 a year each, two for each of three customers."""
    return [original(n, of=n % 3, expires_on=f"2027-0{n + 1}-20") for n in range(6)]


@pytest.mark.parametrize(
    ("cap", "placed", "wish"),
    [
        ({"max_amount": 4500}, 3, "max_amount = 6000.00"),
        ({"max_amount_per_customer": 1500}, 3, "max_amount_per_customer = 3000.00"),
        ({"max_seats_per_customer": 10}, 3, "max_seats_per_customer = 20"),
        ({"max_amount": 9000, "max_seats": 60}, 6, ""),
    ],
)
def test_what_a_cap_leaves_no_room_for_says_which_cap(
    cap: dict[str, int], placed: int, wish: str
) -> None:
    """The rest is planned, nearest end first, and what is left out names the cap it needs."""
    plan = planned(*many(), **cap)
    left = plan.document.unplaced

    assert placed == len(plan.document.moves)
    assert {"over_cap"} >= {one.code for one in left}
    assert not left or wish == left[0].would_fit
    assert [one for one in left if one.expires_on and one.expires_on < date(2027, 2, 1)] == []


def test_what_comes_too_late_takes_no_room_of_a_cap() -> None:
    """A cap is for what can be ordered: a move without a day leaves its seats to the next one."""
    late = customer(2, relationship="none")
    rows = [
        original(1, seats=10, expires_on="2027-03-20"),
        original(2, 2, seats=10, expires_on=(START + timedelta(days=6)).isoformat()),
    ]
    plan = planned(customer(1), late, *rows, max_seats=10)

    assert [move.subscription_ids for move in plan.document.moves] == [["s00001"]]
    assert [one.code for one in plan.document.unplaced] == ["too_late"]


def test_an_add_on_stays_out_with_its_base() -> None:
    """A cap that keeps out the base keeps out what hangs on it."""
    rows = [
        original(1, seats=50, expires_on="2027-03-20"),
        original(2, seats=1, expires_on="2027-01-20", base_subscription_id="s00001"),
    ]
    plan = planned(*rows, max_seats=40)

    assert [one.code for one in plan.document.unplaced] == ["over_cap", "over_cap"]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 40)), max_size=25),
    st.integers(0, 200),
    st.integers(0, 80),
)
def test_what_caps_let_in_never_exceeds_them(
    drawn: list[tuple[int, int]], whole: int, own: int
) -> None:
    """However many and large: in all and for each customer, and one more would exceed a cap."""
    rows = [
        {
            **{"subscription_id": f"s{n:03d}", "customer_id": f"c{who}", "order_seats": seats},
            **{"base_subscription_id": None, "expires_on": START, "last_safe_day": START},
            **{"route": "purchase", "flags": 0, "order_daily": None, "order_currency": None},
            **{"term": "P1Y", "product": "", "seats": seats},
        }
        for n, (who, seats) in enumerate(drawn)
    ]
    policy = Policy(max_seats=whole, max_seats_per_customer=own)
    left = left_out(rows, policy, {str(row["subscription_id"]) for row in rows})
    used: Counter[str] = Counter()
    for row in rows:
        if row["subscription_id"] not in left:
            used[str(row["customer_id"])] += int(str(row["order_seats"]))

    assert sum(used.values()) <= whole
    assert all(seats <= own for seats in used.values())
    for row in rows:
        if row["subscription_id"] in left:
            more = int(str(row["order_seats"]))
            mine = used[str(row["customer_id"])]
            assert mine + more > own or sum(used.values()) + more > whole


# --- First come, first served -------------------------------------------------------------------
def served(plan: Plan, rows: list[dict[str, Any]], per_day: int) -> dict[str, date]:
    """Hand out the first days with room, written down a second time."""
    workdays, load = Workdays(Policy()), Counter[date]()
    found: dict[str, date] = {}
    last = {one: m.last_safe_day for m in plan.document.moves for one in m.subscription_ids}
    for row in sorted(rows, key=lambda row: (row["customer_id"], row["subscription_id"])):
        day = START
        while day <= last[row["subscription_id"]]:
            if workdays.is_order_day(day) and load[day] < per_day:
                load[day] += 1
                found[row["subscription_id"]] = day
                break
            day += timedelta(days=1)
    return found


def test_savings_are_measured_against_first_come_first_served() -> None:
    """The same capacities, no foresight: whoever is ready first takes the first day."""
    rows = [
        original(n, of=n, seats=n + 1, expires_on=date(2026, 12, 4) + timedelta(days=n))
        for n in range(12)
    ]
    plan = planned(*rows, moves_per_day=2)
    days = served(plan, rows, 2)
    moves = {move.subscription_ids[0]: move for move in plan.document.moves}
    both = [moves[key] for key in days]
    daily = {m.move_id: (m.overlap_cost or 0) / ((m.expires_on - m.date).days + 1) for m in both}
    expected = sum(
        daily[m.move_id] * ((m.expires_on - days[m.subscription_ids[0]]).days + 1) for m in both
    )
    (line,) = plan.document.savings

    assert len(moves) - len(days) == line.first_come_unplaced
    assert line.first_come_first_served is not None
    assert abs(line.first_come_first_served - expected) < Decimal("0.001")
    assert line.saved_against_first_come == line.first_come_first_served - sum(
        m.overlap_cost or Decimal(0) for m in both
    )
    assert line.saved_against_first_come > 0


def test_a_plan_says_what_it_is() -> None:
    """One line in a notebook or a debugger: how many, when, what is left, which plan."""
    plan = planned(*many(), original(9, of=9, expires_on=None))

    assert f"{plan!r}" == (
        f"<Plan {plan.hash[:12]}: 6 moves in 6 batches, 2027-01-14 to 2027-06-16; 1 not placed>"
    )
    assert "no moves; 1 not placed" in repr(planned(original(9, of=9, expires_on=None)))
