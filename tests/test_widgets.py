"""What notebooks show: whole rows, how many there are, and controls that only look."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from cspkit import widgets
from cspkit.settings import Settings
from tests.originals import AS_OF, customer, exports, original

HOSTILE = "<img src=x onerror=alert(1)>"


def ranked(*days: int | None) -> pd.DataFrame:
    """Rank customers that expire so many days from now."""
    rows = len(days)
    return pd.DataFrame(
        {
            "rank": range(1, rows + 1),
            "name": [HOSTILE] * rows,
            "market": ["ES"] * rows,
            "next_expiration": [date(2026, 12, 1)] * rows,
            "slack_days": [1] * rows,
            "seats": [10] * rows,
            "next_action": ["invite"] * rows,
            "days_to_expiration": pd.array(days, dtype="Int64"),
        }
    )


def test_a_long_frame_is_cut_and_says_so() -> None:
    """Twenty rows of a hundred, with the hundred named beside them."""
    shown = widgets.show(pd.DataFrame({"n": range(100)}))

    assert shown.words == "20 of 100 rows"
    assert shown._repr_html_().count("<td") == 20
    assert len(shown.frame) == 100


def test_no_text_is_cut() -> None:
    """The end of a reason is often the part that says what to do."""
    reason = "because " * 40 + "call them"

    assert reason in widgets.show(pd.DataFrame({"reason": [reason]}))._repr_html_()
    assert reason in repr(widgets.show(pd.DataFrame({"reason": [reason]})))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (pd.NA, ""),
        (float("nan"), ""),
        (pd.NaT, ""),
        (1234567, "1,234,567"),
        (Decimal("1234.5"), "1,234.50"),
        (date(2026, 11, 20), "2026-11-20"),
        (datetime(2026, 11, 20, 9, 5), "2026-11-20 09:05"),
        (True, "True"),
        ("007", "007"),
        ({"done": 3, "waiting": 1}, "3 done, 1 waiting"),
    ],
)
def test_cells_read_as_people_write_them(value: Any, text: str) -> None:
    """What is missing is empty, and an id stays as it is."""
    frame = pd.DataFrame({"cell": pd.Series([value], dtype=object)})

    assert widgets.show(frame).table.iloc[0, 0] == text


def test_an_index_with_a_name_is_a_column() -> None:
    """A frame that was grouped shows by what."""
    grouped = pd.DataFrame({"market": ["ES", "ES"], "seats": [1, 2]}).groupby("market").sum()

    assert widgets.show(grouped).table.to_dict("records") == [{"market": "ES", "seats": "3"}]


def test_a_hostile_name_stays_text_in_a_table() -> None:
    """JupyterLab would run what a table lets through."""
    assert "<img" not in widgets.show(pd.DataFrame({"name": [HOSTILE]}))._repr_html_()


def test_the_horizon_starts_where_the_parameter_says() -> None:
    """Under papermill nobody moves a slider: its first value is what a receipt shows."""
    box = widgets.horizon(ranked(5, 40, None), days=30)

    assert "1 of 3 customers, 10 seats" in box.children[1].value
    assert "<img" not in box.children[1].value


def test_the_horizon_follows_the_slider() -> None:
    """Moving it shows other customers, and nothing else changes."""
    frame = ranked(5, 40, None)
    box = widgets.horizon(frame, days=30)

    box.children[0].value = 60

    assert "2 of 3 customers, 20 seats" in box.children[1].value
    assert len(widgets.within(frame, 60)) == 2


def test_the_sliders_plan_again() -> None:
    """With one order a day, three moves of one day need three; with 200 days to accept, none."""
    rows = [original(number, number) for number in (1, 2, 3)]
    loaded = exports(*(customer(n, relationship="none") for n in (1, 2, 3)), *rows)

    box = widgets.tryout(
        loaded,
        as_of=AS_OF,
        start="2026-11-23",
        settings=Settings(),
        moves=3,
        lead=21,
        repair=1,
    )
    answer = box.children[-1]
    assert "3 moves on 1 days, 0 without a day" in answer.value
    box.children[0].value = 1
    assert "3 moves on 3 days, 0 without a day" in answer.value
    box.children[1].value = 120
    assert "0 moves on 0 days, 3 without a day" in answer.value
