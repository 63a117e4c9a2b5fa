"""Plan files in a folder: kept under a name of their own, listed, handed over to operators."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cspkit.errors import CspkitError
from cspkit.planning.caps import horizon
from cspkit.planning.result import Plan
from cspkit.policy import Policy

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ["file", "made_by", "start", "moves", "days", "no_day", "paid_twice", "hash", "problem"]
SHOWN = 3


def keep(plan: Plan, path: Path) -> Path:
    """Write a plan where no other plan stands, so that what was approved is never lost.

    Raises CspkitError for a name that is taken or no .json, or a folder that cannot be written.
    """
    if path.suffix != ".json":
        raise CspkitError(f"{path.name}: expected the name of a .json file, such as plan.json")
    if path.exists() and _hash(path) != plan.hash:
        free = next(name for name in _names(path) if not name.exists())
        raise CspkitError(f"{path.name} is there already and differs; choose another: {free.name}")
    return plan.save(path)


def _hash(path: Path) -> str:
    try:
        return Plan.read(path).hash
    except CspkitError:
        return ""


def _names(path: Path) -> Iterator[Path]:
    stem = path.stem.rstrip("0123456789").rstrip("-") or path.stem
    return (path.with_name(f"{stem}-{number}.json") for number in range(2, 10_000))


def saved(folder: Path) -> pd.DataFrame:
    """List the plan files of a folder, the newest first.

    Columns file, made_by, start, moves, days, no_day, paid_twice (what the overlap costs, per
    unit), hash, and problem for a file that is refused. Other .json files are left alone.
    """
    import pandas as pd

    files = [path for path in folder.glob("*.json") if path.is_file() and _looks_like_one(path)]
    files.sort(key=lambda path: (-path.stat().st_mtime_ns, path.name))
    return pd.DataFrame([_line(path) for path in files], columns=COLUMNS)


def _looks_like_one(path: Path) -> bool:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and {"moves", "batches", "hash"} <= content.keys()


def _line(path: Path) -> dict[str, Any]:
    try:
        plan = Plan.read(path)
    except CspkitError as error:
        return {"file": path.name, "problem": str(error)}
    document = plan.document
    costs = [f"{line.planned:,.2f} {line.unit}" for line in document.savings]
    return {
        "file": path.name,
        "made_by": document.made_by,
        "start": document.start,
        "moves": len(document.moves),
        "days": len(document.batches),
        "no_day": len(document.unplaced),
        "paid_twice": ", ".join(costs),
        "hash": plan.hash[:12],
        "problem": "",
    }


def latest(folder: Path, planned: Plan, out: str = "") -> tuple[Plan, str]:
    """Return the plan that is handed over, and its file.

    That is `planned` where it was written to `out`, else the newest plan file of the folder, else
    `planned` again, under the name that it would get.
    """
    files = saved(folder)
    good = files[files["problem"] == ""]["file"]
    if out or good.empty:
        return planned, out or "plan.json"
    return Plan.read(folder / good.iloc[0]), str(good.iloc[0])


def commands(plan: Plan, file: str) -> pd.DataFrame:
    """Write down what operators type for a plan file, until the first batches are verified.

    Columns day, who, what, type. Every run is dry until somebody adds a mode.
    """
    import pandas as pd

    document, name = plan.document, shlex.quote(file)
    policy = Policy.model_validate(document.policy)
    last = horizon(document.start, document.as_of, policy)
    rows = [(document.as_of, "not the author", "approve", f"cspkit approve {name} --by NAME")]
    invited = sorted({one.invite_on for one in plan.customers if one.invite_on is not None})
    rows += [
        (day, "operator", "invite", f"cspkit run invite --plan {name} --due {day}")
        for day in invited[:SHOWN]
    ]
    soon = [one for one in document.batches if one.date <= last]
    for batch in (soon or document.batches)[:SHOWN]:
        moves = plan.select(batch.batch)
        days = {
            "access": min(move.access_by for move in moves),
            "provision": batch.date,
            "verify": max(move.verify_by for move in moves),
        }
        rows += [
            (day, "operator", step, f"cspkit run {step} --plan {name} --batch {batch.batch}")
            for step, day in days.items()
        ]
    frame = pd.DataFrame(rows, columns=["day", "who", "what", "type"])
    return frame.sort_values("day", kind="stable", ignore_index=True)
