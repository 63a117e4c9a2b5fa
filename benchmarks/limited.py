"""More subscriptions than memory: loaded and ranked with DuckDB limited, beside without a limit.

    python benchmarks/limited.py              # 5,000,000 subscriptions, 512 MB
    python benchmarks/limited.py --customers 100000 --memory 256MB

`cspkit load exports --out tables` and `cspkit rank tables`, processes of their own, in turn with
and without CSPKIT_MEMORY. Their tables and rankings are compared by hash; a difference ends it.
The limit is DuckDB's: the process also holds Python, what it hands to DuckDB, and the ranked
customers, whose reasons are written in Python.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.contestants.exports import make
from benchmarks.contestants.facts import AS_OF
from benchmarks.load_exports import fingerprint
from benchmarks.measuring import Run, RunFailed, beside, middle, run
from benchmarks.results import Quote, Ratio, Table

CUSTOMERS, MEMORY = 1_000_000, "512MB"
SMALL = (2_000, "256MB")
VERBS = {
    "load": ["load", "exports", "--out"],
    "rank": ["rank", "--as-of", f"{AS_OF}", "--out"],
}


def tables(rounds: int, small: bool) -> Iterator[Table]:
    """Measure the large size once for each round."""
    yield measured(*(SMALL if small else (CUSTOMERS, MEMORY)), rounds)


def measured(customers: int, memory: str, rounds: int) -> Table:
    """Load and rank with the limit and without, in turn, and compare what they wrote."""
    found: dict[tuple[str, str], list[Run]] = {}
    with tempfile.TemporaryDirectory(prefix="cspkit-") as name:
        folder = Path(name)
        make(folder, customers)
        for _round in range(rounds):
            written = {}
            for limit in ("", memory):
                for verb, done in walked(folder, f"tables{limit}", limit).items():
                    found.setdefault((verb, limit), []).append(done)
                written[limit] = fingerprint(folder / f"tables{limit}")
            if written[""] != written[memory]:
                raise RunFailed(f"with {memory} other rows: {written[memory]}, not {written['']}")
    return table(customers, memory, rounds, found)


def walked(folder: Path, out: str, limit: str) -> dict[str, Run]:
    """Load, then rank what was saved."""
    ranked = f"{out}/ranked.parquet"
    commands = {"load": [*VERBS["load"], out], "rank": [*VERBS["rank"], ranked, out]}
    done = {}
    for verb, command in commands.items():
        line = [sys.executable, "-m", "cspkit", *command]
        done[verb] = run(line, cwd=folder, env={"CSPKIT_MEMORY": limit})
        print(f"  {verb} {limit or 'without a limit'}: {done[verb].wall:.1f} s", file=sys.stderr)
    return done


def table(
    customers: int, memory: str, rounds: int, found: dict[tuple[str, str], list[Run]]
) -> Table:
    """Word what was found; that all of it finished with the same hash is the point."""
    rows = [
        [verb, limit or "none", *(middle(runs, it) for it in ("wall", "cpu", "peak"))]
        for (verb, limit), runs in found.items()
    ]
    ratios = [
        Ratio(f"{verb}: {what} beside no limit", beside(found[verb, memory], found[verb, ""], it))
        for verb in VERBS
        for it, what in (("wall", "time"), ("peak", "memory of the process"))
    ]
    size = f"{customers * 5:,} subscriptions"
    words = ", ".join(f"{verb} {middle(found[verb, memory], 'wall'):.0f} s" for verb in VERBS)
    return Table(
        f"Within {memory} for DuckDB: {size}",
        "python benchmarks/limited.py",
        ["what", "CSPKIT_MEMORY", "wall s", "processor s", "peak MB"],
        rows,
        rounds,
        ratios,
        ["Both wrote the same accepted rows, the same rejects and the same order, by hash."],
        [Quote(f"{size} with DuckDB limited to {memory}, spilling", f"{words}, the same rows")],
    )


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--customers", type=int, default=CUSTOMERS)
    asked.add_argument("--memory", default=MEMORY)
    asked.add_argument("--rounds", type=int, default=1)
    given = asked.parse_args()
    print(measured(given.customers, given.memory, given.rounds).markdown())
