"""What notebooks show: tables that say how long they are, and controls to look and to choose."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets
import pandas as pd

if TYPE_CHECKING:
    from cspkit.decisions import Decisions
    from cspkit.exports import Exports
    from cspkit.settings import Settings

SHOWN = 20
# JupyterLab sets every cell to the right; receipts every cell to the left.
_WORDS, _NUMBER = ' style="text-align: left"', ' class="n"'
TRIED = ("moves_per_day", "relationship_days", "repair_days")
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
LOOK = ["rank", "name", "market", "next_expiration", "slack_days", "seats", "next_action"]


@dataclass(frozen=True)
class Shown:
    """The first rows of a frame as people read them, and how many there are; `frame` has all."""

    frame: pd.DataFrame
    rows: int = SHOWN

    @property
    def words(self) -> str:
        """Say how many rows there are, and how many of them are shown."""
        every = len(self.frame)
        if every > self.rows:
            return f"{self.rows} of {every:,} rows"
        return "1 row" if every == 1 else f"{every:,} rows"

    @property
    def cells(self) -> pd.DataFrame:
        """The rows that are shown, with the names of their index as columns."""
        head = self.frame.head(self.rows)
        named = any(name is not None for name in head.index.names)
        return (head.reset_index() if named else head).astype(object)

    @property
    def table(self) -> pd.DataFrame:
        """The rows that are shown, every cell as text, nothing cut."""
        return self.cells.map(_text)

    def _repr_html_(self) -> str:
        """Show a table in a notebook: text to the left, numbers to the right, all of it escaped."""
        cells = self.cells
        sides = [_NUMBER if cells[name].map(_is_number).any() else _WORDS for name in cells]
        head = _line("th", sides, cells.columns)
        body = "".join(_line("td", sides, row) for row in self.table.itertuples(index=False))
        table = f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"
        return f"<p>{self.words}</p>{table}"

    def __repr__(self) -> str:
        """Show the same as plain text, where there is no browser."""
        return f"{self.words}\n{self.table.to_string(index=False)}"


def show(frame: pd.DataFrame, rows: int = SHOWN) -> Shown:
    """Show at most so many rows of a frame, none of their text cut, and say how many there are."""
    return Shown(frame, rows)


def _line(tag: str, sides: list[str], cells: Iterable[Any]) -> str:
    pairs = zip(sides, cells, strict=True)
    inside = "".join(f"<{tag}{side}>{escape(str(cell))}</{tag}>" for side, cell in pairs)
    return f"<tr>{inside}</tr>"


def _is_number(value: Any) -> bool:
    # Missing text is a NaN, which is a float.
    known = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return known and value == value


def _text(value: Any) -> str:
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


def within(ranked: pd.DataFrame, days: int) -> pd.DataFrame:
    """Return the ranked customers whose nearest expiration is at most so many days away."""
    return ranked[(ranked["days_to_expiration"] <= days).fillna(False).astype(bool)]


def horizon(ranked: pd.DataFrame, *, days: int) -> ipywidgets.VBox:
    """Show who expires within a number of days, chosen with a slider that starts at days."""
    slider = ipywidgets.IntSlider(
        value=days, min=0, max=365, description="days", continuous_update=False
    )

    def look(chosen: int) -> tuple[str, pd.DataFrame]:
        near = within(ranked, chosen)
        seats = int(near["seats"].fillna(0).sum())
        words = f"{len(near):,} of {len(ranked):,} customers, {seats:,} seats"
        return words, near[LOOK]

    return _following(slider, look)


def tryout(
    exports: Exports,
    *,
    as_of: date | str,
    start: date | str,
    settings: Settings,
    moves: int,
    lead: int,
    repair: int,
    decisions: Decisions | None = None,
) -> ipywidgets.VBox:
    """Show what a plan costs with other orders a day, invitation lead and days for repair.

    The sliders start at moves, lead and repair; the plan itself stays as it is.
    """
    from cspkit import planning

    sliders = [
        _slider("orders a day", moves, 0, 100),
        _slider("days to accept", lead, 0, 120),
        _slider("repair days", repair, 0, 30),
    ]

    def look() -> tuple[str, pd.DataFrame]:
        chosen = dict(zip(TRIED, (slider.value for slider in sliders), strict=True))
        found = planning.tried(
            exports,
            as_of=as_of,
            start=start,
            settings=settings,
            decisions=decisions,
            changes=chosen,
        )
        words = (
            f"{len(found.moves):,} moves on {len(found.batches):,} days,"
            f" {len(found.unplaced):,} without a day"
        )
        return words, found.savings

    return _answering(sliders, look)


def _slider(name: str, value: int, least: int, most: int) -> ipywidgets.IntSlider:
    return ipywidgets.IntSlider(
        value=value,
        min=least,
        max=max(most, value),
        description=name,
        continuous_update=False,
        style={"description_width": "7em"},
    )


def _following(
    slider: ipywidgets.IntSlider, look: Callable[[int], tuple[str, pd.DataFrame]]
) -> ipywidgets.VBox:
    """Put a slider over a sentence and a table that follow its value."""
    return _answering([slider], lambda: look(slider.value))


def _answering(
    sliders: list[ipywidgets.IntSlider], look: Callable[[], tuple[str, pd.DataFrame]]
) -> ipywidgets.VBox:
    """Put sliders over a sentence and a table that answer every change of one of them."""
    answer = ipywidgets.HTML()

    def draw(_: Any = None) -> None:
        words, frame = look()
        answer.value = f"<p>{escape(words)}</p>{show(frame)._repr_html_()}"

    for slider in sliders:
        slider.observe(draw, "value")
    draw()
    return ipywidgets.VBox([*sliders, answer])
