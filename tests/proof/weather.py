"""What goes wrong with calls: the fault list of a storm, a third of all calls while it lasts."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
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


class Storm(Faults):
    """Faults drawn call by call while `blows`; `met` counts them by kind, `calls` all calls."""

    def __init__(self, rng: random.Random, blows: Callable[[], bool]) -> None:
        super().__init__()
        self._draw, self._blows = rng, blows
        self.calls = 0
        self.met: Counter[str] = Counter()

    def pick(self, method: str, path: str) -> Rule | None:
        """Draw what goes wrong with one call; None when all is well."""
        self.calls += 1
        if not self._blows() or self._draw.random() >= SHARE:
            return None
        kind, more = self._draw.choice(faults_of(method, path))
        self.met[kind] += 1
        return Rule(kind=kind, **more)
