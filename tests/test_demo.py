"""The whole road, walked once from a built wheel outside the clone, judged by what it leaves."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl

from cspkit.ledger import Ledger
from tests.conftest import Road

ROOT = Path(__file__).parents[1]


def test_the_wheel_carries_the_notebooks(road: Road) -> None:
    """A user without the clone has every notebook."""
    shipped = {path.name for path in (road.package / "cspkit" / "notebooks").rglob("*.ipynb")}

    assert {path.name for path in (ROOT / "notebooks").rglob("*.ipynb")} == shipped


def test_the_ledger_and_the_rehearsal_agree_on_every_order(road: Road) -> None:
    """The orders that the service booked are the orders that the ledger says, one each."""
    url = f"sqlite:///{(road.workspace / 'ledger' / 'cspkit.db').as_posix()}"
    with Ledger(url) as ledger:
        moves = ledger.moves()
    ordered = moves[moves["order_id"].notna()]
    booked = road.books["orders"]

    assert booked
    assert sorted(order["order_id"] for order in booked) == sorted(ordered["order_id"])
    assert len(ordered[ordered["state"] == "verified"]) >= 3
    assert set(ordered["state"]) <= {"provisioned", "verified", "reassigned"}


def test_every_run_left_its_notebook_and_receipt(road: Road) -> None:
    """What was done can be read afterwards, executed, without the programme."""
    receipts = sorted((road.workspace / "reports" / "receipts").rglob("*.html"))
    executed = sorted((road.workspace / "reports").rglob("*.ipynb"))

    assert len(receipts) == len(executed) >= 5
    for path in executed:
        cells = json.loads(path.read_text("utf-8"))["cells"]
        assert all(cell["execution_count"] for cell in cells if cell["cell_type"] == "code")


def test_the_report_refers_to_no_other_place(road: Road) -> None:
    """The report is one file: it can be mailed and read offline."""
    page = (road.out / "index.html").read_text("utf-8")

    assert "Content-Security-Policy" in page
    assert not [mark for mark in ("src=", "<link", "<script", "@import", "url(") if mark in page]


def test_the_workbook_opens(road: Road) -> None:
    """Excel finds sheets with rows in them, and no formula made of customer text."""
    book = openpyxl.load_workbook(road.out / "status.xlsx")

    assert len(book.sheetnames) >= 3
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert [cell.coordinate for cell in cells if cell.data_type == "f"] == []


def test_the_demo_says_what_to_do_next(road: Road) -> None:
    """A new user is not left alone at the end."""
    assert str(road.out / "index.html") in road.printed
    assert "cspkit init" in road.printed


def test_nothing_of_the_run_is_a_secret(road: Road) -> None:
    """No token stands in any file that the demo wrote."""
    text = [
        path.read_bytes()
        for path in road.out.rglob("*")
        if path.is_file() and path.suffix != ".xlsx"
    ]

    assert not [
        content for content in text if b"Bearer " in content or b"rehearsal-user-" in content
    ]
