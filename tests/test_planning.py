from __future__ import annotations

import json
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import holidays
import pytest

from cspkit import planning
from cspkit.decisions import Decisions
from cspkit.errors import CspkitError, PlanRefused
from cspkit.policy import Policy
from cspkit.settings import Settings
from cspkit.tables import MOVES
from tests.originals import AS_OF, E3, crowd, customer, customer_id, exports, original

START = date(2026, 11, 23)
DAY = timedelta(days=1)
READY = [{"customer_id": customer_id(number), "access_on": AS_OF} for number in range(400)]


# A channel that ties add-ons to their base, as legacy CSP does; others leave them their own day.
TIED = {"direct_mosa": {"addons_with_base": True}}


def planned(*rows, start=START, decisions=None, made_by="", made_at=None, channels=None, **policy):
    """Plan rows with a policy that differs from the careful one only where it is said."""
    return planning.plan(
        exports(*rows),
        as_of=AS_OF,
        start=start,
        settings=Settings(policy=Policy(**policy), channels=channels or {}),
        decisions=decisions,
        made_by=made_by,
        made_at=made_at,
    )


def ready(*rows, **options):
    """Plan rows of customers whose access was seen."""
    return planned(*rows, decisions=Decisions.from_rows(READY), **options)


@pytest.fixture(scope="module")
def crowded():
    """The plan of many customers with every oddity."""
    return planned(*crowd(4, 60))


# --- A checker that shares nothing with the planner -----------------------------------------------
class Checker:
    """What makes a plan feasible, written down a second time."""

    def __init__(self, plan: planning.Plan, rows: list[dict[str, Any]], policy: Policy) -> None:
        self.plan, self.policy = plan, policy
        self.rows = {row["subscription_id"]: row for row in rows if "subscription_id" in row}
        self.holidays = holidays.country_holidays("ES", subdiv="MD", years=range(2026, 2031))

    def worked(self, day: date) -> bool:
        return day.weekday() < 5 and day not in self.holidays

    def on(self, day: date, count: int) -> date:
        while count:
            day += DAY
            count -= self.worked(day)
        return day

    def check(self) -> None:
        moves = self.plan.document.moves
        for move in moves:
            self.check_day(move)
            self.check_steps(move)
        per_day = Counter(move.date for move in moves)
        assert all(count <= self.policy.moves_per_day for count in per_day.values())
        if self.policy.seats_per_day:
            seats: Counter[date] = Counter()
            for move in moves:
                seats[move.date] += move.seats
            assert all(count <= self.policy.seats_per_day for count in seats.values())
        invited = Counter(one.invite_on for one in self.plan.customers if one.invite_on)
        assert all(count <= self.policy.invitations_per_day for count in invited.values())
        self.check_nobody_lost()
        self.check_batches()

    def check_day(self, move: planning.PlannedMove) -> None:
        assert self.worked(move.date)
        assert move.date.weekday() != 4
        assert move.date + DAY not in self.holidays
        assert move.date not in self.policy.blackout_days
        assert self.plan.document.start <= move.date <= move.last_safe_day < move.expires_on

    def check_steps(self, move: planning.PlannedMove) -> None:
        lead = self.policy.access_days
        full = lead + self.policy.relationship_days + self.policy.agreement_days
        checks_end = self.on(move.date, self.policy.verify_days)
        assert checks_end == move.verify_by
        if not move.same_offer:
            checks_end = self.on(checks_end, 1)
            assert checks_end == move.reassign_on
        assert self.on(checks_end, self.policy.repair_days) < move.expires_on
        assert move.renewal_safe_on <= move.date
        assert move.date < move.end_scheduled_by < move.expires_on
        assert self.worked(move.end_scheduled_by)
        if move.invite_on:
            assert self.worked(move.invite_on)
            assert move.invite_on >= self.plan.document.start
            assert (move.date - move.invite_on).days >= (full - lead if move.same_offer else full)

    def check_nobody_lost(self) -> None:
        placed = [one for move in self.plan.document.moves for one in move.subscription_ids]
        left = [one.subscription_id for one in self.plan.document.unplaced]
        ours = [key for key, row in self.rows.items() if row["channel"] == "csp_nce"]
        assert sorted([*placed, *left, *ours]) == sorted(self.rows)
        for one in self.plan.document.unplaced:
            assert one.reason and one.would_fit and one.code

    def check_batches(self) -> None:
        days = [one.date for one in self.plan.document.batches]
        assert days == sorted(set(days))
        names = [one.batch for one in self.plan.document.batches]
        assert names == [f"B{number:03d}" for number in range(1, len(days) + 1)]
        of_day = dict(zip(days, names, strict=True))
        assert all(move.batch == of_day[move.date] for move in self.plan.document.moves)


POLICIES = [
    {},
    {"moves_per_day": 3},
    {"moves_per_day": 5, "seats_per_day": 25},
    {"invitations_per_day": 2, "verify_days": 2, "repair_days": 2},
    {"blackout_days": (date(2026, 11, 30), date(2026, 12, 14)), "moves_per_day": 2},
]


@pytest.mark.parametrize("seed", range(len(POLICIES)))
def test_every_plan_is_feasible(seed):
    """Windows, working days, capacities and invitations hold, and no original is lost."""
    rows = crowd(seed, 120)
    policy = POLICIES[seed]
    plan = planned(*rows, **policy)
    Checker(plan, rows, Policy(**policy)).check()

    assert len(plan.moves) > 20


def test_the_order_of_rows_changes_no_byte():
    """The same exports in any order give the same plan and the same hash."""
    rows = crowd(5, 80)
    shuffled = random.Random(1).sample(rows, len(rows))
    one, other = planned(*rows, moves_per_day=3), planned(*shuffled, moves_per_day=3)

    assert one.document == other.document


# --- Days -----------------------------------------------------------------------------------------
def test_a_move_goes_on_its_last_safe_day():
    """The originals are sunk cost: each day earlier would be paid twice."""
    move = ready(original(1, expires_on="2026-12-20")).document.moves[0]

    assert (date(2026, 12, 16), "the last safe day") == (move.date, move.reason)


def test_a_placed_move_has_all_its_days():
    """Every step of one move can be looked up in its row."""
    row = ready(
        original(1, expires_on="2026-12-20"),
        start=START,
    ).moves.iloc[0]
    expected = {
        "batch": "B001",
        "date": date(2026, 12, 16),
        "expires_on": date(2026, 12, 20),
        "access_by": date(2026, 12, 16),
        "renewal_safe_on": date(2026, 12, 16),
        "verify_by": date(2026, 12, 17),
        "end_scheduled_by": date(2026, 12, 18),
        "last_safe_day": date(2026, 12, 16),
    }

    assert expected == {key: row[key] for key in expected}
    assert row.index.tolist() == MOVES.names


def test_a_different_offer_is_reassigned_in_time():
    """Users get the new licence after it was verified and before the old one ends."""
    decisions = Decisions.from_rows(
        READY, [{"subscription_id": "s00001", "target_offer": "CFQ7TTC0LCHC:0002"}]
    )
    move = planned(original(1, expires_on="2026-12-20"), decisions=decisions).document.moves[0]

    assert (date(2026, 12, 15), date(2026, 12, 16), date(2026, 12, 17)) == (
        move.date,
        move.verify_by,
        move.reassign_on,
    )


def test_an_invitation_goes_out_before_its_move():
    """Who is not related is invited on the first day and moved no sooner than the lead allows."""
    move = planned(
        customer(1, relationship="none"), original(1, expires_on="2027-01-29")
    ).document.moves[0]

    assert (START, date(2027, 1, 26)) == (move.invite_on, move.date)


def test_the_nearest_end_is_invited_first():
    """With one invitation a day the urgent customer does not wait behind the others."""
    rows = [customer(n, relationship="none") for n in (1, 2)]
    rows += [original(1, of=1, expires_on="2027-03-31"), original(2, of=2, expires_on="2027-01-15")]
    plan = planned(*rows, invitations_per_day=1)

    assert {customer_id(1): date(2026, 11, 24), customer_id(2): START} == {
        one.customer_id: one.invite_on for one in plan.customers
    }


def test_the_same_offer_goes_ahead_of_access_when_time_is_short():
    """An original must not lapse unreplaced because licences cannot be read yet."""
    move = planned(original(1, expires_on="2026-11-27")).document.moves[0]

    assert (date(2026, 11, 24), date(2026, 11, 25)) == (move.date, move.access_by)


BASE_AND_ADD_ON = (
    original(1, expires_on="2027-03-31"),
    original(2, expires_on="2027-02-28", base_subscription_id="s00001", sku_id=E3),
)


@pytest.mark.parametrize(
    ("channels", "days"),
    [(TIED, {date(2027, 2, 24)}), ({}, {date(2027, 2, 24), date(2027, 3, 23)})],
)
def test_an_add_on_moves_with_its_base_where_the_channel_ties_them(channels, days):
    """There base and add-on are ordered on one day where their windows meet; else on their own."""
    plan = ready(*BASE_AND_ADD_ON, channels=channels)

    assert days == {move.date for move in plan.document.moves}


@pytest.mark.parametrize(
    ("base", "code"),
    [
        ({"expires_on": "2026-11-24"}, "too_late"),
        ({"channel": "csp_other"}, "other_partner"),
    ],
)
def test_a_tied_add_on_stays_where_its_base_stays(base, code):
    """Who can only come over together is not ordered alone; where nothing ties them it is."""
    rows = [{**BASE_AND_ADD_ON[0], **base}, BASE_AND_ADD_ON[1]]
    rows.append(original(3, expires_on="2027-02-27", base_subscription_id="s00002", sku_id=E3))
    plan = ready(*rows, channels=TIED)

    assert plan.document.moves == []
    assert {one.subscription_id: one.code for one in plan.document.unplaced} == {
        "s00001": code,
        "s00002": "base_left",
        "s00003": "base_left",
    }
    assert [key for move in ready(*rows).document.moves for key in move.subscription_ids] == [
        "s00003",
        "s00002",
    ]


def test_add_ons_in_a_ring_are_placed_all_the_same():
    """Two originals that name each other as base do not stop the plan."""
    plan = ready(
        original(1, base_subscription_id="s00002"),
        original(2, base_subscription_id="s00001"),
        channels=TIED,
    )

    assert len(plan.document.moves) == 2


# --- What does not fit ----------------------------------------------------------------------------
LEFT = [
    ({"channel": "csp_other"}, "other_partner", "transfer"),
    ({"channel": "ea"}, "channel_transfer", "channel transfer"),
    ({"channel": "csp_legacy"}, "own_legacy", "migrate"),
    ({"sku_id": None}, "offer_unknown", "decisions.xlsx"),
    ({"expires_on": None}, "end_missing", "end of the term"),
    ({"expires_on": "2026-11-01"}, "overdue", "newer export"),
    ({"expires_on": "2026-11-24"}, "too_late", "bridge the gap"),
    ({"expires_on": "2026-12-10", "customer_id": customer_id(500)}, "too_late", "14 days less"),
    ({"is_trial": True}, "trial", "paid product"),
    ({"customer_id": None}, "no_tenant", "tenant id"),
    (
        {"expires_on": "2026-11-24", "term": "P1M", "auto_renew": True},
        "too_late",
        "plan again from an export of after 2026-11-24",
    ),
]


def test_what_cannot_be_placed_says_why_and_what_would_help():
    """Nothing is dropped silently, and the reason names the next step."""
    rows = [original(n, of=n, **given) for n, (given, _, _) in enumerate(LEFT)]
    rows.append(customer(500, relationship="none"))
    left = {one.subscription_id: one for one in ready(*rows).document.unplaced}

    assert [code for _, code, _ in LEFT] == [left[f"s{n:05d}"].code for n in range(len(LEFT))]
    for number, (_, _, would_fit) in enumerate(LEFT):
        assert would_fit in left[f"s{number:05d}"].would_fit


def test_a_hold_keeps_an_original_out_of_the_plan():
    """What a person holds is not ordered."""
    decisions = Decisions.from_rows(READY, [{"subscription_id": "s00001", "hold": True}])
    plan = planned(original(1), original(2), decisions=decisions)

    assert (
        plan.unplaced["code"].tolist(),
        plan.moves["subscription_ids"].tolist(),
    ) == (["hold"], ["s00002"])


def test_a_full_calendar_says_what_capacity_would_do():
    """The smallest capacity that places everything is named, and it does."""
    rows = [original(n, of=n, expires_on="2026-12-03") for n in range(30)]
    plan = ready(*rows, moves_per_day=4)
    wish = plan.document.unplaced[0].would_fit.split("; ")

    assert (plan.document.unplaced[0].code, wish[0]) == ("no_room", "moves_per_day = 6")
    assert wish[1].startswith("for it alone: 1 more of moves_per_day on 2026-1")
    assert ready(*rows, moves_per_day=6).document.unplaced == []
    assert ready(*rows, moves_per_day=5).document.unplaced != []


def test_one_large_original_needs_seats():
    """An original with more seats than a day takes names the seats it needs."""
    plan = ready(original(1, seats=250, sku_id=E3), seats_per_day=100)

    wish = plan.document.unplaced[0].would_fit

    assert wish.startswith("seats_per_day = 250; for it alone: 150 more of seats_per_day on ")


# --- Money ----------------------------------------------------------------------------------------
def test_savings_are_measured_against_the_first_possible_day():
    """12 days of overlap instead of 28: the replacement's price of the days between is saved."""
    plan = ready(original(1, expires_on="2026-12-20"))
    saving = plan.document.savings[0]
    daily = Decimal("4.109589")

    assert ("EUR", 5 * daily, 28 * daily, 23 * daily) == (
        saving.unit,
        saving.planned,
        saving.everyone_first_day,
        saving.saved,
    )
    assert 5 * daily == plan.document.moves[0].overlap_cost


def test_currencies_are_never_mixed_and_unknown_prices_count_seat_days():
    """Each currency has its line; what has no price is counted in seats and days."""
    plan = ready(
        original(1, of=1, expires_on="2026-12-20"),
        original(2, of=2, expires_on="2026-12-20", currency="USD"),
        original(3, of=3, expires_on="2026-12-20", unit_price=None),
    )
    lines = {line.unit: line.planned for line in plan.document.savings}

    assert {"EUR": Decimal("20.547945"), "USD": Decimal("20.547945"), "seat_days": 50} == lines
    assert [m.overlap_cost for m in plan.document.moves if m.currency is None] == [None]


def test_the_lower_bound_proves_a_plan_of_counted_moves():
    """Where only moves are counted, no other plan is cheaper, to the last millionth."""
    rows = [original(n, of=n, seats=n + 1, expires_on="2027-01-29") for n in range(40)]
    saving = ready(*rows, moves_per_day=4).document.savings[0]

    assert saving.lower_bound == saving.planned < saving.everyone_first_day


# --- The file -------------------------------------------------------------------------------------
def test_a_plan_survives_its_file(tmp_path):
    """What was saved reads back as the same plan."""
    plan = planned(*crowd(2, 40), made_by="ana", made_at=datetime(2026, 11, 20, 9, tzinfo=UTC))
    path = plan.save(tmp_path / "deep" / "plan.json")

    assert plan.document == planning.Plan.read(path).document


def test_same_input_same_bytes_whoever_made_it(crowded, tmp_path):
    """Two runs write the same file but for author and time, which stay outside the hash."""
    again = planned(*crowd(4, 60), made_by="ben", made_at=datetime(2026, 11, 21, tzinfo=UTC))
    unsigned = again.document.model_copy(update={"made_by": "", "made_at": None})
    planning.Plan(unsigned).save(tmp_path / "again.json")
    crowded.save(tmp_path / "plan.json")

    assert again.hash == crowded.hash
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "plan.json").read_bytes()


def test_names_stay_outside_the_hash_and_seats_inside():
    """A corrected company name changes nothing that is executed; one more seat does."""
    plan = planned(customer(1), original(1))
    renamed = planned(customer(1, name="Renamed"), original(1))
    larger = planned(customer(1), original(1, seats=11))

    assert plan.hash == renamed.hash
    assert plan.hash != larger.hash


@pytest.mark.parametrize("field", [*sorted(set(MOVES.names) - {"reason"})])
def test_an_edited_move_is_refused(crowded, tmp_path, field):
    """No field that decides what is executed can be changed by hand."""
    path = crowded.save(tmp_path / "plan.json")
    data = json.loads(path.read_text(encoding="utf-8"))
    value = data["moves"][0][field]
    data["moves"][0][field] = {
        bool: lambda v: not v,
        int: lambda v: v + 1,
        str: lambda v: "2027-01-01" if v[:2] == "20" else v + "x",
        list: lambda v: [*v, "another"],
        type(None): lambda v: "2027-01-01",
    }[type(value)](value)
    path.write_text(json.dumps(data), encoding="utf-8")

    with pytest.raises(PlanRefused):
        planning.Plan.read(path)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("", CspkitError),
        ("[]", PlanRefused),
        ("{}", PlanRefused),
        ('{"format": 2}', PlanRefused),
        ("[" * 200_000, CspkitError),
        ('{"made_by": "\\ud800ana"}', CspkitError),
    ],
    ids=["empty", "list", "nothing", "format only", "too deep", "half a letter"],
)
def test_what_is_no_plan_is_refused_in_one_line(tmp_path, content, error):
    """The error names the file and what to do."""
    path = tmp_path / "plan.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(error, match=r"plan\.json"):
        planning.Plan.read(path)


def test_a_missing_plan_says_how_to_make_one(tmp_path):
    """The next step is in the message."""
    with pytest.raises(CspkitError, match="`cspkit plan` makes a plan"):
        planning.Plan.read(tmp_path / "plan.json")


# --- Selecting ------------------------------------------------------------------------------------
def test_moves_are_selected_by_batch_or_by_day_due(crowded):
    """A run takes one batch, or what is due by a day in the step that it performs."""
    plan = crowded

    assert plan.document.batches[0].moves == len(plan.select("B001"))
    assert plan.select() == plan.document.moves
    day = plan.document.batches[1].date
    assert {"B001", "B002"} == {move.batch for move in plan.select(due=day)}
    assert all(move.invite_on <= day for move in plan.select(due=day, by="invite_on"))


def test_an_unknown_batch_is_named_with_those_there_are(crowded):
    """A slip of the pen does not select nothing."""
    with pytest.raises(CspkitError, match=r"found 'B999'.*B001 to B\d+"):
        crowded.select("B999")


# --- Input that cannot be -------------------------------------------------------------------------
def test_start_before_as_of_is_refused():
    """Nothing can be ordered before the day on which the exports were true."""
    with pytest.raises(CspkitError, match="start: expected 2026-11-20"):
        planned(original(1), start=date(2026, 11, 19))


def test_a_plan_without_originals_is_a_plan(tmp_path):
    """An empty programme saves and reads back."""
    path = planned(customer(1)).save(tmp_path / "plan.json")

    assert planning.Plan.read(path).moves.empty


def test_a_start_after_every_window_places_nothing_and_says_so():
    """An impossible start is not an error; each original says that it is too late."""
    plan = ready(original(1), start=date(2028, 1, 1))

    assert (len(plan.moves), plan.unplaced["code"].tolist()) == (0, ["too_late"])
