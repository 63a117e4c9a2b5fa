"""How long Python needs to import cspkit and to start its commands, beside what they stand on.

    python benchmarks/starting.py [--rounds N]

Each run is a process of its own; the first, unmeasured turn writes the compiled files. What a
start costs beyond Python itself is a ratio to an import of pandas and of papermill.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from benchmarks.measuring import Run, beside, interleaved, middle, run
from benchmarks.results import Quote, Ratio, Table, alone

CONTESTANTS = {
    "python -c pass": ["-c", "pass"],
    "import duckdb": ["-c", "import duckdb"],
    "import pandas": ["-c", "import pandas"],
    "import papermill": ["-c", "import papermill"],
    "import cspkit": ["-c", "import cspkit"],
    "import cspkit; cspkit.load": ["-c", "import cspkit; cspkit.load"],
    "cspkit --help": ["-m", "cspkit", "--help"],
    "cspkit rank --help": ["-m", "cspkit", "rank", "--help"],
    "cspkit run --help": ["-m", "cspkit", "run", "--help"],
}
COMMAND = "python benchmarks/starting.py"


def tables(rounds: int, small: bool) -> Iterator[Table]:
    """Start each once to warm up, then in turns; starts are short, so five rounds at least."""
    rounds = rounds if small else max(rounds, 5)
    if not small:
        interleaved({name: starter(name) for name in CONTESTANTS}, 1)
    found = interleaved({name: starter(name) for name in CONTESTANTS}, rounds)
    rows = [
        [name, *(middle(runs, what) for what in ("wall", "cpu", "peak"))]
        for name, runs in found.items()
    ]
    ratios = [
        Ratio(f"{ours} beside {theirs}", beside(found[ours], found[theirs], "wall"))
        for ours in ("import cspkit", "cspkit --help")
        for theirs in ("python -c pass", "import pandas", "import papermill")
    ]
    yield Table(
        "Import and start",
        COMMAND,
        ["what", "wall s", "processor s", "peak MB"],
        rows,
        rounds,
        ratios,
        quotes=[Quote("`import cspkit`; `cspkit --help`, each a fresh process", words(found))],
    )


def starter(name: str) -> Callable[[], Run]:
    return lambda: run([sys.executable, *CONTESTANTS[name]])


def words(found: dict[str, list[Run]]) -> str:
    each = [f"{middle(found[name], 'wall'):.2f} s" for name in ("import cspkit", "cspkit --help")]
    pandas, papermill = (
        beside(found["cspkit --help"], found[f"import {name}"], "wall")
        for name in ("pandas", "papermill")
    )
    return (
        f"{'; '.join(each)}: the start is {pandas:.2f} × an import of pandas, "
        f"{papermill:.2f} × one of papermill"
    )


if __name__ == "__main__":
    alone(tables, 5, "import and start")
