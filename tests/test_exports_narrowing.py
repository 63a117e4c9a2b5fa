"""A large table is held in little room, and read as the texts that it was read from."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from cspkit.exports import Exports, delimited, load
from cspkit.exports.delimited import SMALL
from cspkit.exports.narrowing import INTEGER, WORDS
from cspkit.rehearsal import samples

ROWS = 30_000
HEADER = "subscription_id,customer_id,product,sku_id,seats,status,expires_on,unit_price,currency"
OWN = """
title = "Our own list"
table = "subscriptions"
precedence = 60

[columns]
subscription_id = { from = ["Number"], needed = true }
customer_id = { from = ["Whose"], needed = true }
channel = { fixed = "open" }
seats = { from = ["Size"], kind = "word", words = { s = "5", m = "50", l = "500" } }
is_trial = { from = ["Tried"], kind = "word", words = { yes = "true", no = "false" } }
"""
# The second file has more products than are told apart by number, and seats beyond four bytes.
FILES = {"few": (7, 1), "many": (WORDS + 500, INTEGER)}


def tenant(row: int) -> str:
    """Write an id that five rows share, every other one in capitals."""
    text = f"0000abcd-0000-4000-8000-{row // 5:012x}"
    return text.upper() if row % 2 else text


def line(row: int, products: int, seats: int) -> dict[str, str]:
    """Write a row: quotes in names, words in any case, prices that say their currency."""
    return {
        "subscription_id": f"S{row}",
        "customer_id": f"({tenant(row)})" if row % 11 == 0 else tenant(row),
        "product": f"It's UUID {row % products}é" if row % 7 else "-",
        "sku_id": tenant(row % products * 5) if row % 3 else "",
        "seats": str(seats + row % 300) if row % 5 else "",
        "status": ("Active", "SUSPENDED", "deleted")[row % 3],
        "expires_on": f"2027-01-{row % 28 + 1:02}" if row % 13 else "never",
        "unit_price": f"{row % 90}.5" + ("€" if row % 4 == 0 else ""),
        "currency": "" if row % 4 == 0 else "usd",
    }


@pytest.fixture(scope="module", params=FILES)
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Exports, Exports]:
    """Load the same rows from one large file and from small ones, which are held as text."""
    rows = [line(row, *FILES[request.param]) for row in range(ROWS)]
    text = [",".join(row.values()) + "\n" for row in rows]
    loaded = []
    for name, size in (("large", ROWS), ("small", ROWS // 3)):
        folder: Path = tmp_path_factory.mktemp(name)
        for start in range(0, ROWS, size):
            path = folder / f"{start:05}.csv"
            path.write_text(HEADER + "\n" + "".join(text[start : start + size]), "utf-8")
            assert (path.stat().st_size > SMALL) == (name == "large")
        loaded.append(load(folder))
    return loaded[0], loaded[1]


def table(exports: Exports, name: str) -> pa.Table:
    """Take a table in the order of its ids, without its place in a file."""
    rows = exports.table(name).drop("source_file", "source_row")
    return rows.order_by(*rows.columns[:1]).to_pyarrow()


def test_a_large_file_says_what_the_same_rows_say_in_small_ones(both):
    """Whatever a column is held as, its values and their types are the same."""
    large, small = both

    for name in ("subscriptions", "customers"):
        assert table(small, name).num_rows
        assert table(small, name).equals(table(large, name))


def test_the_rows_of_a_large_file_are_held_as_narrow_as_their_values_allow(both, request):
    """GUIDs as numbers, few words as one byte; many words and large numbers as they are."""
    large, _small = both
    few = request.node.callspec.params["both"] == "few"
    described = large.engine.execute("DESCRIBE cspkit_000000000000_staged_0_narrow").fetchall()
    kinds = {column: kind for column, kind, *_more in described}

    held = [kinds[name] for name in ("customer_id", "sku_id", "status", "currency", "seats")]

    status, currency = "ENUM('active', 'deleted', 'suspended')", "ENUM('EUR', 'USD')"
    held[1] = held[1].split("(")[0]
    sku, seats = ("ENUM", "INTEGER") if few else ("UUID", "BIGINT")
    assert ["UUID", sku, status, currency, seats] == held
    assert few == kinds["product"].startswith("ENUM")


def test_every_sample_says_the_same_as_a_large_file(monkeypatch):
    """Whatever a format does with its columns, it does to those that are held as numbers."""
    small = load(samples.folder())
    monkeypatch.setattr(delimited, "SMALL", 0)
    large = load(samples.folder())

    assert small.summary().equals(large.summary())
    for name in ("customers", "subscriptions", "rejects", "conflicts", "sources"):
        pd.testing.assert_frame_equal(getattr(small, name), getattr(large, name))


def test_words_may_tell_what_is_no_text(tmp_path):
    """A map of one's own may read any column by words; only texts are held as words."""
    (tmp_path / "own.toml").write_text(OWN, "utf-8")
    row = "s{row},0000abcd-0000-4000-8000-00000000000a,{size},{tried},for the whole year to come\n"
    rows = (row.format(row=n, size="sml"[n % 3], tried=("yes", "no")[n % 2]) for n in range(ROWS))
    (tmp_path / "own.csv").write_text("Number,Whose,Size,Tried,Remark\n" + "".join(rows), "utf-8")
    assert (tmp_path / "own.csv").stat().st_size > SMALL

    loaded = load(tmp_path / "own.csv", maps=[tmp_path / "own.toml"])

    found = loaded.table("subscriptions").group_by(["seats", "is_trial"]).count().to_pyarrow()
    assert found.num_rows == 6
    assert sum(found.column(2).to_pylist()) == ROWS
