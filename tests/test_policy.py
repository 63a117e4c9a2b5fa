from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cspkit.errors import SettingsError
from cspkit.policy import DAY, Patience, Policy, Workdays

MADRID = Workdays(Policy())
DAYS = st.dates(date(2026, 1, 1), date(2029, 12, 31))


@pytest.mark.parametrize(
    ("day", "worked", "ordered"),
    [
        ("2026-11-23", True, True),  # Monday
        ("2026-11-27", True, False),  # Friday
        ("2026-11-28", False, False),  # Saturday
        ("2026-12-07", False, False),  # Monday after Constitution Day, in Madrid
        ("2026-12-08", False, False),  # Immaculate Conception
        ("2026-12-24", True, False),  # eve of Christmas
        ("2027-01-05", True, False),  # eve of Epiphany
        ("2027-03-24", True, False),  # eve of Maundy Thursday
    ],
)
def test_madrid_knows_its_days(day, worked, ordered):
    """No order is placed on a day after which nobody would notice trouble."""
    found = date.fromisoformat(day)

    assert (worked, ordered) == (MADRID.is_workday(found), MADRID.is_order_day(found))


def test_a_policy_may_allow_what_is_risky():
    """Fridays and eves are a choice of the team, blackout days are days without orders."""
    friday, eve = date(2026, 11, 27), date(2026, 12, 24)
    bold = Workdays(Policy(order_on_friday=True, order_on_eve=True, blackout_days=(eve,)))

    assert bold.is_order_day(friday)
    assert bold.is_workday(eve)
    assert not bold.is_order_day(eve)


def test_working_days_are_counted_over_holidays():
    """Three working days before 10 December 2026 is the 3rd: two holidays lie between."""
    assert date(2026, 12, 3) == MADRID.back(date(2026, 12, 10), 3)
    assert date(2026, 12, 10) == MADRID.after(date(2026, 12, 3), 3)


@given(DAYS, st.integers(0, 15))
def test_counting_back_undoes_counting_on(day, count):
    """From a working day, so many on and as many back is the same day."""
    start = MADRID.on_or_after(day)

    assert start == MADRID.back(MADRID.after(start, count), count)


@given(DAYS)
def test_the_nearest_days_are_near(day):
    """A working day is never more than a week away."""
    assert MADRID.on_or_before(day) <= day <= MADRID.on_or_after(day)
    assert MADRID.on_or_after(day) - MADRID.on_or_before(day) < timedelta(days=7)
    assert MADRID.last_order_day(day) <= MADRID.on_or_before(day)


@pytest.mark.parametrize(
    ("choice", "field"),
    [
        ({"country": "ZZ"}, "policy.country"),
        ({"country": "ES", "subdivision": "XX"}, "policy.subdivision"),
    ],
)
def test_an_unknown_calendar_is_named(choice, field):
    """A country without a calendar must not be taken for one without holidays."""
    with pytest.raises(SettingsError) as caught:
        Workdays(Policy(**choice))

    assert caught.value.field == field


@pytest.mark.parametrize(
    ("given", "region"),
    [
        ({}, "MD"),
        ({"country": "IT"}, ""),
        ({"country": "ES"}, ""),
        ({"country": "ES", "subdivision": "CT"}, "CT"),
        ({"subdivision": None}, ""),
    ],
)
def test_a_country_brings_no_region_of_another(given: dict[str, str], region: str) -> None:
    """A team in Italy that names its country alone gets Italy's national holidays."""
    policy = Policy.model_validate(given)

    assert policy.subdivision == region
    assert not Workdays(policy).is_workday(date(2026, 12, 25))


@given(
    end=st.dates(date(2025, 1, 1), date(2029, 12, 31)),
    days=st.integers(0, 60),
    market=st.sampled_from(["", "ES", "US"]),
)
def test_the_last_day_to_begin_is_the_last_that_is_ready_by_the_end(end, days, market):
    """Counting back over slow seasons and counting on over them agree to the day."""
    patience = Patience(Policy().slow_seasons)

    begin = patience.begin(end, days, market)

    assert patience.ready(begin, days, market) <= end
    assert patience.ready(begin + DAY, days, market) > end


def test_markets_with_the_same_seasons_stand_together():
    """What holds in Italy's August holds in Spain's, so it is counted once."""
    assert Patience(Policy().slow_seasons).alike == {"ES": ["ES", "FR", "GR", "IT", "PT"]}
    assert Patience(()).alike == {}
