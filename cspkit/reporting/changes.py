"""What changed since the report before: a small file is kept of where each move stood."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from cspkit import writing
from cspkit.reporting.figures import Row, Standing, seats

FOLDER = "snapshots"


@dataclass(frozen=True)
class Before:
    """Where each move stood on an earlier day."""

    as_of: date
    plan_hash: str
    standings: Mapping[str, str]


def latest(folder: Path, as_of: date, service: str) -> Before | None:
    """Read the last snapshot of this service from before a day; None when there is none.

    A file that cannot be read as one is passed over: it is only a comparison.
    """
    for file in sorted(folder.glob("*.json"), reverse=True):
        found = _read(file)
        if found and found["service"] == service and found["as_of"] < as_of.isoformat():
            stood = {one: name for name, own in found["standings"].items() for one in own}
            return Before(date.fromisoformat(found["as_of"]), found["plan"], stood)
    return None


def keep(folder: Path, moves: Iterable[Row], as_of: date, plan_hash: str, service: str) -> Path:
    """Write the snapshot of a day; a later report of the same day replaces it."""
    standings: dict[str, list[str]] = {str(standing): [] for standing in Standing}
    for move in moves:
        standings[str(move["standing"])].append(move["move_id"])
    data = {
        "as_of": as_of.isoformat(),
        "plan": plan_hash,
        "service": service,
        "standings": {name: sorted(own) for name, own in standings.items()},
    }
    return writing.write(folder / f"{as_of.isoformat()}.json", json.dumps(data, indent=1) + "\n")


def compare(before: Before | None, moves: Sequence[Row]) -> list[Row]:
    """Count the moves that stand elsewhere than before, by both standings; new and gone too."""
    if before is None:
        return []
    now = {move["move_id"]: move for move in moves}
    pairs: dict[tuple[str, str], list[Row]] = {}
    for move_id in sorted(now.keys() | before.standings.keys()):
        old = before.standings.get(move_id, "new")
        new = str(now[move_id]["standing"]) if move_id in now else "gone"
        if old != new:
            pairs.setdefault((old, new), []).append(now.get(move_id, {"seats": 0}))
    order = ["new", *map(str, Standing), "gone"]
    return [
        {"before": old, "now": new, "moves": len(own), "seats": seats(own)}
        for (old, new), own in sorted(
            pairs.items(), key=lambda one: (order.index(one[0][1]), order.index(one[0][0]))
        )
    ]


def _read(file: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return found if {"as_of", "plan", "service", "standings"} <= set(found) else None
    except (OSError, ValueError, TypeError):
        return None
