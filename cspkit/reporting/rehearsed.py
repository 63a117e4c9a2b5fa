"""The page of a rehearsed plan: the spread over seeds, and the moves that failed and why."""

from __future__ import annotations

import json
import os
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cspkit.errors import ExportError
from cspkit.reporting.layout import environment, style
from cspkit.reporting.retelling import told
from cspkit.reporting.words import Words

SHOWN = 200
# figure, what it counts, and whether anything above nothing is bad news
FIGURES = (
    ("finished", "moves finished", False),
    ("closed", "finished moves whose originals have ended for good", False),
    ("gaps", "pools that ran short of seats that the plan had to bring", True),
    ("other_gaps", "pools that ran short because of originals that the plan leaves", True),
    ("double_orders", "orders beyond the plan", True),
    ("lost", "orders that the ledger did not know", True),
    ("human", "moves that wait for a person", True),
    ("not_due", "moves whose day lies beyond the rehearsed days", False),
    ("late", "moves ordered after their last safe day", True),
    ("renewed", "originals that renewed or slid on, because nobody stopped them", True),
    ("paid_days", "days on which old and new ran side by side", False),
    ("api_calls", "calls to Partner Center and Graph", False),
)
Json = dict[str, Any]


def write(result: Json, out: Path, lang: str = "en") -> Path:
    """Write rehearsal.html and rehearsal.json into the folder out; return the page.

    Raises SettingsError for a language that nobody translated, ExportError when the folder cannot
    be written.
    """
    file = Path(out) / "rehearsal.html"
    text = render(result, lang)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        data = json.dumps(result, ensure_ascii=False, indent=1, default=str)
        file.with_suffix(".json").write_text(data + "\n", encoding="utf-8")
    except OSError as error:
        raise ExportError(file, [f"cannot be written: {error.strerror or error}"]) from error
    return file


def render(result: Json, lang: str = "en") -> str:
    """Return the page of a result as `cspkit rehearse` prints it, reasons in its language.

    A reason that is no sentence of ours is said by its step and what came of it.
    """
    words = Words(lang)
    failed = [{**row, "reason": _reason(row, words)} for row in failures(result)]
    pages = environment()
    pages.filters["number"] = words.number
    pages.filters["day"] = lambda day: words.day(date.fromisoformat(day))
    pages.install_gettext_translations(words.translations, newstyle=True)  # type: ignore[attr-defined]
    return pages.get_template("rehearsal.html").render(
        result=result,
        style=style(),
        words=words,
        figures=[
            {"what": what, "bad": bad, **result["spread"][name]} for name, what, bad in FIGURES
        ],
        failed=failed[:SHOWN],
        all_failed=len(failed),
        reasons=Counter(row["reason"] for row in failed).most_common(12),
        gaps=[gap for run in result["runs"] for gap in run["gap_list"]][:SHOWN],
    )


def _reason(row: Json, words: Words) -> str:
    again = told(row["reason"], words)
    if again:
        return again
    step, outcome = words.of(row["step"], "step"), words.of(row.get("outcome"), "outcome")
    return ": ".join(filter(None, (step, outcome)))


def beside(reports: Path, plan_hash: str, page: Path) -> Json | None:
    """Find the rehearsal of a plan in the reports' folder, to be told and linked from a page."""
    file = reports / "rehearsal" / "rehearsal.json"
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if found["plan"] != plan_hash:
            return None
        names = ("moves", "finished", "gaps", "double_orders", "seeds")
        link = os.path.relpath(file.with_suffix(".html"), page.parent)
        return {name: found[name] for name in names} | {"link": quote(Path(link).as_posix())}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def failures(result: Json) -> list[Json]:
    """List each move that failed with any seed once, with how often and the reason read last."""
    found: dict[str, Json] = {}
    for run in result["runs"]:
        for row in run["failed"]:
            times = found.get(row["move_id"], {"times": 0})["times"] + 1
            found[row["move_id"]] = {**row, "times": times}
    return sorted(found.values(), key=lambda row: (-row["times"], row["date"], row["move_id"]))
