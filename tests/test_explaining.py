from __future__ import annotations

import pytest

from cspkit import explaining
from cspkit.errors import CspkitError
from cspkit.policy import Policy
from cspkit.settings import Settings
from tests.originals import AS_OF, customer, customer_id, exports, original


def explained(*rows, **settings) -> dict[str, tuple[str, str]]:
    """Explain the first customer; what was found and why, by what it is about."""
    frame = explaining.explain(
        exports(*rows), customer_id(1), as_of=AS_OF, settings=Settings(**settings)
    )
    return {row.what: (row.value, row.because) for row in frame.itertuples()}


def test_every_step_names_what_decided_it():
    """Rule, source, lead time, working days and money can be followed line by line."""
    lines = explained(
        customer(1, relationship="none"), original(1, expires_on="2027-01-29", auto_renew=True)
    )

    assert lines["rule"][0] == "direct_mosa"
    assert "2024-03-29" in lines["rule"][1]
    assert lines["state"][1] == "31 days: relationship 21, agreement 3, access 7"
    assert (lines["last safe day"][0], lines["invite by"][0]) == ("2027-01-26", "2026-12-24")
    assert "working day(s) of ES-MD" in lines["last safe day"][1]
    assert lines["price per day"][0] == "4.109589 EUR"


@pytest.mark.parametrize(
    ("given", "policy", "value", "because"),
    [
        ({}, {}, "30 days of grace", "the policy does not ask for it"),
        ({}, {"use_grace": True}, "30 days of grace", "30 days count"),
        ({"channel": "ea"}, {"use_grace": True}, "90 days of grace", "the rule is not sure"),
        (
            {"channel": "direct_mca"},
            {},
            "goes on as a paid month at 3% more unless its end is scheduled",
            "no grace",
        ),
    ],
)
def test_what_happens_after_the_end_is_said(given, policy, value, because):
    """A manager sees whether grace exists, whether it counts and why not."""
    row = {"starts_on": "2026-04-01", **given}
    lines = explained(original(1, **row), policy=Policy(**policy))

    assert value == lines["after its end"][0]
    assert because in lines["after its end"][1]


def test_blockers_say_who_acts():
    """The renewal of a direct original is the customer's to stop."""
    frame = explaining.explain(
        exports(original(1, auto_renew=True)), customer_id(1).upper(), as_of=AS_OF
    )
    line = frame[frame["value"] == "auto_renew_on"].iloc[0]

    assert line["what"] == "blocker (to_do)"
    assert "customer: switch auto-renew off" in line["because"]


def test_an_unknown_customer_is_named():
    """A slip in the tenant id does not explain nothing."""
    with pytest.raises(CspkitError, match="found 'nobody'"):
        explaining.explain(exports(original(1)), "nobody", as_of=AS_OF)
