"""The operators: they carry out one step after the other, by the code of the runbooks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from cspkit.ledger import Ledger
from cspkit.moves import STEPS, Outcome, Work, opening
from cspkit.moves.retiring import Retire
from cspkit.moves.rows import Done, Subject
from cspkit.planning import Plan, PlannedMove
from cspkit.rehearsal import relations
from cspkit.rehearsal.gate import Gate
from cspkit.rehearsal.inprocess import InProcess
from cspkit.rehearsal.world import World
from cspkit.rehearsing.answering import Answers
from cspkit.settings import Settings
from cspkit.tables import Mode, MoveState
from cspkit.wire import FixedTokens, Limiter

APPROVERS = ("who rehearses", "who watches the rehearsal")
ORDERED = MoveState.ORDERED


def _stopped(done: Done) -> bool:
    """Say whether the run stopped before it came to a subject, which so is still to do."""
    return done.reason.startswith("the run stopped")


class WorldClock:
    """The clock of a world: read without a call, and what waits for it waits no real time."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        """Return the world's instant."""
        return self._world.now

    def seconds(self) -> float:
        """Count seconds as a monotonic clock does."""
        return self._world.now.timestamp()

    def pass_by(self, seconds: float) -> None:
        """Wait in the world: an operator who is told to come back in a minute does so."""
        self._world.move_to(self._world.now + timedelta(seconds=max(seconds, 0)))


class Office:
    """One desk for the whole of a rehearsal: plan, ledger and service stay open."""

    def __init__(self, plan: Plan, settings: Settings, gate: Gate) -> None:
        """Open the desk at the world behind a gate, with a ledger of its own."""
        self.plan = plan
        self.world = gate.world
        self.home = settings.root
        clock = WorldClock(self.world)
        self._desk = opening.open_desk(
            plan, Mode.REHEARSAL, settings, FixedTokens(), adapter=InProcess(gate)
        )
        for wire in self._desk.wires:
            wire.limiter = Limiter(clock=clock.seconds, sleep=clock.pass_by)
        self._desk.clock = self.ledger.clock = clock
        self._approved_at = self.world.now - timedelta(days=365)
        self._carried: set[str] = set()
        self.answers = Answers(self._desk, self.world)
        self.outcomes: dict[tuple[str, str], Done] = {}
        self.calls: dict[str, Counter[str]] = {}

    @property
    def ledger(self) -> Ledger:
        """The ledger of this rehearsal."""
        return self._desk.ledger

    def approve(self) -> None:
        """Have the plan approved again before the last approval runs out."""
        horizon = timedelta(days=self._desk.settings.policy.approval_horizon_days / 2)
        if self.world.now - self._approved_at >= horizon:
            made_by = self.plan.document.made_by
            for name in APPROVERS:
                self.ledger.approve(self.plan.hash, by=name, made_by=made_by)
            self._approved_at = self.world.now

    def run(self, step: str, subjects: Iterable[Subject]) -> tuple[set[str], set[str]]:
        """Carry out one step for these subjects.

        Returns those that are through with it, and those that stay where they are whatever is
        run: skipped for a reason that only people or a new plan remove, or waiting for a person.
        """
        listed = list(subjects)
        if not listed:
            return set(), set()
        desk = self._desk
        desk.forget()
        desk.run_id = self.ledger.begin_run(
            step, mode=desk.mode, plan_hash=self.plan.hash, due=desk.today
        )
        work, before = Work(desk, STEPS[step](desk), listed), self.world.books.calls.copy()
        work.carry_out()
        self.calls[step] = self.calls.get(step, Counter()) + (self.world.books.calls - before)
        self.ledger.end_run(desk.run_id, work.counts())
        through, stuck = set(), set()
        for one, done in work.results:
            self.outcomes[step, one.id] = done
            if step == "retire":
                # a scheduled end is looked at until it is seen, and nothing keeps it where it is
                through |= {one.id} if done.after == MoveState.CLOSED else set()
                continue
            # an ordered move goes on with its verification
            if done.outcome is Outcome.DONE or (step == "provision" and done.after == ORDERED):
                through.add(one.id)
            elif done.outcome in (Outcome.SKIPPED, Outcome.HUMAN) and not _stopped(done):
                stuck.add(one.id)
        return through, stuck

    def rests(self, move: PlannedMove) -> bool:
        """Say whether a look at the ends of a move can tell nothing new today."""
        return Retire(self._desk).rests(move)

    def carry_letters(self, outbox: Path) -> None:
        """Bring the invitations that were written since the last time to their customers."""
        for path in sorted(outbox.glob("*-invitation.eml")):
            if path.name not in self._carried:
                self._carried.add(path.name)
                customer = self.world.customers.get(path.name.removesuffix("-invitation.eml"))
                if customer is not None:
                    relations.deliver(self.world, customer)

    def close(self) -> None:
        """Close ledger and connections."""
        self._desk.close()
