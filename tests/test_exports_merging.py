"""One row for what several files and lines say of the same customer or subscription."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cspkit.exports import Exports, load
from cspkit.rehearsal import samples

DATA = Path(__file__).parent / "data"
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
    assert found["seen_on"] == date(2026, 10, 1), "the end was not seen later than that"


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


def test_every_row_that_a_subscription_came_from_is_named(two, tmp_path):
    """Each row with its format, its day and the columns that it decided; saved and read back."""
    younger, older = two.sources.sort_values("seen_on", ascending=False).to_dict("records")

    assert ("list-2026-11-01.csv", 2, "cspkit-subscriptions", date(2026, 11, 1)) == (
        younger["source_file"],
        younger["source_row"],
        younger["profile"],
        younger["seen_on"],
    )
    assert younger["won"].split() == ["customer_id", "seats", "seen_on"]
    assert older["won"].split() == ["channel", "product", "expires_on"]
    two.save(tmp_path / "out")
    pd.testing.assert_frame_equal(two.sources, load(tmp_path / "out").sources)


def test_a_row_that_stands_alone_is_its_own_source(tmp_path):
    """What only one row says is named too, with the columns that it has."""
    lines(tmp_path, "list-2026-11-01.csv", f"{guid(2)},{guid(1)},5,2027-06-30,open,")
    (found,) = load(tmp_path).sources.to_dict("records")

    assert found["profile"] == "cspkit-subscriptions"
    assert found["won"].split() == ["customer_id", "channel", "seats", "expires_on", "seen_on"]


def facts(seats: str, ends: str, renews: str, seen: str, product: str = "") -> str:
    return f"{guid(2)},{guid(1)},{seats},{ends},{renews},{seen},{product}"


FACTS = "subscription_id,customer_id,seats,expires_on,auto_renew,seen_on,product"


def test_what_changes_is_not_taken_from_a_much_older_row(tmp_path):
    """Seats of a better file count less than those of one over 14 days younger; a name counts."""
    graph = '[{"commerceSubscriptionId": "%s", "skuId": "%s", "status": "Enabled", "isTrial": false'
    graph += ', "nextLifecycleDateTime": "2027-05-31T00:00:00Z", "totalLicenses": 25'
    graph += ', "skuPartNumber": "VISIOCLIENT", "ownerTenantId": null}]'
    for day in ("2026-11-05", "2026-11-06"):
        folder = tmp_path / day
        folder.mkdir()
        name = f"graph-{guid(1)}-2026-10-22.json"
        (folder / name).write_text(graph % (guid(2), guid(9)), encoding="utf-8")
        lines(folder, "list.csv", facts("30", "2027-06-30", "yes", day, "Visio"), header=FACTS)
    near, far = (one(load(tmp_path / day)) for day in ("2026-11-05", "2026-11-06"))

    assert (25, date(2027, 5, 31)) == (near["seats"], near["expires_on"])
    assert (30, date(2027, 6, 30)) == (far["seats"], far["expires_on"])
    assert near["product"] == far["product"] == "Visio Plan 2"
    assert far["seen_on"] == date(2026, 11, 6)


def test_a_fact_that_is_seen_again_is_as_young_as_that(tmp_path):
    """When a younger row confirms seats and end, the better row's facts are no longer old."""
    lines(tmp_path, "a.csv", facts("5", "2027-06-30", "", "2026-10-10"), header=FACTS)
    lines(tmp_path, "b.csv", facts("5", "2027-06-30", "", "2026-10-20"), header=FACTS)

    assert one(load(tmp_path))["seen_on"] == date(2026, 10, 20)


def bill(*charges: str) -> list[str]:
    """A reconciliation file of one subscription with these charges."""
    source = DATA / "reconciliation-nce-many-lines.csv"
    header, row = source.read_text(encoding="utf-8").splitlines()[:2]
    return [header, *(row.replace(",new,5.60,10,", f",{charge},", 1) for charge in charges)]


def test_a_bill_knows_the_price_and_not_the_state(tmp_path):
    """A format leads in what it knows best and yields in what it cannot know."""
    lines(tmp_path, "bill-2026-11-10.csv", *bill("new,5.60,10")[1:], header=bill()[0])
    text = f"{guid(0x65)},{guid(1)},10,2027-04-30,suspended,6.10,EUR,2026-10-10"
    header = "subscription_id,customer_id,seats,expires_on,status,unit_price,currency,seen_on"
    lines(tmp_path, "list.csv", text, header=header)
    found = one(load(tmp_path))

    assert found["status"] == "suspended"
    assert str(found["unit_price"]) == "5.600000"


@pytest.mark.parametrize(
    ("charges", "status", "seats"),
    [
        (("new,5.60,10", "cancelImmediate,5.60,-10"), "deleted", 10),
        (("cancelImmediate,5.60,-10", "new,5.60,12"), "active", 12),
        (("new,5.60,10", "addQuantity,5.60,-10", "addQuantity,5.60,13"), "active", 13),
    ],
)
def test_a_cancellation_line_is_the_latest_state(tmp_path, charges, status, seats):
    """A credit for cancelling ends the subscription, one for changing seats does not."""
    lines(tmp_path, "bill.csv", *bill(*charges)[1:], header=bill()[0])
    found = one(load(tmp_path))

    assert (status, seats) == (found["status"], found["seats"])


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


def plainly(rows: list[tuple[int, int, int | None, str | None]]) -> dict[str, object]:
    """Merge the rows of one subscription as the rule says, one by one: file, day, seats, name."""
    youngest = max(day for _file, day, _seats, _name in rows)
    ordered = sorted(rows)
    changing = sorted(ordered, key=lambda row: youngest - row[1] > 14)
    seats = next((row[2] for row in changing if row[2] is not None), None)
    name = next((row[3] for row in ordered if row[3] is not None), None)
    confirmed = [row[1] for row in rows if row[2] == seats]
    return {"seats": seats, "product": name, "seen_on": max(confirmed)}


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.lists(
            st.tuples(
                st.integers(0, 3),
                st.integers(1, 30),
                st.integers(1, 4),
                st.none() | st.sampled_from(["Visio", "Project"]),
            ),
            min_size=1,
            max_size=4,
            unique_by=lambda row: row[0],
        ),
        min_size=1,
        max_size=6,
    )
)
def test_merging_is_that_of_a_plain_loop(tmp_path_factory, subscriptions):
    """Per column the first row that has a value, old rows last where things change."""
    folder = tmp_path_factory.mktemp("merge")
    files: dict[int, list[str]] = {}
    for number, rows in enumerate(subscriptions):
        for file, day, seats, name in rows:
            line = f"{guid(100 + number)},{guid(1)},{seats},,2026-10-{day:02d},{name or ''}"
            files.setdefault(file, []).append(line)
    for file, written in files.items():
        header = "subscription_id,customer_id,seats,expires_on,seen_on,product"
        path = lines(folder, f"{file}.csv", *written, header=header)
        os.utime(path, (1_700_000_000, 1_700_000_000))
    found = load(folder).subscriptions.set_index("subscription_id")

    for number, rows in enumerate(subscriptions):
        expected = plainly(rows)
        row = found.loc[guid(100 + number)]
        assert expected["seats"] == row["seats"]
        assert expected["product"] == (None if pd.isna(row["product"]) else row["product"])
        assert date(2026, 10, expected["seen_on"]) == row["seen_on"]
