"""The long proof: `make proof`, or one part by name; what came of it is kept in result.md.

Each part is written down when it ends, so that a proof that was interrupted keeps what it has.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.postgres import serve
from tests.proof import exhaustive, kills, launchers, mutants, stage, tallying

HERE = Path(__file__).parent
RESULT, KEPT = HERE / "result.md", HERE / "result.json"
MOST_MINUTES = float(os.environ.get("CSPKIT_PROOF_MINUTES", "240"))
JOBS = int(os.environ.get("CSPKIT_PROOF_JOBS", "2"))
Told = tuple[str, bool]


def schedules(count: int) -> Told:
    """Play fresh schedules."""
    found = tallying.spread(tallying.fresh(count), jobs=JOBS, minutes=MOST_MINUTES)
    said = str(found)
    if found.schedules < count:
        said = f"time was up before {count} were played; {said}"
    return said, not found.bad


def wrong_recipes(count: int) -> Told:
    """Find every mutant."""
    lines, all_found = [], True
    for mutant in mutants.MUTANTS:
        tally = tallying.many(tallying.fresh(count), mutant.recipe, until=mutant.finds)
        found = tally.figures[mutant.finds] > 0
        all_found &= found
        said = f"found in schedule {tally.schedules}" if found else f"not found in {count}"
        lines.append(f"{mutant.name}: {said}")
    return "; ".join(lines), all_found


def points(_: int) -> Told:
    """Play every call with every fault, and a crash at every boundary."""
    lines, good = [], True
    for case in (stage.OTHER, stage.ENDED):
        for name, swept in (
            ("faults", exhaustive.sweep(case)),
            ("crashes", exhaustive.sweep_crashes(case)),
        ):
            good &= not swept.bad and swept.played == swept.points
            lines.append(
                f"{case.name}, {name}: {swept.calls} boundaries, {swept.played} points played,"
                f" {len(swept.bad)} wrong"
            )
    return "; ".join(lines), good


def kills_on_sqlite(count: int) -> Told:
    """Kill workers on a SQLite file with the product's settings."""
    found = kills.kill(count, lambda _: "sqlite:///ledger.db")
    return f"SQLite {sqlite3.sqlite_version}: {found}", not found.wrong and found.kills >= count


def kills_on_postgresql(count: int) -> Told:
    """Kill workers on a real PostgreSQL."""
    with serve() as server:
        version = server.sql("SHOW server_version").strip()
        found = kills.kill(count, lambda _: server.url(server.database()))
    return f"PostgreSQL {version}: {found}", not found.wrong and found.kills >= count


def races(count: int) -> Told:
    """Let two processes begin each move at the same moment."""
    found = kills.race(count, lambda _: "sqlite:///ledger.db")
    said = f"{found.moves} moves begun by two processes at once, {len(found.wrong)} wrong"
    return said, not found.wrong


def real_runs(_: int) -> Told:
    """Kill launcher, kernel, what forks it, and all at every call of a real run."""
    calls = launchers.calls_of_a_run()
    found = launchers.strike(range(1, calls + 1))
    return f"{calls} calls: {found}", not found.wrong


PARTS: dict[str, tuple[Callable[[int], Told], int]] = {
    "schedules": (schedules, 10_000),
    "mutants": (wrong_recipes, 1_000),
    "points": (points, 0),
    "kills-sqlite": (kills_on_sqlite, 10_000),
    "kills-postgresql": (kills_on_postgresql, 10_000),
    "races": (races, 200),
    "real-runs": (real_runs, 0),
}


def main() -> int:
    """Carry out the parts that were asked for, and write down what came of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof")
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; none: all of them")
    parser.add_argument("--count", type=int, help="in place of the usual number")
    asked = parser.parse_args()
    good = True
    for name in asked.parts or PARTS:
        play, usual = PARTS[name]
        began = time.monotonic()
        said, right = play(asked.count or usual)
        good &= right
        command = f"{name} --count {asked.count}" if asked.count else name
        _keep(name, command, said, right, time.monotonic() - began)
        print(f"{name}: {'' if right else 'WRONG: '}{said}", flush=True)
    return 0 if good else 1


def _keep(name: str, command: str, said: str, right: bool, seconds: float) -> None:
    kept = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else {}
    day = datetime.now(UTC).date().isoformat()
    kept[name] = {"command": command, "said": said, "right": right}
    kept[name] |= {"minutes": round(seconds / 60, 1), "on": day}
    KEPT.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    RESULT.write_text(_page(kept), encoding="utf-8")


def _page(kept: dict[str, Any]) -> str:
    machine = f"Python {platform.python_version()}, {platform.system()}, 2 processors shared"
    lines = ["# The proof", "", f"Written by `make proof`, or part by part. {machine}.", ""]
    lines += ["| command | result | minutes | on |", "|---|---|--:|---|"]
    for name in (one for one in PARTS if one in kept):
        told = kept[name]
        words = str(told["said"]).replace("\n", " ")
        words = words if told["right"] else f"**WRONG** {words}"
        row = (f"`python -m tests.proof {told['command']}`", words, told["minutes"], told["on"])
        lines.append("| " + " | ".join(str(one) for one in row) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
