from __future__ import annotations

import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from cspkit import decisions
from cspkit.decisions import SHEETS, Decisions
from cspkit.errors import SettingsError
from tests.originals import customer, customer_id, exports, original

HEADERS = {sheet: [field.name for field in fields] for sheet, fields in SHEETS.items()}


def book(path: Path, customers: list[dict] = (), originals: list[dict] = ()) -> Path:
    """Write a workbook as a person would leave it."""
    made = Workbook()
    made.remove(made.active)
    for sheet, rows in (("customers", customers), ("originals", originals)):
        made.create_sheet(sheet).append(HEADERS[sheet])
        for row in rows:
            made[sheet].append([row.get(column) for column in HEADERS[sheet]])
    made.save(path)
    return path


def cells(path: Path, sheet: str) -> list[list[object]]:
    return [list(row) for row in load_workbook(path)[sheet].iter_rows(values_only=True)]


def test_a_workspace_without_decisions_has_none(tmp_path):
    """A file that is not there is a team that has not decided yet, not an error."""
    found = decisions.read(tmp_path / "decisions.xlsx")

    assert (len(found.customers), len(found.originals)) == (0, 0)


def test_a_new_workbook_lists_everyone_who_waits_for_a_decision(tmp_path):
    """Each customer and each original has its row; our own new-commerce ones need none."""
    path = tmp_path / "decisions.xlsx"
    decisions.write(path, exports(customer(1), original(1), original(2, channel="csp_nce")))

    assert [HEADERS["customers"], customer_id(1)] == [
        cells(path, "customers")[0],
        cells(path, "customers")[1][0],
    ]
    assert [row[0] for row in cells(path, "originals")] == ["subscription_id", "s00001"]


def test_an_empty_workspace_gets_an_empty_workbook(tmp_path):
    """`cspkit init` makes the file before any export is there."""
    path = decisions.write(tmp_path / "decisions.xlsx", None)

    assert Decisions.empty().originals.columns.tolist() == HEADERS["originals"]
    assert decisions.read(path).originals.empty


def test_what_was_written_reads_back(tmp_path):
    """A workbook without an entry by a person is valid."""
    path = decisions.write(tmp_path / "d.xlsx", exports(customer(1, language="es"), original(1)))
    found = decisions.read(path)

    assert found.originals["subscription_id"].tolist() == ["s00001"]
    assert found.customers["language"].tolist() == ["es"]


def test_all_that_a_person_says_is_read_with_its_type(tmp_path):
    """Numbers, dates and yes or no arrive as what they are; ids and words in one spelling."""
    said = {
        "subscription_id": "S00001",
        "customer_id": customer_id(1).upper(),
        "target_offer": "cfq7ttc0ldpb:0001",
        "term": "p1y",
        "billing_cycle": "Annual",
        "seats": 12.0,
        "sale_price": 12.4,
        "currency": "eur",
        "consent_by": "Ana",
        "consent_on": datetime(2026, 11, 2),
        "hold": "sí",
    }
    found = decisions.read(book(tmp_path / "d.xlsx", originals=[said])).original_table.to_pylist()

    assert {
        "subscription_id": "s00001",
        "customer_id": customer_id(1),
        "target_offer": "CFQ7TTC0LDPB:0001",
        "term": "P1Y",
        "billing_cycle": "annual",
        "seats": 12,
        "sale_price": Decimal("12.400000"),
        "currency": "EUR",
        "consent_by": "Ana",
        "consent_on": date(2026, 11, 2),
        "hold": True,
    } == {key: value for key, value in found[0].items() if value is not None}


def test_rows_are_added_and_nothing_typed_is_touched(tmp_path):
    """A second write brings the new original and leaves notes, extra columns and choices alone."""
    path = tmp_path / "d.xlsx"
    decisions.write(path, exports(customer(1), original(1)))
    typed = load_workbook(path)
    typed["originals"]["N2"] = "call Ana first"
    typed["originals"]["P1"] = "our own column"
    typed["originals"]["C2"] = "renamed by hand"
    typed.save(path)
    decisions.write(path, exports(customer(1), original(1), original(2)))
    rows = cells(path, "originals")

    assert [rows[1][i] for i in (0, 2, 13)] == ["s00001", "renamed by hand", "call Ana first"]
    assert [rows[0][15], rows[2][0]] == ["our own column", "s00002"]


def test_writing_twice_changes_nothing(tmp_path):
    """The round trip is stable."""
    path = tmp_path / "d.xlsx"
    both = exports(customer(1), original(1), original(2))
    decisions.write(path, both)
    before = cells(path, "originals")
    decisions.write(path, both)

    assert before == cells(path, "originals")


def test_a_row_that_the_exports_lost_is_marked_and_unmarked(tmp_path):
    """Decisions of an original that left are kept, visibly orphaned, until it is back."""
    path = tmp_path / "d.xlsx"
    decisions.write(path, exports(customer(1), original(1), original(2)))
    decisions.write(path, exports(customer(1), original(2)))
    lost = decisions.read(path).originals.set_index("subscription_id")["orphan"]
    decisions.write(path, exports(customer(1), original(1), original(2)))
    back = decisions.read(path).originals.set_index("subscription_id")["orphan"]

    assert lost["s00001"]
    assert back.isna().all()


def test_a_new_file_can_start_from_an_older_one(tmp_path):
    """Last month's decisions carry over into a new file and the old file stays as it was."""
    old = book(tmp_path / "old.xlsx", originals=[{"subscription_id": "s00001", "note": "kept"}])
    before = old.read_bytes()
    decisions.write(tmp_path / "new.xlsx", exports(customer(1), original(1)), previous=old)

    assert "kept" in cells(tmp_path / "new.xlsx", "originals")[1]
    assert before == old.read_bytes()


@pytest.mark.parametrize("name", ["=1+1", "+cmd|'/C calc'!A0", "-2", "@SUM(A1)", "=HYPERLINK(1)"])
def test_customer_text_is_never_a_formula(tmp_path, name):
    """A company name that begins like a formula is a name."""
    path = decisions.write(tmp_path / "d.xlsx", exports(customer(1, name=name), original(1)))
    cell = load_workbook(path)["customers"]["B2"]

    assert (name, "s") == (cell.value, cell.data_type)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=8, deadline=None
)
@given(st.text())
def test_any_name_can_be_written(tmp_path, name):
    """Control characters and lone surrogates do not stop the workbook of everyone else."""
    text = name.encode("utf-8", "replace").decode()
    path = decisions.write(tmp_path / f"{abs(hash(name))}.xlsx", exports(customer(1, name=text)))

    assert len(decisions.read(path).customers) == 1


@pytest.mark.parametrize(
    ("sheet", "row", "place", "word"),
    [
        ("originals", {"subscription_id": "s1", "seats": 0}, "originals!G2", "1 to 1000000"),
        ("originals", {"subscription_id": "s1", "seats": 1.5}, "originals!G2", "whole number"),
        ("originals", {"subscription_id": "s1", "seats": "1e999999999"}, "originals!G2", "whole"),
        ("originals", {"subscription_id": "s1", "sale_price": -1}, "originals!H2", "price"),
        ("originals", {"subscription_id": "s1", "sale_price": "12,40"}, "originals!H2", "point"),
        ("originals", {"subscription_id": "s1", "sale_price": "nan"}, "originals!H2", "number"),
        ("originals", {"subscription_id": "s1", "sale_price": 1}, "originals!I2", "currency"),
        ("originals", {"subscription_id": "s1", "currency": "€"}, "originals!I2", "letters"),
        ("originals", {"subscription_id": "s1", "term": "P2Y"}, "originals!E2", "P3Y"),
        (
            "originals",
            {"subscription_id": "s1", "term": "P1M", "billing_cycle": "annual"},
            "originals!F2",
            "monthly for P1M",
        ),
        ("originals", {"subscription_id": "s1", "target_offer": "x"}, "originals!D2", "sku"),
        ("originals", {"subscription_id": "s1", "consent_on": "3/4/26"}, "originals!K2", "date"),
        ("originals", {"subscription_id": "s1", "hold": "maybe"}, "originals!M2", "yes or no"),
        ("originals", {"note": "no id"}, "originals!A2", "subscription_id"),
        ("customers", {"customer_id": "contoso"}, "customers!A2", "tenant id"),
        (
            "customers",
            {"customer_id": customer_id(1), "contact_email": "a@b.es, c@d.es"},
            "customers!D2",
            "one e-mail",
        ),
        ("customers", {"customer_id": customer_id(1), "language": "spanish"}, "customers!E2", "es"),
    ],
)
def test_a_wrong_cell_is_named(tmp_path, sheet, row, place, word):
    """The error leads to sheet and cell and says what was expected."""
    path = book(tmp_path / "d.xlsx", **{sheet: [row]})
    with pytest.raises(SettingsError) as caught:
        decisions.read(path)

    assert place == caught.value.field
    assert word in str(caught.value)


def test_all_problems_are_counted(tmp_path):
    """The team sees at once how much is left to correct."""
    wrong = [{"subscription_id": "s1", "seats": 0}, {"subscription_id": "s2", "term": "x"}]
    with pytest.raises(SettingsError, match="and 1 more problem"):
        decisions.read(book(tmp_path / "d.xlsx", originals=wrong))


@pytest.mark.parametrize(
    ("sheet", "row", "lacks"),
    [
        ("originals", {"renewal_off_on": "2026-11-23"}, "renewal_off_by and renewal_off_evidence"),
        (
            "originals",
            {"renewal_off_by": "Carmen", "renewal_off_evidence": "ticket 17"},
            "renewal_off_on",
        ),
        ("customers", {"billing_consent_by": "Carmen"}, "billing_consent_on"),
    ],
)
def test_who_says_a_part_says_it_all(tmp_path, sheet, row, lacks):
    """Evidence without its day, its person or how to see it is no evidence."""
    key = {"originals": {"subscription_id": "s1"}, "customers": {"customer_id": customer_id(1)}}
    path = book(tmp_path / "d.xlsx", **{sheet: [key[sheet] | row]})

    with pytest.raises(SettingsError, match=f"expected {lacks} beside "):
        decisions.read(path)


def test_evidence_that_was_typed_survives_a_reload(tmp_path):
    """Who saw a renewal off, when and how, stays through every load that adds rows."""
    said = {
        "renewal_off_by": "Carmen",
        "renewal_off_on": date(2026, 11, 23),
        "renewal_off_evidence": "ticket 17",
    }
    path = book(tmp_path / "d.xlsx", originals=[{"subscription_id": "s00001", **said}])
    decisions.write(path, exports(customer(1), original(1), original(2)))

    (first, _) = decisions.read(path).original_table.to_pylist()
    assert {name: first[name] for name in said} == said


def test_an_id_has_one_row(tmp_path):
    """Two rows for one original could say two things."""
    twice = [{"subscription_id": "s1"}, {"subscription_id": "S1"}]
    with pytest.raises(SettingsError, match=r"originals!A3.*row 2"):
        decisions.read(book(tmp_path / "d.xlsx", originals=twice))


def test_a_missing_column_is_named(tmp_path):
    """A column that was deleted by mistake does not read as no decisions."""
    path = book(tmp_path / "d.xlsx")
    spoiled = load_workbook(path)
    spoiled["originals"].delete_cols(4)
    spoiled.save(path)
    with pytest.raises(SettingsError, match="target_offer"):
        decisions.read(path)


@pytest.mark.parametrize("content", [b"", b"not a workbook", b"PK\x03\x04broken"])
def test_a_file_that_is_no_workbook_is_an_error_in_one_line(tmp_path, content):
    """Whatever lies under the name is refused in words."""
    path = tmp_path / "d.xlsx"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match="expected an Excel workbook"):
        decisions.read(path)


def test_a_workbook_without_its_sheets_is_named(tmp_path):
    """Another workbook under the same name is not read as no decisions."""
    Workbook().save(tmp_path / "d.xlsx")
    with pytest.raises(SettingsError, match="expected a sheet 'customers', found Sheet"):
        decisions.read(tmp_path / "d.xlsx")


def test_a_bomb_is_not_unpacked(tmp_path):
    """The size inside is looked at before anything is read."""
    with zipfile.ZipFile(tmp_path / "d.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 200_000_001)
    with pytest.raises(SettingsError, match="unpacks to"):
        decisions.read(tmp_path / "d.xlsx")
