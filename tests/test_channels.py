from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cspkit import channels
from cspkit.errors import SettingsError
from cspkit.tables import Channel

RULES = channels.rules()
DAYS = st.dates(date(2020, 1, 1), date(2032, 12, 31))


def chosen(channel, starts_on, expires_on, term="P1Y", rules=RULES):
    def day(text):
        return date.fromisoformat(text) if text else None

    return channels.choose(
        rules, channel, starts_on=day(starts_on), expires_on=day(expires_on), term=term
    )


@pytest.mark.parametrize(
    ("channel", "starts_on", "expires_on", "term", "rule", "grace", "slides"),
    [
        # Under the older agreement Microsoft documents 30 days of full service.
        ("direct_mosa", "2025-12-01", "2026-11-30", "P1Y", "direct_mosa", 30, False),
        ("open", "2024-03-01", "2027-02-28", "P3Y", "open", 30, False),
        # Direct customers under the Customer Agreement, from 9 Feb 2026.
        ("direct_mca", "2026-02-09", "2027-02-08", "P1Y", "direct_mca_paid_month", 0, True),
        ("direct_mca", "2026-02-08", "2027-02-07", "P1Y", "direct_mca_older_term", 0, True),
        ("direct_mca", "2025-02-09", "2026-02-08", "P1Y", "direct_mca_before_change", 30, False),
        ("direct_mca", None, "2026-12-31", "P1Y", "direct_mca_paid_month", 0, True),
        ("direct_mca", None, "2026-02-08", "P1Y", "direct_mca_before_change", 30, False),
        # New commerce: begun on or after 1 Apr 2025 and ending on or after 4 May 2026.
        ("csp_other", "2025-05-04", "2026-05-03", "P1Y", "csp_other_before_change", 30, False),
        ("csp_other", "2025-05-05", "2026-05-04", "P1Y", "csp_other_paid_month", 0, True),
        ("csp_other", "2025-04-01", "2028-03-31", "P3Y", "csp_other_paid_month", 0, True),
        (
            "csp_other",
            "2025-03-31",
            "2028-03-30",
            "P3Y",
            "csp_other_multi_year_before_change",
            0,
            False,
        ),
        ("csp_nce", "2025-05-05", "2026-05-04", "P1Y", "csp_nce_paid_month", 0, True),
        ("csp_nce", None, "2026-12-01", None, "csp_nce_paid_month", 0, True),
        # A yearly term cannot have begun 20 months before its end: the start is a creation date.
        ("csp_other", "2023-01-01", "2026-12-31", "P1Y", "csp_other_unclear", 0, True),
        ("csp_legacy", "2025-12-01", "2026-11-30", "P1Y", "csp_legacy", 0, False),
        # Contradicting or missing sources count as no grace.
        ("ea", "2024-01-01", "2026-12-31", "P3Y", "ea", 0, False),
        ("mca_e", "2024-01-01", "2026-12-31", "P3Y", "mca_e_multi_year", 0, True),
        ("mca_e", "2026-01-01", "2026-12-31", "P1Y", "mca_e", 0, True),
        ("unknown", None, "2026-12-31", None, "unknown", 0, True),
    ],
)
def test_dates_choose_the_rule(channel, starts_on, expires_on, term, rule, grace, slides):
    """The channel and the dates of a term decide, to the day, what happens after its end."""
    found = chosen(channel, starts_on, expires_on, term)

    assert (rule, grace, slides) == (
        found.name,
        found.grace(use_grace=True),
        found.slides_into_paid_month,
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_grace_is_never_planned_with_unasked(rule):
    """Whatever a rule grants, the default policy counts no day of it."""
    assert rule.grace(use_grace=False) == 0


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_says_where_it_comes_from_and_who_acts(rule):
    """A manager can ask why; a rule that slides on names its price and how it is stopped."""
    assert rule.source
    assert rule.stop_how
    if rule.slides_into_paid_month:
        assert rule.uplift is not None
        assert rule.needs_scheduled_cancel


@given(st.sampled_from(Channel), st.none() | DAYS, st.none() | DAYS, st.sampled_from([None, "P1Y"]))
def test_every_term_finds_its_rule(channel, starts_on, expires_on, term):
    """No original is left without a rule, whatever is missing."""
    found = channels.choose(RULES, channel, starts_on=starts_on, expires_on=expires_on, term=term)

    assert found.channel == channel


@given(st.sampled_from(Channel), DAYS, st.sampled_from(["P1M", "P1Y", "P3Y"]))
def test_what_nobody_states_never_brings_grace(channel, expires_on, term):
    """Hiding the start or the term cannot turn a rule into a kinder one."""
    start = expires_on - timedelta(days=364)
    told = channels.choose(RULES, channel, starts_on=start, expires_on=expires_on, term=term)
    hidden = channels.choose(RULES, channel, starts_on=None, expires_on=expires_on, term=None)

    assert hidden.grace(use_grace=True) <= told.grace(use_grace=True)


def test_names_are_unique():
    """The name in a report leads to one rule."""
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_a_workspace_overrides_a_channel_and_a_single_rule():
    """Analysts know better than the package; the changed rule says that it was changed."""
    own = channels.rules(
        {"direct_mosa": {"grace_days": 10}, "direct_mca_older_term": {"sure": True}}
    )

    assert chosen("direct_mosa", None, "2026-12-31", rules=own).grace(use_grace=True) == 10
    assert chosen("direct_mosa", None, "2026-12-31", rules=own).name == "direct_mosa+settings"
    older = chosen("direct_mca", "2026-01-01", "2026-12-31", rules=own)
    assert (older.grace(use_grace=True), older.name) == (30, "direct_mca_older_term+settings")


OTHER: dict[str, object] = {
    "grace_days": 12,
    "sure": False,
    "slides_into_paid_month": True,
    "uplift": "0.05",
    "uplift_without_monthly": "0.20",
    "disabled_days": 60,
    "stopped_by": "nobody",
    "stop_how": "by letter",
    "needs_scheduled_cancel": True,
    "credit_possible": False,
    "addons_with_base": True,
    "route": "channel_transfer",
    "source": "letter of 3 Nov",
    "source_date": date(2026, 11, 3),
    "since": date(2026, 11, 3),
    "until": date(2027, 11, 3),
}


@pytest.mark.parametrize("field", OTHER)
def test_every_value_of_a_rule_can_be_overridden(field):
    """Whatever the package says of a channel, an analyst can say otherwise; the name tells."""
    own = channels.rules({"direct_mosa": {field: OTHER[field]}})
    rule = chosen("direct_mosa", "2026-04-01", "2027-03-31", rules=own)

    assert str(OTHER[field]) == str(getattr(rule, field))
    assert rule.name == "direct_mosa+settings"
    assert rule.source == OTHER["source"] if field == "source" else "cspkit.toml" in rule.source


def test_every_value_is_among_those_tried():
    """A value that is added to rules is tried too; dates and terms choose a rule by their own."""
    chosen_by = {"starts_from", "starts_before", "expires_from", "expires_before", "terms"}

    assert set(OTHER) == set(channels.Rule.model_fields) - chosen_by - {"name", "channel"}


def test_dates_of_a_single_rule_can_be_overridden():
    """Should Microsoft move the day of the change, one line of the settings moves the rule."""
    own = channels.rules({"direct_mca_paid_month": {"starts_from": date(2026, 3, 1)}})

    assert chosen("direct_mca", "2026-02-15", "2027-02-14", rules=own).grace_days == 30
    assert chosen("direct_mca", "2026-03-01", "2027-02-28", rules=own).name.endswith("+settings")


@pytest.mark.parametrize(
    "values", [{"terms": ["P1Y"]}, {"expires_from": date(2026, 1, 1)}, {"starts_before": date.max}]
)
def test_no_override_leaves_a_term_without_a_rule(values):
    """The last rule of a channel is for all terms, or some original would have none."""
    with pytest.raises(SettingsError, match="the last rule of a channel holds for every term"):
        channels.rules({"open": values})


@pytest.mark.parametrize(
    ("overrides", "field"),
    [
        ({"direct": {"grace_days": 1}}, "channels.direct"),
        ({"ea": {"grace_days": -1}}, "channels.ea.grace_days"),
        ({"ea": {"gracedays": 1}}, "channels.ea.gracedays"),
        ({"ea": {"channel": "open"}}, "channels.ea.channel"),
        ({"ea": {"route": "fly"}}, "channels.ea.route"),
    ],
)
def test_a_wrong_override_is_named(overrides, field):
    """A misspelt channel or value stops with its place in cspkit.toml."""
    with pytest.raises(SettingsError) as caught:
        channels.rules(overrides)

    assert caught.value.field == field
