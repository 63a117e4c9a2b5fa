from __future__ import annotations

import pytest

from cspkit import catalogue, explaining
from cspkit.decisions import Decisions
from cspkit.errors import CspkitError
from cspkit.policy import Policy
from cspkit.settings import Settings
from tests.originals import (
    AS_OF,
    E3,
    STANDARD,
    customer,
    customer_id,
    exports,
    offer,
    original,
    price,
)


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
    assert (lines["last safe day"][0], lines["invite by"][0]) == ("2027-01-26", "2026-12-11")
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


def test_the_source_of_a_replacement_says_how_sure_it_is():
    """An offer that Microsoft documents is not the same as one that somebody wrote down."""
    said = {catalogue.find(sku)["confidence"] for sku in (STANDARD, E3)}
    found = explained(original(1))["replacement"]

    assert said <= set(explaining.CONFIDENCE)
    assert found[0] == "CFQ7TTC0LDPB:0001"
    assert explaining.CONFIDENCE[catalogue.find(STANDARD)["confidence"]] in found[1]


def test_a_refused_mapping_names_its_reason():
    """Wrong lists circulate; who used one is told what it mixes up."""
    wrong = original(1, sku_id="66b55226-6b4f-492c-910c-a3b7a3c9d993")
    said = Decisions.from_rows(
        [], [{"subscription_id": "s00001", "target_offer": "CFQ7TTC0LHSF:0001"}]
    )
    frame = explaining.explain(exports(wrong), customer_id(1), as_of=AS_OF, decisions=said)
    because = frame.set_index("value").loc["offer_refused", "because"]

    assert catalogue.refusal(wrong["sku_id"], "CFQ7TTC0LHSF:0001") in because


def test_a_purchase_instead_of_a_channel_transfer_has_its_price():
    """31 Mar 2027 is safe up to 23 Mar: nine days of 10 seats at 12.50 a month, paid twice."""
    found = explained(original(1, channel="ea", term="P3Y"))["purchase instead"]

    assert found[0] == "36.986301 EUR"
    assert "ordered on 2027-03-23, old and new are both paid for 9 days" in found[1]


def test_what_the_partner_itself_says_is_named_with_its_place():
    """Who doubts a mapping or a price finds the line of the file that it came from."""
    lines = explained(original(1), offer(6), price(8), offer(2, sku_id=E3))

    assert "our own offer matrix (matrix.csv, row 7)" in lines["replacement"][1]
    assert (
        lines["replacement per day"][0].replace("00000 ", " "),
        lines["replacement per day"][1],
    ) == ("3.6 EUR", "our own price sheet (prices.csv, row 9)")


def test_a_conflict_with_the_catalogue_shows_both_offers():
    """The matrix counts, and nobody has to guess what it overruled."""
    rows = exports(original(1), offer(1, target_offer="CFQ7TTC0TEST:0001"))
    frame = explaining.explain(rows, customer_id(1), as_of=AS_OF)
    values = frame.set_index("what")["value"]
    said = frame.set_index("value")["because"]

    assert values["replacement"] == "CFQ7TTC0TEST:0001"
    assert "matrix CFQ7TTC0TEST:0001, catalogue CFQ7TTC0LDPB:0001" in said["offer_conflict"]


def because(code: str, *rows) -> str:
    frame = explaining.explain(exports(*rows), customer_id(1), as_of=AS_OF)
    return str(frame.set_index("value").loc[code, "because"])


def test_old_facts_say_how_old():
    """Who plans on an export of last month is told so."""
    assert "seen on 2026-10-01" in because("stale_facts", original(1, seen_on="2026-10-01"))


def test_an_overridden_rule_is_named_with_its_source():
    """The report never passes a team's own value off as Microsoft's."""
    lines = explained(
        original(1), channels={"direct_mosa": {"grace_days": 12, "source": "letter of 3 Nov"}}
    )

    assert lines["rule"][0] == "direct_mosa+settings"
    assert "letter of 3 Nov" in lines["rule"][1]
    assert lines["after its end"][0] == "12 days of grace"


@pytest.mark.parametrize(
    ("given", "value", "why"),
    [
        ({}, "36.986301 EUR", "ordered on 2027-03-23, old and new are both paid for 9 days"),
        ({"channel": "csp_other"}, "0.000000 EUR", "nothing is paid twice on this route"),
    ],
)
def test_the_legal_route_has_its_cost(given, value, why):
    """What a plan saves is measured against the cheapest legal road, not against the dearest."""
    assert (value, why) == explained(original(1, **given))["overlap at least"]


TWO = (
    customer(1, name="Clínica Norte", domain="norte.example"),
    customer(2, name="Clínica Sur", domain="sur.example"),
    original(1, of=1),
    original(2, of=2),
)


@pytest.mark.parametrize("words", [customer_id(2), "clínica SUR", "sur", " sur.example ", "a s"])
def test_a_customer_is_found_by_a_part_that_is_its_own(words):
    """People know names and domains, not tenant ids."""
    assert customer_id(2) == explaining.find(exports(*TWO), words)


def test_a_whole_name_goes_before_a_longer_one():
    """Whoever is called exactly so is meant, also where another name contains it."""
    rows = customer(1, name="Norte"), customer(2, name="Norte y Sur"), original(1)

    assert customer_id(1) == explaining.find(exports(*rows), "norte")


def test_a_part_of_several_names_is_refused_with_their_ids():
    """Explaining the wrong customer would be worse than asking again."""
    with pytest.raises(CspkitError, match=f"found 2 for 'clínica'.*{customer_id(2)}"):
        explaining.find(exports(*TWO), "clínica")


@pytest.mark.parametrize("words", ["", "  ", "%", "_"])
def test_nothing_and_wildcards_find_nobody(words):
    """What is typed is text, never a pattern."""
    with pytest.raises(CspkitError, match="expected one with originals"):
        explaining.explain(exports(*TWO), words, as_of=AS_OF)
