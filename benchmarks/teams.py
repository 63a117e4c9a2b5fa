"""Several runners on one plan and one PostgreSQL ledger: how much faster, and within the quota?

    python benchmarks/teams.py [--rounds N] [--small]

The runners are processes of `cspkit run` that all get the same batch. The rehearsal answers in
another process 50 ms late, as a service far away does; with a quota it counts each minute that
slides by and answers 429 to what is too much. All runners begin together: the first call of each
waits for those of the others, so that the start of Python and of kernels is not in the figures.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.results import Quote, Ratio, Table, alone
from cspkit import workspace
from cspkit.ledger import Ledger, server
from cspkit.rehearsal import relations
from cspkit.rehearsal.gate import Gate
from cspkit.rehearsal.server import Server
from cspkit.settings import Paths, Service
from tests.postgres import Postgres, serve
from tests.scene import Scene, sample

COMMAND = "python benchmarks/teams.py"
LATENCY = 0.05
QUOTA, SHARE = 500.0, 0.96
RUNNERS = (1, 2, 4)
MOVES, FEW, QUICK = 120, 100, 12
FIRST = "/v1/customers/relationshiprequests"
RETRY_AFTER = "10"
PATIENCE = 900


@dataclass
class Front:
    """What stands before the rehearsal: a way of 50 ms, a quota, and books of both.

    `calls` holds the instant of each call that the quota is about, `refused` of those over it.
    """

    gate: Gate
    runners: int
    quota: float | None
    calls: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    orders: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Let nobody begin before all are there."""
        self._window: deque[float] = deque()
        self._own, self._all_here = threading.Lock(), threading.Barrier(self.runners)

    @property
    def lock(self) -> Any:
        """The rehearsal's own."""
        return self.gate.lock

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Pass a call on after its way, or refuse it."""
        path = str(environ["PATH_INFO"]).lower()
        if path.startswith("/control"):
            return self.gate(environ, start)
        if path == FIRST:
            self._all_here.wait(PATIENCE)
        time.sleep(LATENCY)
        if path.startswith("/v1/") and not self._within():
            start("429 Too Many Requests", [("Retry-After", RETRY_AFTER)])
            return [b"{}"]
        answer = self.gate(environ, start)
        if path.endswith("/checkout"):
            self.orders.append(time.monotonic())
        return answer

    def _within(self) -> bool:
        with self._own:
            now = time.monotonic()
            while self._window and self._window[0] <= now - 60:
                self._window.popleft()
            if self.quota is not None and len(self._window) >= self.quota:
                self.refused.append(now)
                return False
            self._window.append(now)
            self.calls.append(now)
            return True


@dataclass(frozen=True)
class Run:
    """What so many runners made of a plan, by the books."""

    seconds: float
    orders: int
    wrong: int
    left: int
    throttled: int
    late: int
    used: float
    locked: float


def tables(rounds: int, small: bool) -> Iterator[Table]:
    """Measure without a limit, runners by turns; then once with one."""
    with serve() as postgres:
        moves = QUICK if small else MOVES
        counts = RUNNERS[:2] if small else RUNNERS
        free: dict[int, list[Run]] = {one: [] for one in counts}
        for _ in range(rounds):
            for one in counts:
                free[one].append(measured(postgres, one, moves))
        yield unlimited(free, moves)
        moves, quota = (QUICK, 600.0) if small else (FEW, QUOTA)
        yield limited({one: measured(postgres, one, moves, quota) for one in counts}, moves, quota)


def unlimited(found: dict[int, list[Run]], moves: int) -> Table:
    """Word what more runners bring where only the way to the service costs time."""
    seconds = {one: statistics.median(run.seconds for run in runs) for one, runs in found.items()}
    rows = [
        [
            one,
            moves / seconds[one],
            seconds[1] / seconds[one],
            statistics.median(run.locked for run in runs) * 100,
            sum(run.wrong for run in runs),
            sum(run.left for run in runs),
        ]
        for one, runs in found.items()
    ]
    most = max(found)
    gained = {one: seconds[1] / seconds[one] for one in found}
    return Table(
        f"{moves} orders by runners on one batch, {LATENCY * 1000:.0f} ms a call, no limit",
        COMMAND,
        ["runners", "orders a second", "× one", "waiting for a lock %", "wrong", "left"],
        rows,
        len(found[most]),
        [
            Ratio(f"{one} runners beside one", gained[one], at_least=0.7 * one)
            for one in found
            if one > 1
        ],
        [
            "wrong: orders twice or beside the plan; left: moves without an order. Both by the "
            "rehearsal's books. Runners, rehearsal and PostgreSQL share the cores of this machine."
        ],
        [
            Quote(
                f"{moves} orders of one batch, 1, 2 and 4 runners on a PostgreSQL ledger",
                ", ".join(f"{gained[one]:.1f} ×" for one in found) + "; no order twice",
            )
        ],
    )


def limited(found: dict[int, Run], moves: int, quota: float) -> Table:
    """Word how near all runners together come to a quota, and whether they keep it."""
    rows = [
        [one, run.used * 100, run.seconds, run.throttled, run.late, run.wrong, run.left]
        for one, run in found.items()
    ]
    most = max(found)
    return Table(
        f"{moves} orders within {quota:g} calls a minute, paced at {quota * SHARE:g}",
        COMMAND,
        ["runners", "of the pace %", "seconds", "429s", "after a minute", "wrong", "left"],
        rows,
        1,
        [
            Ratio(
                "429s after the first minute", sum(run.late for run in found.values()), 0, unit=""
            ),
            Ratio(
                f"share of the pace that {most} runners reach",
                found[most].used * 100,
                at_least=90,
                unit="%",
            ),
        ],
        quotes=[
            Quote(
                f"the same within {quota:g} calls a minute, one pace for all",
                f"{sum(run.throttled for run in found.values())} calls throttled",
            )
        ],
    )


def measured(postgres: Postgres, runners: int, moves: int, quota: float | None = None) -> Run:
    """Let so many runners carry out one batch, in a workspace and a ledger of their own."""
    with tempfile.TemporaryDirectory(prefix="cspkit-teams-", dir=_quick()) as folder:
        rehearsal = Server(sample_of(moves), control=True)
        front = Front(rehearsal.gate, runners, quota)
        rehearsal.gate = front  # type: ignore[assignment]
        with rehearsal:
            url = postgres.url(postgres.database())
            scene, file = workplace(rehearsal, Path(folder), url, quota)
            planned = ready(scene)[:moves]
            assert len(planned) == moves, f"{len(planned)} customers are ready, not {moves}"
            scene.plan(*planned)
            with watched(url, runners) as locked:
                ended = together([_command(scene, file) for _ in range(runners)])
        return judged(scene, front, ended, quota, locked())


def sample_of(moves: int) -> Any:
    """A world with as many customers as it takes, whose services are prompt."""
    made = sample()
    grown = type(made).sample(customers=moves * 6 + 40)
    grown.options = made.options
    return grown


def ready(scene: Scene) -> list[Any]:
    """The customers that may be ordered for at once."""
    return scene.customers(lambda one: one.related and relations.has_agreed(scene.world, one))


def workplace(rehearsal: Server, root: Path, url: str, quota: float | None) -> tuple[Scene, Path]:
    """Make a workspace whose ledger is on the server, with a pace where there is a quota."""
    scene = Scene(rehearsal, root)
    service = Service(partner_center=rehearsal.url, graph=f"{rehearsal.url}/graph")
    workspace.init(root, service)
    file = root / "cspkit.toml"
    text = file.read_text("utf-8").replace("sqlite:///ledger/cspkit.db", url)
    if quota is not None:
        pace = f"calls_per_minute = {quota * SHARE}\n\n[paths]"
        text = text.replace("[paths]", pace, 1)
    file.write_text(text, "utf-8")
    scene.settings = scene.settings.model_copy(update={"paths": Paths(ledger=url)})
    return scene, file


def together(commands: list[list[str]]) -> list[str]:
    """Run all at the same time, each a process of its own; give what each said."""
    environment = os.environ | {"CSPKIT_STATE": tempfile.gettempdir()}
    pipe = subprocess.PIPE
    running = [
        subprocess.Popen(one, env=environment, text=True, stdout=pipe, stderr=pipe)
        for one in commands
    ]
    said = []
    for one in running:
        out, err = one.communicate(timeout=PATIENCE)
        assert one.returncode in (0, 1), err
        said.append(out)
    return said


@contextmanager
def watched(url: str, runners: int) -> Iterator[Callable[[], float]]:
    """Look often how many of the runners wait for another one's lock; give their mean share."""
    over, seen = threading.Event(), [0, 0]
    engine = server.engine(sa.make_url(url), read_only=True)
    waiting = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")

    def look() -> None:
        with engine.connect() as connection:
            while not over.wait(0.02):
                seen[0] += 1
                seen[1] += connection.execute(waiting).scalar_one()

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield lambda: seen[1] / max(seen[0], 1) / runners
    finally:
        over.set()
        watcher.join()
        engine.dispose()


def judged(scene: Scene, front: Front, said: list[str], quota: float | None, locked: float) -> Run:
    """Judge by the books: each move ordered once, and nothing beside."""
    wanted = {(one.customer_id, one.target_offer, one.seats) for one in scene.moves}
    placed = [
        (one["customer_id"], one["offer"], one["quantity"]) for one in scene.world.books.orders
    ]
    first, last = front.calls[0], front.orders[-1]
    busy = [one for one in front.calls if first <= one <= last]
    pace = quota * SHARE / 60 if quota else 0.0
    for text in said:
        assert not json.loads(text)["counts"].get("failed"), text
    with Ledger(scene.settings.ledger_url) as ledger:
        assert ledger.verify() == [], "the log of a run is not whole"
    return Run(
        seconds=last - first,
        orders=len(placed),
        wrong=len(placed) - len(set(placed) & wanted),
        left=len(wanted - set(placed)),
        throttled=len(front.refused),
        late=sum(one > first + 60 for one in front.refused),
        used=len(busy) / max((last - first) * pace, 1) if pace else 0.0,
        locked=locked,
    )


def _command(scene: Scene, file: Path) -> list[str]:
    which = ["--plan", str(scene.plan_file), "--batch", "B001", "--mode", "rehearsal"]
    which += ["--config", str(file), "--json"]
    return [sys.executable, "-m", "cspkit", "run", "provision", *which]


def _quick() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


if __name__ == "__main__":
    alone(tables, 3, str(__doc__).splitlines()[0])
