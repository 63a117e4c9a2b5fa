"""What all tools share: they answer or say why not, stay alive, and leave a table on paper."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from typing import Any

import ipywidgets
import pandas as pd
from itables.widget import ITable

from cspkit.reporting.charts import Picture
from cspkit.widgets.saying import remember, sentence
from cspkit.widgets.showing import Shown, show

# A browser holds so many rows at once; filters look through all of them.
PAGE = 1_000
LOST = (
    "The kernel behind these controls is gone, so they answer no more."
    " Choose Run, then Run All Cells; what was saved is still in its files."
)
STYLE = f"""<style>
.cspkit-tool {{ padding: 2px 0 10px; }}
.cspkit-tool .cspkit-wrong {{ border-left: 4px solid #d55e00; padding: 4px 10px; margin: 4px 0; }}
.cspkit-tool .cspkit-done {{ border-left: 4px solid #0b5d8f; padding: 4px 10px; margin: 4px 0; }}
.cspkit-tool p {{ line-height: 1.45; }}
.cspkit-tool td, .cspkit-tool th {{ padding: 2px 10px 2px 0; }}
.cspkit-tool td.n {{ text-align: right; }}
.cspkit-tool .dt-container {{ margin: 0; max-width: 100%; }}
.cspkit-tool.jupyter-widgets-disconnected > * {{ opacity: .45; pointer-events: none; }}
.cspkit-tool.jupyter-widgets-disconnected::before {{
  content: "{LOST}"; display: block; border-left: 4px solid #d55e00; padding: 4px 10px;
  font-family: inherit; color: inherit; position: static; }}
</style>"""
WIDE = {"description_width": "9em"}


class Tool:
    """Controls over an answer. It shows itself, and as plain HTML where there is no browser."""

    def __init__(self) -> None:
        self.notice = ipywidgets.HTML()
        self.box = ipywidgets.VBox()
        self.box.add_class("cspkit-tool")

    def put(self, *parts: ipywidgets.Widget) -> None:
        """Show parts from top to bottom, what went wrong or right below them."""
        self.box.children = (ipywidgets.HTML(STYLE), *parts, self.notice)

    def attempt(self, work: Callable[[], str | None]) -> None:
        """Do what was asked for and say what came of it; an error is said, the controls stay."""
        try:
            said = work()
        except Exception as error:  # noqa: BLE001 - nobody else would ever see it
            remember(error)
            self.notice.value = sentence(error)
            return
        self.notice.value = f'<p class="cspkit-done" role="status">{said}</p>' if said else ""

    def still(self) -> Iterable[Shown | str]:
        """Give the tables and sentences that stand for the tool on paper."""
        return ()

    def _repr_mimebundle_(self, **given: Any) -> dict[str, Any]:
        alive = self.box._repr_mimebundle_(**given) or {}
        parts = list(self.still())
        page = "".join(
            f"<p>{escape(part)}</p>" if isinstance(part, str) else part._repr_html_()
            for part in parts
        )
        return {**alive, "text/html": page, "text/plain": "\n".join(map(str, parts))}


class Grid:
    """A table with search, sort and pages, of rows that can be chosen."""

    def __init__(self, *, select: bool = False) -> None:
        self.frame = pd.DataFrame()
        self.select = select
        self.table = ITable(
            pd.DataFrame({"": []}),
            # Each click adds a row; the other way needs a key held down.
            select="multi" if select else False,
            showIndex=False,
            maxBytes=0,
            classes="display compact nowrap",
            scrollX=True,
            pageLength=10,
        )

    def fill(self, frame: pd.DataFrame, rows: int = PAGE) -> str:
        """Show the first rows of a frame; say how many there are where they are not all."""
        shown = show(frame, rows)
        self.frame = frame.head(rows)
        # An update falls back to 64 kB, and leaves rows of the middle out, unless told again.
        self.table.update(shown.cells.map(_plain), selected_rows=[], maxBytes=0, showIndex=False)
        return "" if len(frame) <= rows else f"The table holds the first {rows:,} of them."

    @property
    def chosen(self) -> pd.DataFrame:
        """The rows of the frame that are chosen in the browser."""
        return self.frame.iloc[sorted(self.table.selected_rows)]


def _plain(value: Any) -> Any:
    from cspkit.widgets.showing import is_number, text

    return float(value) if is_number(value) and not isinstance(value, int) else text(value)


class Chart:
    """A chart that is drawn again whenever it is told to."""

    def __init__(self) -> None:
        self.area = ipywidgets.Output()

    def draw(self, picture: Picture) -> None:
        """Show another picture in the place of the one before."""
        data, metadata = picture._repr_mimebundle_()
        self.area.outputs = ({"output_type": "display_data", "data": data, "metadata": metadata},)


def slider(name: str, value: int, least: int, most: int) -> ipywidgets.IntSlider:
    """Make a slider that answers when it is let go."""
    return ipywidgets.IntSlider(
        value=min(max(value, least), max(most, value)),
        min=least,
        max=max(most, value),
        description=name,
        continuous_update=False,
        style=WIDE,
        layout={"width": "34em", "max_width": "100%"},
    )


def line(name: str, value: str = "", hint: str = "") -> ipywidgets.Text:
    """Make a line to type into."""
    return ipywidgets.Text(
        value=value,
        placeholder=hint,
        description=name,
        style=WIDE,
        layout={"width": "34em"},
        continuous_update=False,
    )


def button(name: str, work: Callable[[], None], hint: str = "") -> ipywidgets.Button:
    """Make a button."""
    made = ipywidgets.Button(description=name, tooltip=hint, layout={"width": "auto"})
    made.on_click(lambda _: work())
    return made


def choice(name: str, words: Iterable[str], every: str = "all") -> ipywidgets.Dropdown:
    """Make a list to choose one word from; the empty word stands for all."""
    return ipywidgets.Dropdown(
        options=[(every, ""), *((word, word) for word in words)], description=name, style=WIDE
    )
