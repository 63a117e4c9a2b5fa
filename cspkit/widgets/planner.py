"""Try other capacities, lead times and overlaps; see cost and calendar at once; save the plan."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets
import pandas as pd

from cspkit import planning
from cspkit.clock import SystemClock
from cspkit.decisions import Decisions
from cspkit.planning import Plan
from cspkit.reporting import handwork, loads, planbook
from cspkit.widgets.showing import Shown, counted, show
from cspkit.widgets.tools import Chart, Tool, button, line, slider

if TYPE_CHECKING:
    from cspkit.exports import Exports
    from cspkit.settings import Settings

TRIED = ("moves_per_day", "relationship_days", "repair_days")
NAMES = ("orders a day", "days to accept", "repair days")
MOST = (100, 120, 30)


class Planner(Tool):
    """Sliders that plan again, what that costs beside the plan, its calendar, and a way to save.

    `plan` is the plan of the sliders, `planned` that of the policy. Saving writes the plan file,
    the workbook for people and the csv of each batch; nothing else is changed.
    """

    def __init__(
        self,
        exports: Exports,
        *,
        settings: Settings,
        planned: Plan,
        decisions: Decisions | None = None,
        steps: pd.DataFrame | None = None,
        moves: int | None = None,
        lead: int | None = None,
        repair: int | None = None,
        author: str = "",
        file: str = "",
    ) -> None:
        super().__init__()
        self.settings, self.planned, self.plan = settings, planned, planned
        self.decisions = decisions or Decisions.empty()
        self.facts: dict[str, Any] = {
            "exports": exports,
            "as_of": planned.document.as_of,
            "start": planned.document.start,
            "settings": settings,
            "decisions": decisions,
            "steps": steps,
        }
        policy = [getattr(settings.policy, name) for name in TRIED]
        starts = [
            own if given is None else given
            for given, own in zip((moves, lead, repair), policy, strict=True)
        ]
        self.sliders = [
            slider(name, value, 0, most)
            for name, value, most in zip(NAMES, starts, MOST, strict=True)
        ]
        self.words, self.table, self.chart = ipywidgets.HTML(), ipywidgets.HTML(), Chart()
        self.file = line("plan file", file or "plan.json")
        self.author = line("made by", author, "your name; somebody else approves")
        self._answer()
        for one in self.sliders:
            one.observe(lambda _: self.attempt(self._answer), "value")
        save = button("Save this plan", lambda: self.attempt(self._save))
        keep = ipywidgets.VBox([ipywidgets.HBox([self.file, save]), self.author])
        self.put(*self.sliders, self.words, self.table, self.chart.area, keep)

    @property
    def beside(self) -> pd.DataFrame:
        """The plan and what the sliders make of it: moves, days, without a day, paid twice."""
        both = planning.beside({"as planned": self.planned, "with the sliders": self.plan})
        units = {unit: f"paid twice, {unit}" for unit in both.columns[4:]}
        return both.rename(columns={"no_day": "without a day", **units})

    @property
    def sentence(self) -> str:
        """Say how many moves the sliders give a day."""
        document = self.plan.document
        moves, days = counted(len(document.moves), "move"), counted(len(document.batches), "day")
        return f"{moves} on {days}, {counted(len(document.unplaced), 'original')} without a day"

    def still(self) -> Iterable[Shown | str]:
        """Say what the starting values of the sliders give."""
        return [self.sentence, show(self.beside)]

    def _answer(self) -> None:
        chosen = dict(zip(TRIED, (one.value for one in self.sliders), strict=True))
        policy = self.settings.policy
        if all(getattr(policy, name) == value for name, value in chosen.items()):
            self.plan = self.planned
        else:
            self.words.value = "<p>planning ...</p>"
            self.plan = planning.tried(**self.facts, changes=chosen)
        self.words.value = f"<p><strong>{escape(self.sentence)}</strong></p>"
        self.table.value = show(self.beside)._repr_html_()
        if self.plan.document.batches:
            self.chart.draw(loads.calendar(self.plan.batches, chosen["moves_per_day"]))
        else:
            self.chart.area.outputs = ()

    def _save(self) -> str:
        who = {"made_by": self.author.value.strip(), "made_at": SystemClock().now()}
        plan = Plan(self.plan.document.model_copy(update=who))
        file = planning.keep(plan, self.settings.path(self.file.value.strip()))
        written = written_for_people(plan, file, self.decisions)
        return (
            f"Saved {escape(file.name)}: {escape(self.sentence)}. {written} Somebody else approves"
            f" it: <code>cspkit approve {escape(file.name)} --by NAME</code>"
        )


def written_for_people(plan: Plan, file: Path, decisions: Decisions) -> str:
    """Write the workbook and the csv of each batch beside a plan file; say what they are."""
    originals = {row["subscription_id"]: row for row in decisions.original_table.to_pylist()}
    today, folder = plan.document.as_of, file.with_name(f"{file.stem}-batches")
    planbook.write(plan, file.with_suffix(".xlsx"), originals=originals, today=today)
    _, left = handwork.write(plan, folder, originals=originals, today=today)
    return (
        f"Beside it: {escape(file.with_suffix('.xlsx').name)} for people, and"
        f" {escape(folder.name)} for work by hand, without the {left:,} moves that wait for a"
        " consent."
    )
