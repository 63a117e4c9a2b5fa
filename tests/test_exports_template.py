"""The list that people fill by hand, and maps to it: both as the README describes them."""

from __future__ import annotations

import csv
from datetime import date

import openpyxl
import pytest

from cspkit.errors import ExportError
from cspkit.exports import load, template
from cspkit.exports.formats import packaged

TENANT, SUBSCRIPTION = (
    "00000001-0000-4000-8000-000000000001",
    "00000065-0000-4000-8000-000000000065",
)


@pytest.mark.parametrize("table", template.ASKED)
def test_every_own_column_is_in_the_template_with_its_meaning(table):
    """A header that no meaning is known for would be a question to everyone who fills it."""
    own = next(p for p in packaged().profiles if p.id == f"cspkit-{table}")
    headers = template.headers(table)

    assert len(headers) == len(own.columns)
    assert all(len(meaning) > 7 for meaning in headers.values())
    assert packaged().recognise(headers)[0].profile.id == own.id


def test_a_filled_workbook_loads(tmp_path):
    """Every sheet is read as its table; sheets that nobody filled are no mistake."""
    path = template.write(tmp_path / "list.xlsx")
    book = openpyxl.load_workbook(path)
    cells = {
        "subscription_id": SUBSCRIPTION,
        "customer_domain": "contoso.example",
        "channel": "Open Value",
        "seats": 25,
        "expires_on": date(2027, 6, 30),
    }
    header = [cell.value for cell in book["subscriptions"][1]]
    book["subscriptions"].append([cells.get(name) for name in header])
    book["customers"].append([TENANT, "Contoso", "contoso.example", "Spain"])
    book.save(path)
    found = load(path)

    (row,) = found.subscriptions.to_dict("records")
    assert (TENANT, "open", 25, date(2027, 6, 30)) == (
        *(row[name] for name in ("customer_id", "channel", "seats", "expires_on")),
    )
    assert found.customers["market"].tolist() == ["ES"]


def test_a_csv_template_is_the_list_of_subscriptions(tmp_path):
    """A spreadsheet opens it with its accents and columns as they are."""
    path = template.write(tmp_path / "list.csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        (header,) = csv.reader(file)

    assert header == list(template.headers("subscriptions"))
    assert load(path).files["read"].tolist() == [0]


@pytest.mark.parametrize(("name", "why"), [("a.ods", "expected .csv or .xlsx"), ("b.csv", "there")])
def test_a_template_overwrites_nothing(tmp_path, name, why):
    """What is there may be somebody's filled list."""
    (tmp_path / "b.csv").write_text("mine")

    with pytest.raises(ExportError, match=why):
        template.write(tmp_path / name)
    assert (tmp_path / "b.csv").read_text() == "mine"
