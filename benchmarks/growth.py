"""How time and memory grow with the customers: load, rank, plan and report, one after the other.

    python benchmarks/growth.py [--rounds N] [--small]

Real commands in processes of their own, on exports with five subscriptions for each customer, one
in 200 odd. The fixed part is what the command takes for ten customers. The slope is that of a line
through the logarithms of time and size: 1 is linear, n log n shows as 1.1 between a thousand and a
million. A command whose next size would take longer than its limit, judged by the last, ends there.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.contestants.exports import make
from benchmarks.measuring import RunFailed, middle, run
from benchmarks.results import Quote, Ratio, Table, alone, cell
from cspkit.cli.exporting import MOST_ROWS

AS_OF = "2026-11-20"
FIXED = 10
SIZES = (1_000, 10_000, 100_000, 1_000_000)
SMALL = (100, 300)
ORIGINALS = 5
# What grows as n log n comes to 1.1; the rest is what three or four points cannot tell apart.
LINEAR = 1.15
WORKING_DAYS, ONCE_ABOVE = 250, 10_000
COMMAND = "python benchmarks/growth.py"
POLICY, WORKSPACE = "--config policy.toml", "load in a workspace"
VERBS = {
    "load": "load exports --out tables",
    "rank": f"rank tables --as-of {AS_OF} --out ranked.parquet",
    "plan": f"plan tables --as-of {AS_OF} --start 2026-11-23 --out plan.json {POLICY}",
    "report": f"report --plan plan.json --exports tables --as-of {AS_OF} --out report",
    WORKSPACE: f"load exports --out tables {POLICY}",
}
NEEDS = {"rank": ("load",), "plan": ("load",), "report": ("load", "plan")}
NOTE = (
    "The fixed part is what ten customers take: Python, imports, expressions. A slope is fitted to "
    "the logarithms of processor time and size; 1 is linear, n log n comes to 1.1. A load in a "
    "workspace also writes decisions.xlsx."
)
ONCE = f"More than {ONCE_ABOVE:,} customers: one run."
# Processor seconds that one run may be expected to take.
LIMIT = {"load": 150.0, "rank": 150.0, "plan": 100.0, "report": 100.0, WORKSPACE: 60.0}


@dataclass(frozen=True)
class Point:
    """One verb at one size: medians of its runs."""

    customers: int
    wall: float
    cpu: float
    peak: float


@dataclass
class Course:
    """One verb through the sizes, and why it did not come to the last."""

    verb: str
    points: list[Point] = field(default_factory=list)
    ended: str = ""
    failed: bool = False

    def forecast(self, customers: int) -> float:
        """Give the processor seconds to expect, if what is not fixed grows as the size does."""
        if not self.points:
            return 0.0
        fixed, last = self.points[0], self.points[-1]
        return fixed.cpu + (last.cpu - fixed.cpu) * customers / last.customers

    def slopes(self) -> tuple[float | None, float | None]:
        """Fit processor time against size: all of it, and what is beyond the fixed part."""
        fixed, *grown = self.points
        whole = [(one.customers, one.cpu) for one in grown]
        # of less than a fifth of the fixed part nobody can tell how it grows
        beyond = [(size, cpu - fixed.cpu) for size, cpu in whole if cpu > 1.2 * fixed.cpu]
        return slope(whole), slope(beyond)


def slope(points: Sequence[tuple[float, float]]) -> float | None:
    """Fit a line to the logarithms; nothing with fewer than two points."""
    if len(points) < 2:
        return None
    sizes, values = np.log(np.array(points)).T
    return float(np.polyfit(sizes, values, 1)[0])


def tables(rounds: int, small: bool) -> Iterator[Table]:
    """Go through the sizes, the verbs in turn; a size that would take too long is left out."""
    courses = [Course(verb) for verb in VERBS]
    for customers in (FIXED, *(SMALL if small else SIZES)):
        with tempfile.TemporaryDirectory(prefix="cspkit-") as folder:
            prepare(Path(folder), customers)
            for course in courses:
                advance(course, courses, Path(folder), customers, rounds)
    yield summary(courses, rounds)
    yield details(courses, rounds)
    if failed := [course.ended for course in courses if course.failed]:
        raise RunFailed("; ".join(failed))


def prepare(root: Path, customers: int) -> None:
    """Make exports, and a team that has the time for twice as many moves as there may be."""
    make(root, customers)
    moves = max(25, customers * ORIGINALS * 2 // WORKING_DAYS)
    (root / "policy.toml").write_text(f"[policy]\nmoves_per_day = {moves}\n", encoding="utf-8")


def advance(
    course: Course, courses: Sequence[Course], root: Path, customers: int, rounds: int
) -> None:
    """Run one verb at the next size, unless it is expected to take too long."""
    needed = next(
        (one.ended for one in courses if one.ended and one.verb in NEEDS.get(course.verb, ())), ""
    )
    expected = course.forecast(customers)
    limit = LIMIT[course.verb]
    if course.verb == WORKSPACE and customers * ORIGINALS > MOST_ROWS:
        course.ended = f"With more than {MOST_ROWS:,} rows a load leaves decisions.xlsx as it was"
    elif not course.ended and expected > limit:
        course.ended = (
            f"`{course.verb}` of {customers:,} customers was not run: {expected:,.0f} s of "
            f"computing were to be expected, {limit:.0f} are the limit"
        )
    course.ended = course.ended or needed
    if not course.ended:
        command = [sys.executable, "-m", "cspkit", *VERBS[course.verb].split()]
        try:
            runs = [run(command, cwd=root) for _ in range(1 if customers > ONCE_ABOVE else rounds)]
        except RunFailed as problem:
            course.ended, course.failed = (
                f"`{course.verb}` of {customers:,} customers: {problem}",
                True,
            )
            return
        course.points.append(
            Point(customers, *(middle(runs, it) for it in ("wall", "cpu", "peak")))
        )
        print(f"  {course.verb} {course.points[-1]}", file=sys.stderr, flush=True)


def summary(courses: Sequence[Course], rounds: int) -> Table:
    """Word the slopes."""
    rows, ratios = [], []
    for course in filter(lambda one: one.points, courses):
        whole, beyond = course.slopes()
        last = course.points[-1]
        rows.append([course.verb, last.customers, course.points[0].cpu, whole, beyond])
        if beyond is not None:
            what = f"{course.verb}: slope beyond the fixed part"
            ratios.append(Ratio(what, beyond, at_most=LINEAR, unit=""))
    found = "; ".join(
        f"{row[0]} to {cell(row[1])}: {'not told' if row[4] is None else cell(row[4])}"
        for row in rows
    )
    columns = ["verb", "up to customers", "fixed processor s", "slope", "slope beyond that"]
    return Table(
        "How processor time grows with the customers",
        COMMAND,
        columns,
        rows,
        rounds,
        ratios,
        [NOTE, *(f"{one.ended}." for one in courses if one.ended and one.points)],
        [Quote("slope of processor time against size from 1,000 customers on, 1 is linear", found)],
    )


def details(courses: Sequence[Course], rounds: int) -> Table:
    """Lay out every point."""
    rows = []
    for course in filter(lambda one: one.points, courses):
        fixed = course.points[0].cpu
        for one in course.points:
            each = (one.cpu - fixed) / (one.customers * ORIGINALS) * 1e6
            beyond = each if one.customers > FIXED else None
            rows.append([course.verb, one.customers, one.wall, one.cpu, beyond, one.peak])
    columns = ["verb", "customers", "wall s", "processor s", "µs an original beyond the fixed part"]
    return Table("Every size", COMMAND, [*columns, "peak MB"], rows, rounds, notes=[ONCE])


if __name__ == "__main__":
    alone(tables, 3, "growth")
