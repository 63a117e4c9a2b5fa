"""Put rejected rows right and load them again."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets
import pandas as pd

from cspkit import exports
from cspkit.errors import CspkitError
from cspkit.widgets.showing import Shown, counted, show, text
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
            description="reject", style=WIDE, layout={"width": "60em", "max_width": "100%"}
        )
        self.value = line("right value")
        self.alike = ipywidgets.Checkbox(
            description="the same in every row of this file with this value",
            layout={"width": "40em"},
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
        rows = self.rows = self.open
        self.words.value = f"<p>{counted(len(rows), 'rejected row')} to put right</p>"
        self.grid.fill(rows[LOOK])
        # Without this the list would show nothing when its first line changes.
        self.which.options = ()
        self.which.options = [
            (f"{line.source_file}, row {line.source_row}: {line.reason}", line.Index)
            for line in rows.head(LISTED)[LOOK].itertuples()
        ]
        self.which.index = 0 if len(rows) else None
        self._follow()

    def _row(self) -> Any:
        if self.which.value is None:
            raise CspkitError("there is no reject to put right")
        return self.rows.loc[self.which.value]

    def _follow(self) -> None:
        self.value.value = "" if self.which.value is None else text(self._row()["value"])
        column = "" if self.which.value is None else text(self._row()["column"])
        self.value.placeholder = column

    def _put_right(self) -> str:
        row, rows = self._row(), self.rows
        if self.alike.value:
            same = rows["column"] == row["column"]
            for name in ("source_file", "value"):
                same &= rows[name].fillna("") == text(row[name])
            rows = rows[same]
        else:
            rows = rows.loc[[self.which.value]]
        count = exports.correct(self.files.corrections, rows, self.value.value.strip())
        self._look()
        return (
            f"{len(rows):,} put right; {escape(str(self.files.corrections))} holds {count:,}."
            " Press Load again to see whether they are accepted now."
        )

    def _load_again(self) -> str:
        said = self.files.read(self.files.origin)
        given = exports.corrections(self.files.corrections)
        rejects = self.files.exports.rejects["source_file"]
        again = int(rejects.str.startswith(self.files.corrections.name).sum())
        done = f"{len(given) - again:,} of {counted(len(given), 'corrected row')}"
        return f"{done} accepted now. {said}"
