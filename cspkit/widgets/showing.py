"""What notebooks show: whole rows, how many there are, nothing cut."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from html import escape
from typing import Any

import pandas as pd

SHOWN = 20
# JupyterLab sets every cell to the right; receipts every cell to the left.
_WORDS, _NUMBER = ' style="text-align: left"', ' class="n"'
WORDS = pd.DataFrame(
    [
        ("customer", "one tenant, known by its tenant id"),
        ("original", "the subscription to be replaced, bought elsewhere"),
        ("replacement", "the CSP subscription that takes over"),
        ("channel", "where an original was bought; it decides what happens at its end"),
        ("natural expiration", "the last day of an original's term, in UTC, inclusive"),
        ("slack", "days left until then, less what the customer's missing steps take"),
        ("move", "the originals of one customer and one offer that become one order"),
        ("batch", "the moves that are ordered on one day"),
        ("blocker", "why a move cannot go ahead yet, and who must act"),
    ],
    columns=["word", "meaning"],
)


@dataclass(frozen=True)
class Shown:
    """The first rows of a frame as people read them, and how many there are; `frame` has all."""

    frame: pd.DataFrame
    rows: int = SHOWN

    @property
    def words(self) -> str:
        """Say how many rows there are, and how many of them are shown."""
        every = counted(len(self.frame), "row")
        return f"{self.rows} of {every}" if len(self.frame) > self.rows else every

    @property
    def cells(self) -> pd.DataFrame:
        """The rows that are shown, with the names of their index as columns."""
        head = self.frame.head(self.rows)
        named = any(name is not None for name in head.index.names)
        return (head.reset_index() if named else head).astype(object)

    @property
    def table(self) -> pd.DataFrame:
        """The rows that are shown, every cell as text, nothing cut."""
        return self.cells.map(text)

    def _repr_html_(self) -> str:
        """Show a table in a notebook: text to the left, numbers to the right, all of it escaped."""
        cells = self.cells
        sides = [_NUMBER if cells[name].map(is_number).any() else _WORDS for name in cells]
        head = _line("th", sides, map(escape, map(str, cells.columns)))
        table = self.table.map(escape)
        if "link" in table:
            table["link"] = table["link"].map(_linked)
        body = "".join(_line("td", sides, row) for row in table.itertuples(index=False))
        return f"<p>{self.words}</p><table><thead>{head}</thead><tbody>{body}</tbody></table>"

    def __repr__(self) -> str:
        """Show the same as plain text, where there is no browser."""
        return f"{self.words}\n{self.table.to_string(index=False)}"


def show(frame: pd.DataFrame, rows: int = SHOWN) -> Shown:
    """Show at most so many rows of a frame, none of their text cut, and say how many there are."""
    return Shown(frame, rows)


def _line(tag: str, sides: list[str], cells: Iterable[Any]) -> str:
    pairs = zip(sides, cells, strict=True)
    inside = "".join(f"<{tag}{side}>{cell}</{tag}>" for side, cell in pairs)
    return f"<tr>{inside}</tr>"


def _linked(address: str) -> str:
    if not address.startswith(("https://", "http://")):
        return address
    return f'<a href="{address}" target="_blank" rel="noopener noreferrer">{address}</a>'


def is_number(value: Any) -> bool:
    """Tell whether a cell is a known number."""
    # Missing text is a NaN, which is a float.
    known = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return known and value == value


def counted(number: int, word: str) -> str:
    """Write a number with its word: 1 row, 2 rows."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def text(value: Any) -> str:
    """Write a cell as people do; what is missing is empty."""
    if value is None or value is pd.NaT or value is pd.NA or value != value:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, Decimal | float):
        return f"{value:,.2f}"
    if isinstance(value, dict):
        return ", ".join(f"{number} {word}" for word, number in value.items())
    return str(value)
