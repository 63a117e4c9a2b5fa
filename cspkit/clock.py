"""What time it is, passed in to everything that decides."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Protocol


class Clock(Protocol):
    """Tell the time as an aware UTC instant."""

    def now(self) -> datetime:
        """Return the current instant, aware, UTC."""
        ...


class SystemClock:
    """The clock of this computer."""

    def now(self) -> datetime:
        """Return the current instant, aware, UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still until it is set; for tests and what-if questions."""

    def __init__(self, instant: datetime) -> None:
        self.set(instant)

    def set(self, instant: datetime) -> None:
        """Move the clock to an aware instant."""
        if instant.tzinfo is None:
            raise ValueError(f"the clock needs an instant with a time zone, got {instant!r}")
        self._now = instant.astimezone(UTC)

    def now(self) -> datetime:
        """Return the instant the clock was set to."""
        return self._now


def today(clock: Clock) -> date:
    """Return the clock's UTC day."""
    return clock.now().date()
