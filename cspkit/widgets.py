"""Controls for notebooks: to look and to choose; each starts from a value that is passed in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets
import pandas as pd

if TYPE_CHECKING:
    from cspkit.exports import Exports
    from cspkit.settings import Settings

SHOWN = 20
LOOK = ["rank", "name", "market", "next_expiration", "slack_days", "seats", "next_action"]


def within(ranked: pd.DataFrame, days: int) -> pd.DataFrame:
    """Return the ranked customers whose nearest expiration is at most so many days away."""
    return ranked[(ranked["days_to_expiration"] <= days).fillna(False).astype(bool)]


def horizon(ranked: pd.DataFrame, *, days: int) -> ipywidgets.VBox:
    """Show who expires within a number of days, chosen with a slider that starts at days."""
    slider = ipywidgets.IntSlider(
        value=days, min=0, max=365, description="days", continuous_update=False
    )

    def show(chosen: int) -> tuple[str, pd.DataFrame]:
        near = within(ranked, chosen)
        seats = int(near["seats"].fillna(0).sum())
        words = f"{len(near):,} of {len(ranked):,} customers, {seats:,} seats"
        return words, near[LOOK]

    return _look(slider, show)


def capacity(
    exports: Exports, *, as_of: date | str, start: date | str, settings: Settings, moves: int
) -> ipywidgets.VBox:
    """Show what a plan costs at another number of moves per day, starting at moves."""
    from cspkit import planning

    slider = ipywidgets.IntSlider(
        value=moves, min=1, max=max(100, moves), description="moves a day", continuous_update=False
    )

    def show(chosen: int) -> tuple[str, pd.DataFrame]:
        policy = settings.policy.model_copy(update={"moves_per_day": chosen})
        tried = planning.plan(
            exports,
            as_of=as_of,
            start=start,
            settings=settings.model_copy(update={"policy": policy}),
        )
        words = (
            f"{len(tried.moves):,} moves on {len(tried.batches):,} days,"
            f" {len(tried.unplaced):,} without a day"
        )
        return words, tried.savings

    return _look(slider, show)


def _look(
    slider: ipywidgets.IntSlider, show: Callable[[int], tuple[str, pd.DataFrame]]
) -> ipywidgets.VBox:
    """Put a slider over a sentence and a table that follow its value."""
    answer = ipywidgets.HTML()

    def draw(_: Any = None) -> None:
        words, frame = show(slider.value)
        more = f"; the first {SHOWN} are shown" if len(frame) > SHOWN else ""
        table = frame.head(SHOWN).to_html(index=False, border=0, na_rep="")
        answer.value = f"<p>{escape(words + more)}</p>{table}"

    slider.observe(draw, "value")
    draw()
    return ipywidgets.VBox([slider, answer])
