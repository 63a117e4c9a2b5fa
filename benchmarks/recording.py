"""Keep what a run found: results.json as it comes, results.md for reading, rows for the README."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from benchmarks.results import Quote, Ratio, Table

HERE = Path(__file__).parent
BUSY_PERCENT = 15.0
PACKAGES = [
    "duckdb",
    "ibis-framework",
    "ortools",
    "pandas",
    "papermill",
    "polars",
    "psutil",
    "pyarrow",
    "pyspark",
    "requests",
]


@dataclass
class Part:
    """What one part found, when, and how busy the machine was with other work before it."""

    name: str
    machine: str = ""
    began: str = ""
    busy: float = 0.0
    load: float = 0.0
    seconds: float | None = None
    error: str = ""
    tables: list[Table] = field(default_factory=list)

    def quiet(self) -> bool:
        """Say whether its seconds are those of a machine without other work."""
        return self.busy <= BUSY_PERCENT

    def state(self) -> str:
        """Say how it ended."""
        if self.error:
            return f"**failed**: {self.error}"
        return "done" if self.seconds is not None else "**cut short**"

    @classmethod
    def now(cls, name: str) -> Part:
        """Begin a part: look for a second at what else keeps the machine busy."""
        busy = psutil.cpu_percent(interval=1.0)
        return cls(name, machine(), f"{datetime.now(UTC):%Y-%m-%d %H:%M}", busy, os.getloadavg()[0])


@dataclass
class Record:
    """All parts, in the order in which they ran."""

    parts: dict[str, Part] = field(default_factory=dict)

    def save(self, folder: Path = HERE) -> None:
        """Write results.json and results.md, each whole or not at all."""
        _write(folder / "results.json", json.dumps(_plain(self), indent=1, ensure_ascii=False))
        _write(folder / "results.md", "\n".join(_lines(self)))

    @classmethod
    def read(cls, folder: Path = HERE) -> Record:
        """Read back what was saved; nothing yet is a record without parts."""
        file = folder / "results.json"
        if not file.exists():
            return cls()
        held = json.loads(file.read_text(encoding="utf-8"))
        parts = {
            name: Part(**{**one, "tables": [_table(table) for table in one["tables"]]})
            for name, one in held["parts"].items()
        }
        return cls(parts)


def machine() -> str:
    """Name what decides over figures: cores, memory, system, versions."""
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            found.append(f"no {name}")
    gigabytes = psutil.virtual_memory().total / 1e9
    return (
        f"{os.cpu_count()} cores, {gigabytes:.0f} GB, {platform.system()} {platform.release()} "
        f"{platform.machine()}, Python {platform.python_version()}; {', '.join(found)}"
    )


def quoted(record: Record) -> list[str]:
    """Give the README's table and the bars that are missed; nothing that a busy machine blurs."""
    rows = ["| what | command | found |", "|---|---|---|"]
    for part in record.parts.values():
        for table in part.tables:
            for quote in table.quotes:
                found = quote.found if part.quiet() else "measured on a busy machine only"
                rows.append(f"| {quote.what} | `{table.command}` | {found} |")
    held = [ratio for part, ratio in _held(record) if part.quiet()]
    missed = [ratio.line() for ratio in held if not ratio.met()]
    told = f"Bars met: {len(held) - len(missed)} of {len(held)}."
    return [*rows, "", told if not missed else f"{told} Missed:", *(f"- {one}" for one in missed)]


def _held(record: Record) -> list[tuple[Part, Ratio]]:
    """List every ratio that is held to a bar, the missed ones first."""
    held = [
        (part, ratio)
        for part in record.parts.values()
        for table in part.tables
        for ratio in table.ratios
        if ratio.met() is not None
    ]
    return sorted(held, key=lambda one: bool(one[1].met()))


def _lines(record: Record) -> Iterator[str]:
    yield "# What was measured"
    yield ""
    yield (
        "Written by `make bench` (`python -m benchmarks`), not by hand. A ratio is the median of "
        "the ratios of each round; the contestants of a round take turns, another one first each "
        "time. Every run is a whole process unless its table says otherwise: seconds by the clock, "
        "seconds of the processors with all its children, peak of memory in MB (10^6 bytes)."
    )
    yield ""
    machines = list(dict.fromkeys(part.machine for part in record.parts.values()))
    yield from machines[:1]
    yield ""
    yield "| part | began (UTC) | minutes | other work before it | |"
    yield "|---|---|--:|--:|---|"
    for part in record.parts.values():
        took = "" if part.seconds is None else f"{part.seconds / 60:.1f}"
        other = f"{part.busy:.0f} %{'' if part.quiet() else ' **busy**'}, load {part.load:.1f}"
        yield f"| {part.name} | {part.began} | {took} | {other} | {part.state()} |"
    yield from _bars(record)
    for part in record.parts.values():
        yield f"\n## {part.name}\n"
        if part.machine != machines[0]:
            yield f"On another machine: {part.machine}\n"
        if not part.quiet():
            yield f"The machine was busy with other work ({part.busy:.0f} %): go by the ratios.\n"
        if part.error or part.seconds is None:
            yield f"{part.state()}\n"
        for table in part.tables:
            yield table.markdown()


def _bars(record: Record) -> Iterator[str]:
    held = _held(record)
    if held:
        yield "\n## Bars\n"
    yield from (f"- {part.name}: {ratio.line()}" for part, ratio in held)


def _plain(record: Record) -> dict[str, Any]:
    parts = {
        name: {**vars(part), "tables": [table.plain() for table in part.tables]}
        for name, part in record.parts.items()
    }
    return {"parts": parts}


def _table(held: dict[str, Any]) -> Table:
    ratios = [Ratio(**one) for one in held["ratios"]]
    quotes = [Quote(**one) for one in held["quotes"]]
    return Table(**{**held, "ratios": ratios, "quotes": quotes})


def _write(file: Path, text: str) -> None:
    beside = file.with_suffix(file.suffix + ".new")
    beside.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    beside.replace(file)
