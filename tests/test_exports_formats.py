"""Each format with the oddities it comes with, from files of tests/data."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cspkit.exports import Exports, load

DATA = Path(__file__).parent / "data"


def guid(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-{number:012x}"


def one(pattern: str) -> Exports:
    (path,) = DATA.glob(f"{pattern}*")
    return load(path)


def column(exports: Exports, name: str) -> list[Any]:
    return exports.subscriptions.set_index("subscription_id").sort_index()[name].tolist()


def rejected(exports: Exports) -> list[tuple[int, str]]:
    return list(zip(exports.rejects["source_row"], exports.rejects["reason_code"], strict=True))


def counts(exports: Exports) -> dict[str, int]:
    (line,) = exports.summary().drop(columns=["source_file", "profile"]).to_dict("records")
    return {name: number for name, number in line.items() if number}


def test_reasons_with_semicolons_do_not_become_columns():
    """The delimiter is the one under which the header is known, not the one seen most."""
    found = one("bam-subscriptions-reasons-with-semicolons")

    assert [date(2027, 3, 4), date(2026, 12, 31)] == column(found, "expires_on")
    assert column(found, "channel") == ["csp_legacy", "csp_legacy"]


def test_unset_and_empty_dates_are_missing():
    """01/01/0001 says that nobody set the date; the row is kept."""
    found = one("bam-subscriptions-unset-date")

    assert counts(found) == {"read": 2, "accepted": 2}
    assert found.subscriptions["expires_on"].isna().all()


def test_a_file_saved_again_by_a_spreadsheet():
    """A day 31 in first place tells the whole column: 03/04 is then the third of April."""
    found = one("bam-subscriptions-saved-by-spanish-excel")

    assert [date(2027, 4, 3), date(2026, 12, 31)] == column(found, "expires_on")
    assert column(found, "auto_renew") == [True, True]


def test_an_old_version_lacks_columns():
    """Columns that only newer versions write are missing values, not errors."""
    found = one("bam-subscriptions-old-version")

    assert column(found, "seats") == [25]
    assert found.subscriptions["auto_renew"].isna().all()


def test_ids_are_lower_case():
    """Tools write GUIDs in either case; one tenant is one customer."""
    found = one("bam-customers-upper-case-ids")

    assert [guid(0xABC)] == found.customers["customer_id"].tolist()
    assert found.customers["domain"].tolist() == ["fabrikam.example"]


def test_a_dual_partner_sees_a_tenant_twice():
    """The same tenant under two relationships is one customer; the other row is merged."""
    found = one("partner-center-customers-dual-partner")

    assert counts(found) == {"read": 3, "accepted": 2, "set_aside": 1, "merged": 1}
    assert found.customers["name"].tolist() == ["Contoso", "Fabrikam, S.L."]


@pytest.mark.parametrize(
    ("name", "company"), [("french", "Hôtels Garçon SAS"), ("utf16-tabs", "Mañas")]
)
def test_customers_in_other_languages_and_encodings(name, company):
    """Translated headers, cp1252 with semicolons, UTF-16 with tabs: the same table."""
    found = one(f"partner-center-customers-{name}")

    assert [company] == found.customers["name"].tolist()
    assert found.customers["relationship"].tolist() == ["reseller"]


def test_many_lines_of_one_subscription_are_never_summed():
    """The latest line says how many seats there are; usage and software are no licences."""
    found = one("reconciliation-nce-many-lines")

    expected = {"read": 5, "accepted": 1, "set_aside": 4, "merged": 2, "not_licence_based": 2}
    assert expected == counts(found)
    assert column(found, "seats") == [13]
    assert column(found, "offer_id") == ["CFQ7TTC0LH18:0001"]
    assert [date(2027, 4, 30)] == column(found, "expires_on")
    assert column(found, "term") == ["P1Y"]


def test_headers_in_camel_case_are_the_same_headers():
    """New versions of the reconciliation file write subscriptionId for SubscriptionId."""
    assert column(one("reconciliation-nce-camel-case"), "seats") == [10]


def test_totals_blanks_and_broken_rows_of_a_distributor():
    """Set aside with a reason, or rejected with column and value; prices in Spanish form."""
    found = one("distributor-es-totals-row")

    expected = {
        "read": 5,
        "accepted": 1,
        "rejected": 2,
        "set_aside": 2,
        "blank": 1,
        "total": 1,
    }
    assert expected == counts(found)
    assert rejected(found) == [(3, "no_such_day"), (4, "not_a_number")]
    assert [Decimal("1958.07")] == column(found, "unit_price")
    assert column(found, "currency") == ["EUR"]
    assert found.customers["market"].tolist() == ["ES"]


def test_graph_dates_are_read_by_status():
    """The next change of state is the end of the term only for an enabled subscription."""
    found = one("graph-directory-subscriptions-states")
    ends = dict(
        zip(found.subscriptions["status"], found.subscriptions["expires_on"].notna(), strict=True)
    )

    assert ends == {"active": True, "warning": False, "suspended": False}
    assert {guid(0xABC)} == set(found.subscriptions["customer_id"])


def test_graph_owners_tell_the_channel():
    """Nobody or the customer itself bought it: unknown; we did: ours; else another partner."""
    found = one("graph-directory-subscriptions-states")
    channels = found.subscriptions.set_index("subscription_id")["channel"]

    assert channels[guid(101)] == "unknown"
    assert channels[guid(105)] == "csp_nce"
    assert channels[guid(106)] == "csp_other"
    assert channels[guid(107)] == "unknown"


def test_free_products_are_set_aside():
    """A free product has no end and nobody has to move it."""
    found = one("graph-directory-subscriptions-states")

    assert counts(found) == {"read": 7, "accepted": 6, "set_aside": 1, "free": 1}


@pytest.mark.parametrize(
    ("oddity", "accepted", "rejects"),
    [
        ("ambiguous-dates", 2, [(2, "ambiguous_day")]),
        ("day-first-by-evidence", 2, []),
        ("mixed-orders", 3, [(2, "ambiguous_day")]),
        ("ambiguous-numbers", 1, [(2, "ambiguous_number")]),
        ("ragged-rows", 2, [(2, "too_few_cells"), (4, "too_many_cells")]),
        ("damaged-ids", 1, [(2, "damaged_id"), (4, "not_a_guid"), (5, "not_a_guid")]),
        ("repeated-id", 1, [(4, "other_customer")]),
        ("header-on-row-3", 1, []),
        ("type-line-and-line-breaks", 1, []),
    ],
)
def test_oddities_of_any_list(oddity, accepted, rejects):
    """What is certain is accepted, what is not is rejected with its reason."""
    found = one(f"cspkit-subscriptions-{oddity}")

    assert rejects == rejected(found)
    assert accepted == counts(found)["accepted"]


def test_what_stands_beyond_the_header_is_kept_in_the_reject():
    """A row with too many cells shows them, so that it can be put right."""
    found = one("cspkit-subscriptions-ragged-rows").rejects.iloc[1]

    assert found["value"] == " Plan 2"
    assert '"beyond":" Plan 2"' in found["row"]
