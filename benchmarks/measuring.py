"""Whole processes, measured: seconds by the clock, seconds of the processors, peak of memory.

    run([sys.executable, "-m", "cspkit", "--help"]).wall
    runs = interleaved({"ours": lambda: run(...), "theirs": lambda: run(...)}, rounds=5)
    middle(runs["ours"], "cpu"), beside(runs["ours"], runs["theirs"], "cpu")

Peak of memory: for one process what the kernel counted, exactly; for a process with children the
sum of all that lived at once, shared pages counted once, looked at five times a second.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

LAUNCHER = Path(__file__).with_name("launching.py")
LOOK_EVERY = 0.2
MEGABYTE = 1e6


class RunFailed(RuntimeError):
    """A measured process ended badly; the message holds the end of what it said."""


@dataclass(frozen=True)
class Run:
    """One run: seconds, processor seconds and megabytes (10^6 bytes) of all its processes."""

    wall: float
    cpu: float
    peak: float
    out: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)

    def said(self) -> Any:
        """Read the last line that it printed, as JSON."""
        return json.loads(self.out.strip().splitlines()[-1])


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 1800,
    codes: Sequence[int] = (0,),
) -> Run:
    """Run a command to its end, with all its children, and measure it.

    `env` is added to ours. Raises RunFailed for an exit code that is not in `codes`, or late.
    """
    here, there = os.pipe()
    launcher = [sys.executable, "-I", "-S", LAUNCHER, str(there), str(timeout), *command]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, open(here) as told:
        process = subprocess.Popen(
            launcher,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            pass_fds=[there],
        )
        os.close(there)
        with watched(process.pid) as seen:
            process.wait()
        used = json.loads(told.read() or '{"code": "of its launcher"}')
        words, complaint = _text(out), _text(err)
    if used["code"] not in codes:
        raise RunFailed(_why(command, used["code"], complaint.strip() or words.strip()))
    peak = max(used["peak"], seen["peak"]) / MEGABYTE
    return Run(wall=used["wall"], cpu=used["cpu"], peak=peak, out=words)


def interleaved(contestants: Mapping[str, Callable[[], Run]], rounds: int) -> dict[str, list[Run]]:
    """Let the contestants take turns, another one first in each round; say each on stderr."""
    names = list(contestants)
    found: dict[str, list[Run]] = {name: [] for name in names}
    for number in range(rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            one = contestants[name]()
            found[name].append(one)
            print(
                f"  {number + 1}/{rounds} {name}: {one.wall:.2f} s, {one.cpu:.2f} s of the "
                f"processors, {one.peak:.0f} MB",
                file=sys.stderr,
                flush=True,
            )
    return found


def middle(runs: Sequence[Run], what: str) -> float:
    """Give the median of `wall`, `cpu`, `peak`, or of a name in `more`."""
    return statistics.median(_value(one, what) for one in runs)


def beside(ours: Sequence[Run], theirs: Sequence[Run], what: str) -> float:
    """Give the median of the ratios of each round, which a busy minute blurs less."""
    pairs = zip(ours, theirs, strict=False)
    return statistics.median(_value(a, what) / _value(b, what) for a, b in pairs)


def least(*several: Sequence[Run], what: str) -> list[Run]:
    """Give each round's best of several contestants, to be beside the faster of them."""
    return [min(turn, key=lambda one: _value(one, what)) for turn in zip(*several, strict=False)]


@contextlib.contextmanager
def timed() -> Iterator[dict[str, float]]:
    """Measure a part of this process: `wall`, `cpu`; at its end also `peak`, in MB since start."""
    found: dict[str, float] = {}
    began, busy = time.perf_counter(), time.process_time()
    yield found
    found["wall"] = time.perf_counter() - began
    found["cpu"] = time.process_time() - busy
    unit = 1 if sys.platform == "darwin" else 1024
    found["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MEGABYTE


@contextlib.contextmanager
def watched(pid: int) -> Iterator[dict[str, float]]:
    """Look at the memory of all processes below one, until the end of the block."""
    seen = {"peak": 0.0}
    over = threading.Event()

    def look() -> None:
        while not over.wait(LOOK_EVERY):
            seen["peak"] = max(seen["peak"], _held(_below(pid)))

    looker = threading.Thread(target=look, daemon=True)
    looker.start()
    try:
        yield seen
    finally:
        over.set()
        looker.join()


def _below(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).children(recursive=True)
    return []


def _held(processes: list[psutil.Process]) -> float:
    # one process alone is counted by the kernel, without looking
    if len(processes) < 2:
        return 0.0
    total = 0.0
    for one in processes:
        with contextlib.suppress(psutil.Error):
            memory = one.memory_full_info()
            total += getattr(memory, "pss", 0) or memory.rss
    return total


def _value(one: Run, what: str) -> float:
    return float(one.more[what] if what in one.more else getattr(one, what))


def _text(file: Any) -> str:
    file.seek(0)
    return str(file.read().decode(errors="replace"))


def _why(command: Sequence[str | Path], code: int | str | None, words: str) -> str:
    what = "ran too long" if code is None else f"ended with exit code {code}"
    return f"{' '.join(map(str, command))}: {what}\n{words[-2000:]}"
