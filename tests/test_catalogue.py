from __future__ import annotations

import re

import pyarrow.compute as pc
import pytest

from cspkit import catalogue

BUSINESS_STANDARD = "f245ecc8-75af-4f8e-b61f-27d8114de5f3"
BUSINESS_PREMIUM = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"


def rows() -> list[dict[str, object]]:
    return catalogue.table().to_pylist()


def test_columns_that_others_read_come_first():
    """Readers of exports and of plans find the agreed columns under the agreed names."""
    expected = ["sku_id", "part_number", "name", "legacy_offer_id", "target_offer", "confidence"]

    assert expected == catalogue.table().column_names[:6]


@pytest.mark.parametrize("column", ["sku_id", "part_number"])
def test_keys_are_unique_and_never_missing(column):
    """A skuId and a part number each name one product."""
    values = [row[column] for row in rows()]

    assert sorted(set(values)) == sorted(values)


@pytest.mark.parametrize("column", ["legacy_offer_id", "target_offer"])
def test_an_offer_belongs_to_one_sku(column):
    """No offer replaces two skuIds, so an offer leads back to its skuId."""
    values = [row[column] for row in rows() if row[column]]

    assert sorted(set(values)) == sorted(values)


def test_names_are_no_key():
    """The same product name stands for two skuIds; matching by name would be wrong."""
    names = [row["name"] for row in rows()]

    assert names.count("Microsoft 365 F1") == 2
    assert names.count("Microsoft 365 Business Standard EEA (no Teams)") == 2


def test_ids_are_spelled_one_way():
    """skuIds are lower-case GUIDs and offers are product:sku in capitals."""
    guid = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

    assert all(guid.fullmatch(row["sku_id"]) for row in rows())
    assert all(catalogue.is_offer(row["target_offer"]) for row in rows() if row["target_offer"])


def test_every_offer_says_who_names_it():
    """An offer without a source would be a guess; a lone product id is not an offer."""
    said = {bool(r["target_offer"]): set() for r in rows()}
    for row in rows():
        said[bool(row["target_offer"])].add(row["confidence"])

    assert said[True] == {"documented", "two_sources", "one_source"}
    assert said[False] == {"product_only", None}


def test_an_unknown_sku_is_no_error():
    """The public table is not complete, so an unseen skuId is unknown and nothing fails."""
    assert catalogue.find("00000000-0000-0000-0000-000000000000") is None
    assert catalogue.find(None) is None
    assert catalogue.sku_of("CFQ7TTC0ZZZZ:0001") is None
    assert catalogue.sku_of(None) is None


def test_offer_and_sku_lead_to_each_other():
    """The skuId of the replacement decides whether users must be reassigned."""
    assert catalogue.find(BUSINESS_STANDARD.upper())["target_offer"] == "CFQ7TTC0LDPB:0001"
    assert catalogue.sku_of("cfq7ttc0ldpb:0001") == BUSINESS_STANDARD


def test_eea_editions_are_products_of_their_own():
    """The editions without Teams have their own skuIds and no offer that a source confirms."""
    eea = [row for row in rows() if "EEA (no Teams)" in row["name"]]

    assert len(eea) >= 10
    assert {row["target_offer"] for row in eea} == {None}


@pytest.mark.parametrize(
    ("sku_id", "offer", "word"),
    [
        (BUSINESS_PREMIUM, "CFQ7TTC0LF4B:0001", "CFQ7TTC0LCHC:0002"),
        ("44575883-256e-4a79-9da4-ebe9acabe2b2", "CFQ7TTC0LH0T:0001", "Teams Phone"),
        ("66b55226-6b4f-492c-910c-a3b7a3c9d993", "CFQ7TTC0LHSF:0001", "Power BI Pro"),
        ("4b9405b0-7788-4568-add1-99614e613b69", "CFQ7TTC0LF4K:0001", "CFQ7TTC0LH16"),
        ("e43b5b99-8dfb-405f-9987-dc307f34bcbd", "CFQ7TTC0LH16:0001", "Exchange"),
        ("05e9a617-0261-4cee-bb44-138d3ef5d965", "cfq7ttc0lf8q:0001", "Office 365 E1"),
    ],
)
def test_wrong_mappings_in_circulation_are_refused_with_the_reason(sku_id, offer, word):
    """Lists with these mistakes are in use; following one would buy the wrong product."""
    assert word in catalogue.refusal(sku_id, offer)


def test_a_right_mapping_is_not_refused():
    """A refusal is for the pair, not for the product."""
    assert catalogue.refusal(BUSINESS_PREMIUM, "CFQ7TTC0LCHC:0002") is None
    assert catalogue.refusal("f8a1db68-be16-40ed-86d5-cb42ce701560", "CFQ7TTC0LHSF:0001") is None


def test_our_own_offers_are_never_among_the_refused():
    """The catalogue does not repeat a mistake that it knows."""
    assert [r for r in rows() if catalogue.refusal(r["sku_id"], r["target_offer"])] == []


def test_business_plans_carry_their_seat_limit():
    """A tenant may hold 300 seats of a Business plan, old and new together."""
    assert catalogue.find(BUSINESS_PREMIUM)["seat_limit"] == 300
    assert pc.max(catalogue.table()["seat_limit"]).as_py() == 300


def test_add_ons_and_their_bases_are_products_of_the_catalogue():
    """A prerequisite that nobody sells could never be found; each names its source."""
    known = {row["sku_id"] for row in rows()}
    lines = catalogue.addons().to_pylist()

    assert {row["sku_id"] for row in lines} | {row["base_sku_id"] for row in lines} <= known
    assert all(row["source"] and row["sku_id"] != row["base_sku_id"] for row in lines)
    assert len({(row["sku_id"], row["base_sku_id"]) for row in lines}) == len(lines)


@pytest.mark.parametrize(
    ("add_on", "base", "fits"),
    [
        ("MCOEV", "O365_BUSINESS_PREMIUM", True),
        ("MCOEV", "MICROSOFT_365_BUSINESS_STANDARD_NO_TEAMS", False),
        ("MCOPSTN1", "MCOEV", True),
        ("MCOPSTN1", "SPE_E3", False),
        ("SHAREPOINTSTORAGE", "ENTERPRISEPACK", True),
        ("Microsoft_365_Copilot", "SPB", True),
    ],
)
def test_an_add_on_names_the_bases_that_will_do(add_on, base, fits):
    """Teams Phone needs a plan with Teams, a calling plan needs Teams Phone."""
    sku = {row["part_number"]: row["sku_id"] for row in rows()}
    pairs = {(row["sku_id"], row["base_sku_id"]) for row in catalogue.addons().to_pylist()}

    assert fits == ((sku[add_on], sku[base]) in pairs)


def test_segments_agree_with_the_catalogue():
    """A skuId has one segment, whichever file names it."""
    said = {row["id"]: row["segment"] for row in catalogue.segments().to_pylist()}
    differing = [
        row["part_number"]
        for row in rows()
        if row["segment"] != said.get(row["sku_id"], "commercial")
    ]

    assert differing == []


@pytest.mark.parametrize(
    ("key", "segment"),
    [
        ("57b722c2-c435-4bfb-9bc8-80509213a13a", "nonprofit"),
        ("535a3a29-c5f0-42fe-8215-d3b9e1f38c4a", "government"),
        ("e578b273-6db4-4691-bba0-8d691f4da603", "education"),
    ],
)
def test_what_is_not_commercial_is_known(key, segment):
    """Nonprofit, government and education have offers of their own, each row with its source."""
    lines = [row for row in catalogue.segments().to_pylist() if row["id"] == key]

    assert [segment] == [row["segment"] for row in lines]
    assert all(row["source"] for row in catalogue.segments().to_pylist())
