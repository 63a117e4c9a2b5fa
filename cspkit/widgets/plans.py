"""Two plans side by side."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path

import ipywidgets

from cspkit import planning
from cspkit.planning import Difference, Plan
from cspkit.widgets.showing import Shown, show
from cspkit.widgets.tools import WIDE, Grid, Tool, button

HERE = "the plan of this notebook"
LOOK = ["change", "name", "was", "now", "days", "differs", "subscription_ids"]


class Comparison(Tool):
    """Two lists of plan files, what changed from the older to the newer, and each change.

    `older` and `newer` are file names in the folder; empty is the plan of the notebook for
    `newer`, and for `older` the newest file, if there is one.
    """

    def __init__(self, folder: Path, planned: Plan, *, older: str = "", newer: str = "") -> None:
        super().__init__()
        self.folder, self.planned = folder, planned
        names = self._names()
        first = older or next(iter(names[1:]), HERE)
        self.older, self.newer = (
            ipywidgets.Dropdown(options=names, description=name, style=WIDE)
            for name in ("from", "to")
        )
        self.words, self.grid = ipywidgets.HTML(), Grid()
        self.found = planning.difference(self._plan(first), self._plan(newer or HERE))
        self.older.value = first if first in names else HERE
        self.newer.value = newer if newer in names else HERE
        self._answer()
        for one in (self.older, self.newer):
            one.observe(lambda _: self.attempt(self._compare), "value")
        again = button("Look for plans again", lambda: self.attempt(self._look_again))
        self.put(ipywidgets.HBox([self.older, self.newer, again]), self.words, self.grid.table)

    def still(self) -> Iterable[Shown | str]:
        """Say what changed, and list the first changes."""
        said = f"from {self.older.value} to {self.newer.value}: {'; '.join(self.found.lines())}"
        return [said, show(self.found.frame[LOOK])]

    @property
    def difference(self) -> Difference:
        """What changed; `.frame` lists it."""
        return self.found

    def _names(self) -> list[str]:
        files = planning.saved(self.folder)
        return [HERE, *files[files["problem"] == ""]["file"]]

    def _plan(self, name: str) -> Plan:
        return self.planned if name == HERE else Plan.read(self.folder / name)

    def _compare(self) -> None:
        if self.older.value is None or self.newer.value is None:
            return
        self.found = planning.difference(self._plan(self.older.value), self._plan(self.newer.value))
        self._answer()

    def _answer(self) -> None:
        self.words.value = "".join(f"<p>{escape(line)}</p>" for line in self.found.lines())
        self.grid.fill(self.found.frame[LOOK])

    def _look_again(self) -> str:
        names = self._names()
        for one in (self.older, self.newer):
            now = one.value
            one.options = names
            one.value = now if now in names else HERE
        return f"{len(names) - 1:,} plan files in {escape(str(self.folder))}"
