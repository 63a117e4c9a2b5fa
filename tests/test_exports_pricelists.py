"""Price sheets and offer matrices: read as prices and offers, under the same law as all rows."""

from __future__ import annotations

import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from cspkit import tables
from cspkit.exports import Exports, load

DATA = Path(__file__).parent / "data"
BASIC, VISIO = "CFQ7TTC0LH18:0001", "CFQ7TTC0HD32:0002"


def one(name: str) -> Exports:
    (path,) = DATA.glob(f"{name}*")
    return load(path)


def listed(frame: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    """Rows of some columns, sorted, with None for what is missing."""
    rows = frame[list(columns)].astype(object).where(frame[list(columns)].notna(), None)
    return sorted(map(tuple, rows.to_numpy().tolist()), key=str)


def counts(exports: Exports) -> dict[str, int]:
    (line,) = exports.summary().drop(columns=["source_file", "profile"]).to_dict("records")
    return {name: number for name, number in line.items() if number}


def test_a_price_sheet_says_what_each_offer_costs():
    """Cost and list price per billing cycle; the header may end with a curly quote."""
    found = one("price-list-nce-curly-quote")

    assert [
        (VISIO, "P1Y", "annual", Decimal("100.80"), Decimal("126.00"), "EUR", "ES"),
        (VISIO, "P1Y", "monthly", Decimal("8.40"), Decimal("10.50"), "EUR", "ES"),
    ] == listed(
        found.prices,
        *("target_offer", "term", "billing_cycle", "unit_price", "erp_price", "currency", "market"),
    )
    assert counts(found) == {"read": 2, "accepted": 2}
    assert len(found.customers) == len(found.subscriptions) == 0


def test_segments_tiers_and_placeholder_days():
    """1753 and 9999 are no days, charity is nonprofit, sku 1 is 0001; an unknown segment is none.

    A price for 301 seats and more must not stand for all, and a row that stands twice is one.
    """
    found = one("price-list-nce-segments")

    assert [
        (VISIO, "education", "P3Y", date(2026, 2, 1), None),
        (BASIC, "commercial", "P1Y", None, None),
        (BASIC, "nonprofit", "P1M", date(2026, 2, 1), date(2027, 1, 31)),
    ] == listed(found.prices, "target_offer", "segment", "term", "valid_from", "valid_to")
    assert counts(found) == {
        "read": 8,
        "accepted": 3,
        "rejected": 2,
        "set_aside": 3,
        "merged": 1,
        "not_licence_based": 1,
        "tier": 1,
    }
    assert found.rejects["column"].tolist() == ["UnitPrice", "Segment"]


def test_an_offer_matrix_joins_skus_with_offers():
    """ProvisioningId is the skuId; a damaged one is rejected, a line that repeats is merged."""
    found = one("offer-matrix-nce-trailing-space")
    sku = "3b555118-da6a-4418-894f-7df1e2096870"

    assert [(sku, BASIC, "Microsoft 365 Business Basic")] == listed(
        found.offers, "sku_id", "target_offer", "title"
    )
    expected = {"read": 4, "accepted": 1, "rejected": 1, "set_aside": 2, "merged": 1}
    assert expected | {"not_licence_based": 1} == counts(found)
    assert found.rejects["reason_code"].tolist() == ["not_a_guid"]


def test_a_legacy_matrix_says_terms_and_cycles():
    """Several billing frequencies stand in one cell; one that nobody knows rejects the row."""
    found = one("offer-matrix-legacy-frequency-lists")

    assert listed(found.offers, "legacy_offer_id", "terms", "billing_cycles") == [
        ("bd938f12-058f-4927-bba3-ae36b1d2501c", "P1Y", "monthly,annual")
    ]
    assert found.rejects["value"].tolist() == ["Fortnightly"]


def test_a_legacy_price_list_has_days_without_separators():
    """20230701 is a day, 99991231 is none; what the list takes off is set aside."""
    found = one("price-list-legacy-compact-dates")

    assert [
        ("bd938f12-058f-4927-bba3-ae36b1d2501c", "monthly", "commercial", date(2023, 7, 1), None),
        (
            *("e578b273-6db4-4691-bba0-8d691f4da603", "annual", "education"),
            *(date(2023, 7, 1), date(2023, 12, 31)),
        ),
    ] == listed(found.prices, "target_offer", "billing_cycle", "segment", "valid_from", "valid_to")
    assert counts(found) == {
        **{"read": 4, "accepted": 2, "rejected": 1, "set_aside": 1, "ended": 1},
    }
    assert found.rejects["reason_code"].tolist() == ["no_such_day"]


def test_a_workbook_has_a_sheet_for_each_currency(tmp_path):
    """The currency may stand only in the sheet's name; a name that is none rejects its rows."""
    lines = (DATA / "price-list-legacy-compact-dates.csv").read_text(encoding="utf-8").splitlines()
    book = openpyxl.Workbook()
    for title in ("EUR", "USD", "Notes 2"):
        sheet = book.create_sheet(title)
        for line in lines[:2]:
            sheet.append(line.split(",")[:-1])
    book.save(tmp_path / "list.xlsx")
    found = load(tmp_path / "list.xlsx")

    assert found.prices["currency"].tolist() == ["EUR", "USD"]
    assert found.rejects["value"].tolist() == ["Notes 2"]
    found.save(tmp_path / "out")
    fixed = (tmp_path / "out" / "rejects.csv").read_text(encoding="utf-8")
    (tmp_path / "rejects.csv").write_text(fixed.replace("(sheet),Notes 2", "(sheet),GBP"))
    assert load(tmp_path / "rejects.csv").prices["currency"].tolist() == ["GBP"]


def test_own_columns_can_be_filled_by_hand():
    """The template of prices and of offers takes words and numbers as people write them."""
    prices, offers = one("cspkit-prices").prices, one("cspkit-offers").offers

    assert [
        (BASIC, "ES", "EUR", "P1M", "monthly", Decimal("5.76")),
        (BASIC, "ES", "EUR", "P1Y", "annual", Decimal("1057.60")),
    ] == listed(prices, "target_offer", "market", "currency", "term", "billing_cycle", "unit_price")
    assert listed(offers, "target_offer", "legacy_offer_id", "terms", "billing_cycles") == [
        (BASIC, "bd938f12-058f-4927-bba3-ae36b1d2501c", "P1Y,P1M", "monthly,annual")
    ]


def test_the_younger_sheet_sets_the_price(tmp_path):
    """A price that two sheets name once each is that of the younger; the other is merged."""
    text = (DATA / "price-list-nce-curly-quote.csv").read_text(encoding="utf-8")
    (tmp_path / "prices-2026-10-01.csv").write_text(text, encoding="utf-8")
    (tmp_path / "prices-2026-11-01.csv").write_text(text.replace('"8.40"', '"8.90"'), "utf-8")
    found = load(tmp_path)

    assert [Decimal("8.90"), Decimal("100.80")] == sorted(found.prices["unit_price"])
    assert found.summary()["merged"].tolist() == [2, 0]


def test_two_prices_of_one_sheet_both_stay(tmp_path):
    """Nothing says which of two contradicting rows holds, so neither is dropped."""
    text = (DATA / "price-list-nce-curly-quote.csv").read_text(encoding="utf-8")
    again = text.splitlines()[2].replace('"8.40"', '"9.90"')
    (tmp_path / "prices.csv").write_text(f"{text}{again}\n", encoding="utf-8")

    assert sorted(load(tmp_path).prices["unit_price"])[:2] == [Decimal("8.40"), Decimal("9.90")]


@pytest.mark.parametrize("name", ["prices", "offers"])
def test_lists_are_saved_and_read_back(name, tmp_path):
    """Beside subscriptions they fill their own table, and a saved folder holds them."""
    for pattern in ("price-list-nce-c*", "offer-matrix-nce*", "cspkit-subscriptions-repeated*"):
        for path in DATA.glob(pattern):
            shutil.copy(path, tmp_path)
    found = load(tmp_path)
    found.save(tmp_path / "out")
    again = load(tmp_path / "out")

    assert len(getattr(found, name)) and len(found.subscriptions)
    pd.testing.assert_frame_equal(getattr(found, name), getattr(again, name))
    assert getattr(tables, name.upper()).names == getattr(again, name).columns.tolist()
