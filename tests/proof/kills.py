"""Real kills of worker processes at random instants, on both databases: one order each."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cspkit.ledger import Ledger
from cspkit.rehearsal.records import PARTNER_TENANT
from cspkit.rehearsal.server import Server
from tests.proof.town import Town

KILLS = 2_000
SIZE = 250
ROUNDS = 400
RACE = -1


@dataclass
class Killed:
    """What came of all rounds on one database."""

    kills: int = 0
    lives: int = 0
    moves: int = 0
    rounds: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Say it in one line."""
        return (
            f"{self.kills} kills in {self.lives} lives, {self.moves} moves in {self.rounds} towns,"
            f" {len(self.wrong)} wrong"
        )


class Executioner:
    """The process that forks and kills workers; asked for one round at a time."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, town: Town, server: Server, ledger_url: str, kills: int) -> dict[str, object]:
        """Have workers killed until all moves of a town are through."""
        seed = secrets.randbelow(10**9)
        ask = {"root": str(town.root), "url": server.url, "ledger": ledger_url, "kills": kills}
        ask |= {"tenant": PARTNER_TENANT, "seed": seed}
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(ask) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the executioner died"
        told: dict[str, object] = json.loads(answer)
        return told


@contextmanager
def executioner() -> Iterator[Executioner]:
    """Start the process that kills, and end it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.proof.executioner"],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Executioner(process)
    finally:
        process.communicate()


def kill(wanted: int, new_ledger: Callable[[Path], str], *, size: int = SIZE) -> Killed:
    """Kill workers in one town after the other, each with a ledger of its own."""
    found = Killed()
    with executioner() as asked:
        while found.kills < wanted and found.rounds < ROUNDS and not found.wrong:
            _round(found, asked, new_ledger, wanted - found.kills, size)
    return found


def race(moves: int, new_ledger: Callable[[Path], str]) -> Killed:
    """Let two processes begin each move of a town at the same moment."""
    found = Killed()
    with executioner() as asked:
        _round(found, asked, new_ledger, RACE, moves)
    return found


def _round(
    found: Killed, asked: Executioner, new_ledger: Callable[[Path], str], left: int, size: int
) -> None:
    place = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="cspkit-kills-", dir=place) as folder:
        town = Town(Path(folder), size, seed=found.rounds, order_listed=(0, 3), replay_hours=0)
        with Server(town.world, control=True) as server:
            url = new_ledger(town.root)
            settings = town.open(server.url, url)
            told = asked.ask(town, server, url, left)
            with Ledger(settings.ledger_url) as ledger:
                found.wrong += town.wrong(ledger)
        found.kills += int(str(told["kills"]))
        found.lives += int(str(told["lives"]))
        found.wrong += [str(one) for one in told["damaged"]]  # type: ignore[attr-defined]
        found.moves += size
        found.rounds += 1


def checked(found: Killed, kills: int) -> None:
    """Print the figures and refuse a single move that is not as it must be."""
    print(found)
    assert not found.wrong, f"{found}: {found.wrong[:5]}"
    assert found.kills >= kills
