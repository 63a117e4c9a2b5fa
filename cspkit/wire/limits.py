"""How fast each tenant may be asked: one pace for all threads, and a pause when told to wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

LONGEST_WAIT = 90.0


@dataclass
class _Pace:
    next_at: float
    held_until: float = float("-inf")


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
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def wait(self, tenant: str, calls: int = 1) -> float:
        """Wait for the turn of one call, or of a batch; give 0, or the seconds of a longer hold.

        A hold that is longer than the longest wait is not slept through: nothing may be sent.
        """
        while True:
            with self._lock:
                now = self.clock()
                pace = self._paces.setdefault(tenant, _Pace(now))
                if pace.held_until - now > LONGEST_WAIT:
                    return pace.held_until - now
                turn = max(now, pace.next_at, pace.held_until)
                pace.next_at = self._after(pace, now, calls)
            if turn > now:
                self.sleep(turn - now)
            with self._lock:
                # somebody else may have been told to wait while this thread slept
                if pace.held_until <= turn:
                    return 0.0

    def hold(self, tenant: str, seconds: float) -> None:
        """Let all calls of a tenant wait, those of other threads too."""
        with self._lock:
            now = self.clock()
            pace = self._paces.setdefault(tenant, _Pace(now))
            pace.held_until = max(pace.held_until, now + seconds)

    def _after(self, pace: _Pace, now: float, calls: int) -> float:
        if not self.per_minute:
            return float("-inf")
        behind = max(pace.next_at, pace.held_until, now - 1.0)
        return behind + calls * 60 / self.per_minute
