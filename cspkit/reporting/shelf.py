"""reports/index.html: all reports and receipts of a workspace, by date."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cspkit import writing
from cspkit.reporting import receipts
from cspkit.reporting.figures import records

RECORD = ".report.json"
BROKEN_OFF = "broken off: run it again"


def note(page: Path, **facts: str) -> None:
    """Keep beside a report what it is, for the index."""
    text = json.dumps(facts, indent=1, ensure_ascii=False)
    page.with_name(RECORD).write_text(text + "\n", encoding="utf-8")


def write(reports: Path) -> Path:
    """Write the index anew from what lies below the folder; return the page."""
    from cspkit.reporting.layout import environment, style

    rows = [*_reports(reports), *_receipts(reports)]
    rows.sort(key=lambda row: (row["at"], row["link"]), reverse=True)
    text = environment().get_template("shelf.html").render(rows=rows, style=style())
    return writing.write(reports / "index.html", text)


def _reports(reports: Path) -> list[dict[str, Any]]:
    rows = []
    for file in reports.rglob(RECORD):
        page = file.with_name("index.html")
        facts = _read(file)
        if page.exists() and facts:
            about = f"{facts.get('lang', '')}, plan {facts.get('plan', '')[:12]}"
            row = {"at": facts.get("as_of", ""), "what": "report", "about": about, "state": ""}
            rows.append(row | {"link": _link(page, reports)})
    return rows


def _receipts(reports: Path) -> list[dict[str, Any]]:
    rows = []
    for run in records(receipts.read(reports)):
        row = {"at": run["started"].strftime("%Y-%m-%d %H:%M"), "what": run["name"]}
        row |= {"about": f"{run['batch'] or run['due']}, {run['mode']}", "state": run["status"]}
        page = run["html"]
        if run["status"] == receipts.RUNNING and not receipts.at_work(run["process"]):
            row["state"] = BROKEN_OFF
        # a run that was killed, or whose disk was full, left no more than its record
        page = page if page.exists() else page.with_suffix(receipts.RECORD)
        rows.append(row | {"link": _link(page, reports)})
    return rows


def _read(file: Path) -> dict[str, str]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        datetime.fromisoformat(found["as_of"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {str(name): str(value) for name, value in found.items()}


def _link(page: Path, reports: Path) -> str:
    return quote(page.relative_to(reports).as_posix())
