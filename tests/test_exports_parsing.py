from __future__ import annotations

from datetime import date
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cspkit.exports import parsing, words

ENGINE = duckdb.connect()
US, ES, OPEN = {"/": "mdy", ".": "dmy"}, {"/": "dmy", ".": "dmy"}, {".": "dmy"}


@pytest.mark.parametrize(
    ("text", "orders", "expected"),
    [
        ("10/3/2020", US, date(2020, 10, 3)),
        ("2022-02-23T13:00:48.4489832Z", OPEN, date(2022, 2, 23)),
        ("Gekündigt zum 21.11.2026", OPEN, date(2026, 11, 21)),
        ("Aktiv, verlängert sich am 02.08.2027", OPEN, date(2027, 8, 2)),
        ("2/1/2019 12:00:00 AM", US, date(2019, 2, 1)),
        ("8/15/25", OPEN, date(2025, 8, 15)),
        ("02.08.26", OPEN, date(2026, 8, 2)),
        ("2023-02-22T00:00:00Z", OPEN, date(2023, 2, 22)),
        ("20230701", OPEN, date(2023, 7, 1)),
        ("2/1/2019 0:00", US, date(2019, 2, 1)),
        ("2/1/2023 0:00", US, date(2023, 2, 1)),
        ("31/12/2026", ES, date(2026, 12, 31)),
        ("30-AUG-2026", OPEN, date(2026, 8, 30)),
        ("45987", OPEN, date(2025, 11, 26)),
        ("45987.5", OPEN, date(2025, 11, 26)),
        ("5/5/2027", OPEN, date(2027, 5, 5)),
        ("\u00a02027-05-05 ", OPEN, date(2027, 5, 5)),
        ("2027-05-05T01:30:00+02:00", OPEN, date(2027, 5, 4)),
        ("2027-05-05T22:30:00-05:00", OPEN, date(2027, 5, 6)),
        ("2018-10-27T15:47:40Z", OPEN, date(2018, 10, 27)),
    ],
)
def test_days(text, orders, expected):
    """A day is read in the forms that exports write; instants as their UTC day."""
    assert (expected, None) == parsing.day(text, orders)


@pytest.mark.parametrize(
    "text",
    [
        "9999-11-30T23:59:59.0000000Z",
        "9999-01-01T00:00:00+00:00",
        "11/30/9999 23:59",
        "01/01/0001 00:00:00",
        "1753-01-01",
        "-",
        "N/A",
        "Never Expires",
        "",
    ],
)
def test_days_that_say_there_is_none(text):
    """Words for nothing and the years 0001, 1753 and 9999 are missing, not wrong."""
    assert parsing.day(text, US) == (None, None)


@pytest.mark.parametrize(
    ("text", "orders", "code"),
    [
        ("31.02.2026", OPEN, "no_such_day"),
        ("2026-02-30", OPEN, "no_such_day"),
        ("13/13/2026", OPEN, "no_such_day"),
        ("31/12/2026", US, "no_such_day"),
        ("10/3/2020", OPEN, "ambiguous_day"),
        ("2027", OPEN, "not_a_day"),
        ("pendiente", OPEN, "not_a_day"),
        ("12", OPEN, "not_a_day"),
        ("1/2-2026", OPEN, "not_a_day"),
    ],
)
def test_days_that_cannot_be_told(text, orders, code):
    """No such day, or day and month could be either: a reason, never a guess."""
    assert (None, code) == parsing.day(text, orders)


@pytest.mark.parametrize(
    ("text", "mark", "expected"),
    [
        ("150,00 US$", None, "150.00"),
        ("1.958,07\u00a0€", None, "1958.07"),
        ("$1,000.00", None, "1000.00"),
        ("1'250.50", ".", "1250.50"),
        ("12,40 €", ",", "12.40"),
        ("1.200", ",", "1200"),
        ("1.200", ".", "1.200"),
        ("275.00", ",", "275.00"),
        ("0.045", None, "0.045"),
        ("-3.5", ".", "-3.5"),
        ("EUR 7", None, "7"),
    ],
)
def test_amounts(text, mark, expected):
    """Numbers in English, Spanish, German and Swiss form, with their currency."""
    assert (Decimal(expected), None) == parsing.money(text, mark)


@pytest.mark.parametrize(
    ("text", "mark", "code"),
    [
        ("1.200", None, "ambiguous_number"),
        ("n/d", ",", "not_a_number"),
        ("1e5", ".", "not_a_number"),
        ("1.2.3,4", ",", "not_a_number"),
        ("1_000", ".", "not_a_number"),
        ("=2+3", ".", "not_a_number"),
        ("9" * 40, ".", "not_a_number"),
        ("١٢", ".", "not_a_number"),
    ],
)
def test_amounts_that_cannot_be_told(text, mark, code):
    """What is no number, or could be two, is rejected with its reason."""
    assert (None, code) == parsing.money(text, mark)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4 Stück", (4, None)),
        ("10000", (10_000, None)),
        ("1000000", (1_000_000, None)),
        ("275.00", (275, None)),
        ("0", (0, None)),
        ("", (None, None)),
        ("-4", (None, "negative")),
        ("2.5", (None, "not_whole")),
    ],
)
def test_counts(text, expected):
    """Seats are whole and not negative."""
    assert expected == parsing.count(text, ".")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TRUE", True),
        ("False", False),
        ("Y", True),
        ("N", False),
        ("Sí", True),
        ("VERDADERO", True),
        ("VERO", True),
        ("FALSO", False),
        ("nein", False),
        ("Oui", True),
        ("não", False),
    ],
)
def test_booleans(text, expected):
    """Yes and no in six languages, in any letter case."""
    assert (expected, None) == parsing.boolean(text)


def test_a_word_without_meaning_is_a_problem():
    """An unknown word is rejected where its meaning matters."""
    assert parsing.boolean("perhaps") == (None, "unknown_word")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PendingAutomated", "pending"),
        ("PendingActivation", "pending"),
        ("Deleted", "deleted"),
        ("ACTIVE", "active"),
        ("Active", "active"),
        ("Activated", "active"),
        ("Trial", "active"),
        ("activation_ok", "active"),
        ("Deprovisioned", "deleted"),
        ("CANCELLED", "deleted"),
        ("Churned", "deleted"),
        ("Disabled", "disabled"),
        ("Suspended", "suspended"),
        ("Enabled", "active"),
        ("Warning", "warning"),
        ("Suspendida", "suspended"),
    ],
)
def test_status_words(text, expected):
    """Every system has its own words for the same states."""
    assert (expected, None) == parsing.word(text, words.meanings("status"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CFQ7TTC0LH18:0001:CFQ7TTC0K971", "CFQ7TTC0LH18:0001"),
        ("CFQ7TTC0LH18:0001:Commercial", "CFQ7TTC0LH18:0001"),
        ("CFQ7TTC0LH18:000P", "CFQ7TTC0LH18:000P"),
        ("CFQ7TTC0K5DR/0002", "CFQ7TTC0K5DR:0002"),
        ("CFQ7TTC0LDPB:1:CFQ7TTC0GZQJ", "CFQ7TTC0LDPB:0001"),
        ("CFQ7TTC0LDPB:F", "CFQ7TTC0LDPB:000F"),
        ("cfq7ttc0lh18:000p", "CFQ7TTC0LH18:000P"),
        ("6b648c1e-F472-46c0-8379-09f50a3315e0", "6b648c1e-f472-46c0-8379-09f50a3315e0"),
        ("MS-AZR-0145P", None),
        ("CFQ7TTC0LHSFP1YM", None),
    ],
)
def test_offers(text, expected):
    """product:sku with its lost zeros back, or a legacy GUID; anything else is not guessed."""
    assert (expected, None) == parsing.offer(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("€", "EUR"), ("eur", "EUR"), ("US$", "USD"), ("SEK", "SEK"), ("-", None)],
)
def test_currencies(text, expected):
    """ISO codes, and signs that only one currency has."""
    assert (expected, None) == parsing.currency(text)


@pytest.mark.parametrize(
    ("text", "expected"), [("1.958,07 €", "EUR"), ("150,00 US$", "USD"), ("$5", None), ("7", None)]
)
def test_the_currency_inside_a_price(text, expected):
    """A bare dollar sign belongs to many currencies, so it says nothing."""
    assert (expected, None) == parsing.currency_in(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("ES", "ES"), ("España", "ES"), ("Deutschland", "DE"), ("ITALIA", "IT"), ("Narnia", None)],
)
def test_markets(text, expected):
    """Countries by code or by name in six languages; an unknown one is left out."""
    assert (expected, None) == parsing.market(text)


@pytest.mark.parametrize("text", ["1" + " " * 100_000 + "!", "9" * 1_000_000, " a" * 100_000])
def test_long_cells_cost_nothing(text):
    """A hostile cell is refused by its length, before any pattern is tried on it."""
    assert parsing.money(text, ".") == (None, "not_a_number")
    assert parsing.day(text, US) == (None, "not_a_day")
    assert parsing.guid(text) == (None, "not_a_guid")


@given(st.uuids().map(str), st.data())
def test_a_skuid_is_read_as_duckdb_reads_a_guid(whole, data):
    """Looked up or not, a skuId without dashes, with more of them or in braces is one."""
    text = whole.replace("-", "") if data.draw(st.booleans()) else whole
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(st.sampled_from("-{}")) + text[at:]
    text = data.draw(st.sampled_from([text, text.upper(), f"{{{text}}}"]))
    read = ENGINE.execute("SELECT try_cast($1 AS UUID)::VARCHAR", [text]).fetchall()[0][0]

    # Of what DuckDB does not read only a GUID that text is glued to is one all the same.
    assert parsing.sku(text) == ((read, None) if read else parsing.guid(text))
