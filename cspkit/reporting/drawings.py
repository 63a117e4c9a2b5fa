"""Charts and bars that Excel draws itself from the cells of a sheet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from cspkit.reporting.charts import COLOURS
from cspkit.reporting.figures import Standing

# Plain bars: those of 2010 would be an extension that other readers warn of.
_BAR = {"type": "data_bar", "bar_color": "#9fc5e8", "min_type": "num"}
_SIZE = {"width": 900, "height": 360}


@dataclass(frozen=True)
class Drawing:
    """Which columns of a sheet carry bars, and the chart beside it: none, `stacked` or `line`.

    `by` is the column of the horizontal axis, `series` the columns drawn and their names.
    """

    bars: tuple[str, ...] = ()
    kind: str = ""
    by: str = ""
    series: Mapping[str, str] = field(default_factory=dict)
    title: str = ""


def draw(book: Any, sheet: Any, frame: pd.DataFrame, drawing: Drawing) -> None:
    """Draw what is wanted beside the cells of a frame that stands at the sheet's corner."""
    names, last = [str(name) for name in frame.columns], len(frame)
    for column in (names.index(name) for name in drawing.bars if name in names):
        sheet.conditional_format(1, column, last, column, {**_BAR, "min_value": 0})
    if not drawing.kind:
        return
    chart = book.add_chart(
        {"type": "line"} if drawing.kind == "line" else {"type": "column", "subtype": "stacked"}
    )
    at = names.index(drawing.by)
    # What has no day on the axis, as all that is far away, would dwarf the rest.
    days = [line for line, day in enumerate(frame[drawing.by], start=1) if pd.notna(day)]
    first, last = min(days, default=1), max(days, default=1)
    for name, said in drawing.series.items():
        column = names.index(name)
        colour = {"color": COLOURS[Standing(name)]} if name in COLOURS else {}
        chart.add_series(
            {
                "name": said,
                "categories": [sheet.name, first, at, last, at],
                "values": [sheet.name, first, column, last, column],
                **({"fill": colour} if colour else {}),
            }
        )
    chart.set_title({"name": drawing.title, "name_font": {"size": 12}})
    chart.set_x_axis({"num_format": "d mmm", "text_axis": True})
    chart.set_legend({"position": "bottom"})
    chart.set_size(_SIZE)
    sheet.insert_chart(1, len(names) + 1, chart, {"description": drawing.title})
