"""What notebooks show: whole rows, how many there are, and what went wrong in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from cspkit import widgets
from cspkit.widgets import saying

HOSTILE = "<img src=x onerror=alert(1)>"


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


def test_only_an_address_is_a_link() -> None:
    """A ticket can be opened; text that pretends to be one stays text."""
    frame = pd.DataFrame({"link": ["https://t.example/7", "javascript:alert(1)", HOSTILE]})

    shown = widgets.show(frame)._repr_html_()

    assert shown.count("<a ") == 1
    assert '<a href="https://t.example/7" target="_blank" rel="noopener noreferrer">' in shown
    assert "<img" not in shown


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    """A shell such as kernels have, with our way to say errors."""
    made = InteractiveShell.instance()
    widgets.plain_errors()
    yield made
    InteractiveShell.clear_instance()


def test_a_wrong_path_is_one_sentence_and_the_traceback_is_at_hand(shell: InteractiveShell) -> None:
    """Forty lines of traceback hide the one that says what to do; `%tb` still has them all."""
    with capture_output() as first:
        result = shell.run_cell("import cspkit\ncspkit.load('/no/such/folder')")
    with capture_output() as second:
        shell.run_cell("%tb")

    assert result.error_in_exec is not None
    assert "/no/such/folder" in first.stdout and "Traceback" not in first.stdout
    assert len(first.stdout.strip().splitlines()) == 2
    assert "Traceback" in second.stdout and "loading.py" in second.stdout


def test_other_errors_keep_their_traceback(shell: InteractiveShell) -> None:
    """An analyst's own mistake in pandas is looked for with the lines that made it."""
    with capture_output() as said:
        shell.run_cell("{}['seats']")

    assert "Traceback" in said.stdout and "KeyError" in said.stdout


def test_a_mistake_of_ours_is_said_as_one() -> None:
    """A button never fails in silence; hostile text in the message stays text."""
    said = saying.sentence(RuntimeError(HOSTILE))

    assert "a mistake of ours, RuntimeError" in said
    assert "<img" not in said
