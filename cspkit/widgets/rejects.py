"""Put rejected rows right and load them again."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets
import pandas as pd

from cspkit import exports
from cspkit.errors import CspkitError
from cspkit.widgets.showing import Shown, show, text
from cspkit.widgets.tools import WIDE, Grid, Tool, button, line

if TYPE_CHECKING:
    from cspkit.widgets.files import Files

LOOK = ["source_file", "source_row", "column", "value", "reason"]
# A list to choose from; the table above it has search and pages for the others.
LISTED = 200


class Corrections(Tool):
    """The rejects that are still open, a line for another value, and a button to load again.

    What is put right is kept in `corrected-rejects.csv` among the exports; the file it came from
    is never changed.
    """

    def __init__(self, files: Files) -> None:
        super().__init__()
        self.files = files
        self.words, self.grid = ipywidgets.HTML(), Grid()
        self.which = ipywidgets.Dropdown(
            description="reject", style=WIDE, layout={"width": "60em", "max-width": "100%"}
        )
        self.value = line("right value")
        self.alike = ipywidgets.Checkbox(
            description="the same in every row of this file with this value", indent=True
        )
        self.which.observe(lambda _: self._follow(), "value")
        right = button("Put right", lambda: self.attempt(self._put_right))
        again = button("Load again", lambda: self.attempt(self._load_again))
        files.loaded.append(self._look)
        self._look()
        self.put(
            self.words,
            self.grid.table,
            self.which,
            self.value,
            self.alike,
            ipywidgets.HBox([right, again]),
        )

    @property
    def open(self) -> pd.DataFrame:
        """The rejects that nobody put right yet; columns of `tables.REJECTS`."""
        return exports.open_rejects(self.files.exports, self.files.corrections)

    def still(self) -> Iterable[Shown | str]:
        """List the rejects with file, row, column, value and reason."""
        return [show(self.open[LOOK])]

    def _look(self) -> None:
        rows = self.open
        self.words.value = f"<p>{len(rows):,} rejected rows to put right</p>"
        self.grid.fill(rows[LOOK])
        lines = rows.head(LISTED)[LOOK].itertuples()
        self.which.options = [
            (f"{line.source_file}, row {line.source_row}: {line.reason}", line.Index)
            for line in lines
        ]
        self._follow()

    def _row(self) -> Any:
        if self.which.value is None:
            raise CspkitError("there is no reject to put right")
        return self.open.loc[self.which.value]

    def _follow(self) -> None:
        self.value.value = "" if self.which.value is None else text(self._row()["value"])
        column = "" if self.which.value is None else text(self._row()["column"])
        self.value.placeholder = column

    def _put_right(self) -> str:
        row, rows = self._row(), self.open
        if self.alike.value:
            same = rows["column"] == row["column"]
            for name in ("source_file", "value"):
                same &= rows[name].fillna("") == text(row[name])
            rows = rows[same]
        else:
            rows = rows.loc[[self.which.value]]
        count = exports.correct(self.files.corrections, rows, self.value.value.strip())
        return (
            f"{len(rows):,} put right; {escape(str(self.files.corrections))} holds {count:,}."
            " Press Load again to see whether they are accepted now."
        )

    def _load_again(self) -> str:
        before = len(self.open)
        said = self.files.read(self.files.origin)
        return f"{before - len(self.open):,} rejects are accepted now. {said}"
