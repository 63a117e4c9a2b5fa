"""How a file is understood, and formats of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from cspkit.errors import ExportError
from cspkit.exports import explain, load

DATA = Path(__file__).parent / "data"
MAP = """
title = "Our own list"
table = "subscriptions"
dates = "dmy"
decimal = ","

[columns]
subscription_id = { from = ["Nummer"], needed = true }
customer_id = { from = ["Kunden-GUID"], needed = true }
channel = { fixed = "open" }
seats = { from = ["Anzahl"], needed = true }
expires_on = { from = ["Ende"], needed = true }
"""
LIST = "Nummer;Kunden-GUID;Anzahl;Ende;Farbe\nA-1;{};1.200;03/04/2027;rot\n"
TENANT = "00000001-0000-4000-8000-000000000001"


@pytest.fixture
def own(tmp_path: Path) -> tuple[Path, Path]:
    """A list that no packaged format knows, and the map that describes it."""
    (tmp_path / "ours.toml").write_text(MAP, encoding="utf-8")
    (tmp_path / "list.csv").write_text(LIST.format(TENANT), encoding="utf-8")
    return tmp_path / "list.csv", tmp_path / "ours.toml"


def test_every_column_is_shown_before_and_after():
    """What a cell becomes, or why it cannot be read, stands beside it."""
    shown = explain(DATA / "distributor-es-totals-row.csv").set_index("column")

    assert shown.loc["unit_price", "before"] == "1.958,07 € | 12,40 €"
    assert shown.loc["unit_price", "after"] == "1958.07 | 12.4"
    assert shown.loc["expires_on", "after"] == "2027-02-28 | !no_such_day"
    assert shown.loc["expires_on", "file_column"] == "Fecha de expiración"


def test_what_was_decided_is_said():
    """Evidence of the whole column shows as the order that was taken."""
    shown = explain(DATA / "bam-subscriptions-saved-by-spanish-excel.csv").set_index("column")

    assert shown.loc["expires_on", "how"] == "day, day first"
    assert shown.loc["channel", ["how", "after"]].tolist() == ["always", "csp_legacy"]


def test_a_large_file_is_looked_at_as_far_as_a_small_one(tmp_path):
    """However long its lines are: the one day that tells the order stands in row 150."""
    days = ["05/06/2027"] * 149 + ["12/25/2027"] + ["05/06/2027"] * 5_000
    rows = [f"{TENANT},{TENANT},1,{day},{'x' * 600}" for day in days]
    header = "subscription_id,customer_id,seats,expires_on,note"
    (tmp_path / "long.csv").write_text("\n".join([header, *rows]), encoding="utf-8")

    how = explain(tmp_path / "long.csv").set_index("column")["how"]

    assert how["expires_on"] == "day, month first"


@pytest.mark.parametrize("row", [3, 150, 200, 1_400])
def test_a_large_file_of_another_encoding_is_explained_too(tmp_path, row):
    """Its first bytes look like UTF-8, and some later one is none."""
    lines = [f"{TENANT},{TENANT},1,2027-06-30,{'x' * 3_000}"] * 1_500
    lines[row] = f"{TENANT},{TENANT},1,2027-06-30,{'é' * 3_000}"
    header = "subscription_id,customer_id,seats,expires_on,note"
    (tmp_path / "long.csv").write_text("\n".join([header, *lines]), encoding="cp1252")

    assert explain(tmp_path / "long.csv").set_index("column")["how"]["expires_on"] == "day"


def test_columns_that_are_not_used_are_shown_too(own):
    """Nothing of a file disappears without a word."""
    path, mapped = own
    shown = explain(path, maps=[mapped])

    assert shown[shown["how"] == "not used"]["file_column"].tolist() == ["Farbe"]


def test_a_map_makes_a_new_format(own):
    """A list of one's own is a map away; without it the file is not known."""
    path, mapped = own
    found = load(path, maps=[mapped])

    assert found.subscriptions[["seats", "channel"]].values.tolist() == [[1200, "open"]]
    assert found.files["profile"].tolist() == ["ours"]
    with pytest.raises(ExportError, match="expected a known export format"):
        load(path)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("title = ", "cannot be read as a map"),
        ("table = 'somewhere'", "table: expected '"),
        (MAP + "colour = 'red'", r"columns\.colour"),
        (MAP.replace("[columns]", "speed = 9\n[columns]"), "speed: no such field"),
    ],
)
def test_a_map_that_is_wrong_names_the_field(own, text, why):
    """A mistake in a map is found before any file is read."""
    path, mapped = own
    mapped.write_text(text, encoding="utf-8")

    with pytest.raises(ExportError, match=why):
        load(path, maps=[mapped])


def test_a_map_that_is_not_there(own):
    """The missing file is named."""
    with pytest.raises(ExportError, match=r"nowhere\.toml: cannot be read as a map"):
        load(own[0], maps=["nowhere.toml"])
