"""What notebooks cost beyond their work: batches as runbooks, beside the same moves without any.

    python benchmarks/runbooks.py [--rounds N] [--small]

Each contestant is one process that provisions the same batches of 25 moves, in a workspace of its
own, at a rehearsal of its own in another process. It counts only if the rehearsal's books then
hold exactly one order for each move, and if there is one receipt for each batch.
"""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.measuring import Run, beside, interleaved, middle, run
from benchmarks.results import Quote, Ratio, Table, alone
from cspkit import runbooks
from cspkit.rehearsal import relations
from cspkit.rehearsal.server import Server
from cspkit.rehearsal.world import World
from cspkit.runbooks import settling
from tests.scene import Scene

COMMAND, SLOWLY = "python benchmarks/runbooks.py", "python benchmarks/latency.py"
MOVES, LATENCY = 25, 0.05
# Of every three customers of a drawn world more than one is ready to be moved.
CUSTOMERS_PER_MOVE = 3
ALONE, WARM, STOCK = "moves, no notebook", "cspkit run", "cspkit run --engine stock"
EACH = "cspkit run, a process each"
PAPERMILL, CLI = "papermill, in one process", "papermill, a process each"
PROMPT = {"order_listed": (0, 0), "order_completed": (0, 0), "seats_usable": (0, 0)}


def tables(rounds: int, small: bool) -> Iterator[Table]:
    """Measure what a notebook costs where nothing else takes time; see `latency` for the rest."""
    yield costs(rounds, 2 if small else 8, 2 if small else MOVES)


def costs(rounds: int, batches: int, moves: int) -> Table:
    """Let the service answer at once: what a batch takes more than its moves is the notebook."""
    names = (ALONE, WARM, STOCK, EACH, PAPERMILL, CLI)
    sizes = {one: batches for one in names} | {f"{one}, 1 batch": 1 for one in (ALONE, WARM)}
    found = interleaved(
        {one: contestant(one, size, moves, 0.0, 1) for one, size in sizes.items()}, rounds
    )
    rows: list[list[object]] = []
    for name, runs in found.items():
        base, size = (found[ALONE], batches) if name in names else (found[f"{ALONE}, 1 batch"], 1)
        more = [extra(runs, base, what, size) for what in ("wall", "cpu")]
        rows.append([name, *figures(runs), *more])
    seconds, later = (further(found, what, batches - 1) for what in ("wall", "cpu"))
    plain = [beside(found[WARM], found[one], "wall") for one in (PAPERMILL, CLI)]
    return Table(
        f"Notebooks of {moves} moves, a service that answers at once, {batches} batches",
        COMMAND,
        ["contestant", *HEADS, "more a batch, wall s", "more a batch, processor s"],
        rows,
        rounds,
        [
            Ratio("each further notebook beyond its work", seconds, 0.4, unit="s"),
            Ratio("the same in seconds of the processors", later, unit="s"),
            Ratio("beside papermill in one process", plain[0]),
            Ratio("beside a papermill process for each notebook", plain[1]),
        ],
        [
            "`more a batch` shares the start of a process among its batches; a further notebook is"
            " what the same process takes for all but one batch, less what their moves take alone."
        ],
        [
            Quote(
                f"a notebook of {moves} moves beyond its work",
                f"{seconds:.2f} s, {later:.2f} s CPU",
            )
        ],
    )


def far(rounds: int, batches: int, moves: int, workers: int) -> Table:
    """Let every call take 50 ms: the same moves, with and without notebooks."""
    names = (ALONE, WARM) if workers == 1 else (ALONE, WARM, STOCK)
    how = (batches, moves, LATENCY, workers)
    found = interleaved({one: contestant(one, *how) for one in names}, rounds)
    ratio = beside(found[WARM], found[ALONE], "wall")
    about = f"{batches} batches of {moves} moves at {LATENCY * 1000:.0f} ms"
    several = "one customer at a time" if workers == 1 else f"{workers} customers at a time"
    return Table(
        f"{about}, {several}",
        SLOWLY,
        ["contestant", *HEADS],
        [[name, *figures(runs)] for name, runs in found.items()],
        rounds,
        [
            Ratio(
                "cspkit run beside the same moves in one process",
                ratio,
                1.3 if workers == 1 else None,
            )
        ],
        quotes=[Quote(f"{about}, as notebooks, {several}", f"{ratio:.2f} × the moves alone")],
    )


HEADS = ["wall s", "processor s", "peak MB", "orders", "receipts"]


def figures(runs: list[Run]) -> list[object]:
    counted = [int(middle(runs, what)) for what in ("orders", "receipts")]
    return [*(middle(runs, what) for what in ("wall", "cpu", "peak")), *counted]


def extra(ours: list[Run], alone: list[Run], what: str, batches: int) -> float:
    """Give the median of what each round took longer than the moves alone, for one batch."""
    gaps = [
        (getattr(a, what) - getattr(b, what)) / batches for a, b in zip(ours, alone, strict=True)
    ]
    return sorted(gaps)[len(gaps) // 2]


def further(found: dict[str, list[Run]], what: str, batches: int) -> float:
    """Give the median of what a notebook costs beyond its work once the process has begun."""
    turns = zip(
        *(found[one] for one in (WARM, f"{WARM}, 1 batch", ALONE, f"{ALONE}, 1 batch")), strict=True
    )
    gaps = []
    for turn in turns:
        many, one, bare, bare_one = (float(getattr(each, what)) for each in turn)
        gaps.append(((many - one) - (bare - bare_one)) / batches)
    return sorted(gaps)[len(gaps) // 2]


def contestant(
    name: str, batches: int, moves: int, latency: float, workers: int
) -> Callable[[], Run]:
    """Make what stages the moves anew, lets one contestant do them, and looks into the books."""

    name = name.removesuffix(", 1 batch")

    def turn() -> Run:
        with staged(batches, moves, latency) as stage:
            done = run(command(name, batches, workers), cwd=stage.scene.settings.root)
            receipts = len(list(stage.scene.settings.reports.rglob("*.receipt.json")))
            orders = stage.ordered()
        wanted = batches if name in (WARM, STOCK, EACH) else 0
        assert receipts == wanted, f"{name}: {receipts} receipts instead of {wanted}"
        return replace(done, more={"orders": orders, "receipts": receipts})

    return turn


def command(name: str, batches: int, workers: int) -> list[str]:
    """Name the process of a contestant."""
    every = f"B001-{named(batches - 1)}"
    words = {WARM: ["--engine", "warm"], STOCK: ["--engine", "stock"]}
    if name in words:
        return [sys.executable, *cspkit(every, workers), *words[name]]
    script = ["-m", "benchmarks.runbooks", "--work", name, str(batches), str(workers)]
    return [sys.executable, *script]


def cspkit(batch: str, workers: int) -> list[str]:
    which = ["--plan", "plan.json", "--batch", batch, "--mode", "rehearsal"]
    return ["-m", "cspkit", "run", "provision", *which, "--parallel", str(workers)]


def work(name: str, batches: int, workers: int) -> None:
    """Do the batches in this process, or one process after the other."""
    for number in range(batches):
        WAYS[name](named(number), workers)


def by_moves(batch: str, workers: int) -> None:
    """Do what the notebook does, with its preview, by the same functions."""
    from cspkit import moves

    limits = moves.Limits(parallel=workers)
    which: dict[str, Any] = {"plan": "plan.json", "batch": batch, "mode": "rehearsal"}
    begun = moves.begin("provision", config=".", limits=limits, **which)
    begun.preview()
    begun.carry_out()
    begun.close()


def by_process(batch: str, workers: int) -> None:
    subprocess.run([sys.executable, *cspkit(batch, workers)], check=True)


def by_papermill(batch: str, workers: int) -> None:
    import papermill

    book, out = str(runbooks.find("50-provision")), f"{batch}.ipynb"
    papermill.execute_notebook(book, out, given(batch, workers), progress_bar=False)


def by_papermill_process(batch: str, workers: int) -> None:
    book, out = str(runbooks.find("50-provision")), f"{batch}.ipynb"
    words = [word for name, one in given(batch, workers).items() for word in ("-p", name, str(one))]
    command = [sys.executable, "-m", "papermill", book, out, "--no-progress-bar", *words]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def given(batch: str, workers: int) -> dict[str, Any]:
    which = {"plan": "plan.json", "batch": batch, "mode": "rehearsal", "config": "cspkit.toml"}
    return which | {"parallel": workers}


WAYS = {
    ALONE: by_moves,
    EACH: by_process,
    PAPERMILL: by_papermill,
    CLI: by_papermill_process,
}


@dataclass
class Stage:
    """A plan in a workspace, and the pipe to the process of its rehearsal."""

    scene: Scene
    books: Callable[[], dict[str, Any]]

    def ordered(self) -> int:
        """Count the orders; there is exactly one for each move, with its seats."""
        booked = [(one["customer_id"], one["quantity"]) for one in self.books()["orders"]]
        wanted = [(move.customer_id, move.seats) for move in self.scene.moves]
        assert sorted(booked) == sorted(wanted), "the books hold other orders than the plan"
        return len(booked)


@contextmanager
def staged(batches: int, moves: int, latency: float) -> Iterator[Stage]:
    """Serve a world and plan its first customers, in memory where there is such a place."""
    customers = max(batches * moves * CUSTOMERS_PER_MOVE, 60)
    start = multiprocessing.get_context("spawn")
    here, there = start.Pipe()
    process = start.Process(target=served, args=(there, customers, latency), daemon=True)
    process.start()
    place = "/dev/shm" if Path("/dev/shm").is_dir() else None

    def books() -> dict[str, Any]:
        here.send("books")
        found: dict[str, Any] = json.loads(here.recv())
        return found

    try:
        server: Any = Elsewhere(here.recv(), world(customers))
        with tempfile.TemporaryDirectory(prefix="cspkit-", dir=place) as root:
            scene = Scene(server, Path(root))
            plan(scene, batches, moves)
            settling.keep(scene.settings, scene.settings.root)
            yield Stage(scene, books)
    finally:
        here.send("stop")
        process.join()


@dataclass(frozen=True)
class Elsewhere:
    """A server in another process, and the world that it began with."""

    url: str
    world: World


def world(customers: int) -> World:
    """Draw the same world in both processes: nobody late, nothing slow but the way."""
    made = World.sample(customers=customers)
    for name, value in {**PROMPT, "never_accepts": 0.0, "slow_approvals": 0.0}.items():
        setattr(made.options, name, value)
    return made


def served(pipe: Connection, customers: int, latency: float) -> None:
    """Answer each call after a while, and tell the books when asked."""
    server = Server(world(customers), control=True)
    if latency:
        everything = {"kind": "slow", "route": "*", "method": "*", "times": None}
        server.gate.faults.add({**everything, "seconds": latency})
    with server:
        pipe.send(server.url)
        while pipe.recv() == "books":
            pipe.send(json.dumps(server.books(), default=str))


def plan(scene: Scene, batches: int, moves: int) -> None:
    """Plan one move for each of the first customers that are ready, so many in a batch."""
    ready = scene.customers(lambda one: one.related and relations.has_agreed(scene.world, one))
    assert len(ready) >= batches * moves, f"only {len(ready)} customers are ready"
    chosen = enumerate(ready[: batches * moves])
    scene.moves = [scene.move(one, batch=named(number // moves)) for number, one in chosen]
    scene.save()


def named(number: int) -> str:
    return f"B{number + 1:03}"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        alone(tables, 5, "what notebooks cost beyond their work")
