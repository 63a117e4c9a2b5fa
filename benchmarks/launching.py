"""Start one command and write what the operating system says it used, once all of it is gone.

A process of its own and small, because a process counts the memory of the one that forked it as
its own: a runner that holds a gigabyte would lend it to everything that it measures.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

ADOPT_ORPHANS = 36  # PR_SET_CHILD_SUBREAPER: a JVM or a kernel that outlives its parent counts too
LINGER = 10.0


def main(to: int, timeout: float, command: list[str]) -> None:
    """Run the command; tell exit code, seconds by the clock and of the processors, bytes."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(ADOPT_ORPHANS, 1, 0, 0, 0)
    began = time.perf_counter()
    process = subprocess.Popen(command)
    code: int | None = None
    with contextlib.suppress(subprocess.TimeoutExpired):
        code = process.wait(timeout)
    wall = time.perf_counter() - began
    bury(time.monotonic() + (LINGER if code is not None else 0))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    unit = 1 if sys.platform == "darwin" else 1024
    told = {"code": code, "wall": wall, "cpu": used.ru_utime + used.ru_stime}
    os.write(to, json.dumps({**told, "peak": used.ru_maxrss * unit}).encode())


def bury(limit: float) -> None:
    """Wait for every child that is left, and end those that outstay the limit."""
    with contextlib.suppress(ChildProcessError):
        while True:
            if not os.waitpid(-1, os.WNOHANG)[0]:
                if time.monotonic() > limit:
                    end_children()
                time.sleep(0.01)


def end_children() -> None:
    """Kill our children; theirs become ours, and are next."""
    listed = Path(f"/proc/self/task/{os.getpid()}/children")
    for pid in listed.read_text().split() if listed.exists() else []:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
