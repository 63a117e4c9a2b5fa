from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cspkit import blockers, channels, judging, tables
from cspkit.decisions import Decisions
from cspkit.exports import Exports
from cspkit.judging import deriving, running
from cspkit.judging.given import gather
from cspkit.judging.sources import Source
from cspkit.policy import Patience, Policy, Workdays
from cspkit.settings import Settings
from cspkit.tables import JUDGED, Route
from tests.originals import (
    AS_OF,
    E3,
    STANDARD,
    arrow,
    customer,
    customer_id,
    exports,
    offer,
    original,
    price,
    step,
)

SKYPE = "b8b749f8-a4ef-4887-9539-c95b1eaa5db7"
FACULTY = "e578b273-6db4-4691-bba0-8d691f4da603"
FREE = "f30db892-07e9-47e9-837c-80727f46fd3d"
EEA = "c1f79c29-5d7a-4bec-a2c1-1a76774864c0"
UNSEEN = "99999999-0000-4000-8000-000000000000"
PHONE = "e43b5b99-8dfb-405f-9987-dc307f34bcbd"
GRACE = Settings(policy=Policy(use_grace=True))
POLICIES = {
    "": Settings(),
    "grace": GRACE,
    "markets": Settings(policy=Policy(markets=("ES", "IT"))),
}


def judged(
    *rows, as_of=AS_OF, settings=None, decisions=None, steps=None
) -> dict[str, dict[str, Any]]:
    """Judge rows as ranking and planning do, by a statement that is compiled once; by original."""
    made = exports(*rows)
    given = gather(
        made,
        as_of=as_of,
        settings=settings or Settings(),
        decisions=decisions,
        steps=None if steps is None else pd.DataFrame(steps),
    )
    found = running._run(made, given, ("tests.judged",), worded)
    return {row["subscription_id"]: row for row in found.to_pylist()}


def worded(source: Source) -> Any:
    """Judge all originals of a source, as `judging.judge` does."""
    wide = deriving.derived(source)
    return wide.mutate(blockers=blockers.spelled(wide.flags)).select(*JUDGED.names)


# Worked out by hand from the source that each line names, at AS_OF. `policy` and `beside` (what the
# tenant holds besides it), `original.`, `customer.`, `person.` and `decided.` say what is special;
# a cell left empty is the ordinary value, and `-` is one that nobody states. Working days are those
# of Madrid: 7, 8 and 25 December 2026, 1 and 6 January, 25 and 26 March 2027 are holidays.
GOLDEN = Path(__file__).parent / "data" / "judged-golden.csv"
with GOLDEN.open(encoding="utf-8", newline="") as lines:
    CASES = list(csv.DictReader(lines))
READ: dict[str, Callable[[str], Any]] = {
    "original.seats": int,
    "original.auto_renew": "true".__eq__,
    "original.is_trial": "true".__eq__,
    "person.access_on": date.fromisoformat,
    "person.invited_on": date.fromisoformat,
    "person.agreement_on": date.fromisoformat,
    "person.hold": "true".__eq__,
    "decided.seats": int,
    "decided.sale_price": Decimal,
    "decided.consent_on": date.fromisoformat,
    "decided.hold": "true".__eq__,
}


def stated(case: dict[str, str], place: str) -> dict[str, Any]:
    """Read the cells of one place that say something."""
    cells = [(name, text) for name, text in case.items() if name.startswith(place) and text]
    return {
        name.removeprefix(place): None if text == "-" else READ.get(name, str)(text)
        for name, text in cells
    }


def own_sku(number: int) -> str:
    return f"88888888-0000-4000-8000-{number:012d}"


def own_offer(number: int) -> str:
    return f"CFQ7TTC0TEST:{number:04d}"


# The partner's own matrix and price sheet that all cases share; what they name, no other case has.
MATRIX = [
    offer(1, sku_id=own_sku(1), target_offer=own_offer(1)),
    offer(2, sku_id="4b9405b0-7788-4568-add1-99614e613b69", target_offer=own_offer(2)),
    offer(3, sku_id=own_sku(3), target_offer=own_offer(3)),
    offer(4, sku_id=own_sku(3), target_offer=own_offer(33)),
    offer(5, sku_id="19ec0d23-8335-4cbd-94ac-6050e30712fa", target_offer=own_offer(10)),
    offer(6, sku_id="19ec0d23-8335-4cbd-94ac-6050e30712fa", target_offer="CFQ7TTC0LH1P:0001"),
    offer(7, sku_id="66b55226-6b4f-492c-910c-a3b7a3c9d993", target_offer="CFQ7TTC0LHSF:0001"),
    offer(8, sku_id="a3f586b6-8cce-4d9b-99d6-55238397f77a", target_offer=own_offer(4)),
    offer(
        9,
        sku_id=own_sku(5),
        target_offer=own_offer(5),
        segment="nonprofit",
        legacy_offer_id="88888888-aaaa-4000-8000-000000000005",
    ),
    offer(10, sku_id=own_sku(6), target_offer=own_offer(6), segment="education"),
    *(offer(4 + n, sku_id=own_sku(n), target_offer=own_offer(n), segment=None) for n in (7, 8, 9)),
]
SHEET = [
    price(1, target_offer=own_offer(1), unit_price="10.00"),
    price(2, target_offer=own_offer(7), unit_price="20.00", valid_to="2026-11-19"),
    price(3, target_offer=own_offer(8), unit_price="20.00", valid_to="2026-11-20"),
    price(4, target_offer=own_offer(9), unit_price="20.00"),
    price(5, target_offer=own_offer(9), unit_price="21.00"),
]


def beside(what: str, number: int) -> list[dict[str, Any]]:
    """Give a case's tenant what it holds besides the original in question."""
    if not what:
        return []
    if what.endswith("more"):
        count, same = int(what.split()[0]), "products" not in what
        return [
            original(
                number * 1_000 + at,
                of=number,
                channel="csp_other",
                sku_id=E3 if same else f"77777777-0000-4000-8000-{at:012d}",
            )
            for at in range(count)
        ]
    base = {"subscription_id": f"b{number}", "channel": "csp_other", "sku_id": E3}
    ended = base | {"status": "deleted"}
    return {
        "base": [original(of=number, **base)],
        "ended base": [original(of=number, **ended)],
        "base and ended base": [
            original(of=number, **ended),
            original(of=number, **base | {"subscription_id": f"a{number}"}),
        ],
    }[what]


def rows_of(number: int, case: dict[str, str]) -> list[dict[str, Any]]:
    """Write out a case: its customer, its original and what stands beside it."""
    own = stated(case, "original.")
    if own.get("base_subscription_id") == "its base":
        own["base_subscription_id"] = f"b{number}"
    return [
        customer(number, **stated(case, "customer.")),
        original(number, of=number, **own),
        *beside(case["beside"], number),
    ]


@pytest.fixture(scope="module")
def golden() -> dict[str, dict[str, Any]]:
    """All cases judged in one table per policy, each with a customer of its own."""
    found: dict[str, dict[str, Any]] = {}
    for name, settings in POLICIES.items():
        rows, people, decided = [*MATRIX, *SHEET], [], []
        for number, case in enumerate(CASES, start=1):
            if case["policy"] == name:
                rows += rows_of(number, case)
                people.append({"customer_id": customer_id(number), **stated(case, "person.")})
                decided.append({"subscription_id": f"s{number:05d}", **stated(case, "decided.")})
        decisions = Decisions.from_rows(people, decided)
        made = exports(*rows)
        table = judging.judge(made, as_of=AS_OF, settings=settings, decisions=decisions)
        shown = {row["subscription_id"]: row for row in judging.fetch(table).to_pylist()}

        # What the other tests of this file ask is only how the same is carried out.
        assert shown == judged(*rows, settings=settings, decisions=decisions)
        found |= shown
    return found


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case["case"] for case in CASES])
def test_cases_worked_out_by_hand(golden, number):
    """Channel, dates and state lead to the route, blockers, deadlines and money of the facts."""
    expected = stated(CASES[number], "expect.")
    found = golden[f"s{number + 1:05d}"]
    codes = found["blockers"].split()

    assert set(expected.pop("has", "").split()) <= set(codes)
    assert not set(expected.pop("lacks", "").split()) & set(codes)
    found |= {"grace": _grace(found["rule"])}
    if "days" in expected:
        found |= {"days": (found["expires_on"] - AS_OF).days}
    assert expected == {key: _written(found[key], expected[key]) for key in expected}


def _grace(name: str) -> int:
    """Count the days that a rule grants to a team that asks for them."""
    return next(r.grace(use_grace=True) for r in channels.rules() if r.name == name)


def _written(found: Any, like: str | None) -> str | None:
    """Write a value as the table does; money is the same with more or fewer zeros."""
    if found is None:
        return None
    if isinstance(found, bool):
        return str(found).lower()
    if isinstance(found, Decimal):
        return like if like is not None and found == Decimal(like) else str(found)
    return str(found)


def test_every_case_names_its_source():
    """Who doubts a case can look it up, and finds it by its own name."""
    assert len(CASES) >= 100
    assert all(case["source"] for case in CASES)
    assert len({case["case"] for case in CASES}) == len(CASES)


ALONE = {"contact_refused", "reseller_agreement_unsigned"}


@pytest.mark.parametrize("code", sorted(blockers.table().keys() - ALONE))
def test_every_blocker_is_in_a_case(code):
    """Each code has a case in which it is in the way, and so cannot die unseen.

    What the cases cannot say, ledger and reseller, has a test of its own.
    """
    assert code in {word for case in CASES for word in case["expect.has"].split()} | {
        case["expect.blockers"] for case in CASES
    }


def test_the_table_has_all_columns_in_order():
    """What others read is named in one place."""
    found = judged(original())["s00001"]

    assert list(found) == JUDGED.names


def test_no_exports_no_rows():
    """An empty programme is judged without an error."""
    assert judged(customer()) == {}


def test_a_customer_that_no_source_knows_needs_everything():
    """An original whose customer is in no list is not lost."""
    found = judging.judge(exports(original()), as_of=AS_OF, settings=Settings())

    assert len(judging.fetch(found)) == 1


def test_a_tenant_listed_twice_is_judged_once():
    """Customers of a dual partner appear twice in the list; being related once is enough."""
    twice = customer(1, relationship="none"), customer(1, relationship="reseller")
    found = judged(*twice, original())

    assert (len(found), found["s00001"]["state"]) == (1, "access")


def test_a_channel_that_ties_add_ons_to_their_base_is_a_rule_like_others():
    """Whether an add-on needs its base's day is a fact of the channel, and can be overridden."""
    rows = original(1), original(2, base_subscription_id="s00001")
    tied = Settings(channels={"direct_mosa": {"addons_with_base": True}})

    assert [judged(*rows, settings=one)["s00002"]["moves_with"] for one in (Settings(), tied)] == [
        None,
        "s00001",
    ]


def test_a_base_of_another_tenant_is_none():
    """What one customer holds does not help another."""
    rows = original(1, of=1, sku_id=PHONE), original(2, of=2, sku_id=E3)

    assert "base_missing" in judged(*rows)["s00001"]["blockers"]


STEPS = [
    ([step("relationship", "asked", "2026-11-10")], "relationship", 21, "invitation_pending"),
    ([step("relationship", "done", "2026-11-10")], "access", 7, "access_missing"),
    (
        [step("relationship", "done", "2026-11-10"), step("agreement", "asked", "2026-11-11")],
        "agreement",
        10,
        "agreement_missing",
    ),
    (
        [step(name, "done", "2026-11-12") for name in ("relationship", "agreement", "access")],
        "ready",
        0,
        "consent_missing",
    ),
    ([step("relationship", "done", "2026-11-21")], "relationship", 31, "relationship_missing"),
    ([step("relationship", "asked", "2026-11-10", of=9)], "relationship", 31, "contact_missing"),
]


@pytest.mark.parametrize(("steps", "state", "lead", "code"), STEPS)
def test_what_the_ledger_has_seen_counts(steps, state, lead, code):
    """An invitation under way, a signature or an access is known without another export."""
    found = judged(customer(1, relationship="none"), original(), steps=steps)["s00001"]

    assert (state, lead) == (found["state"], found["lead_days"])
    assert code in found["blockers"].split()


@pytest.mark.parametrize(
    ("address", "expected"), [("ana@b.example", True), ("marta@b.example", False)]
)
def test_a_contact_whose_letter_came_back_is_in_the_way(address, expected):
    """An address that refused a letter blocks until people name another, or the letter arrives."""
    back = step("refused_address", "bounced", "2026-11-12") | {"reason": "ana@b.example"}
    older = back | {"reason": "old@b.example"}
    found = judged(
        customer(1, relationship="none"),
        original(),
        decisions=Decisions.from_rows([{"customer_id": customer_id(1), "contact_email": address}]),
        steps=[back, older],
    )["s00001"]

    assert ("contact_refused" in found["blockers"].split()) is expected


@pytest.mark.parametrize(
    ("reseller", "signed_on", "expected"),
    [
        (None, None, False),
        ("5357564", None, True),
        ("5357564", date(2026, 11, 20), False),
        ("5357564", date(2026, 11, 21), True),
    ],
)
def test_a_reseller_who_has_not_signed_is_in_the_way(reseller, signed_on, expected):
    """Only where the sale goes through one, and until the day on which it signed."""
    row = {"customer_id": customer_id(1), "reseller_id": reseller}
    row |= {"reseller_agreement_on": signed_on}
    found = judged(customer(1), original(), decisions=Decisions.from_rows([row]))["s00001"]

    assert ("reseller_agreement_unsigned" in found["blockers"].split()) is expected


def test_a_customer_in_no_list_is_known_by_its_steps():
    """The ledger remembers whom it invited, whatever today's export leaves out."""
    table = judging.judge(
        Exports.from_frames(arrow(tables.CUSTOMERS, []), arrow(tables.SUBSCRIPTIONS, [original()])),
        as_of=AS_OF,
        settings=Settings(),
        steps=pd.DataFrame([step("relationship", "done", "2026-11-10")]),
    )

    assert judging.fetch(table)["state"].to_pylist() == ["access"]


def test_a_market_where_we_may_not_sell_is_closed():
    """A team that names its markets cannot buy for others; a market unknown is not refused."""
    rows = [customer(n, market=market) for n, market in enumerate(["ES", "US", None])]
    rows += [original(n, of=n) for n in range(3)]
    narrow = Settings(policy=Policy(markets=("ES", "IT")))
    found = judged(*rows, settings=narrow)

    assert [found[f"s0000{n}"]["route"] for n in range(3)] == ["purchase", "none", "purchase"]
    assert found["s00001"]["blockers"] == "other_market"
    assert {"purchase"} == {row["route"] for row in judged(*rows).values()}


def test_old_and_new_seats_of_a_business_plan_share_300():
    """Side by side they must fit; seats of other plans and other tenants do not count."""
    found = judged(
        original(1, of=1, seats=150),
        original(2, of=2, seats=151),
        original(3, of=1, seats=9_000, sku_id=E3),
        original(4, of=3, seats=100),
        original(5, of=3, seats=101, channel="csp_other"),
    )

    assert [
        "over_seat_limit" in found[f"s0000{number}"]["blockers"] for number in (1, 2, 3, 4)
    ] == [False, True, False, True]


def test_an_analyst_overrides_a_rule_and_the_row_names_it():
    """A team that knows better writes it into its settings, and the judgement says so."""
    own = Settings(
        policy=Policy(use_grace=True), channels={"direct_mosa": {"grace_days": 10, "sure": True}}
    )
    found = judged(original(expires_on="2026-12-20"), settings=own)["s00001"]

    assert ("direct_mosa+settings", date(2026, 12, 30)) == (found["rule"], found["service_ends"])


def test_blockers_say_who_acts_and_what_clears_them():
    """A code without a sentence would be no help to the person who must act."""
    for blocker in blockers.table().values():
        assert blocker.sentence and blocker.clears and blocker.owner
        assert blocker.kind in ("to_do", "other_route", "impossible")
        assert blocker.kind == "to_do" or blocker.waits


CHANNELS = ["direct_mosa", "direct_mca", "open", "ea", "csp_other", "csp_legacy", "unknown"]
ROW = st.fixed_dictionaries(
    {
        "channel": st.sampled_from(CHANNELS),
        "expires_on": st.none() | st.dates(date(2026, 9, 1), date(2029, 3, 1)),
        "starts_on": st.none() | st.dates(date(2024, 1, 1), date(2026, 11, 1)),
        "term": st.sampled_from([None, "P1M", "P1Y", "P3Y"]),
        "billing_cycle": st.sampled_from([None, "monthly", "annual", "triennial"]),
        "unit_price": st.none() | st.decimals(0, 500, places=2),
        "seats": st.none() | st.integers(1, 400),
        "auto_renew": st.sampled_from([None, True, False]),
        "status": st.sampled_from(["active", "warning", "suspended", "deleted", None]),
        "sku_id": st.sampled_from([STANDARD, E3, SKYPE, UNSEEN, None]),
    }
)
SLOW = hypothesis_settings(
    max_examples=2, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@SLOW
@given(st.lists(ROW, min_size=20, max_size=80))
def test_windows_rules_and_money_hold_for_any_originals(rows):
    """Whatever the rows: an independent reading of the rules agrees, and windows end in time."""
    originals = [original(number, of=number % 7 + 1, **row) for number, row in enumerate(rows)]
    found = judged(*originals)
    calendar = Workdays(Policy())

    for row in originals:
        seen = found[row["subscription_id"]]
        rule = channels.choose(
            channels.rules(),
            row["channel"],
            starts_on=row["starts_on"],
            expires_on=row["expires_on"],
            term=row["term"],
        )
        assert rule.name == seen["rule"]
        if (last := seen["last_safe_day"]) is not None:
            assert calendar.is_order_day(last)
            assert calendar.after(last, 3 if not seen["same_offer"] else 2) < row["expires_on"]
        assert _daily(row) == seen["daily_price"]
        assert seen["route"] in set(Route)


def _daily(row: dict[str, Any]) -> Decimal | None:
    """Reckon the price of all seats per day in plain Python."""
    years = {"monthly": 12, "annual": 1, "triennial": Decimal(1) / 3}.get(row["billing_cycle"])
    if None in (years, row["unit_price"], row["seats"]):
        return None
    exact = row["unit_price"] * row["seats"] * Decimal(years) / 365
    return exact.quantize(Decimal("0.000001"))


@SLOW
@given(st.lists(ROW, min_size=20, max_size=60), st.randoms())
def test_the_order_of_rows_changes_nothing(rows, random):
    """Two exports of the same facts are judged alike."""
    originals = [original(number, **row) for number, row in enumerate(rows)]
    shuffled = random.sample(originals, len(originals))

    assert judged(*originals) == judged(*shuffled)


@SLOW
@given(
    st.lists(st.dates(date(2027, 1, 15), date(2029, 1, 1)), min_size=20, max_size=60),
    st.integers(1, 20),
)
def test_a_day_later_is_a_day_less(ends, later):
    """While no date is crossed, slack shrinks by the days that pass and deadlines stay."""
    rows = [original(number, expires_on=end) for number, end in enumerate(ends)]
    today = judged(*rows)
    then = judged(*rows, as_of=AS_OF + timedelta(days=later))

    assert {k: v["slack_days"] - later for k, v in today.items()} == {
        k: v["slack_days"] for k, v in then.items()
    }
    assert {k: v["last_safe_day"] for k, v in today.items()} == {
        k: v["last_safe_day"] for k, v in then.items()
    }


def test_grace_moves_no_deadline():
    """Windows end before the original does, whatever is free afterwards."""
    rows = [original(1, expires_on="2026-12-20")]
    careful, bold = judged(*rows)["s00001"], judged(*rows, settings=GRACE)["s00001"]

    assert careful["last_safe_day"] == bold["last_safe_day"]
    assert date(2027, 1, 19) == bold["service_ends"]


@hypothesis_settings(max_examples=10, deadline=None)
@given(
    as_of=st.dates(date(2026, 1, 1), date(2027, 12, 31)),
    ahead=st.integers(20, 200),
    market=st.sampled_from(["ES", "IT", "US", None]),
)
def test_slow_seasons_stretch_every_lead(as_of, ahead, market):
    """Who is asked in August or at Christmas answers later: rank counts as the planner does."""
    policy, end = Policy(), as_of + timedelta(days=ahead)
    rows = customer(1, relationship="none", market=market), original(expires_on=end)
    found = judged(*rows, as_of=as_of)["s00001"]
    patience, lead, last = Patience(policy.slow_seasons), 31, found["last_safe_day"]
    ready = patience.ready(as_of, lead, market or "")

    assert (last - ready).days == found["slack_days"]
    assert patience.ready(found["invite_by"], lead, market or "") <= last
    assert patience.ready(Workdays(policy).after(found["invite_by"], 1), lead, market or "") > last
