"""Many schedules: which seeds, counted together, and what to do with one that failed."""

from __future__ import annotations

import gc
import os
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from tests.proof.judging import FAILURES, FIGURES, Verdict
from tests.proof.simulation import RECIPE, Recipe, play

FAILED_ONCE = Path(__file__).with_name("seeds.txt")
SEED = "CSPKIT_PROOF_SEED"
_AT_ONCE = 50


@dataclass
class Tally:
    """What came of many schedules; `bad` holds the verdicts that must not be."""

    schedules: int = 0
    figures: Counter[str] = field(default_factory=Counter)
    bad: list[Verdict] = field(default_factory=list)

    def add(self, verdict: Verdict) -> None:
        """Count one schedule."""
        self.schedules += 1
        self.figures.update({name: getattr(verdict, name) for name in (*FIGURES, *FAILURES)})
        self.figures["bad"] += verdict.bad
        if verdict.bad:
            self.bad.append(verdict)

    def __str__(self) -> str:
        """Say what went wrong, and how to see it again."""
        lines = [f"{self.schedules} schedules: " + self.counts]
        for one in self.bad[:5]:
            lines += [f"seed {one.seed}: {one}"]
            lines += [f"  again: python -m tests.proof.simulation --seed {one.seed}"]
            lines += [f"  for good: add {one.seed} to {FAILED_ONCE.name}"]
        return "\n".join(lines)

    @property
    def counts(self) -> str:
        """Give the figures in one line."""
        return ", ".join(f"{self.figures[name]} {name}" for name in (*FAILURES, *FIGURES))


def fresh(count: int, *, odd: bool = False) -> list[int]:
    """Draw seeds that nobody drew before, even or odd, or take the one that the environment names.

    Two test files play one kind each, on two processors.
    """
    named = os.environ.get(SEED)
    if named:
        return [int(named)]
    first = secrets.randbelow(10**9) * 100_000
    return list(range(first + odd, first + 2 * count, 2))


def failed_once() -> list[int]:
    """List the seeds of every schedule that ever failed."""
    lines = FAILED_ONCE.read_text(encoding="utf-8").splitlines()
    return [int(line.split()[0]) for line in lines if line.strip() and line[0] != "#"]


def many(seeds: Iterable[int], recipe: Recipe = RECIPE, *, until: str = "") -> Tally:
    """Play one schedule after the other, until something of this kind is found."""
    tally = Tally()
    with _undisturbed():
        for seed in seeds:
            tally.add(play(seed, recipe))
            if until and tally.figures[until]:
                break
    return tally


def spread(
    seeds: list[int], jobs: int, *, minutes: float, say: Callable[[str], object] = print
) -> Tally:
    """Play schedules in several processes, until all are played or the time is up."""
    tally, ends = Tally(), time.monotonic() + 60 * minutes
    parts = [seeds[n : n + _AT_ONCE] for n in range(0, len(seeds), _AT_ONCE)]
    with get_context("spawn").Pool(jobs) as pool:
        for part in pool.imap_unordered(_part, parts):
            for verdict in part:
                tally.add(verdict)
            if tally.schedules % 500 == 0:
                say(f"{tally.schedules} schedules: {tally.counts}")
            if time.monotonic() > ends:
                break
    return tally


def _part(seeds: list[int]) -> list[Verdict]:
    with _undisturbed():
        return [play(seed) for seed in seeds]


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep the garbage collector from looking at all modules again and again."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
