"""Fork a worker from a warm process, kill it for real, look at the ledger, and again.

A process of its own without threads, which is asked by lines of JSON: a fork then costs little
and leaves nothing behind. The service is served by the process that asks.
"""

from __future__ import annotations

import gc
import json
import os
import random
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests
import sqlalchemy as sa

from cspkit import decisions
from cspkit.graph import Graph
from cspkit.ledger import Ledger, chain, new_holder, schema
from cspkit.moves import STEPS, Work
from cspkit.moves.desk import Desk
from cspkit.moves.rows import Subject
from cspkit.partner_center import PartnerCenter
from cspkit.planning import Plan
from cspkit.settings import Paths, Service, Settings
from cspkit.tables import Mode
from cspkit.wire import FixedTokens, ServiceClock, Wire, dial

OPEN = ("planned", "cart", "sent", "refused", "human", "ordered")
# the longest wait before a kill, as a part of what one move takes on this machine now
SHARE, SHORTEST, LONGEST = 0.8, 0.02, 0.2
EARLY = 0.1
LAST_LIVES = 60


@dataclass
class Round:
    """One town from its first life to its last."""

    settings: Settings
    rng: random.Random
    plan: Plan = field(init=False)
    kills: int = 0
    lives: int = 0
    damaged: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Read once what every life reads alike, and warm up what a fork inherits."""
        self.plan = Plan.read(self.settings.root / "plan.json")
        rows = decisions.read(self.settings.decisions).original_table.to_pylist()
        self.originals = {row["subscription_id"]: row for row in rows}
        customers = {one.customer_id: one for one in self.plan.customers}
        self.subjects = {
            move.move_id: Subject(move.move_id, customers[move.customer_id], move)
            for move in self.plan.document.moves
        }
        self.clock = ServiceClock(Wire(self.settings.service.partner_center, tokens=FixedTokens()))
        self.ledger = Ledger(self.settings.ledger_url, clock=self.clock)
        # statements are compiled once for all lives, by a life that nobody kills
        desk = self._desk(self.ledger)
        self._work(desk, "life-0", list(self.subjects)[:1])
        began = time.monotonic()
        self._work(desk, "life-0", list(self.subjects)[1:2])
        took = time.monotonic() - began
        self.longest = min(max(SHARE * took, SHORTEST), LONGEST)
        self._disconnect(desk)
        # a collector that touches every object makes each fork copy every page
        gc.collect()
        gc.freeze()

    def _disconnect(self, desk: Desk) -> None:
        """Close what is open: nothing of it may go over into a fork."""
        self.ledger._engine.dispose()
        for wire in desk.wires:
            wire.close()

    def carry(self, kills: int) -> dict[str, Any]:
        """Kill as often as asked, as long as there is anything to do; then let it be finished."""
        open_ones = list(self.subjects)
        while open_ones and self.kills < kills:
            self.rng.shuffle(open_ones)
            self._life(open_ones, mortal=True)
            open_ones = self._look()
        for _ in range(LAST_LIVES):
            if not open_ones:
                break
            self._pass_time(minutes=10)
            self._life(open_ones, mortal=False)
            open_ones = self._look()
        done = {"kills": self.kills, "lives": self.lives, "damaged": self.damaged}
        return done | {"left": len(open_ones)}

    def race(self) -> dict[str, Any]:
        """Let two processes begin each move at the same moment, one move after the other."""
        gates = [os.pipe() for _ in range(2)]
        backs = [os.pipe() for _ in range(2)]
        pids = [self._racer(n, gates[n][0], backs[n][1]) for n in range(2)]
        for _ in self.subjects:
            for _, gate in gates:
                os.write(gate, b".")
            for back, _ in backs:
                os.read(back, 1)
        codes = [os.WEXITSTATUS(os.waitpid(pid, 0)[1]) for pid in pids]
        for end in (*gates, *backs):
            os.close(end[0])
            os.close(end[1])
        self.damaged += [f"a racer ended with {code}" for code in codes if code]
        return self.carry(0) | {"lives": 2}

    def _racer(self, number: int, gate: int, back: int) -> int:
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            desk = self._desk(self.ledger)
            for name in self.subjects:
                os.read(gate, 1)
                self._work(desk, f"race-{number}-{name}", [name])
                os.write(back, b".")
            code = 0
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _life(self, open_ones: Sequence[str], *, mortal: bool) -> None:
        self.lives += 1
        early = mortal and self.rng.random() < EARLY
        ready, told = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(ready)
            self._live(open_ones, f"life-{self.lives}", 0 if early else told)
        os.close(told)
        if mortal:
            if not early:
                os.read(ready, 1)
            time.sleep(self.rng.uniform(0, self.longest))
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        os.close(ready)
        self.kills += os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        if not os.WIFSIGNALED(status) and os.WEXITSTATUS(status):
            self.damaged.append(f"life {self.lives} ended with {os.WEXITSTATUS(status)}")

    def _live(self, open_ones: Sequence[str], run_id: str, told: int) -> None:
        """Be a worker: open ledger and wires anew, provision, and leave without tidying up."""
        code = 1
        try:
            ledger = self.ledger if told else Ledger(self.settings.ledger_url)
            desk = self._desk(ledger)
            if told:
                os.write(told, b".")
            self._work(desk, run_id, open_ones)
            code = 0
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _work(self, desk: Desk, run_id: str, open_ones: Sequence[str]) -> None:
        desk.run_id = desk.ledger.begin_run(
            "provision", mode=desk.mode, plan_hash=self.plan.hash, run_id=run_id
        )
        Work(desk, STEPS["provision"](desk), [self.subjects[one] for one in open_ones]).carry_out()

    def _desk(self, ledger: Ledger) -> Desk:
        service = self.settings.service
        wires = tuple(dial(service, one, FixedTokens()) for one in ("partner_center", "graph"))
        desk = Desk(
            settings=self.settings,
            plan=self.plan,
            mode=Mode.REHEARSAL,
            clock=ServiceClock(wires[0]),
            partner_center=PartnerCenter(wires[0], service.partner_tenant),
            graph=Graph(wires[1], service.partner_tenant),
            holder=new_holder(),
            wires=wires,
        )
        desk.__dict__ |= {"said": {}, "originals": self.originals}
        desk.ledger, ledger.clock = ledger, desk.clock
        ledger.bind(service.id)
        return desk

    def _look(self) -> list[str]:
        """Check the database and the log of the life that ended; list what is still to do."""
        states = sa.select(schema.moves.c.move_id, schema.moves.c.state)
        with self.ledger._read() as connection:
            if connection.dialect.name == "sqlite":
                said = connection.exec_driver_sql("PRAGMA integrity_check").scalar_one()
                if said != "ok":
                    self.damaged.append(f"life {self.lives}: {said}")
            broken = chain.verify(connection, f"life-{self.lives}")
            self.damaged += [f"life {self.lives}: {one}" for one in broken]
            known = {row.move_id: row.state for row in connection.execute(states)}
        self.ledger._engine.dispose()
        if self.lives % 20 == 0:
            self._pass_time(minutes=1)
        return [one for one in sorted(self.subjects) if known.get(one, "planned") in OPEN]

    def _pass_time(self, minutes: int) -> None:
        later = self.clock.now() + timedelta(minutes=minutes)
        url = f"{self.settings.service.partner_center}/control/clock"
        requests.post(url, json={"now": later.isoformat()}, timeout=10)


def main() -> None:
    """Answer each line with what came of a round."""
    for line in sys.stdin:
        ask = json.loads(line)
        service = Service(
            partner_tenant=ask["tenant"],
            partner_center=ask["url"],
            graph=f"{ask['url']}/graph",
        )
        paths = Paths(ledger=ask["ledger"])
        settings = Settings(root=Path(ask["root"]), service=service, paths=paths)
        policy = settings.policy.model_copy(update={"max_failures": 1_000_000})
        settings = settings.model_copy(update={"policy": policy})
        made = Round(settings, random.Random(ask["seed"]))
        told = made.race() if ask["kills"] < 0 else made.carry(ask["kills"])
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
