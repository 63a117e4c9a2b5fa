"""Real `cspkit run`: one of its processes or all are killed at each call, then it is run again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from cspkit.rehearsal.server import Server
from cspkit.runbooks import settling
from tests.scene import Scene, sample

VICTIMS = ("launcher", "kernel", "server", "tree")
COMMAND = ("-m", "cspkit", "run", "provision", "--plan", "plan.json", "--batch", "B001")
SECONDS = 180.0
AGAIN = 4


@dataclass
class Struck:
    """What came of all strokes."""

    strokes: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.strokes} kills of real runs, {len(self.wrong)} wrong"


def calls_of_a_run() -> int:
    """Count the calls to the service that one quiet run of a move makes."""
    with Server(sample(), control=True) as server, _workspace(server) as scene:
        before = _calls(scene)
        _again(scene)
        return _calls(scene) - before


def strike(boundaries: Iterable[int], victims: Iterable[str] = VICTIMS) -> Struck:
    """Kill at each of these calls each of these victims, once."""
    found = Struck()
    for boundary in boundaries:
        for victim in victims:
            found.strokes += 1
            found.wrong += [f"{victim} at call {boundary}: {one}" for one in _one(boundary, victim)]
    return found


def _one(boundary: int, victim: str) -> list[str]:
    """Kill while the n-th call is on its way, run again, and judge by the books."""
    with Server(sample(), control=True) as server, _workspace(server) as scene:
        where = {"route": "/v1/*", "method": "*", "skip": boundary - 1, "seconds": 1.5}
        scene.server.gate.faults.add({"kind": "slow", **where})
        run = _start(scene)
        if not _until_struck(scene, run):
            return [f"the run ended before call {boundary}: {run.communicate()}"]
        _kill(run, victim)
        run.communicate(timeout=SECONDS)
        last = _again(scene)
        orders = len(scene.orders)
        with scene.ledger() as ledger:
            (state,) = ledger.moves()["state"]
            broken = ledger.verify() + [one for one in ledger.health().problems]
        good = orders == 1 and state == "provisioned" and not broken
        return [] if good else [f"{orders} orders, {state}, {broken}, {last}"]


def _workspace(server: Server) -> _Workspace:
    return _Workspace(server)


class _Workspace:
    """A plan of one move in a folder of its own."""

    def __init__(self, server: Server) -> None:
        self._server = server
        place = "/dev/shm" if Path("/dev/shm").is_dir() else None
        self._folder = tempfile.TemporaryDirectory(prefix="cspkit-", dir=place)

    def __enter__(self) -> Scene:
        scene = Scene(self._server, Path(self._folder.name))
        settling.keep(scene.settings, scene.settings.root)
        scene.plan(scene.ready(), seats=7)
        return scene

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()


def _start(scene: Scene) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *COMMAND, "--mode", "rehearsal"],
        cwd=scene.settings.root,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _until_struck(scene: Scene, run: subprocess.Popen[str]) -> bool:
    ends = time.monotonic() + SECONDS
    while not scene.server.gate.faults.log:
        if run.poll() is not None or time.monotonic() > ends:
            return False
        time.sleep(0.01)
    return True


def _kill(run: subprocess.Popen[str], victim: str) -> None:
    children = psutil.Process(run.pid).children(recursive=True)
    # What has the launcher for a parent forks the kernel.
    servers = [one.pid for one in children if one.ppid() == run.pid]
    kernels = [one.pid for one in children if one.ppid() in servers]
    named = {"launcher": [run.pid], "kernel": kernels, "server": servers}
    named["tree"] = [run.pid, *servers, *kernels]
    assert kernels, "no kernel runs"
    for pid in named[victim]:
        os.kill(pid, signal.SIGKILL)
    # a kernel whose launcher is gone ends by itself, and may make one more call before it does
    psutil.wait_procs([one for one in children if one.pid in kernels], timeout=SECONDS)


def _again(scene: Scene) -> str:
    """Run again as an operator does, until the move is through."""
    said = ""
    for _ in range(AGAIN):
        said = "".join(_start(scene).communicate(timeout=SECONDS))
        with scene.ledger() as ledger:
            if list(ledger.moves()["state"]) == ["provisioned"]:
                break
        scene.later(minutes=20)
    return said


def _calls(scene: Scene) -> int:
    return sum(n for route, n in scene.books["calls"].items() if " /v1/" in route)
