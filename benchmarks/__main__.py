"""Everything that is measured, one command.

python -m benchmarks                    # all parts; writes benchmarks/results.md and .json
python -m benchmarks planning report    # these parts anew, the others stay as they were
python -m benchmarks --small            # tiny sizes, printed only: do the parts still run?
python -m benchmarks --list             # the parts, their rounds, their commands
python -m benchmarks quote [--write]    # the table "How fast" of the README from results.json
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from benchmarks.recording import HERE, Part, Record, quoted

README = HERE.parent / "README.md"
MARKS = ("<!-- python -m benchmarks quote --write -->", "<!-- how fast: end -->")


@dataclass(frozen=True)
class Measured:
    """A part: the module whose `tables(rounds, small)` measures it, and its rounds."""

    module: str
    rounds: int
    about: str


PARTS: dict[str, Measured] = {
    "starting": Measured("starting", 5, "import and --help beside what they stand on"),
    "load": Measured("load_exports", 5, "load and rank beside DuckDB, Polars and pandas"),
    "limited": Measured("limited", 1, "the same within 512 MB for DuckDB"),
    "planning": Measured("planning", 3, "plans beside those made by hand, and the bound"),
    "clients": Measured("clients", 3, "throughput against the throttle"),
    "calls": Measured("calls", 1, "calls per finished move"),
    "teams": Measured("teams", 1, "several runners on one plan and one PostgreSQL ledger"),
    "report": Measured("report", 5, "the report of 10,000 customers"),
    "runbooks": Measured("runbooks", 2, "notebooks beside the same moves without any"),
    "latency": Measured("latency", 1, "the same moves at 50 ms for each call"),
    "spark": Measured("spark", 1, "the same tables from Spark"),
    "growth": Measured("growth", 1, "time and memory against size"),
}


def measure(
    parts: Mapping[str, Measured],
    record: Record,
    *,
    rounds: int | None = None,
    small: bool = False,
    folder: Path | None = HERE,
) -> bool:
    """Run the parts in turn and keep each table at once; say whether none failed."""
    for name, chosen in parts.items():
        part = record.parts[name] = Part.now(name)
        print(f"{name}: {chosen.about}", file=sys.stderr, flush=True)
        began = time.perf_counter()
        try:
            keep(record, folder)
            script = import_module(f"benchmarks.{chosen.module}")
            for table in script.tables(rounds or (1 if small else chosen.rounds), small):
                part.tables.append(table)
                print(table.markdown(), flush=True)
                keep(record, folder)
            part.seconds = round(time.perf_counter() - began, 1)
        except (Exception, SystemExit) as problem:  # noqa: BLE001 the other parts go on
            part.error = _said(problem)
            print(f"{name} {part.state()}", file=sys.stderr, flush=True)
        keep(record, folder)
    return not any(record.parts[name].error for name in parts)


def keep(record: Record, folder: Path | None) -> None:
    """Save what there is, so that a run that is cut short leaves it."""
    if folder:
        record.save(folder)


def quote(write: bool) -> None:
    """Print the README's table, or put it into the README between its marks."""
    rows = "\n".join(quoted(Record.read()))
    print(rows)
    if write:
        before, rest = README.read_text(encoding="utf-8").split(MARKS[0])
        after = rest.split(MARKS[1])[1]
        between = f"\n\n{rows}\n\n"
        README.write_text(f"{before}{MARKS[0]}{between}{MARKS[1]}{after}", encoding="utf-8")


def main(given: Sequence[str] | None = None) -> int:
    """Read the command line; 1 when a part failed."""
    asked = argparse.ArgumentParser("python -m benchmarks", description=__doc__.splitlines()[0])
    asked.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; or quote")
    asked.add_argument("--rounds", type=int, help="instead of each part's own number")
    asked.add_argument("--small", action="store_true", help="tiny sizes, nothing written")
    asked.add_argument("--list", action="store_true", help="name the parts and end")
    asked.add_argument("--write", action="store_true", help="with quote: into the README")
    chosen = asked.parse_args(given)
    if chosen.parts == ["quote"]:
        quote(chosen.write)
        return 0
    if unknown := set(chosen.parts) - set(PARTS):
        asked.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    parts = {name: PARTS[name] for name in chosen.parts or PARTS}
    if chosen.list:
        for name, one in parts.items():
            print(f"{name}: {one.about}; rounds {one.rounds}; benchmarks/{one.module}.py")
        return 0
    record = Record.read() if chosen.parts and not chosen.small else Record()
    folder = None if chosen.small else HERE
    good = measure(parts, record, rounds=chosen.rounds, small=chosen.small, folder=folder)
    return 0 if good else 1


def _said(problem: BaseException) -> str:
    words = " ".join(str(problem).split())[:400]
    return f"{type(problem).__name__}: {words}".replace("|", "/")


if __name__ == "__main__":
    sys.exit(main())
