"""How fast each tenant may be asked: one pace for all threads, and a pause when told to wait."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from typing import Protocol

LONGEST_WAIT = 90.0
# What may be caught up with after a delay, in seconds; turns that are older are lost.
LATEST = 1.0


class Turns(Protocol):
    """Turns of calls: the first in so many seconds, the others `apart` each; or none."""

    @property
    def count(self) -> int:
        """How many there are; 0 where the first would come too late."""
        ...

    @property
    def begins_in(self) -> float:
        """Seconds until the first."""
        ...

    @property
    def apart(self) -> float:
        """Seconds between two."""
        ...


class Shared(Protocol):
    """A pace that several processes share, such as by the database of their ledger."""

    def take(self, wanted: int, per_minute: float, *, patience: float) -> Turns:
        """Take the next turns; none where the first would come after so many seconds."""
        ...

    def hold(self, seconds: float) -> None:
        """Let everybody wait."""
        ...


@dataclass
class _Pace:
    next_at: float
    held_until: float = float("-inf")


@dataclass
class _Supply:
    """Turns that were taken for this process, and how many it takes next."""

    source: Shared
    turns: deque[float] = field(default_factory=deque)
    size: int = 1
    wasted: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass
class Limiter:
    """The paces of all tenants of one service; None is no limit.

    A second's worth of calls may be caught up with after a delay, never more. `clock` and `sleep`
    are those of the machine unless a test or a rehearsal brings its own.
    """

    per_minute: float | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _paces: dict[str, _Pace] = field(default_factory=dict, repr=False)
    _supplies: dict[str, _Supply] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def share(self, tenant: str, source: Shared) -> None:
        """Take the turns of a tenant from where other processes take theirs, if it has a pace."""
        if self.per_minute:
            self._supplies[tenant] = _Supply(source)

    def wait(self, tenant: str, calls: int = 1) -> float:
        """Wait for the turn of one call, or of a batch; give 0, or the seconds of a longer hold.

        A hold that is longer than the longest wait is not slept through: nothing may be sent.
        Raises what a shared pace raises that cannot be asked.
        """
        supply = self._supplies.get(tenant)
        while True:
            with self._lock:
                now = self.clock()
                pace = self._paces.setdefault(tenant, _Pace(now))
                if pace.held_until - now > LONGEST_WAIT:
                    return pace.held_until - now
                turn = max(now, pace.next_at, pace.held_until)
                if supply is None:
                    pace.next_at = self._after(pace, now, calls)
            if supply is not None:
                turn, given = self._from(supply, pace, calls)
                if not given:
                    return turn - now
            if turn > now:
                self.sleep(max(turn - self.clock(), 0.0))
            with self._lock:
                # somebody else may have been told to wait while this thread slept
                if pace.held_until <= turn:
                    return 0.0

    def hold(self, tenant: str, seconds: float) -> None:
        """Let all calls of a tenant wait, those of other threads and of who shares its pace."""
        with self._lock:
            now = self.clock()
            pace = self._paces.setdefault(tenant, _Pace(now))
            pace.held_until = max(pace.held_until, now + seconds)
        if tenant in self._supplies:
            self._supplies[tenant].source.hold(seconds)

    def _after(self, pace: _Pace, now: float, calls: int) -> float:
        if not self.per_minute:
            return float("-inf")
        behind = max(pace.next_at, pace.held_until, now - LATEST)
        return behind + calls * 60 / self.per_minute

    def _from(self, supply: _Supply, pace: _Pace, calls: int) -> tuple[float, bool]:
        """Use up turns of the supply: the instant of the last; or that of the first, not given.

        As many are taken at a time as a second has, once those of the last time were all used.
        """
        assert self.per_minute
        with supply.lock:
            oldest = max(self.clock() - LATEST, pace.held_until)
            while supply.turns and supply.turns[0] < oldest:
                supply.turns.popleft()
                supply.wasted = True
            while len(supply.turns) < calls:
                most = max(ceil(self.per_minute / 60 * LATEST), 1)
                supply.size = 1 if supply.wasted else min(supply.size * 2, most)
                supply.wasted = False
                wanted = max(calls - len(supply.turns), supply.size)
                got = supply.source.take(wanted, self.per_minute, patience=LONGEST_WAIT)
                first = self.clock() + got.begins_in
                if not got.count:
                    return first, False
                supply.turns.extend(first + number * got.apart for number in range(got.count))
            return [supply.turns.popleft() for _ in range(calls)][-1], True
