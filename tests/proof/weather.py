"""What goes wrong with calls: the fault list of a storm, a third of all calls while it lasts."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from cspkit.rehearsal.faults import Faults, Rule

SHARE = 0.35
Fault = tuple[str, dict[str, Any]]

_ANY: tuple[Fault, ...] = (
    ("reset", {}),
    ("lost", {}),
    ("hang", {"seconds": 100.0}),
    ("no_connection", {}),
    ("no_name", {}),
    ("no_tls", {}),
    ("throttle", {"retry_after": "57"}),
    ("throttle", {"retry_after": ""}),
    ("throttle", {"retry_after": "soon"}),
    ("throttle", {"retry_after": "86400"}),
    ("before", {"status": 500}),
    ("before", {"status": 503}),
    ("after", {"status": 500}),
    ("after", {"status": 504}),
    ("refuse", {"status": 401, "code": 800001}),
    ("half", {}),
    ("html", {}),
    ("broken", {}),
    ("type", {}),
)
WRITES: tuple[Fault, ...] = (
    *_ANY,
    ("twice", {}),
    ("late", {"seconds": 5.0}),
    ("late", {"seconds": 300.0}),
    ("late", {"seconds": 900.0}),
)
READS: tuple[Fault, ...] = (*_ANY, ("slow", {}), ("strange", {}), ("pascal", {}))
CHECKOUTS: tuple[Fault, ...] = (
    *WRITES,
    ("refuse", {"status": 409, "code": 800060}),
    ("refuse", {"status": 409, "code": 800064}),
    ("refuse", {"status": 404, "code": 400019}),
    ("rotated", {}),
)
LISTS: tuple[Fault, ...] = (
    *READS,
    ("loop", {}),
    ("no_next", {}),
    ("repeat", {}),
    ("foreign", {}),
    ("empty", {}),
    ("moved", {}),
)
SINGLE: tuple[Fault, ...] = (*READS, ("refuse", {"status": 404, "code": 20000}))
CHANGES: tuple[Fault, ...] = (*WRITES, ("changed", {}), ("accepted", {}))


def faults_of(method: str, path: str) -> tuple[Fault, ...]:
    """List all that can go wrong with a call."""
    if method == "PATCH":
        return CHANGES
    if path.endswith("/checkout"):
        return CHECKOUTS
    if method == "POST":
        return WRITES
    last = path.rstrip("/").rpartition("/")[2]
    if last in ("orders", "customers", "subscriptions", "subscribedskus", "users"):
        return LISTS
    return SINGLE if "/orders/" in path else READS


class Weather(Faults):
    """Faults by the call; `met` counts them by kind, `calls` all calls."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.met: Counter[str] = Counter()

    def pick(self, method: str, path: str) -> Rule | None:
        """Say what goes wrong with one call; None when all is well."""
        self.calls += 1
        fault = self.choose(method, path)
        if fault is None:
            return None
        kind, more = fault
        self.met[kind] += 1
        return Rule(kind=kind, **more)

    def choose(self, method: str, path: str) -> Fault | None:
        """Choose the fault of a call."""
        return None


class Storm(Weather):
    """Faults drawn call by call while `blows`."""

    def __init__(self, rng: random.Random, blows: Callable[[], bool]) -> None:
        super().__init__()
        self._draw, self._blows = rng, blows

    def choose(self, method: str, path: str) -> Fault | None:
        """Draw what goes wrong with one call."""
        if not self._blows() or self._draw.random() >= SHARE:
            return None
        return self._draw.choice(faults_of(method, path))


class Calm(Weather):
    """Nothing goes wrong; the calls are noted."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[tuple[str, str]] = []

    def choose(self, method: str, path: str) -> Fault | None:
        """Note a call."""
        self.noted.append((method, path))
        return None


class Once(Weather):
    """One fault at the n-th call; with `retry`, that call is lost and the next like it has it."""

    def __init__(self, number: int, fault: Fault, *, retry: bool) -> None:
        super().__init__()
        self._number, self._fault, self._retry = number, fault, retry
        self._waits_for: tuple[str, str] | None = None

    def choose(self, method: str, path: str) -> Fault | None:
        """Choose the fault where its turn has come."""
        if self._waits_for == (method, path):
            self._waits_for = None
            return self._fault
        if self.calls != self._number:
            return None
        if not self._retry:
            return self._fault
        self._waits_for = (method, path)
        return ("reset", {})


class Unseen(Weather):
    """A checkout whose answer never comes, and nothing to be seen of it until some time is over.

    From then on the weather is another one, which counts only the calls since.
    """

    def __init__(
        self, fault: str, now: Callable[[], datetime], wait: timedelta, then: Weather
    ) -> None:
        super().__init__()
        self._fault, self._now, self._wait, self._then = fault, now, wait, then
        self._until: datetime | None = None

    def choose(self, method: str, path: str) -> Fault | None:
        """Hide order and cart while the time runs."""
        if self._until is not None and self._now() >= self._until:
            self._then.calls += 1
            found = self._then.choose(method, path)
            self._then.met.update([found[0]] if found else [])
            return found
        if path.endswith("/checkout"):
            self._until = self._now() + self._wait
            return (self._fault, {})
        if path.endswith("/orders"):
            return ("moved", {})
        return ("html", {}) if "/carts/" in path else None
