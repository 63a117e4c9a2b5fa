"""Ids of a large load are compared as numbers, and nobody sees a difference."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cspkit import exports, ranking
from cspkit.exports import Exports
from cspkit.exports.engine import Engine
from cspkit.exports.loading import COPIED

# More than are copied once they are checked.
ROWS = COPIED + 10_000
AS_OF = "2026-11-20"
HEADER = "subscription_id,customer_id,channel,product,seats,expires_on,auto_renew,status"
LISTED = "customer_id,name,market,relationship"
OWN = """
title = "Our own list"
table = "subscriptions"
precedence = 60

[columns]
subscription_id = { from = ["Our subscription"], needed = true }
customer_id = { from = ["Our customer"], kind = "text", needed = true }
channel = { fixed = "open" }
"""
CHANNELS = ("direct_mosa", "open", "csp_nce", "ea")


def tenant(number: int) -> str:
    return f"0000abcd-0000-4000-8000-{number:012x}"


def line(row: int) -> str:
    """Write a subscription; a few stand twice, with another customer or the same."""
    own = row - 1 if row % 5_000 in (7, 9) else row
    customer = tenant(row + 1 if row % 5_000 == 9 else own // 5)
    customer = customer.upper() if row % 2 else customer
    channel, day = CHANNELS[row % 4], f"202{row % 2 + 6}-{row % 12 + 1:02}-{row % 28 + 1:02}"
    return f"s{own},{customer},{channel},Office {row % 6},{row % 9},{day},{row % 3 > 0},Active\n"


def folder(place: Path) -> Path:
    """Write a large file, and half of its customers into another."""
    place.mkdir(exist_ok=True)
    rows = "".join(map(line, range(ROWS)))
    (place / "subscriptions.csv").write_text(f"{HEADER}\n{rows}", "utf-8")
    names = (
        f"{tenant(n)},Firm {n},ES,{'reseller' * (n % 3 == 0)}\n"
        for n in range(0, ROWS // 5 + 100, 2)
    )
    (place / "customers.csv").write_text(f"{LISTED}\n{''.join(names)}", "utf-8")
    return place


def ranked(loaded: Exports) -> pa.Table:
    return ranking.listed(loaded, as_of=AS_OF).table()


def test_a_large_load_is_ranked_by_numbers_as_it_is_by_texts(tmp_path):
    """How ids are compared changes neither who is there nor the order."""
    loaded = exports.load(folder(tmp_path))
    assert {"customers", "subscriptions"} == set(loaded.keyed)
    by_number = ranked(loaded)

    loaded.keyed = {}

    assert by_number.num_rows > ROWS // 5
    assert ranked(loaded).equals(by_number)


def test_rows_of_a_large_load_that_stand_twice_are_found(tmp_path):
    """Each is merged with the first, or rejected where it names another customer."""
    loaded = exports.load(folder(tmp_path))
    (counts,) = [one for one in loaded.counts() if one["source_file"] == "subscriptions.csv"]

    assert (counts["merged"], counts["rejected"]) == (ROWS // 5_000, ROWS // 5_000)
    assert set(loaded.rejects["reason_code"]) == {"other_customer"}


@given(st.lists(st.text(max_size=3), max_size=60))
@settings(deadline=None)
def test_whoever_stands_twice_is_suspected(keys):
    """By sorted numbers of texts; what stands once may be among them, but nothing else."""
    engine = Engine()
    rows = engine.keep("rows", pa.table({"key": pa.array(keys, pa.string())}))
    suspected = Counter(line["key"] for line in engine.fetch(engine.suspected(rows, "key")))
    repeated = {key: count for key, count in Counter(keys).items() if count > 1}

    assert repeated.items() <= suspected.items() <= Counter(keys).items()


@pytest.mark.parametrize("own", ["firm-1", f"{{{tenant(3)}}}", tenant(3).replace("-", "")])
def test_an_id_that_is_no_guid_keeps_all_of_them_texts(tmp_path, own):
    """A format of one's own may name customers by anything; none is lost or another's."""
    (tmp_path / "own.toml").write_text(OWN, "utf-8")
    place = folder(tmp_path / "exports")
    (place / "own.csv").write_text(f"Our subscription,Our customer\nx1,{own}\n", "utf-8")

    loaded = exports.load(place, maps=[tmp_path / "own.toml"])

    assert loaded.keyed == {}
    assert own in ranked(loaded)["customer_id"].to_pylist()
