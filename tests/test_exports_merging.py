"""One row for what several files and lines say of the same customer or subscription."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl
import pytest

from cspkit.exports import Exports, load
from cspkit.rehearsal import samples

HEADER = "subscription_id,customer_id,seats,expires_on,channel,product"


def guid(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-{number:012x}"


def lines(folder: Path, name: str, *rows: str, header: str = HEADER) -> Path:
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def one(exports: Exports) -> dict[str, object]:
    (row,) = exports.subscriptions.to_dict("records")
    return row


@pytest.fixture
def two(tmp_path: Path) -> Exports:
    """Two exports of different days that speak of one subscription."""
    lines(tmp_path, "list-2026-10-01.csv", f"{guid(2)},{guid(1)},5,2027-06-30,open,Visio")
    lines(tmp_path, "list-2026-11-01.csv", f"{guid(2)},{guid(1)},7,,unknown,")
    return load(tmp_path)


def test_the_younger_export_leads_and_the_older_fills(two):
    """What is told twice comes from the younger file, what it lacks from the older."""
    found = one(two)

    assert (7, date(2027, 6, 30), "open", "Visio") == (
        found["seats"],
        found["expires_on"],
        found["channel"],
        found["product"],
    )
    assert found["source_file"] == "list-2026-11-01.csv"
    assert found["seen_on"] == date(2026, 11, 1)


def test_the_other_row_is_set_aside(two):
    """A row that another one stands for is counted as merged."""
    lines_ = two.summary().set_index("source_file")

    assert lines_.loc["list-2026-10-01.csv", "merged"] == 1
    assert lines_.loc["list-2026-11-01.csv", "accepted"] == 1


def test_a_contradiction_stays_visible(two):
    """The value that was not kept is named with its file and row; an unknown one is none."""
    (found,) = two.conflicts.to_dict("records")

    assert found == {
        "subscription_id": guid(2),
        "column": "seats",
        "kept": "7",
        "kept_file": "list-2026-11-01.csv",
        "kept_row": 2,
        "other": "5",
        "source_file": "list-2026-10-01.csv",
        "source_row": 2,
    }


def test_without_a_date_in_the_name_the_files_time_counts(tmp_path):
    """The day an export was true is told by its name, else by when it was written."""
    path = lines(tmp_path, "list.csv", f"{guid(2)},{guid(1)},5,2027-06-30,open,Visio")
    stamp = datetime(2026, 9, 3, 23, tzinfo=UTC).timestamp()
    os.utime(path, (stamp, stamp))

    assert one(load(path))["seen_on"] == date(2026, 9, 3)


def test_a_month_in_the_name_is_its_last_day(tmp_path):
    """A reconciliation file of October was true when October ended."""
    path = lines(tmp_path, "bill-2026-10.csv", f"{guid(2)},{guid(1)},5,2027-06-30,open,Visio")

    assert one(load(path))["seen_on"] == date(2026, 10, 31)


def test_a_customer_is_completed_by_its_subscriptions(tmp_path):
    """What the customers file lacks comes from rows that name the customer."""
    lines(tmp_path, "c.csv", f"{guid(1)},,contoso.example", header="customer_id,name,domain")
    lines(
        tmp_path,
        "s.csv",
        f"{guid(2)},{guid(1)},5,2027-06-30,Contoso,ES",
        f"{guid(3)},{guid(4)},5,2027-06-30,Fabrikam,IT",
        header="subscription_id,customer_id,seats,expires_on,customer_name,market",
    )
    found = load(tmp_path).customers.set_index("customer_id")

    assert found.loc[guid(1), ["name", "domain", "market"]].tolist() == (
        ["Contoso", "contoso.example", "ES"]
    )
    assert found.loc[guid(1), "source_file"] == "c.csv"
    assert found.loc[guid(4), ["name", "source_file"]].tolist() == ["Fabrikam", "s.csv"]


def test_order_of_files_does_not_matter(tmp_path):
    """The same files give the same rows, whichever is named first."""
    first = lines(tmp_path, "a.csv", f"{guid(2)},{guid(1)},5,2027-06-30,open,Visio")
    second = lines(tmp_path, "b.csv", f"{guid(2)},{guid(1)},6,2027-05-31,ea,Visio")

    assert one(load(first, second)) == one(load(second, first))


def test_what_only_the_lesser_file_says_of_a_customer_is_kept():
    """A customer's name and market survive when a better file describes the subscription."""
    exports = load(samples.folder())
    book = openpyxl.load_workbook(samples.folder() / "distributor" / "suscripciones.xlsx")
    rows = list(book.active.iter_rows(values_only=True))
    head = {name: place for place, name in enumerate(rows[0])}
    rejected = set(exports.rejects["source_row"])
    placed = {
        str(row[head["Id. de inquilino"]]).lower()
        for number, row in enumerate(rows[1:], start=2)
        if row[head["País"]] and number not in rejected
    }
    customers = exports.customers.set_index("customer_id")
    told = customers.loc[sorted(placed & set(customers.index))]

    assert len(told) > 100
    assert told.index[told["market"].isna() | told["name"].isna()].tolist() == []
