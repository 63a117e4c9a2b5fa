"""Words are made once for every different part, and each row still gets its own."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cspkit import blockers, wording
from cspkit.policy import Patience, Policy

AS_OF = date(2026, 11, 20)
DAYS = st.sampled_from([date(2026, 1, 31), AS_OF, date(2026, 11, 21), date(2027, 2, 1)])
FLAGS = st.integers(0, 2 ** len(blockers.table()) - 1)
FIRST = {
    "product": st.sampled_from([None, "", "Planner", "Visio"]),
    "seats": st.sampled_from([None, 1, 2, 40]),
    "expires_on": st.none() | DAYS,
    "rolls_over": st.booleans(),
    "invite_by": st.none() | DAYS,
    "last_safe_day": DAYS,
    "flags": FLAGS,
}
ROW = st.fixed_dictionaries(
    {
        "first": st.none() | st.fixed_dictionaries(FIRST),
        "state": st.sampled_from([*wording.STEPS, blockers.READY]),
        "lead_days": st.sampled_from([0, 3, 31]),
        "patience": st.sampled_from(["", "ES"]),
        "invited_on": st.none() | DAYS,
        "flags": FLAGS,
        "movable": st.integers(0, 2),
    }
)
KINDS = pa.schema(
    [
        (
            "first",
            pa.struct(
                [
                    ("product", pa.string()),
                    ("seats", pa.int64()),
                    ("expires_on", pa.date32()),
                    ("rolls_over", pa.bool_()),
                    ("invite_by", pa.date32()),
                    ("last_safe_day", pa.date32()),
                    ("flags", pa.int64()),
                ]
            ),
        ),
        ("state", pa.string()),
        ("lead_days", pa.int64()),
        ("patience", pa.string()),
        ("invited_on", pa.date32()),
        ("flags", pa.int64()),
        ("movable", pa.int64()),
        ("originals", pa.int64()),
    ]
)


def worded(rows: list[dict[str, Any]], size: int = 100) -> list[dict[str, Any]]:
    lines = [
        row
        | {"originals": 0 if row["first"] is None else max(1, row["movable"])}
        | ({"movable": 0} if row["first"] is None else {})
        for row in rows
    ]
    table = pa.Table.from_pylist(lines, schema=KINDS)
    said = wording.Sentences(table, AS_OF, Patience(Policy().slow_seasons))
    parts = [pa.table(said.of(start, size)) for start in range(0, len(rows) or 1, size)]
    return pa.concat_tables(parts).to_pylist()


@given(st.lists(ROW, max_size=12), st.integers(1, 5))
def test_a_row_reads_the_same_alone_and_among_others(rows, size):
    """Rows that share a number, a day or a name do not share a sentence, in parts or at once."""
    alone = [line for row in rows for line in worded([row])]

    assert alone == worded(rows)
    assert alone == worded(rows, size)
    with pytest.MonkeyPatch.context() as tight:
        tight.setattr(wording, "MOST", 4)
        assert alone == worded(rows)


def test_a_customer_without_originals_has_nothing_to_do():
    """Nobody is told to plan what is not there."""
    row = worded([{"first": None, "state": "relationship", "flags": 0, "movable": 0}])[0]

    assert row["next_action"] == "nothing to do"
    assert row["reason"] == "no subscription of this customer is in the exports"
