"""Look for customers in the ranking, choose some by hand, and write down what was decided."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from html import escape
from typing import TYPE_CHECKING

import ipywidgets
import pandas as pd

from cspkit import picking
from cspkit.errors import CspkitError
from cspkit.tables import Channel
from cspkit.widgets.showing import Shown, counted, show
from cspkit.widgets.tools import WIDE, Grid, Tool, button, choice, line, slider

if TYPE_CHECKING:
    from cspkit.exports import Exports
    from cspkit.settings import Settings

LOOK = [
    *("rank", "name", "market", "next_expiration", "slack_days", "seats", "channels"),
    *("next_action", "owner", "customer_id"),
]
EVERYBODY, FEW = 730, 20
ORDER, LEAVE, BACK, GIVE = "order on a day", "leave out", "take back", "give to an operator"


class Customers(Tool):
    """Filters over the ranking, a table to choose from, and what to do with those chosen.

    Takes the frame of `picking.known`. `shown` are the customers that fit the filters, `chosen`
    the tenant ids that were picked. What is decided goes to decisions.xlsx, with its reason.
    """

    def __init__(
        self, known: pd.DataFrame, exports: Exports, *, settings: Settings, as_of: str, days: int
    ) -> None:
        super().__init__()
        self.known, self.exports, self.settings = known, exports, settings
        self.as_of, self.chosen = date.fromisoformat(as_of), list[str]()
        self.text = line("name or id", hint="a part of either")
        self.market = choice("market", _words(known["market"]))
        self.channel = choice("channel", map(str, Channel))
        self.blocker = choice("blocker", _words(known["blockers"].str.split().explode()))
        self.owner = choice("owner", _words(known["owner"]))
        self.days = slider("expires within", days, 0, EVERYBODY)
        self.seats = ipywidgets.BoundedIntText(
            value=0, min=0, max=1_000_000, description="seats from", style=WIDE
        )
        self.words, self.grid = ipywidgets.HTML(), Grid(select=True)
        self.filters = [self.text, self.market, self.channel, self.days, self.seats]
        self.filters += [self.blocker, self.owner]
        for one in self.filters:
            one.observe(lambda _: self.attempt(self._look), "value")
        self._look()
        two, three = [self.text, self.days, self.seats], [self.market, self.channel, self.blocker]
        columns = [ipywidgets.VBox(two), ipywidgets.VBox([*three, self.owner])]
        self.put(ipywidgets.HBox(columns), self.words, self.grid.table, *self._decide())

    def still(self) -> Iterable[Shown | str]:
        """Say who fits the filters that the notebook starts with."""
        return [self.sentence, show(self.shown[LOOK])]

    @property
    def sentence(self) -> str:
        """Count who fits the filters."""
        seats = int(self.shown["seats"].fillna(0).sum())
        late = int((self.shown["slack_days"] < 0).fillna(False).sum())
        return (
            f"{len(self.shown):,} of {len(self.known):,} customers, {seats:,} seats;"
            f" {late:,} without slack"
        )

    @property
    def originals(self) -> pd.DataFrame:
        """The originals of the chosen customers that end within the days of the slider."""
        until = self.as_of + timedelta(days=self.days.value)
        everybody = self.days.value >= EVERYBODY
        return picking.originals_of(self.exports, self.chosen, None if everybody else until)

    def _look(self) -> None:
        days = self.days.value
        self.shown = picking.narrowed(
            self.known,
            text=self.text.value,
            market=self.market.value,
            channel=self.channel.value,
            days=None if days >= EVERYBODY else days,
            seats=self.seats.value,
            blocker=self.blocker.value,
            owner=self.owner.value,
        )
        more = self.grid.fill(self.shown[LOOK])
        self.words.value = f"<p><strong>{escape(self.sentence)}.</strong> {escape(more)}</p>"

    def _decide(self) -> list[ipywidgets.Widget]:
        """Make the lower half: who is chosen, what to do, why and by whom."""
        self.picked = ipywidgets.HTML()
        self.what = ipywidgets.Dropdown(
            options=[ORDER, LEAVE, BACK, GIVE], description="decide", style=WIDE
        )
        self.day = ipywidgets.DatePicker(description="day", style=WIDE)
        self.operator = line("operator")
        self.reason, self.by = line("reason"), line("decided by")
        self._tell()
        buttons = [
            button("Choose the selected rows", lambda: self.attempt(self._choose_selected)),
            button("Choose all that fit", lambda: self.attempt(self._choose_all)),
            button("Choose nobody", lambda: self.attempt(self._choose_nobody)),
        ]
        write = button("Write into decisions.xlsx", lambda: self.attempt(self._write))
        fields = ipywidgets.VBox([self.what, self.day, self.operator, self.reason, self.by])
        return [ipywidgets.HBox(buttons), self.picked, fields, ipywidgets.HBox([write])]

    def _choose_selected(self) -> None:
        rows = self.grid.chosen
        if rows.empty:
            raise CspkitError("no row is selected: click rows of the table, or choose all that fit")
        self._choose(rows["customer_id"])

    def _choose_all(self) -> None:
        self._choose(self.shown["customer_id"])

    def _choose_nobody(self) -> None:
        self.chosen, self.grid.table.selected_rows = [], []
        self._tell()

    def _choose(self, ids: Iterable[str]) -> None:
        self.chosen = list(dict.fromkeys([*self.chosen, *ids]))
        self._tell()

    def _tell(self) -> None:
        rows = self.known[self.known["customer_id"].isin(self.chosen)]
        names = list(rows["name"].fillna(rows["customer_id"]).head(FEW))
        more = f" and {len(rows) - FEW:,} more" if len(rows) > FEW else ""
        said = (
            f"{len(rows):,} chosen: {', '.join(names)}{more}" if len(rows) else "nobody is chosen"
        )
        self.picked.value = f"<p>{escape(said)}</p>"

    def _write(self) -> str:
        file, why = self.settings.decisions, {"reason": self.reason.value, "by": self.by.value}
        if not self.chosen:
            raise CspkitError("nobody is chosen: select rows and press Choose the selected rows")
        what, done = self.what.value, counted(len(self.chosen), "customer")
        if what == ORDER:
            done = self._pin(why)
        elif what == LEAVE:
            picking.leave_out(file, self.chosen, **why)
        elif what == GIVE:
            picking.give(file, self.chosen, self.operator.value, **why)
        else:
            picking.take_back(file, self.chosen, **why)
        self._choose_nobody()
        return (
            f"Written into {escape(file.name)}: {escape(what)}, {escape(done)}. The next cell reads"
            " it back; the next plan obeys."
        )

    def _pin(self, why: dict[str, str]) -> str:
        if self.day.value is None:
            raise CspkitError("day: expected the day of the orders, found none")
        if self.day.value <= self.as_of:
            raise CspkitError(f"day: expected one after {self.as_of}, found {self.day.value}")
        originals = self.originals
        if originals.empty:
            raise CspkitError("none of their originals ends within the days of the slider")
        picking.pin(self.settings.decisions, originals, self.day.value, **why)
        seats = int(originals["seats"].fillna(0).sum())
        return f"{self.day.value}, {counted(len(originals), 'original')}, {counted(seats, 'seat')}"


def _words(column: pd.Series) -> list[str]:
    return sorted({str(word) for word in column.dropna() if word})
