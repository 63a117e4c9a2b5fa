from __future__ import annotations

import random
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from cspkit import judging, ranking
from cspkit.decisions import Decisions
from cspkit.errors import CspkitError
from cspkit.settings import Settings
from cspkit.tables import RANKED
from tests.originals import AS_OF, crowd, customer, customer_id, exports, original, step


def ranked(*rows, as_of=AS_OF, **options) -> list[dict[str, Any]]:
    frame = ranking.rank(exports(*rows), as_of=as_of, **options)
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["customer_id"] for row in rows]


def test_columns_are_those_of_the_table():
    """What notebooks and reports read is named in one place."""
    assert ranking.rank(exports(original()), as_of=AS_OF).columns.tolist() == RANKED.names


def test_text_is_text_and_values_keep_their_type():
    """Dates stay dates and money stays decimal in the frame that analysts get."""
    frame = ranking.rank(exports(original()), as_of=AS_OF)

    assert Decimal("538.356164") == frame["forfeit_if_moved_now"][0]
    assert date(2027, 3, 31) == frame["next_expiration"][0]
    assert str(frame["reason"].dtype) == "str"


def test_nobody_gives_an_empty_frame():
    """An empty programme has its columns and no rows."""
    frame = ranking.rank(exports(), as_of=AS_OF)

    assert (0, RANKED.names) == (len(frame), frame.columns.tolist())


def test_the_nearest_end_goes_first():
    """Days to natural expiration decide before all else."""
    rows = ranked(
        original(1, of=1, expires_on="2027-03-31"), original(2, of=2, expires_on="2027-02-28")
    )

    assert [customer_id(2), customer_id(1)] == ids(rows)
    assert [row["rank"] for row in rows] == [1, 2]


def test_less_slack_goes_first_on_the_same_day():
    """Who must still accept an invitation has less time left than who is related."""
    rows = ranked(customer(2, relationship="none"), original(1, of=1), original(2, of=2))

    assert [customer_id(2), customer_id(1)] == ids(rows)


def test_more_seats_go_first_with_the_same_slack():
    """The larger customer goes first, then the lower id."""
    rows = ranked(original(1, of=1), original(2, of=2, seats=11), original(3, of=3))

    assert [customer_id(2), customer_id(1), customer_id(3)] == ids(rows)


def test_who_has_nothing_to_move_comes_last():
    """Ours, trials and empty customers stay in the list, behind everyone with a route."""
    rows = ranked(
        customer(1),
        original(2, of=2, channel="csp_nce", expires_on="2026-11-30"),
        original(3, of=3, is_trial=True),
        original(4, of=4, expires_on="2029-03-31", term="P3Y"),
        original(5, of=5, expires_on=None),
    )

    assert [customer_id(number) for number in (4, 5, 1, 2, 3)] == ids(rows)
    assert [row["movable"] for row in rows] == [1, 1, 0, 0, 0]


def test_overdue_rows_are_on_top_until_the_end_is_seen():
    """An original past its end may be running as a paid month; nothing is more urgent."""
    rows = ranked(
        original(1, of=1, expires_on="2026-11-23"),
        original(2, of=2, expires_on="2026-10-15"),
        original(3, of=3, expires_on="2026-10-01", status="deleted"),
    )

    assert [customer_id(2), customer_id(1), customer_id(3)] == ids(rows)
    assert [row["days_to_expiration"] for row in rows] == [-36, 3, None]


def test_monthly_roll_overs_are_kept_apart():
    """A month that renews by itself ends every month; the real anniversary gives the place."""
    monthly = {"term": "P1M", "expires_on": "2026-11-30", "auto_renew": True}
    rows = ranked(original(1, **monthly), original(2, expires_on="2027-03-31"))

    assert date(2027, 3, 31) == rows[0]["next_expiration"]


def test_a_customer_with_nothing_but_roll_overs_has_their_date():
    """Where there is no anniversary, the next roll-over is the next end."""
    rows = ranked(original(1, term="P1M", expires_on="2026-11-30", auto_renew=True))

    assert date(2026, 11, 30) == rows[0]["next_expiration"]
    assert "renew every month, next on 30 Nov" in rows[0]["reason"]


def test_a_later_subscription_never_changes_the_next_end():
    """Loading one more original that ends later leaves the place as it was."""
    before = ranked(original(1, expires_on="2027-02-28"))
    after = ranked(original(1, expires_on="2027-02-28"), original(2, expires_on="2027-03-01"))

    assert before[0]["next_expiration"] == after[0]["next_expiration"]


def test_money_is_summed_in_one_currency_or_not_at_all():
    """Mixed currencies have no sum, and an unknown price makes the sum unknown, not smaller."""
    seconds = [{}, {"currency": "USD"}, {"unit_price": None}, {"channel": "csp_nce"}]
    rows = []
    for number, second in enumerate(seconds):
        rows += [original(number, of=number), original(number + 9, of=number, **second)]
    money = {row["customer_id"]: row["forfeit_if_moved_now"] for row in ranked(*rows)}

    assert [Decimal("1076.712328"), None, None, Decimal("538.356164")] == [
        money[customer_id(number)] for number in range(4)
    ]


def test_blockers_of_all_originals_are_named_once():
    """The customer's line names what is in the way of any of its originals."""
    row = ranked(original(1, auto_renew=True), original(2, auto_renew=True, channel="ea"))[0]

    assert row["blockers"].split().count("auto_renew_on") == 1
    assert row["blockers"].split()[0] == "channel_transfer"


UNRELATED = {"relationship": "none"}
PRODUCT = "Microsoft 365 Business Standard"
REASONS: list[tuple[dict, dict | None, str, str]] = [
    (
        UNRELATED,
        {"seats": 26, "expires_on": "2026-12-31"},
        "send the invitation",
        f"26 seats of {PRODUCT} end on 31 Dec; invitation, agreement and access need about"
        " 31 days, so the invitation has to go out by 20 Nov",
    ),
    (
        UNRELATED,
        {"seats": 26, "expires_on": "2026-12-20"},
        "send the invitation",
        f"26 seats of {PRODUCT} end on 20 Dec; invitation, agreement and access need about"
        " 31 days, so the invitation should have gone out on 13 Nov",
    ),
    (
        {},
        {"seats": 1, "expires_on": "2026-12-20"},
        "ask for access",
        f"1 seat of {PRODUCT} ends on 20 Dec; access needs about 7 days, so it has to be"
        " asked for by 9 Dec",
    ),
    (
        {},
        {"expires_on": "2026-11-19"},
        "look what became of it",
        f"10 seats of {PRODUCT} ended on 19 Nov, 1 day ago; no export shows whether this renewed,"
        " runs on as a paid month or is gone",
    ),
    (
        {},
        {"expires_on": "2026-10-19", "auto_renew": True},
        "look what became of it",
        f"10 seats of {PRODUCT} ended on 19 Oct, 32 days ago; auto-renew was on, so a new term"
        " has probably begun: look before anything else",
    ),
    (
        {},
        {"expires_on": "2026-11-18", "channel": "direct_mca", "starts_on": "2026-02-19"},
        "look what became of it",
        f"10 seats of {PRODUCT} ended on 18 Nov, 2 days ago; no end was scheduled, so it probably"
        " runs on as a paid month: look first",
    ),
    (
        {},
        {"expires_on": "2026-11-20", "seats": 1},
        "agree with the customer how to bridge the gap",
        f"1 seat of {PRODUCT} ends today; access needs about 7 days, so it should have been asked"
        " for on 10 Nov",
    ),
    (
        {"relationship": "pending"},
        {"expires_on": "2027-01-29"},
        "remind the customer of the invitation",
        f"10 seats of {PRODUCT} end on 29 Jan 2027; invited, no answer yet; the answer, the"
        " agreement and access need about 31 days, so the answer has to come by 12 Dec",
    ),
    (
        {},
        {"seats": 151, "channel": "direct_mca"},
        "choose another plan or fewer seats",
        "nothing to move: old and new have no room side by side, and no legal way around that is"
        " left",
    ),
    (
        {},
        {"sku_id": "99999999-0000-4000-8000-000000000000", "expires_on": "2026-11-24"},
        "choose the offer",
        f"10 seats of {PRODUCT} end on 24 Nov; no source names the offer that replaces this",
    ),
    (
        {},
        {"channel": "csp_other"},
        "have the customer ask for a transfer",
        f"10 seats of {PRODUCT} end on 31 Mar 2027; another partner is the seller, so it takes"
        " a transfer, without overlap",
    ),
    (
        {},
        {"expires_on": None, "product": None},
        "find the end of the term",
        "10 seats of an unnamed product have no known end; ask the customer for the end of the"
        " term, or load an export that states it",
    ),
    (
        {},
        {"channel": "csp_nce"},
        "nothing to do",
        "nothing to move: already ours in new commerce",
    ),
    ({}, None, "nothing to do", "no subscription of this customer is in the exports"),
]


@pytest.fixture(scope="module")
def explained() -> dict[str, dict[str, Any]]:
    """All cases ranked in one list, each a customer of its own."""
    rows = []
    for number, (of_customer, of_original, _, _) in enumerate(REASONS):
        rows.append(customer(number, **of_customer))
        if of_original is not None:
            rows.append(original(number, of=number, **of_original))
    return {row["customer_id"]: row for row in ranked(*rows)}


@pytest.mark.parametrize("number", range(len(REASONS)))
def test_the_reason_is_a_sentence_that_a_person_would_say(explained, number):
    """The place in the list is explained with seats, product, day and what it still needs."""
    row = explained[customer_id(number)]

    assert REASONS[number][2:] == (row["next_action"], row["reason"])


def test_a_ready_customer_is_told_its_last_safe_day():
    """Once access was seen, only the order is left."""
    said = Decisions.from_rows([{"customer_id": customer_id(1), "access_on": date(2026, 11, 2)}])
    row = ranked(original(1, expires_on="2026-12-20"), decisions=said)[0]

    assert (row["state"], row["next_action"]) == ("ready", "put it in a plan")
    assert row["reason"].endswith("the last safe day to order is 16 Dec")


def test_as_of_may_be_text():
    """Notebooks pass the day as they write it."""
    assert ranked(original(1), as_of="2026-11-20") == ranked(original(1))


@pytest.mark.parametrize("as_of", ["20/11/2026", "", None, 20261120])
def test_an_impossible_day_is_refused_by_name(as_of):
    """The error says which value, what was expected and what was found."""
    with pytest.raises(CspkitError, match="as_of: expected a date such as"):
        ranked(original(1), as_of=as_of)


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2026-11-20T00:30:00+01:00", date(2026, 11, 19)),
        ("2026-11-20T23:59:59+00:00", date(2026, 11, 20)),
        ("2026-11-21T00:00:00+00:00", date(2026, 11, 21)),
        ("2027-03-28T03:00:00+02:00", date(2027, 3, 28)),
        ("2028-03-01T01:00:00+02:00", date(2028, 2, 29)),
    ],
)
def test_an_instant_is_on_its_day_in_utc(instant, day):
    """Midnight is UTC's: a night in Madrid, the change of clocks or a leap day moves no end."""
    assert day == ranking.read_day("as_of", datetime.fromisoformat(instant))


def test_an_instant_without_its_zone_is_refused():
    """Half the world would read another day out of it."""
    with pytest.raises(CspkitError, match="as_of: expected a date or an instant with its zone"):
        ranking.read_day("as_of", datetime(2026, 11, 20, 0, 30))


def test_hostile_names_pass_through_as_text():
    """Names are data; the places that show them escape them."""
    name = "=HYPERLINK(1) <script>alert(1)</script> \u202e"
    row = ranked(customer(1, name=name), original(1, product=name))[0]

    assert name == row["name"]
    assert name in row["reason"]


MIXED = (
    customer(1, market="ES"),
    customer(2, market="IT"),
    customer(3, market="ES"),
    customer(4, market=None),
    original(1, of=1, expires_on="2026-11-10", seats=5),
    original(2, of=2, expires_on="2026-12-20", seats=40, channel="direct_mca"),
    original(3, of=2, expires_on="2027-12-20", seats=2, channel="open"),
    original(4, of=3, expires_on="2026-12-21", seats=20, channel="telesales"),
    original(5, of=4, expires_on=None, seats=50),
)


@pytest.mark.parametrize(
    ("only", "left"),
    [
        ({}, [1, 2, 3, 4]),
        ({"market": "es"}, [1, 3]),
        ({"channel": "open"}, [2]),
        ({"channel": "unknown"}, [3]),
        ({"channel": "ea"}, []),
        ({"horizon": 30}, [1, 2]),
        ({"horizon": 0}, [1]),
        ({"minimum_seats": 20}, [1, 2, 3, 4]),
        ({"minimum_seats": 20, "market": "IT"}, [2]),
        ({"owner": "ana"}, [2, 3]),
        ({"owner": "Ana", "market": "ES", "minimum_seats": 20, "horizon": 31}, [3]),
    ],
)
def test_a_part_of_the_list_keeps_the_ranks_of_the_whole(only, left):
    """Filters leave customers out and move nobody; the overdue are within every horizon."""
    said = Decisions.from_rows([{"customer_id": customer_id(n), "owner": "Ana"} for n in (2, 3)])
    rows = ranked(*MIXED, decisions=said, **only)

    assert [(number, customer_id(number)) for number in left] == [
        (row["rank"], row["customer_id"]) for row in rows
    ]


@pytest.mark.parametrize(
    ("only", "elsewhere"),
    [({}, 0), ({"market": "ES"}, 0), ({"market": "IT"}, 1), ({"channel": "ea"}, 1)],
)
def test_overdue_customers_outside_a_filter_are_counted(only, elsewhere):
    """Whose list it is may be narrowed, but not unnoticed while something overdue is left out."""
    frame = ranking.rank(exports(*MIXED), as_of=AS_OF, **only)

    assert elsewhere == frame.attrs["overdue_elsewhere"]


def test_an_invitation_under_way_gives_slack():
    """Days that have gone since the invitation are needed no more, and the sentence says so."""
    said = Decisions.from_rows([{"customer_id": customer_id(1), "invited_on": date(2026, 11, 10)}])
    row = ranked(
        customer(1, relationship="none"), original(1, expires_on="2026-12-20"), decisions=said
    )[0]

    assert (row["state"], row["slack_days"]) == ("relationship", 5)
    assert row["reason"].endswith(
        "invited on 10 Nov, no answer yet; the answer, the agreement and access need about"
        " 21 days, so the answer has to come by 25 Nov"
    )


def test_the_ledger_says_what_a_customer_without_originals_has_done():
    """Who accepted and has nothing in the exports yet is not asked again."""
    seen = pd.DataFrame([step("relationship", "done", "2026-11-10")])
    row = ranked(customer(1, relationship="none"), steps=seen)[0]

    assert (row["state"], row["originals"]) == ("access", 0)


@pytest.mark.parametrize(
    ("only", "found"),
    [
        ({"market": "XX"}, "market: expected one of ES, IT; found 'XX'"),
        ({"channel": "shop"}, "channel: expected one of csp_legacy, .*; found 'shop'"),
        ({"owner": "Bea"}, "owner: expected none, nobody has any; found 'Bea'"),
        ({"horizon": -1}, "horizon: expected a whole number from 0 on, found -1"),
        ({"minimum_seats": "10"}, "minimum_seats: expected a whole number from 0 on, found '10'"),
    ],
)
def test_a_word_that_fits_nobody_is_refused_by_name(only, found):
    """A misspelt filter must not pass for a list without work."""
    with pytest.raises(CspkitError, match=found):
        ranked(*MIXED, **only)


# --- An independent ranking in plain loops --------------------------------------------------------
def slow_rank(customers: list[dict], judged: list[dict], as_of: date) -> list[dict[str, Any]]:
    """Rank in plain Python what was judged, one customer after the other."""
    groups: dict[str, list[dict]] = defaultdict(list)
    for row in judged:
        groups[row["customer_id"]].append(row)
    for row in customers:
        groups[row["customer_id"]] += []
    lines = [slow_line(key, rows, as_of) for key, rows in groups.items()]
    lines.sort(key=slow_key)
    return [{"rank": number, **line} for number, line in enumerate(lines, start=1)]


def slow_line(key: str, rows: list[dict], as_of: date) -> dict[str, Any]:
    movable = [row for row in rows if row["route"] != "none"]
    dated = [row for row in movable if row["expires_on"] is not None and not row["rolls_over"]]
    if not dated:
        dated = [row for row in movable if row["expires_on"] is not None]
    ends = [row["expires_on"] for row in dated]
    slacks = [row["slack_days"] for row in dated]
    currencies = {row["currency"] for row in movable} - {None}
    money: dict[str, Decimal | None] = {}
    for name in ("forfeit", "exposure"):
        amounts = [row[name] for row in movable]
        known = len(currencies) == 1 and None not in amounts
        money[name] = sum(amounts, Decimal(0)) if known else None
    return {
        "customer_id": key,
        "next_expiration": min(ends) if ends else None,
        "days_to_expiration": (min(ends) - as_of).days if ends else None,
        "slack_days": min(slacks) if slacks else None,
        "originals": len(rows),
        "movable": len(movable),
        "seats": sum(row["seats"] or 0 for row in movable),
        "forfeit_if_moved_now": money["forfeit"],
        "exposure_if_renewed": money["exposure"],
        "currency": currencies.pop() if len(currencies) == 1 else None,
    }


def slow_key(line: dict[str, Any]) -> tuple:
    never = date.max
    slack = line["slack_days"]
    return (
        line["movable"] == 0,
        line["next_expiration"] or never,
        slack is None,
        slack or 0,
        -line["seats"],
        line["customer_id"],
    )


def test_plain_loops_rank_5000_customers_alike():
    """An independent, slow ranking agrees on every column that is a value."""
    rows = crowd(seed=7, count=5_000)
    draw = random.Random(7)
    shuffled = draw.sample(rows, len(rows))
    loaded = exports(*shuffled)
    judged = judging.fetch(judging.judge(loaded, as_of=AS_OF, settings=Settings())).to_pylist()
    customers = [row for row in rows if "subscription_id" not in row]
    expected = slow_rank(customers, judged, AS_OF)
    frame = ranking.rank(loaded, as_of=AS_OF)[list(expected[0])]
    found = frame.astype(object).where(frame.notna(), None).to_dict("records")

    assert expected == found


def test_the_order_of_rows_changes_nothing():
    """The order is total: any order of the same export gives the same list."""
    rows = crowd(seed=11, count=120)
    shuffled = random.Random(3).sample(rows, len(rows))

    assert ranked(*rows) == ranked(*shuffled)


def test_a_later_subscription_moves_nobody():
    """Whatever a customer has, one more original that ends later leaves its next end."""
    rows = crowd(seed=5, count=150)
    later = [
        original(90_000 + number, of=number, expires_on="2028-03-31", channel=channel)
        for number, channel in enumerate(random.Random(5).choices(["open", "ea", None], k=150))
    ]
    before = {row["customer_id"]: row["next_expiration"] for row in ranked(*rows)}
    after = {row["customer_id"]: row["next_expiration"] for row in ranked(*rows, *later)}
    dated = {key: end for key, end in before.items() if end is not None}
    rolling = {row["customer_id"] for row in rows if row.get("term") == "P1M"}

    assert len(dated) > 60
    assert {key: end for key, end in dated.items() if key not in rolling} == {
        key: after[key] for key in dated if key not in rolling
    }


def test_a_day_later_everything_is_a_day_nearer():
    """While no date is crossed, the order stays and days and slack shrink by one."""
    draw = random.Random(13)
    rows = [
        original(n, of=n % 40, expires_on=date(2027, 2, 1) + timedelta(days=draw.randrange(400)))
        for n in range(90)
    ]
    today, tomorrow = ranked(*rows), ranked(*rows, as_of=AS_OF + timedelta(days=1))

    assert ids(today) == ids(tomorrow)
    for name in ("days_to_expiration", "slack_days"):
        assert [row[name] - 1 for row in today] == [row[name] for row in tomorrow]
    assert [row["next_expiration"] for row in today] == [row["next_expiration"] for row in tomorrow]


def test_no_overdue_customer_is_hidden():
    """Whoever has an original past its end, in grace or not, stands above all who have none."""
    rows = crowd(seed=17, count=200)
    overdue = {
        row["customer_id"]
        for row in rows
        if row.get("expires_on") and row["expires_on"] < AS_OF
        if row["channel"] != "csp_nce" and row["status"] != "deleted" and row["term"] != "P1M"
    }
    found = ranked(*rows)
    first = {row["customer_id"] for row in found if (row["days_to_expiration"] or 0) < 0}

    assert len(overdue) > 20
    assert overdue <= first
    assert first == set(ids(found)[: len(first)])
