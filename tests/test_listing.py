"""Plain lines for a terminal."""

from __future__ import annotations

from datetime import date

import pandas as pd

from cspkit import listing


def test_files_add_up_on_the_last_line() -> None:
    """The total stands below, and an empty file says that it is empty."""
    counts = {"read": 1200, "accepted": 1100, "rejected": 60, "set_aside": 40}
    nothing = dict.fromkeys(counts, 0)
    rows = [{"source_file": "a.csv"} | counts, {"source_file": "b.csv"} | nothing]
    lines = list(listing.files(rows))

    assert lines[2].endswith("b.csv (no rows in it)")
    assert lines[-1].split() == ["1,200", "1,100", "60", "40", "all", "2", "files"]


def test_files_say_why_rows_were_set_aside() -> None:
    """Each reason with its count, and what is unusual, stand below the file and the total."""
    row = {
        "source_file": "a.xlsx#Sheet",
        "profile": "x",
        "read": 5,
        "accepted": 1,
        "rejected": 0,
        "set_aside": 4,
        "note": "2 hidden rows read too",
        "blank": 1,
        "total": 0,
        "not_licence_based": 3,
    }
    lines = list(listing.files([row]))

    said = "set aside: 1 blank, 3 not licence based"
    assert lines[2].strip() == f"{said}; 2 hidden rows read too"
    assert lines[4].strip() == said


def test_proposals_are_listed_for_a_person_to_decide() -> None:
    """File, row, name and the customer that it may be; the first ten, then how many more."""
    row = {"source_file": "a.csv", "source_row": 3, "name": "X", "customer_id": "c"}
    frame = pd.DataFrame([row | {"customer_name": "X SL"}] * 12)
    lines = list(listing.proposed(frame))

    assert lines[1] == "  a.csv row 3: 'X' may be c (X SL)"
    assert lines[-1] == "  and 2 more in proposed.csv"
    assert list(listing.proposed(frame.head(0))) == []


def test_ranked_fits_a_narrow_terminal() -> None:
    """No line is wider than 100 characters, and a customer without a name shows its id."""
    row = {
        "rank": 1,
        "customer_id": "c1",
        "name": None,
        "market": "ES",
        "next_expiration": date(2026, 12, 3),
        "seats": 1500,
        "reason": "because " * 40,
    }
    lines = list(listing.ranked([row]))

    assert lines[0] == "    1  2026-12-03  1,500 seats  c1 (ES)"
    assert max(map(len, lines)) <= 100
