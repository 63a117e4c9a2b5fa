"""What analysts choose by hand: filters, choices with a reason, call lists."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

import cspkit
from cspkit import decisions, picking
from cspkit.decisions import Decisions
from cspkit.errors import CspkitError, SettingsError
from cspkit.exports import Exports
from tests.originals import AS_OF, customer, customer_id, exports, original

WHY = {"reason": "they open a shop", "by": "Ana"}


@pytest.fixture(scope="module")
def loaded() -> Exports:
    """Three customers: near and small in Spain, far and large in Italy, overdue in Spain."""
    return exports(
        customer(1, name="Gestoría Añil"),
        customer(2, name="Officine [x]*", market="IT"),
        customer(3, name=None),
        original(1, of=1, expires_on="2026-12-20", seats=5),
        original(2, of=2, channel="open", expires_on="2027-08-01", seats=80),
        original(3, of=3, expires_on="2026-11-10", seats=1),
        original(4, of=1, channel="csp_nce", expires_on="2027-05-01"),
    )


@pytest.fixture(scope="module")
def said() -> Decisions:
    """Customer 1 belongs to Bea and has a ticket."""
    row = {"customer_id": customer_id(1), "owner": "Bea", "ticket": "IT/7 8"}
    return Decisions.from_rows(customers=[row])


@pytest.fixture(scope="module")
def known(loaded: Exports, said: Decisions) -> pd.DataFrame:
    """The ranking of the three with what filters need."""
    return picking.known(cspkit.rank(loaded, as_of=AS_OF, decisions=said), loaded, said)


def numbers(frame: pd.DataFrame) -> list[int]:
    return [int(one[:8], 16) for one in frame["customer_id"]]


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ({}, [3, 1, 2]),
        ({"text": "AÑIL"}, [1]),
        ({"text": "[x]*"}, [2]),
        ({"text": customer_id(3)[:8]}, [3]),
        ({"market": "ES"}, [3, 1]),
        ({"channel": "open"}, [2]),
        ({"channel": "csp_nce"}, [1]),
        ({"days": 40}, [3, 1]),
        ({"seats": 50}, [3, 2]),
        ({"owner": "bea"}, [1]),
        ({"blocker": "overdue"}, [3]),
        ({"market": "ES", "seats": 5, "days": 400}, [3, 1]),
    ],
)
def test_filters_keep_who_fits_all(
    known: pd.DataFrame, asked: dict[str, object], left: list[int]
) -> None:
    """In the order of the ranking; seats and days never hide who is overdue."""
    assert left == numbers(picking.narrowed(known, **asked))  # type: ignore[arg-type]


def test_a_batch_by_hand_is_read_back(tmp_path: Path, loaded: Exports) -> None:
    """Originals that end within the days looked at get the day; reason and name stay with it."""
    file = tmp_path / "decisions.xlsx"
    rows = picking.originals_of(loaded, [customer_id(1), customer_id(2)], date(2026, 12, 31))
    picking.pin(file, rows, date(2026, 12, 1), **WHY)

    assert [
        (customer_id(1), "s00001", "order on", date(2026, 12, 1), "they open a shop", "Ana")
    ] == list(picking.chosen(decisions.read(file)).itertuples(index=False, name=None))


def test_what_is_ours_already_is_no_original(loaded: Exports) -> None:
    """Nobody orders anew what stands in CSP; without a limit all others are there."""
    assert list(picking.originals_of(loaded, map(customer_id, (1, 2, 3)))["subscription_id"]) == [
        "s00003",
        "s00001",
        "s00002",
    ]


def test_a_hold_and_a_day_are_taken_back_and_the_reason_stays(
    tmp_path: Path, loaded: Exports
) -> None:
    """After taking back, plans are free again, and the workbook says who did it and why."""
    file = tmp_path / "decisions.xlsx"
    picking.pin(file, picking.originals_of(loaded, [customer_id(1)]), date(2026, 12, 1), **WHY)
    picking.leave_out(file, [customer_id(1)], **WHY)
    picking.take_back(file, [customer_id(1)], reason="they called", by="Bea")
    found = decisions.read(file)

    assert picking.chosen(found).empty
    assert {"they called"} == {*found.originals["choice_reason"], *found.customers["choice_reason"]}


@pytest.mark.parametrize("missing", [{"reason": " ", "by": "Ana"}, {"reason": "r", "by": ""}])
def test_no_choice_without_reason_and_name(tmp_path: Path, missing: dict[str, str]) -> None:
    """In a month nobody remembers why; nothing is written."""
    with pytest.raises(CspkitError, match="needs its reason and who made it"):
        picking.leave_out(tmp_path / "decisions.xlsx", [customer_id(1)], **missing)

    assert not (tmp_path / "decisions.xlsx").exists()


def test_a_workbook_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A read-only place, or Excel in the way, is a sentence and leaves nothing half written."""
    (tmp_path / "file").touch()

    with pytest.raises(SettingsError, match=r"decisions.xlsx: file: cannot be written"):
        picking.give(tmp_path / "file" / "decisions.xlsx", [customer_id(1)], "Bea", **WHY)


def test_a_broken_workbook_is_not_written_over(tmp_path: Path) -> None:
    """What a person typed may be saved by repairing it."""
    file = tmp_path / "decisions.xlsx"
    file.write_text("no workbook")

    with pytest.raises(SettingsError, match="expected an Excel workbook"):
        picking.leave_out(file, [customer_id(1)], **WHY)
    assert file.read_text() == "no workbook"


def test_the_call_list_is_by_owner_with_links(known: pd.DataFrame, tmp_path: Path) -> None:
    """Who has less than a week of slack, each ticket as its address; a sheet per operator."""
    calls = picking.call_list(known, "https://tickets.example/{ticket}?x=1", slack=60)
    book = openpyxl.load_workbook(picking.write_calls(calls, tmp_path / "calls.xlsx"))

    assert list(calls[["owner", "link"]].itertuples(index=False, name=None)) == [
        ("Bea", "https://tickets.example/IT%2F7%208?x=1"),
        ("nobody yet", ""),
    ]
    assert book.sheetnames == ["Bea", "nobody yet"]


def test_who_is_on_hold_is_not_called(loaded: Exports) -> None:
    """Somebody decided to wait; the list is for work."""
    held = Decisions.from_rows(
        customers=[{"customer_id": customer_id(number), "hold": True} for number in (1, 2, 3)]
    )
    ranked = cspkit.rank(loaded, as_of=AS_OF, decisions=held)

    assert picking.call_list(picking.known(ranked, loaded, held), slack=1000).empty


@pytest.mark.parametrize(
    "address", ["javascript:alert('{ticket}')", "https://tickets.example/", "tickets/{ticket}"]
)
def test_a_ticket_address_must_be_one(known: pd.DataFrame, address: str) -> None:
    """A template that would run, lead nowhere, or name no ticket is refused."""
    with pytest.raises(CspkitError, match="ticket_url: expected an address"):
        picking.call_list(known, address)
