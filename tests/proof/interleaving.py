"""Two workers in one process: real code, which stops at each boundary and goes on when told."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from greenlet import greenlet  # type: ignore[import-untyped]

from cspkit.rehearsal.world import World

# seconds that pass at a boundary: nearly none, some, more than a lease lasts
_PAUSES = ((0.0, 0.3), (0.3, 20.0), (20.0, 400.0))
_WEIGHTS = (0.84, 0.14, 0.02)
CRASHES = 0.03


@contextmanager
def _interrupts_as_before() -> Iterator[None]:
    """Hear Ctrl-C afterwards as before: each run puts back what it found, but not in their order.

    Real ones are processes, of which each has its own.
    """
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Crash(BaseException):
    """The process is gone: nothing of it runs any more, not even what tidies up."""


class Life:
    """One process of an operator, from its start to its end or its crash."""

    def __init__(self, operator: Operator, holder: str) -> None:
        self.operator, self.holder = operator, holder
        self.dead = False
        self.boundaries = 0

    def boundary(self, what: str, seconds: float | None = None, *, mortal: bool = True) -> None:
        """Let the other one go on, let time pass, or die."""
        if self.dead:
            raise Crash
        self.boundaries += 1
        if self.operator.troupe.reach(self.operator, what, seconds, mortal):
            self.dead = True
            raise Crash


class Operator:
    """One of those who work at the same time: a chain of lives in a greenlet of its own."""

    def __init__(self, name: str, troupe: Troupe, work: Callable[[Operator], None]) -> None:
        self.name, self.troupe = name, troupe
        self.wakes = troupe.world.now
        self.lives = 0
        self.through: set[tuple[str, str]] = set()
        self.life = Life(self, name)
        self._greenlet = greenlet(lambda: self._until_stopped(work))

    @property
    def gone(self) -> bool:
        """Say whether the work is over."""
        return bool(self._greenlet.dead)

    def born(self) -> Life:
        """Begin the next life: another process, on a computer whose dead nobody can see."""
        self.lives += 1
        self.life = Life(self, f"{self.name}@{self.name}-pc:{self.lives}:{self.lives:08}")
        return self.life

    def go_on(self) -> None:
        """Run until the next boundary."""
        self._greenlet.switch()

    def stop(self) -> None:
        """End what is not over yet, as a power cut would."""
        if not self.gone:
            self.life.dead = True
            self._greenlet.throw(Crash)

    def _until_stopped(self, work: Callable[[Operator], None]) -> None:
        with suppress(Crash):
            work(self)

    def rest(self, seconds: float) -> None:
        """Do nothing for a while, outside of any life."""
        self.wakes = self.troupe.world.now + timedelta(seconds=seconds)
        self.troupe.hand_over(self)


class Troupe:
    """Who goes on when: always the one whose time has come first, on one clock."""

    def __init__(
        self, world: World, rng: random.Random, *, storm_ends: datetime, ends: datetime
    ) -> None:
        self.world, self.rng = world, rng
        self.storm_ends, self.ends = storm_ends, ends
        self.operators: list[Operator] = []
        self.trace: list[str] = []
        self.crashes = 0
        self.chance = CRASHES
        # where lives end in a quiet play: at which boundary, and how many of them
        self.dies_at, self.dying_lives = 0, 0
        self._main = greenlet.getcurrent()

    @property
    def blows(self) -> bool:
        """Say whether anything goes wrong at this instant."""
        return self.world.now < self.storm_ends

    def play(self) -> None:
        """Let all go on until they are through, or time is up."""
        with _interrupts_as_before():
            while True:
                there = [one for one in self.operators if not one.gone and one.wakes <= self.ends]
                if not there:
                    break
                first = min(there, key=lambda one: one.wakes)
                if first.wakes > self.world.now:
                    self.world.move_to(first.wakes)
                first.go_on()
            for one in self.operators:
                one.stop()

    def reach(self, operator: Operator, what: str, seconds: float | None, mortal: bool) -> bool:
        """Let time pass for one operator at a boundary; say whether it dies there."""
        self.trace.append(f"{operator.name} {what}")
        drawn = mortal and self.blows and self.rng.random() < self.chance
        if drawn or self._doomed(operator):
            self.crashes += 1
            self.trace.append(f"{operator.name} crashes")
            return True
        if seconds is None:
            seconds = self._pause()
        operator.wakes = self.world.now + timedelta(seconds=seconds)
        self.hand_over(operator)
        return False

    def _doomed(self, operator: Operator) -> bool:
        early = operator.lives <= self.dying_lives
        return early and operator.life.boundaries == self.dies_at

    def hand_over(self, operator: Operator) -> None:
        """Go on with whoever is first by now, which may be the same one."""
        others = [one for one in self.operators if one is not operator and not one.gone]
        if operator.wakes <= self.ends and all(operator.wakes < one.wakes for one in others):
            self.world.move_to(max(self.world.now, operator.wakes))
            return
        self._main.switch()

    def _pause(self) -> float:
        if not self.blows:
            return 0.0
        least, most = self.rng.choices(_PAUSES, _WEIGHTS)[0]
        return self.rng.uniform(least, most)
