"""One seeded schedule: two operators, one customer, a storm; judged by the rehearsal's books.

`python -m tests.proof.simulation --seed 17` plays exactly one and prints what happened.
"""

from __future__ import annotations

import argparse
import copy
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import Any

import requests
import sqlalchemy as sa

from cspkit.errors import CspkitError
from cspkit.graph import Graph
from cspkit.ledger import Ledger
from cspkit.moves import STEPS, Work
from cspkit.moves.desk import Desk
from cspkit.moves.rows import Done, Outcome, Subject
from cspkit.moves.work import Step
from cspkit.partner_center import PartnerCenter
from cspkit.planning import Plan, PlannedMove
from cspkit.rehearsal.inprocess import URL, InProcess
from cspkit.rehearsal.world import World
from cspkit.tables import Mode, MoveState
from cspkit.wire import FixedTokens, Limiter, Wire
from tests.proof.interleaving import Crash, Life, Operator, Troupe
from tests.proof.judging import Verdict, judge
from tests.proof.stage import CASES, CUSTOMER, ENDS_ON, START, Case, Door, original_id, stage_of
from tests.proof.weather import Storm, Weather

STORM = (timedelta(minutes=20), timedelta(minutes=75))
LIMIT, LONG_LIMIT = timedelta(hours=24), timedelta(days=14)
REST = (600.0, 2400.0)
AGAIN = 0.1
AFTER_THE_END = datetime.combine(ENDS_ON + timedelta(days=1), time(9), UTC)


class Staged(Ledger):
    """The product's ledger, with a boundary before and after each of its transactions."""

    life: Life | None = None

    def live(self, life: Life, clock: WorldClock) -> Staged:
        """Give the same ledger to one life, as a process opens it."""
        mine = copy.copy(self)
        mine.life, mine.clock, mine._wall = life, clock, clock
        return mine

    @contextmanager
    def _write(self, *, anyway: bool = False) -> Iterator[sa.Connection]:
        with self._bounded("writes"), super()._write(anyway=anyway) as connection:
            yield connection

    @contextmanager
    def _read(self) -> Iterator[sa.Connection]:
        if self.life is not None:
            self.life.boundary("reads", mortal=False)
        with super()._read() as connection:
            yield connection

    @contextmanager
    def _bounded(self, what: str) -> Iterator[None]:
        if self.life is None:
            yield
            return
        self.life.boundary(f"before it {what}")
        yield
        self.life.boundary(f"after it {what}")


class WorldClock:
    """The time of the world, which all operators share."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        return self._world.now

    def seconds(self) -> float:
        return self._world.now.timestamp()


class Line(InProcess):
    """The line of one life to the service, with a boundary before and after each call."""

    def __init__(self, gate: Door, life: Life, watch: Callable[[], None]) -> None:
        super().__init__(gate)
        self._life, self._watch = life, watch

    def send(self, request: requests.PreparedRequest, *rest: Any, **more: Any) -> Any:
        what = f"{request.method} {request.path_url}"
        self._life.boundary(f"before {what}")
        try:
            return super().send(request, *rest, **more)
        finally:
            self._watch()
            self._life.boundary(f"after {what}")


@dataclass(frozen=True)
class Recipe:
    """The parts that every schedule uses; a mutant brings another one of some."""

    name: str = "the recipe"
    ledger: type[Staged] = Staged
    desk: type[Desk] = Desk
    partner_center: type[PartnerCenter] = PartnerCenter
    steps: dict[str, Callable[..., Step]] = field(default_factory=lambda: dict(STEPS))
    policy: dict[str, Any] = field(default_factory=dict)
    cases: tuple[Case, ...] = CASES
    options: dict[str, Any] = field(default_factory=dict)
    content: Callable[[Plan, PlannedMove], PlannedMove] = lambda plan, move: move


RECIPE = Recipe()


class Schedule:
    """One schedule, from its seed to its verdict."""

    def __init__(self, seed: int, recipe: Recipe = RECIPE) -> None:
        self.seed, self.recipe = seed, recipe
        self.rng = random.Random(f"schedule {seed}")
        self.stage = stage_of(self.rng.choice(recipe.cases))
        # what the documents leave open: a second checkout, and how long a request id is known
        second, hours = self.rng.choice(("same", "800065")), self.rng.choice((24, 0))
        open_ones = {"second_checkout": second, "replay_hours": hours}
        self.world = self.stage.world(seed, **open_ones | recipe.options)
        self.clock = WorldClock(self.world)
        ends = START + self.rng.uniform(0, 1) * (STORM[1] - STORM[0]) + STORM[0]
        limit = LIMIT if self.stage.case.final != "closed" else LONG_LIMIT
        self.troupe = Troupe(self.world, self.rng, storm_ends=ends, ends=ends + limit)
        self.storm: Weather = Storm(self.rng, lambda: self.troupe.blows)
        self.lengths: list[int] = []
        self.ended: dict[str, datetime] = {}
        self.names: tuple[str, ...] = ("ana", "berta")
        self.door = _door()
        self.ledger = _ledger(recipe.ledger)
        self.replans = self.rng.random() < 0.3

    def play(self) -> Verdict:
        """Play it to its end, let the originals end too, and judge."""
        self.door.open(self.world, self.storm)
        self.stage.reset(self.ledger)
        for name in self.names:
            self.troupe.operators.append(Operator(name, self.troupe, self._work))
        self.troupe.play()
        self.world.move_to(max(self.world.now, START + timedelta(days=60)))
        return judge(self)

    def pass_once(self, name: str) -> None:
        """Let one operator run the road once, and nothing else."""

        def work(operator: Operator) -> None:
            self._pass(operator, operator.born())

        self.troupe.operators = [Operator(name, self.troupe, work)]
        self.troupe.play()

    @property
    def operator_boundaries(self) -> int:
        """Count the boundaries of the longest life."""
        return max(self.lengths)

    def _work(self, operator: Operator) -> None:
        """Run the road again and again, as operators do, until there is nothing more to do."""
        while True:
            life = operator.born()
            try:
                through = self._pass(operator, life)
                self.lengths.append(life.boundaries)
                if through or self._waits_for_people:
                    return
            except Crash:
                if self.world.now >= self.troupe.ends:
                    return
                operator.rest(self.rng.uniform(1, 600))
            except CspkitError as error:
                self.troupe.trace.append(f"{operator.name} stops: {error}")
                operator.rest(self.rng.uniform(*REST))
            else:
                operator.rest(self._until_the_next(operator))

    def _until_the_next(self, operator: Operator) -> float:
        """Say how long an operator rests: until the term ends, when only that is waited for."""
        moves, last = self.stage.moves, self.stage.case.road[-1]
        left = {move.move_id for move in moves if (last, move.move_id) not in operator.through}
        waits = [name for name in left if self.ledger_says(name) == "end_scheduled"]
        if left and len(waits) == len(left) and self.world.now < AFTER_THE_END:
            return (AFTER_THE_END - self.world.now).total_seconds()
        return self.rng.uniform(*REST)

    @property
    def _waits_for_people(self) -> bool:
        """Say whether every move is with a person: nobody is here, so nothing comes of it."""
        rows = (self.ledger.move(move.move_id) for move in self.stage.moves)
        return all(row is not None and row.state == "human" for row in rows)

    def ledger_says(self, name: str) -> str:
        """Give the state of the end of a move's original."""
        number = next(n for n, move in enumerate(self.stage.moves) if move.move_id == name)
        end = self.ledger.end(CUSTOMER, original_id(number))
        return "" if end is None else str(end.state)

    def _pass(self, operator: Operator, life: Life) -> bool:
        """Run what is due, as one process; say whether the operator has seen all of it through."""
        desk = self._desk(operator, life)
        desk.run_id = f"run-{life.holder}"
        again = self.rng.random() < AGAIN
        subjects = self._subjects(desk.plan)
        for step in self.stage.case.road:
            todo = [one for one in subjects if again or self._is_due(operator, step, one)]
            if todo:
                desk.forget()
                work = Work(desk, self.recipe.steps[step](desk), todo)
                work.carry_out()
                done = {(step, one.id) for one, done in work.results if _passed(step, done)}
                operator.through |= done
        every = {(step, one.id) for step in self.stage.case.road for one in subjects}
        return every <= operator.through

    def _is_due(self, operator: Operator, step: str, one: Subject) -> bool:
        """Say whether a step is next for a move, as far as this operator has seen."""
        number = self.stage.case.road.index(step)
        before = self.stage.case.road[number - 1] if number else ""
        seen = operator.through
        return (step, one.id) not in seen and (not before or (before, one.id) in seen)

    def _subjects(self, plan: Plan) -> list[Subject]:
        (customer,) = plan.customers
        moves = [self.recipe.content(plan, move) for move in plan.document.moves]
        return [Subject(move.move_id, customer, move) for move in moves]

    def _desk(self, operator: Operator, life: Life) -> Desk:
        """Open a desk as `moves.opening` does, with the parts of the stage."""
        stage = self.stage
        policy = stage.settings.policy.model_copy(update=self.recipe.policy)
        settings = stage.settings.model_copy(update={"policy": policy})
        wires = tuple(self._wire(life, base) for base in (URL, f"{URL}/graph"))
        tenant = settings.service.partner_tenant
        later = self.replans and (operator.name == "berta" or operator.lives > 2)
        desk = self.recipe.desk(
            settings=settings,
            plan=stage.newer if later else stage.plan,
            mode=Mode.REHEARSAL,
            clock=self.clock,
            partner_center=self.recipe.partner_center(wires[0], tenant),
            graph=Graph(wires[1], tenant),
            holder=life.holder,
            wires=wires,
        )
        desk.ledger = self.ledger.live(life, self.clock)
        # what people decided is read from its file once for all schedules
        desk.__dict__ |= {"said": {}, "originals": stage.originals}
        return desk

    def _watch(self) -> None:
        """Note when the end of an original is scheduled in the world, whoever did it."""
        for key, one in self.world.subscriptions[CUSTOMER].items():
            if one.scheduled and key not in self.ended:
                self.ended[key] = self.world.now

    def _wire(self, life: Life, base: str) -> Wire:
        return Wire(
            base,
            tokens=FixedTokens(),
            limiter=Limiter(
                clock=self.clock.seconds, sleep=lambda wait: life.boundary("waits", wait)
            ),
            chance=self.rng.random,
            adapter=Line(self.door, life, self._watch),
        )


def _passed(step: str, done: Done) -> bool:
    """Say whether a move is through with a step; an ordered one goes on with its verification.

    One whose original is going to end is looked at again when it has.
    """
    if step == "provision" and done.after == MoveState.ORDERED:
        return True
    if step == "retire":
        return done.after == MoveState.CLOSED
    return done.outcome is Outcome.DONE


def play(seed: int, recipe: Recipe = RECIPE) -> Verdict:
    """Play the schedule of a seed."""
    return Schedule(seed, recipe).play()


@cache
def _door() -> Door:
    return Door(World(now=START))


_ledgers: dict[type[Staged], Staged] = {}


def _ledger(kind: type[Staged]) -> Staged:
    """Keep one ledger of a kind: to make its tables takes longer than a schedule."""
    if kind not in _ledgers:
        _ledgers[kind] = kind("sqlite://")
    return _ledgers[kind]


def main() -> int:
    """Play the schedule of one seed from the command line, and print all that happened."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof.simulation")
    parser.add_argument("--seed", type=int, required=True)
    schedule = Schedule(parser.parse_args().seed)
    verdict = schedule.play()
    print(*schedule.troupe.trace, schedule.stage.case, verdict, sep="\n")
    return int(verdict.bad)


if __name__ == "__main__":
    sys.exit(main())
