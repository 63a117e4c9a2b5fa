"""What a part of the benchmarks found: tables with their ratios, and lines for the README.

A part is a module with `tables(rounds: int, small: bool) -> Iterator[Table]`; it yields each table
when it is measured, so that a run that is cut short keeps what it had.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Ratio:
    """A figure to go by, and the bar it is held to: at most that, or at least that."""

    what: str
    value: float
    at_most: float | None = None
    at_least: float | None = None
    unit: str = "×"

    def met(self) -> bool | None:
        """Say whether the bar is met; None where there is none."""
        if self.at_most is None and self.at_least is None:
            return None
        above = self.at_least is None or self.value >= self.at_least
        return above and (self.at_most is None or self.value <= self.at_most)

    def line(self) -> str:
        """Word it in one line."""
        bars = [("at most", self.at_most), ("at least", self.at_least)]
        bar = "".join(f", bar {side} {limit:g}" for side, limit in bars if limit is not None)
        told = {None: "", True: ": met", False: ": **missed**"}[self.met()]
        return f"{self.what}: {figure(self.value)} {self.unit}".rstrip() + bar + told


@dataclass(frozen=True)
class Quote:
    """A row of the README's table: what was measured, and what was found, in words."""

    what: str
    found: str


@dataclass(frozen=True)
class Table:
    """What was measured side by side: medians of so many rounds, ratios of each round."""

    title: str
    command: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    rounds: int
    ratios: Sequence[Ratio] = ()
    notes: Sequence[str] = ()
    quotes: Sequence[Quote] = ()

    def markdown(self) -> str:
        """Give the table under its title, ratios first."""
        return "\n".join(_lines(self)) + "\n"

    def plain(self) -> dict[str, Any]:
        """Give all of it as JSON has it; what is no number or truth there is its words."""
        known = str | int | float | None
        cells = [[one if isinstance(one, known) else str(one) for one in row] for row in self.rows]
        return {**asdict(self), "rows": cells}


def alone(tables: Callable[[int, bool], Iterator[Table]], rounds: int, about: str) -> None:
    """Be the command line of one part: print its tables, keep nothing."""
    asked = argparse.ArgumentParser(description=about)
    asked.add_argument("--rounds", type=int, help=f"{rounds} if not said")
    asked.add_argument("--small", action="store_true", help="tiny sizes: does it run?")
    given = asked.parse_args()
    for table in tables(given.rounds or (1 if given.small else rounds), given.small):
        print(table.markdown(), flush=True)


def figure(number: float) -> str:
    """Print three digits that matter, and no more decimals than that leaves."""
    size = abs(number)
    decimals = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 else 3
    return f"{number:,.{decimals}f}"


def cell(value: object) -> str:
    """Print a cell; numbers alike in all tables."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: ""}[value]
    if isinstance(value, int):
        return f"{value:,}"
    return figure(value) if isinstance(value, float) else str(value)


def _lines(table: Table) -> Iterator[str]:
    times = "one run" if table.rounds == 1 else f"medians of {table.rounds} interleaved runs"
    yield f"### {table.title}"
    yield ""
    yield f"`{table.command}`, {times}."
    yield ""
    if table.ratios:
        yield from (f"- {ratio.line()}" for ratio in table.ratios)
        yield ""
    numbers = [all(_number(row[i]) for row in table.rows) for i in range(len(table.columns))]
    yield f"| {' | '.join(table.columns)} |"
    yield f"|{'|'.join('--:' if number else '---' for number in numbers)}|"
    yield from (f"| {' | '.join(map(cell, row))} |" for row in table.rows)
    for note in table.notes:
        yield ""
        yield note


def _number(value: object) -> bool:
    return value is None or isinstance(value, int | float)
