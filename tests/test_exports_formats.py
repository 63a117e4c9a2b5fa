"""Each format with the oddities it comes with, from files of tests/data."""

from __future__ import annotations

import json
import shutil
import zipfile
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cspkit.errors import ExportError
from cspkit.exports import Exports, load
from cspkit.exports.formats import packaged

DATA = Path(__file__).parent / "data"


def guid(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-{number:012x}"


@cache
def one(pattern: str) -> Exports:
    (path,) = DATA.glob(f"{pattern}*")
    return load(path)


def column(exports: Exports, name: str) -> list[Any]:
    return exports.subscriptions.set_index("subscription_id").sort_index()[name].tolist()


def rejected(exports: Exports) -> list[tuple[int, str]]:
    return list(zip(exports.rejects["source_row"], exports.rejects["reason_code"], strict=True))


def counts(exports: Exports) -> dict[str, int]:
    (line,) = exports.summary().drop(columns=["source_file", "profile", "note"]).to_dict("records")
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


@pytest.mark.parametrize(
    "export",
    json.loads((DATA / "export-headers.json").read_text(encoding="utf-8")),
    ids=lambda export: export["export"],
)
def test_every_known_header_is_recognised(export):
    """Each header row that portals and tools write belongs to one format."""
    best = packaged().recognise(export["header"])[0]

    assert best.fits
    assert export["profile"] == best.profile.id


@pytest.mark.parametrize(
    "profile", [p for p in packaged().profiles if p.id != "rejects"], ids=lambda profile: profile.id
)
def test_every_format_has_a_file(profile):
    """A format without an example of its oddity is not known well enough."""
    files = [path for path in DATA.iterdir() if path.name.startswith(profile.id)]

    assert files
    lists = [path for path in files if path.suffix != ".json"]
    assert all(len(path.read_bytes().splitlines()) <= 21 for path in lists)


@pytest.mark.parametrize(
    ("name", "seats", "ends", "channel"),
    [
        ("reconciliation-legacy-credits", [5], [date(2027, 1, 31)], "csp_legacy"),
        ("bam-nce-subscriptions-billing-none", [12], [date(2027, 10, 31)], "csp_nce"),
        ("partner-center-subscriptions-spanish", [25], [None], "unknown"),
        ("msol-subscriptions-trial-with-time", [25], [date(2026, 10, 27)], "unknown"),
        ("admindroid-licence-expiry-never", [25], [date(2026, 12, 31)], "unknown"),
        ("partner-script-customers-several-ids", [10], [date(2026, 12, 31)], "unknown"),
        ("insights-subscriptions-one-row-a-month", [25], [date(2026, 12, 31)], "open"),
        ("arrowsphere-licences-glued-sku", [7], [date(2026, 12, 31)], "csp_other"),
        ("streamone-ion-renewal-beside-end", [4], [date(2026, 12, 31)], "unknown"),
        (
            "quality-hosting-date-in-the-status",
            [4, 1],
            [date(2027, 8, 2), date(2026, 11, 21)],
            None,
        ),
        ("dicker-annuity-header-on-row-3", [275], [date(2026, 8, 30)], "unknown"),
        ("pax8-subscriptions-monthly-without-commitment", [10], [None], "unknown"),
    ],
)
def test_what_other_tools_and_distributors_write(name, seats, ends, channel):
    """Seats, end dates and channels from a dozen forms; what a form lacks is missing."""
    found = one(name).subscriptions.sort_values("subscription_id")

    assert seats == found["seats"].tolist()
    assert ends == [
        None if end is None or end != end else end
        for end in found["expires_on"].replace({float("nan"): None})
    ]
    assert channel is None or {channel} == set(found["channel"])


def test_our_own_channels_follow_from_the_offer():
    """product:sku is new commerce, a GUID is legacy, Azure is no licence; dates day first."""
    found = one("partner-center-powershell-subscriptions-spanish-pc")

    assert column(found, "channel") == ["csp_nce", "csp_legacy"]
    assert column(found, "expires_on") == [date(2026, 12, 31), date(2027, 4, 3)]
    assert counts(found)["not_licence_based"] == 1


def test_status_codes_have_words():
    """Numbers of a marketplace are states; a number nobody knows is rejected."""
    found = one("cloudblue-subscriptions-status-codes")
    expected = "pending active active warning expired deleted deleted suspended"

    assert expected.split() == column(found, "status")
    assert rejected(found) == [(10, "unknown_word")]


def test_three_date_forms_in_one_column():
    """Dots are day first, slashes month first by evidence, a bare year is no day."""
    found = one("appdirect-purchases-three-date-forms")

    assert column(found, "expires_on")[:2] == [date(2026, 8, 2), date(2025, 8, 15)]
    assert rejected(found) == [(4, "not_a_day")]


@pytest.mark.parametrize(
    "name",
    [
        "cipp-licences-tenant-by-domain",
        "appxite-subscriptions-tenant-by-domain",
        "insights-agreements-open",
    ],
)
def test_a_tenant_is_found_by_its_domain(name, tmp_path):
    """A file that names tenants by domain needs a customers file beside it."""
    shutil.copy(DATA / "partner-center-customers-dual-partner.csv", tmp_path)
    shutil.copy(DATA / f"{name}.csv", tmp_path)

    assert one(name).rejects["reason_code"].iloc[0] == "unknown_domain"
    assert guid(1) == load(tmp_path).subscriptions["customer_id"].iloc[0]


def test_a_tenant_is_never_found_by_a_name():
    """Without id and domain a row is rejected, and the reason says what to add."""
    found = one("streamone-cnc-no-tenant").rejects

    assert found["reason_code"].tolist() == ["no_tenant"]
    assert "add a column 'Tenant ID'" in found["reason"].iloc[0]


def test_customers_of_other_tools():
    """The partner's own name is not the customer's; month rows are one customer."""
    assert one("gdap-customers-name-of").customers["name"].tolist() == ["Contoso"]
    assert one("insights-customers-month").customers["market"].tolist() == ["ES"]
    assert one("partner-center-powershell-customers").customers["source_row"].tolist() == [3]


def test_files_without_originals_are_set_aside(tmp_path):
    """An activity log is known, counted and left out; alone it is no mistake."""
    log = tmp_path / "log.csv"
    header = next(p for p in packaged().profiles if p.id == "partner-center-activity-log").marks
    log.write_text(",".join(mark[0] for mark in header) + "\n1,2,3,4\n1,2,3,4\n", "utf-8")

    assert counts(load(log)) == {"read": 2, "set_aside": 2, "other_data": 2}
    shutil.copy(DATA / "cspkit-subscriptions-repeated-id.csv", tmp_path)
    lines = load(tmp_path).summary().set_index("profile").loc["partner-center-activity-log"]
    assert lines["read"] == lines["other_data"] == lines["set_aside"] == 2


def test_an_archive_is_read_like_a_folder(tmp_path):
    """Names inside an archive count, also the tenant's id; other files are listed."""
    (graph,) = DATA.glob("graph-directory-subscriptions-states*")
    with zipfile.ZipFile(tmp_path / "exports.zip", "w") as archive:
        archive.write(graph, f"../../graph/{graph.name}")
        archive.write(DATA / "bam-customers-upper-case-ids.csv", "bam/customers.csv")
        archive.writestr("notes.md", "hello")
    found = load(tmp_path / "exports.zip")

    assert set(found.files["source_file"]) == {
        "exports.zip/bam/customers.csv",
        f"exports.zip/graph/{graph.name}",
    }
    assert {guid(0xABC)} == set(found.subscriptions["customer_id"])
    assert [name for name, _why in found.unrecognised] == ["exports.zip/notes.md"]


@pytest.mark.parametrize(
    ("members", "size", "why"),
    [(1, 50_000_000, "unpacks to 50,000,000 bytes from"), (20_001, 0, "holds 20,001 files")],
)
def test_an_archive_beyond_the_limits_is_not_unpacked(tmp_path, members, size, why):
    """What an archive says of its sizes is looked at before anything is written."""
    with zipfile.ZipFile(tmp_path / "exports.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(members):
            archive.writestr(f"{number}.csv", b"0" * size)

    with pytest.raises(ExportError, match=why):
        load(tmp_path / "exports.zip")


def test_parquet_is_read_like_text(tmp_path):
    """Typed columns are checked by the same rules as their text."""
    found = one("cspkit-subscriptions-day-first-by-evidence")
    found.save(tmp_path / "saved")
    again = load(tmp_path / "saved" / "subscriptions.parquet")

    assert column(found, "expires_on") == column(again, "expires_on")
    assert counts(again) == {"read": 2, "accepted": 2}


def corrected(folder: Path, source: Exports, column: str, value: str) -> Path:
    """Save, put one column of the rejects right, and return the file."""
    source.save(folder / "saved")
    path = folder / "rejects.csv"
    lines = pd.read_csv(folder / "saved" / "rejects.csv", dtype=str, keep_default_na=False)
    lines.loc[lines["column"] == column, "value"] = value
    lines.to_csv(path, index=False)
    return path


def test_corrected_rejects_are_fed_back(tmp_path):
    """A row that was put right is read as a row of the file it came from, the others stay."""
    first = one("distributor-es-totals-row")
    path = corrected(tmp_path, first, "Cantidad", "7")
    found = load(DATA / "distributor-es-totals-row.csv", path)
    lines = found.files.set_index("source_file")

    assert sorted([*column(first, "seats"), 7]) == sorted(column(found, "seats"))
    assert lines.loc["rejects.csv#distributor-es-totals-row.csv", "accepted"] == 1
    assert lines.loc["rejects.csv#distributor-es-totals-row.csv", "rejected"] == 1


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("m365-admin-licences-no-dates", 2),
        ("m365-your-products-purchase-channel", 2),
        ("graph-subscribed-skus-units-as-hashtable", 1),
        ("msol-account-skus-warning-units-after-the-end", 2),
        ("partner-center-powershell-skus-type-name-in-cell", 1),
        ("bam-schedule-result-error-with-comma", 1),
        ("bam-migration-result-unset-date", 1),
        ("insights-azure-usage-month-rows", 2),
        ("microsoft-licensing-table-trailing-tab", 1),
        ("partner-center-activity-log-quoted-names", 1),
        ("partner-center-usage-azure-lines", 1),
    ],
)
def test_what_holds_no_original_is_known_and_said(name, read):
    """Rows are counted as other data, and the file's line says what the file is."""
    found = one(name)
    (line,) = found.files.to_dict("records")

    assert counts(found) == {"read": read, "set_aside": read, "other_data": read}
    assert line["note"] == next(p.title for p in packaged().profiles if p.id == line["profile"])


def test_the_migration_tools_schedule_is_its_list(tmp_path):
    """The schedule export has the same rows with a target date, which is no end date."""
    found = one("bam-subscriptions-schedule-with-target-date")

    assert [date(2026, 12, 31)] == column(found, "expires_on")
    assert column(found, "seats") == [12]


def test_hand_made_customers_name_countries_as_people_do():
    """A country in words becomes its code; one that there is not is left out."""
    found = one("cspkit-customers-country-names").customers

    assert [None if m != m else m for m in found["market"]] == ["ES", None]
    assert found["domain"].tolist()[0] == "fabrikam.example"


def test_agreements_are_told_by_their_part_numbers():
    """One agreement number and part number is one original of EA or MCA-E."""
    found = one("ea-sheet-part-numbers")

    channels = found.subscriptions.set_index("subscription_id")["channel"].to_dict()

    assert channels == {"8123456-spe_e3": "ea", "8123457-visioclient": "mca_e"}
    assert column(found, "sku_id")[0] == "05e9a617-0261-4cee-bb44-138d3ef5d965"


def test_several_terms_in_one_cell_are_rows_of_their_own(tmp_path):
    """CIPP's report of all tenants holds JSON: each term is a subscription, none is lost."""
    shutil.copy(DATA / "partner-center-customers-dual-partner.csv", tmp_path)
    shutil.copy(DATA / "cipp-licences-all-several-terms-in-one-cell.csv", tmp_path)
    found = load(tmp_path)
    rows = found.subscriptions.set_index("subscription_id").sort_index()
    (line,) = found.files[found.files["profile"] == "cipp-licences"].to_dict("records")

    assert rows["seats"].tolist() == [20, 5, 1]
    assert [date(2026, 12, 31), date(2027, 2, 28)] == rows["expires_on"].tolist()[:2]
    assert rows["expires_on"].isna().tolist() == [False, False, True]
    assert rows["source_row"].tolist() == [2, 1_000_002, 3]
    assert (line["read"], line["accepted"], line["rejected"]) == (4, 3, 1)


def test_all_subscriptions_of_the_portal_are_matched_tolerantly(tmp_path):
    """Its header was never seen, so words of neighbouring pages are taken in any mixture."""
    shutil.copy(DATA / "partner-center-customers-dual-partner.csv", tmp_path)
    shutil.copy(DATA / "partner-center-all-subscriptions-words-of-other-pages.csv", tmp_path)
    found = load(tmp_path)

    assert [(guid(1), date(2026, 10, 31), "expired")] == list(
        found.subscriptions[["customer_id", "expires_on", "status"]].itertuples(
            index=False, name=None
        )
    )
    assert found.rejects["reason_code"].tolist() == ["unknown_domain"]
    assert found.proposed["name"].tolist() == []


def test_a_table_printed_for_the_eye_is_refused_with_advice():
    """Format-Table cuts values off; the error says which command writes them whole."""
    with pytest.raises(ExportError, match=r"Export-Csv FILE -NoTypeInformation"):
        load(DATA / "unknown-format-table-of-powershell.txt")
